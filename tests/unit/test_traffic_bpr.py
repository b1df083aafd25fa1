"""The traffic model `bpr` against numbers worked out by hand from the data files."""

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
from recorded_tables import Tables

from federates.boundary.config import load_config, read_yaml
from federates.boundary.errors import ModelError
from federates.traffic_sumo.bpr import BprSettings, BprTraffic
from federates.traffic_sumo.point_queue import PointQueues
from federates.worlds.road.messages import Departure
from federates.worlds.road.session import RoadSession

SCENARIO = Path(__file__).parents[2] / "scenarios/la_gcs"
FOLDER = SCENARIO / "traffic_sumo"
SITES = read_yaml(FOLDER / "config.yaml")["settings"]["stations"]
VIA_605 = ("I5S_ELA-I710", "I5S_I710-I605", "I605S_I5-I105")
TO_Q1 = ("US101S_I110-ELA", "I5S_ELA-I710", "I5S_I710-I605")


def session(**changes):
    return load_config(SCENARIO / "scenario.yaml", RoadSession).model_copy(update={"bins_per_period": 2, **changes})


def begun(day, **settings):
    model, tables = BprTraffic(BprSettings(stations=SITES, **settings), FOLDER), Tables()
    model.begin(day, tables)
    return model, tables


def data(file):
    with (FOLDER / "data" / file).open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def flow(link, hour):
    return next(float(row["flow_vph"]) for row in data("la_links_hourly.csv") if (row["link"], row["hour"]) == (link, str(hour)))


def test_flow_and_time_of_a_link_are_the_formula_of_1964():
    day = session(start_hour=8, periods=1)
    seen = begun(day)[0].run(0, []).links
    link = day.links.index("I5S_I710-I605")
    (row,) = [row for row in data("la_links.csv") if row["link"] == "I5S_I710-I605"]
    veh_per_h = round(flow("I5S_I710-I605", 8))
    assert seen.flow_veh_per_h[link] == veh_per_h
    # Lanes: at least what the largest hourly flow needs at 1,700 veh/h, which decides here.
    lanes = int(-(-max(flow("I5S_I710-I605", hour) for hour in range(24)) // 1700))
    assert lanes >= float(row["lanes_ml_mean"]) + (float(row["hov_stations"]) > 0)
    free_s = 1000 * float(row["length_km"]) / 30.0
    wanted = free_s * (1 + 0.15 * (veh_per_h / (1900.0 * lanes)) ** 4)
    assert seen.travel_time_s[link] == pytest.approx(wanted, rel=1e-12)
    assert 1.02 * free_s < wanted < 1.16 * free_s


def test_density_and_flow_obey_littles_law_on_every_link():
    day = session(start_hour=17, periods=1)
    links = begun(day)[0].run(0, [Departure("r2", "q2", 200, VIA_605)]).links
    length_km = {row["link"]: float(row["length_km"]) for row in data("la_links.csv")}
    on_link = links.density_veh_per_km * [length_km[name] for name in day.links]
    np.testing.assert_allclose(on_link, links.flow_veh_per_h / 3600 * links.travel_time_s, rtol=1e-12)
    np.testing.assert_allclose(links.speed_m_per_s * links.travel_time_s, [1000 * length_km[name] for name in day.links])


def test_every_storage_is_counted_once_on_each_of_its_links_and_at_both_ends():
    day = session(start_hour=7, periods=4, period_s=600.0)
    empty, (model, tables) = begun(day)[0], begun(day)
    sent = [[Departure("r2", "q2", 7, VIA_605), Departure("r1", "q1", 5, TO_Q1)], [Departure("r2", "q2", 3, VIA_605)], [], []]
    more = np.zeros(len(day.links))
    stations = np.zeros(len(day.stations))
    for period, departures in enumerate(sent):
        without, seen = empty.run(period, []), model.run(period, departures)
        more += (seen.links.flow_veh_per_h - without.links.flow_veh_per_h) / 6
        stations += seen.stations.arrivals_veh.sum(axis=1)
        np.testing.assert_array_equal(seen.stations.passing_veh, without.stations.passing_veh)
        departed = sum(d.vehicles for row in sent[: period + 1] for d in row)
        assert departed == stations[2:].sum() + tables.last["mves_on_road"]
    counted = {name: round(float(value), 9) for name, value in zip(day.links, more, strict=True) if value > 1e-9}
    through = dict.fromkeys(VIA_605, 10) | dict.fromkeys(TO_Q1, 5) | {"I5S_ELA-I710": 15, "I5S_I710-I605": 15}
    assert counted == through
    assert dict(zip(day.stations, stations, strict=True)) == {"r1": 5, "r2": 10, "q1": 5, "q2": 10}
    deliveries = tables.rows["deliveries"]
    assert len(deliveries) == 15
    assert {row["period"] for row in deliveries if row["arrive_s"] >= 600 * (row["period"] + 1)}, "some arrive in a later period"


def test_a_storage_arrives_when_its_links_are_driven():
    day = session(start_hour=2, periods=1)
    model, tables = begun(day)
    seen = model.run(0, [Departure("r2", "q2", 2, VIA_605)])
    route_s = sum(seen.links.travel_time_s[day.links.index(name)] for name in VIA_605)
    assert [row["depart_s"] for row in tables.rows["deliveries"]] == [900, 2700]
    assert [row["arrive_s"] for row in tables.rows["deliveries"]] == pytest.approx([900 + route_s, 2700 + route_s], abs=0.01)
    np.testing.assert_array_equal(seen.stations.arrivals_veh[[day.stations.index("r2"), day.stations.index("q2")]], [[1, 1]] * 2)


def test_a_storage_still_on_the_road_at_the_end_is_recorded_as_such():
    day = session(start_hour=8, periods=1, period_s=600.0)
    model, tables = begun(day)
    model.run(0, [Departure("r2", "q2", 4, VIA_605)])
    model.close()
    assert [row["arrive_s"] for row in tables.rows["deliveries"]] == [-1.0] * 4


def test_storages_slow_their_links_down_for_all():
    day = session(start_hour=8, periods=1)
    link = day.links.index("I605S_I5-I105")
    before, after = (begun(day)[0].run(0, sent).links for sent in ([], [Departure("r2", "q2", 600, VIA_605)]))
    added = after.flow_veh_per_h[link] - before.flow_veh_per_h[link]
    assert 400 < added < 600, "those of the end of the hour enter this link in the next one"
    free_s = 1000 * next(float(row["length_km"]) for row in data("la_links.csv") if row["link"] == "I605S_I5-I105") / 30.0
    rise = (after.travel_time_s[link] - free_s) / (before.travel_time_s[link] - free_s)
    assert rise == pytest.approx((after.flow_veh_per_h[link] / before.flow_veh_per_h[link]) ** 4, rel=1e-9)


def test_a_period_across_hours_takes_a_part_of_each():
    day = session(start_hour=6, periods=2, period_s=5400.0, bins_per_period=3)
    model, _ = begun(day)
    first, second = model.run(0, []), model.run(1, [])
    name = SITES["q1"]["passing_link"]
    six, seven, eight = (round(flow(name, hour)) for hour in (6, 7, 8))
    link, q1 = day.links.index(name), day.stations.index("q1")
    assert first.links.flow_veh_per_h[link] == pytest.approx((2 * six + seven) / 3)
    assert second.links.flow_veh_per_h[link] == pytest.approx((seven + 2 * eight) / 3)
    np.testing.assert_allclose(first.stations.passing_veh[q1], [six / 2, six / 2, seven / 2])


def test_calibrated_law_takes_the_target_time_at_the_given_flow():
    day = session(start_hour=8, periods=1)
    seen = begun(day, delay_law="calibrated")[0].run(0, []).links
    target = {row["link"]: float(row["target_s"]) for row in data("link_times.csv") if row["hour"] == "8"}
    np.testing.assert_allclose(seen.travel_time_s, [target[name] for name in day.links], rtol=2e-3)  # whole vehicles
    more = begun(day, delay_law="calibrated", demand_scale=1.1)[0].run(0, []).links
    assert (more.travel_time_s >= seen.travel_time_s).all()


def test_the_same_run_twice_is_the_same():
    runs = []
    for _ in range(2):
        model, tables = begun(session(periods=3))
        for period in range(3):
            model.run(period, [Departure("r1", "q1", 30, TO_Q1)])
        runs.append(tables.rows)
    assert runs[0] == runs[1]


def test_a_route_that_cannot_be_driven_is_refused():
    model, _ = begun(session(periods=1))
    with pytest.raises(ModelError, match="broken"):
        model.run(0, [Departure("r1", "q2", 1, VIA_605)])


@pytest.mark.parametrize("law", ["calibrated", "point_queue"])
def test_a_link_without_a_given_flow_takes_its_free_time(tmp_path, law):
    empty = "I605S_I5-I105"
    shutil.copytree(FOLDER / "data", tmp_path / "data")
    rows = [row | ({"flow_vph": "0"} if row["link"] == empty else {}) for row in data("la_links_hourly.csv")]
    with (tmp_path / "data/la_links_hourly.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    day = session(start_hour=17, periods=2)
    link = day.links.index(empty)
    (row,) = [row for row in data("la_links.csv") if row["link"] == empty]
    (target,) = [row for row in data("link_times.csv") if (row["link"], row["hour"]) == (empty, "17")]
    free_s = 1000 * float(row["length_km"]) / 30.0
    assert float(target["target_s"]) > 1.05 * free_s
    model = BprTraffic(BprSettings(stations=SITES, delay_law=law), tmp_path)
    model.begin(day, Tables())
    for period in range(2):
        assert model.run(period, []).links.travel_time_s[link] == pytest.approx(free_s, rel=1e-9)


def test_a_capacity_at_which_a_link_takes_more_than_a_day_is_named():
    (problem,) = BprTraffic.check(BprSettings(stations=SITES, capacity_per_lane_veh_per_h=1.0), FOLDER, session())
    assert problem.field == "settings.capacity_per_lane_veh_per_h"
    assert "over a day" in problem.allowed


def test_check_names_a_station_without_a_site_and_a_missing_file():
    sites = {name: site for name, site in SITES.items() if name != "q1"}
    problems = BprTraffic.check(BprSettings(stations=sites, flows_file="data/none.csv"), FOLDER, session())
    assert [(p.file, p.field) for p in problems] == [("config.yaml", "settings.stations.q1"), ("data/none.csv", "(file)")]
    assert BprTraffic.check(BprSettings(stations=SITES), FOLDER, session()) == []


def queue_times(day, departures, **settings):
    model, _ = begun(day, delay_law="point_queue", **settings)
    return np.array([model.run(period, departures.get(period, [])).links.travel_time_s for period in range(day.periods)])


def test_point_queues_keep_the_target_times_at_the_given_flows():
    day = session(start_hour=0, periods=24)
    seen = queue_times(day, {})
    target = {(row["link"], int(row["hour"])): float(row["target_s"]) for row in data("link_times.csv")}
    for number, link in enumerate(day.links):
        wanted = np.array([target[link, hour] for hour in range(24)])
        smooth = (np.roll(wanted, 1) + 2 * wanted + np.roll(wanted, -1)) / 4
        # Capacities differ from hour to hour, and flows are whole vehicles: a few per cent of the delay.
        delay = wanted.max() - wanted.min()
        np.testing.assert_allclose(seen[:, number], smooth, atol=max(0.5, 0.1 * delay))


def test_vehicles_beyond_the_capacity_wait_until_the_queue_is_gone():
    """One link by hand: 100 vehicles more at 7 h delay all that follow, hours later too, by 100 / c; a power law forgets them."""
    day = session(start_hour=0, periods=24)
    link = day.links.index("I5S_I710-I605")
    sent = {7: [Departure("r2", "q1", 100, ("I5S_ELA-I710", "I5S_I710-I605"))]}
    more = (queue_times(day, sent) - queue_times(day, {}))[:, link]
    model, _ = begun(day, delay_law="point_queue")
    capacity = model._bottleneck_veh_per_h[link]
    np.testing.assert_allclose(more[:7], 0.0, atol=1e-9)
    # In an hour with a queue through and through every vehicle waits for the 100 in front of it; the last come after 8 h.
    assert more[8] == pytest.approx(3600 * 100 / capacity[8], rel=0.05)
    assert more[9] == pytest.approx(3600 * 100 / capacity[9], rel=1e-6)
    assert more[7] == pytest.approx(3600 * 50 / capacity[7], rel=0.25)  # on average half of them have come
    power, _ = begun(day, delay_law="calibrated")
    other, _ = begun(day, delay_law="calibrated")
    later = [
        power.run(p, sent.get(p, [])).links.travel_time_s[link] - other.run(p, []).links.travel_time_s[link] for p in range(10)
    ]
    assert later[7] > 1.0
    assert abs(later[9]) < 1e-9


def test_a_queue_empties_within_an_interval_and_stays_empty():
    queues = PointQueues(np.array([100.0, 0.0]))
    end, waited_h = queues.after(np.array([1000.0, 900.0]), np.array([2000.0, 1000.0]), 1.0)
    np.testing.assert_allclose(end, [0.0, 0.0])
    np.testing.assert_allclose(waited_h, [100 * 0.1 / 2, 0.0])  # gone after 6 minutes, a triangle
