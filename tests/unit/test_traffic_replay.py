"""The traffic model `replay`: a written recording comes out as it went in, and storages arrive after its link times."""

import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from recorded_tables import Tables

from federates.boundary.errors import ConfigError, ModelError
from federates.runtime.results import ResultWriter
from federates.traffic_sumo.replay import ReplaySettings, ReplayTraffic
from federates.worlds.road.messages import Departure
from federates.worlds.road.session import RoadSession

TIMES_S = {"a": (600.0, 1200.0, 900.0), "b": (1500.0, 300.0, 600.0)}
PLACES = {"west": (34.0, -118.2), "middle": (34.0, -118.1), "east": (34.0, -118.0)}


def session(**changes):
    base = {
        "schema_version": 1,
        "name": "x",
        "periods": 3,
        "period_s": 1800.0,
        "bins_per_period": 2,
        "start_hour": 6,
        "resourceful_stations": ("r",),
        "limited_stations": ("q",),
        "links": ("a", "b"),
    }
    return RoadSession.model_validate(base | changes)


@pytest.fixture
def folder(tmp_path):
    """An agent's folder with a recording of three half hours from 6 h, from west over the middle to the east."""
    writer = ResultWriter(tmp_path / "data/recorded_day")
    writer.record("recording", start_hour=6, period_s=1800.0, periods=3, bins_per_period=2)
    for link, ends in (("a", ("west", "middle")), ("b", ("middle", "east"))):
        for seq, name in enumerate(ends):
            writer.record("link_geometry", link=link, seq=seq, lat=PLACES[name][0], lon=PLACES[name][1])
    for station, name in (("r", "west"), ("q", "east")):
        writer.record("station_sites", station=station, lat=PLACES[name][0], lon=PLACES[name][1])
    for period in range(3):
        for number, (link, times) in enumerate(TIMES_S.items()):
            values = {"flow_veh_per_h": 1000.0 + period, "density_veh_per_km": 10.0 + number, "speed_m_per_s": 20.0}
            writer.record("link_state", period=period, link=link, **values, travel_time_s=times[period])
        for bin_ in range(2):
            for station in ("r", "q"):
                passing = 100.0 * period + 10 * bin_ + (station == "q")
                writer.record("station_state", period=period, bin=bin_, station=station, passing_veh=passing, arrivals_veh=99.0)
    writer.finish("traffic_sumo")
    return tmp_path


def begun(folder, day):
    model, tables = ReplayTraffic(ReplaySettings(), folder), Tables()
    model.begin(day, tables)
    return model, tables


def test_links_and_stations_show_what_was_recorded(folder):
    model, tables = begun(folder, session())
    for period in range(3):
        seen = model.run(period, [])
        np.testing.assert_array_equal(seen.links.flow_veh_per_h, [1000 + period] * 2)
        np.testing.assert_array_equal(seen.links.density_veh_per_km, [10, 11])
        np.testing.assert_array_equal(seen.links.travel_time_s, [TIMES_S["a"][period], TIMES_S["b"][period]])
        np.testing.assert_array_equal(
            seen.stations.passing_veh, [[100 * period, 100 * period + 10], [100 * period + 1, 100 * period + 11]]
        )
        assert not seen.stations.arrivals_veh.any(), "the recorded arrivals are those of other vehicles"
    assert [(row["link"], row["seq"]) for row in tables.rows["link_geometry"]] == [("a", 0), ("a", 1), ("b", 0), ("b", 1)]


def test_storages_arrive_after_the_link_times_of_the_periods_in_which_they_enter(folder):
    model, tables = begun(folder, session())
    arrivals = [model.run(0, [Departure("r", "q", 2, ("a", "b"))]).stations.arrivals_veh]
    arrivals += [model.run(period, []).stations.arrivals_veh for period in (1, 2)]
    # They leave at 450 and 1350 s. The first enters b at 1050 s, in period 0: 1500 s. The second at 1950 s, in period 1: 300 s.
    assert [(row["depart_s"], row["arrive_s"]) for row in tables.rows["deliveries"]] == [(450, 2550), (1350, 2250)]
    np.testing.assert_array_equal(arrivals, [[[1, 1], [0, 0]], [[0, 0], [2, 0]], [[0, 0], [0, 0]]])


def test_a_shorter_session_replays_its_own_hours(folder):
    model, _ = begun(folder, session(start_hour=7, periods=1))
    assert model.run(0, []).links.flow_veh_per_h.tolist() == [1002.0, 1002.0]


def test_a_recording_of_a_recording_is_the_same(folder, tmp_path):
    writer = ResultWriter(tmp_path / "again/data/recorded_day")
    model = ReplayTraffic(ReplaySettings(), folder)
    model.begin(session(), writer)
    for period in range(3):
        model.run(period, [])
    writer.finish("traffic_sumo")
    first, second = (pq.read_table(f / "data/recorded_day/link_state.parquet") for f in (folder, tmp_path / "again"))
    assert first.equals(second)
    assert ReplayTraffic.check(ReplaySettings(), tmp_path / "again", session()) == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"period_s": 3600.0, "periods": 1}, "period_s"),
        ({"bins_per_period": 4}, "bins_per_period"),
        ({"periods": 4}, "periods"),
        ({"start_hour": 5, "periods": 1}, "periods"),
        ({"links": ("a", "b", "c")}, "link c"),
        ({"resourceful_stations": ("r", "s")}, "station s"),
    ],
)
def test_a_session_that_the_recording_does_not_hold_is_a_problem(folder, changes, field):
    assert field in {problem.field for problem in ReplayTraffic.check(ReplaySettings(), folder, session(**changes))}


def test_a_missing_or_damaged_table_is_one_problem(folder):
    recorded = folder / "data/recorded_day"
    (recorded / "link_state.parquet").write_bytes(b"no table")
    (recorded / "station_sites.parquet").unlink()
    problems = ReplayTraffic.check(ReplaySettings(), folder, session())
    names = ("link_state.parquet", "station_sites.parquet")
    assert [problem.file for problem in problems] == [str(Path("data/recorded_day") / name) for name in names]
    shutil.rmtree(recorded)
    with pytest.raises(ConfigError, match="copy the folder traffic_sumo of a finished run"):
        begun(folder, session())


def test_a_gap_in_the_recording_is_named(folder):
    file = folder / "data/recorded_day/link_state.parquet"
    table = pq.read_table(file)
    pq.write_table(table.filter([not (row["link"] == "b" and row["period"] == 1) for row in table.to_pylist()]), file)
    (problem,) = ReplayTraffic.check(ReplaySettings(), folder, session())
    assert (problem.field, problem.value) == ("link b", "missing or unusable in period 1")


def test_a_route_that_is_not_on_the_recorded_map_is_refused(folder):
    model, _ = begun(folder, session())
    with pytest.raises(ModelError, match="broken"):
        model.run(0, [Departure("r", "q", 1, ("b",))])
