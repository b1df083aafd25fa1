"""What a station agent says about wrong settings and data, before anything runs."""

from pathlib import Path

import pytest
import yaml
from power_days import FOLDER, Memory
from station_days import fleet_session, run_station_day, station_settings

from federates.boundary.config import parse_config
from federates.boundary.errors import ConfigError, ModelError
from federates.charging_station.models.queueing.queueing_station import QueueingStation
from federates.worlds.fleets.tables import TABLES

SESSION = fleet_session()
HISTORY = "data/weekday_hourly_share.csv"


def _raw(**changes):
    return station_settings("q1").model_dump() | changes


def _problems(raw, folder=FOLDER, station="q1", session=SESSION):
    settings = parse_config(raw, QueueingStation.Settings, "config.yaml")
    return [str(problem) for problem in QueueingStation.check(settings, folder, session.view(station))]


@pytest.mark.parametrize("station", ["r1", "q2"])
def test_the_los_angeles_stations_are_clean(station):
    assert _problems(station_settings(station).model_dump(), station=station) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"chargers": 0}, "chargers"),
        ({"mves_spots": 0}, "mves_spots"),
        ({"mves": {"charge_efficiency": 1.05}}, "charge_efficiency"),
        ({"mves": {"discharge_efficiency": 0.0}}, "discharge_efficiency"),
        ({"mves": {"retention": 1.01}}, "retention"),
        ({"mves": {"energy_kwh": 0.0}}, "energy_kwh"),
        ({"demand": {"penetration": 1.2}}, "penetration"),
        ({"feeder_limit_kw": -1.0}, "feeder_limit_kw"),
        ({"charger_kw": 0.0}, "charger_kw"),
        ({"daily_volume_veh": 0.0}, "daily_volume_veh"),
        ({"queue": "infinite"}, "queue"),
        ({"waiting_usd_per_h": -1.0}, "waiting_usd_per_h"),
        ({"stations": {}}, "stations"),  # a group's settings are not a station's
    ],
)
def test_a_value_out_of_range_is_refused_by_name(changes, words):
    with pytest.raises(ConfigError, match=words) as refused:
        parse_config(_raw(**changes), QueueingStation.Settings, "config.yaml")
    assert len(refused.value.problems) == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"charger_kw": 500.0}, "settings.charger_kw = 500: must not exceed feeder_limit_kw = 420"),
        ({"mves": {"traction": "on"}}, "settings.mves.traction = 'on': must be off: what a drive takes is the fleets' matter"),
        ({"mves": {"charging_delays": True}}, "settings.mves.charging_delays = True: must be false"),
        ({"waiting_places": "unlimited"}, "settings.chargers_sized_by = 'loss'"),
        ({"shape": "pm_leanin"}, f"settings.shape = 'pm_leanin': no column of {HISTORY}; did you mean 'pm_leaning'?"),
        ({"forecast": {"history_file": "../scenario.yaml"}}, "settings.forecast.history_file"),
        ({"forecast": {"history_file": "data/none.csv"}}, "data/none.csv"),
    ],
)
def test_what_does_not_fit_is_one_clear_problem(changes, said):
    problems = _problems(_raw(**changes))
    assert len(problems) == 1
    assert said in problems[0]


@pytest.mark.parametrize(
    ("station", "changes", "field", "said"),
    [
        ("r1", {"charger_kw": 0.05}, "chargers", "even with 5000 chargers more than 10 % of the arrivals are turned away"),
        ("r1", {"mves_spot_kw": 0.05}, "mves_spots", "wait more than 60 s on average; mves_spot_kw must be higher"),
        ("q1", {"mves_spot_kw": 0.05}, "mves_spots", "feeder_limit_kw higher, or a number be given"),
        ("r1", {"feeder_limit_kw": 2_400_000.0}, "mves_spots", "feeder_limit_kw, which leaves so many, lower"),
    ],
)
def test_a_station_that_no_number_of_chargers_or_spots_is_enough_for_is_one_clear_problem(station, changes, field, said):
    raw = station_settings(station).model_dump() | changes
    (problem,) = _problems(raw, station=station)
    assert problem.startswith(f"config.yaml: settings.{field} = auto: even with 5000")
    assert said in problem
    assert _problems(raw | {field: 9}, station=station) == []
    agent = QueueingStation(parse_config(raw, QueueingStation.Settings, "config.yaml"), FOLDER)
    with pytest.raises(ModelError, match="even with 5000"):
        agent.begin(SESSION.view(station), Memory())


def test_the_settings_of_the_page_are_clean():
    page = (Path(__file__).parents[2] / "docs/charging_station.md").read_text(encoding="utf-8")
    shown = yaml.safe_load(page.split("```yaml\n")[1].split("```")[0])
    assert shown["model"] == "queueing"
    assert _problems(shown["settings"]) == []


def test_an_agent_has_one_station():
    whole = parse_config(_raw(), QueueingStation.Settings, "config.yaml")
    (problem,) = QueueingStation.check(whole, FOLDER, SESSION)
    assert "r1, r2, q1, q2: the agent must have exactly one station of the session as its part" in str(problem)


def test_tables_have_the_columns_that_the_world_names():
    day = run_station_day(fleet_session(periods=2))
    columns = {table.name: set(table.columns) for table in TABLES}
    for memory in (*day.stations.values(), day.company):
        for name, rows in memory.tables.items():
            assert set(rows[0]) == columns[name], name
