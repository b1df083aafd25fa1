"""What the railway's operator says about wrong settings, before anything runs: each mistake gives one message."""

from pathlib import Path

import pytest

from federates.boundary.config import parse_config, read_yaml
from federates.boundary.errors import ConfigError
from federates.boundary.world import parse_session
from federates.transport_operator.models.time_space_network.operator import TimeSpaceNetworkOperator
from federates.worlds.road.session import RoadSession

SCENARIOS = Path(__file__).parents[2] / "scenarios"
SESSION = {
    "schema_version": 1,
    "world": "rail",
    "name": "three",
    "periods": 6,
    "rail_stations": ["north", "south", "west"],
    "trains": [{"name": "k1", "home": "north"}, {"name": "k2", "home": "south"}],
    "trip_periods": [[0, 1, 2], [1, 0, 2], [2, 2, 0]],
}


def problems(session=None, **settings):
    shared = parse_session(SESSION | (session or {}), "scenario.yaml")
    own = parse_config({"cost_usd_per_period": 10} | settings, TimeSpaceNetworkOperator.Settings, "config.yaml")
    return [str(problem) for problem in TimeSpaceNetworkOperator.check(own, Path(), shared)]


def track(origin="north", destination="south", from_period=0, to_period=1):
    return {"origin": origin, "destination": destination, "from_period": from_period, "to_period": to_period}


@pytest.mark.parametrize("case", ["ieee30", "ieee118"])
def test_shipped_settings_are_clean(case):
    shared = parse_session(read_yaml(SCENARIOS / case / "scenario.yaml"), "scenario.yaml")
    raw = read_yaml(SCENARIOS / case / "transport_operator" / "config.yaml")["settings"]
    settings = parse_config(raw, TimeSpaceNetworkOperator.Settings, "config.yaml")
    assert TimeSpaceNetworkOperator.check(settings, Path(), shared) == []


def test_everything_that_may_be_said_is_accepted():
    assert not problems(
        cost_usd_per_period=[[0, 10, 12.5], [10, 0, 8], [12, 8, 0]],
        cost_usd_per_trip=3,
        trip_periods=[[0, 2, 2], [1, 0, 3], [2, 2, 0]],
        trains={"k2": {"start": "west", "end": "north", "cost_factor": 1.5}},
        closed_tracks=[track(), track("south", "west", 5, 5)],
        slots={"north": 2, "south": [1, 1, 0, 1, 1, 2]},
        lateness={"listed": [{"train": "k1", "period": 3, "by_periods": 2}], "probability": 0.1, "most_periods": 3},
    )


def test_trains_that_everybody_takes_for_alike_have_one_cost():
    twins = [{"name": "k1", "home": "north"}, {"name": "k2", "home": "north"}]
    (problem,) = problems({"trains": twins}, trains={"k2": {"cost_factor": 1.5}})
    assert problem == (
        "config.yaml: settings.trains.k2.cost_factor = 1.5: must be that of k1, 1: both are of kind train and at home in north,"
        " so everybody takes them for interchangeable; else give k2 a kind of its own in scenario.yaml"
    )
    assert not problems({"trains": [twins[0], twins[1] | {"kind": "dear"}]}, trains={"k2": {"cost_factor": 1.5}})
    assert not problems({"trains": twins}, trains={"k2": {"end": "west"}}), "where a train ends is announced"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"trip_periods": 1},
            "settings.trip_periods[north][west] = 1: must not be shorter than the session's public minimum, 2 ",
        ),
        (
            {"trip_periods": 7},
            "settings.trip_periods[north][south] = 7: must not be longer than the day, 6 periods (and 5 more pairs)",
        ),
        (
            {"trip_periods": [[0, 1], [1, 0]]},
            "settings.trip_periods = 'rows of [2, 2]': must be one number, or 3 rows of 3 numbers",
        ),
        ({"cost_usd_per_period": [[0, 1, 1]]}, "settings.cost_usd_per_period = 'rows of [3]': must be one number, or 3 rows"),
        ({"cost_usd_per_trip": [[1, 1, 1]] * 3}, "settings.cost_usd_per_trip = 'diagonal': must be 0 from a station to itself"),
        ({"trains": {"k3": {}}}, "settings.trains.k3 = 'k3': no train of the session; did you mean 'k2'? its trains: k1, k2"),
        (
            {"trains": {"k1": {"start": "nort"}}},
            "settings.trains.k1.start = 'nort': no station of the session; did you mean 'north'?",
        ),
        ({"trains": {"k1": {"end": "east"}}}, "settings.trains.k1.end = 'east': no station of the session"),
        ({"closed_tracks": [track("eastern")]}, "settings.closed_tracks.0.origin = 'eastern': no station of the session"),
        (
            {"closed_tracks": [track("south")]},
            "settings.closed_tracks.0.destination = 'south': must be another station than origin",
        ),
        ({"closed_tracks": [track(to_period=6)]}, "closed_tracks.0.to_period = 6: outside the day, whose periods are 0 to 5"),
        ({"closed_tracks": [track(from_period=3)]}, "closed_tracks.0.to_period = 1: must not be before from_period = 3"),
        ({"slots": {"sooth": 2}}, "settings.slots.sooth = 'sooth': no station of the session; did you mean 'south'?"),
        (
            {"slots": {"south": [2, 2]}},
            "settings.slots.south = '2 numbers': must be one number, or a list of 6, one for each period",
        ),
        (
            {"lateness": {"listed": [{"train": "k9", "period": 1, "by_periods": 1}]}},
            "settings.lateness.listed.0.train = 'k9': no train of the session",
        ),
        (
            {"lateness": {"listed": [{"train": "k1", "period": 6, "by_periods": 1}]}},
            "settings.lateness.listed.0.period = 6: outside the day, whose periods are 0 to 5",
        ),
    ],
)
def test_one_message_for_one_mistake(settings, message):
    found = problems(**settings)
    assert len(found) == 1
    assert found[0].startswith("config.yaml: ")
    assert message in found[0]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"cost_usd_per_period": -1},
            "cost_usd_per_period = -1: must be one number from 0 to 1e+09 for all pairs, or a row of them for each",
        ),
        ({"cost_usd_per_trip": [[0, "x"], [1, 0]]}, "cost_usd_per_trip = [[0, 'x'], [1, 0]]: must be one number from 0 to"),
        ({"trip_periods": 1.5}, "trip_periods = 1.5: must be one whole number from 0 to 1e+09 for all pairs"),
        ({"slots": {"north": [1, -1]}}, "slots.north = [1, -1]: must be one whole number >= 0 for all periods"),
        ({"late_end_usd": -5}, "late_end_usd = -5: Input should be greater than or equal to 0"),
        ({"lateness": {"probability": 1.1}}, "lateness.probability = 1.1: Input should be less than or equal to 1"),
        ({"trains": {"k1": {"cost_factor": -1}}}, "trains.k1.cost_factor = -1: Input should be greater than or equal to 0"),
        ({"closed_track": []}, "closed_track = []: unknown key; did you mean 'closed_tracks'?"),
        ({"cost_usd_per_period": float("nan")}, "cost_usd_per_period = nan: must be one number from 0 to"),
    ],
)
def test_values_that_can_never_be_right(settings, message):
    with pytest.raises(ConfigError) as error:
        problems(**settings)
    assert len(error.value.problems) == 1
    assert message in str(error.value)


def test_costs_must_be_given():
    with pytest.raises(ConfigError, match="cost_usd_per_period = missing"):
        parse_config({}, TimeSpaceNetworkOperator.Settings, "config.yaml")


def test_slots_that_cannot_hold_the_trains_at_home():
    together = {"trains": [{"name": "k1", "home": "north"}, {"name": "k2", "home": "north"}]}
    start, end = problems(together, slots={"north": 1})
    assert "settings.slots.north = 1: must hold the 2 trains that start the day there: k1, k2" in start
    assert "settings.slots.north = 1: must hold the 2 trains that end the day there: k1, k2" in end
    (end,) = problems(together, slots={"north": [2, 2, 2, 2, 2, 1]})
    assert "end the day there" in end
    assert problems(together, slots={"north": [2, 0, 0, 1, 2, 2]}) == []


def test_slots_that_leave_a_train_no_way_through_the_day():
    shut = [track(s, r, 0, 5) for s in ("north", "south", "west") for r in ("north", "south", "west") if s != r]
    (found,) = problems(closed_tracks=shut, slots={"south": [1, 1, 0, 1, 1, 1]})
    assert (
        "settings.slots.south = 0: must be at least 1 in period 2: there is no way to keep all trains within the slots" in found
    )


def test_an_end_that_no_open_track_reaches():
    shut = [track("north", other, 0, 5) for other in ("south", "west")]
    (found,) = problems(trains={"k1": {"end": "west"}}, closed_tracks=shut)
    assert "settings.trains.k1.end = 'west': no route from its start north reaches it within the day and the slots" in found


def test_what_only_moving_trains_can_break_is_no_problem_without_them():
    assert problems({"scheme": "fixed"}, slots={"north": 0}) == []
    assert problems({"trains": []}) == []


def test_a_road_is_no_railway():
    road = {"schema_version": 1, "name": "road", "resourceful_stations": ["r"], "limited_stations": ["q"], "links": ["l"]}
    own = TimeSpaceNetworkOperator.Settings(cost_usd_per_period=1.0)
    (found,) = TimeSpaceNetworkOperator.check(own, Path(), RoadSession(**road))
    assert "the session's world must be rail" in str(found)


def test_begin_refuses_what_check_reports():
    shared = parse_session(SESSION, "scenario.yaml")
    own = TimeSpaceNetworkOperator.Settings(cost_usd_per_period=1.0, slots={"sooth": 1})
    with pytest.raises(ConfigError, match="sooth"):
        TimeSpaceNetworkOperator(own, Path()).begin(shared, None)
