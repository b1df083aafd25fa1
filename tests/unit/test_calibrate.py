"""Targets of the delay law: what observed speeds come to; files that cannot be used are refused before one is written."""

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest

from federates.boundary.errors import ModelError
from federates.traffic_sumo import calibrate
from federates.traffic_sumo.targets import delay_shape, morning_speeds_m_per_s

SCENARIO = Path(__file__).parents[2] / "scenarios/la_gcs"
STATIONS = "link,station,abs_pm,lat,lon\nX,1,10.0,34,-118\nX,2,12.0,34,-118\nX,3,13.0,34,-118\n"
SEGMENTS = "link,sta_from,sta_to,tue2008_mph\nX,1,2,{}\nX,2,3,{}\n"


@pytest.fixture
def scenario(tmp_path):
    """The day of Los Angeles, with a file of times that is known again."""
    folder = tmp_path / "la"
    shutil.copytree(SCENARIO / "traffic_sumo" / "data", folder / "traffic_sumo" / "data")
    shutil.copy(SCENARIO / "traffic_sumo" / "config.yaml", folder / "traffic_sumo")
    shutil.copy(SCENARIO / "scenario.yaml", folder)
    (folder / "traffic_sumo/data/link_times.csv").write_text("old\n", encoding="utf-8")
    return folder


@pytest.fixture
def days(monkeypatch):
    """Simulated days without SUMO: every link takes 2 s more than its file says; the written files, as they were read."""
    read = []

    def simulate_day(settings, folder, session):
        with (folder / settings.times_file).open(encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
        read.append({(row["link"], int(row["hour"])): (float(row["target_s"]), float(row["correction_s"])) for row in rows})
        times = {name: np.array([sum(read[-1][name, hour]) + 2.0 for hour in range(24)]) for name in session.links}
        return {}, times, 0, 0

    monkeypatch.setattr(calibrate, "simulate_day", simulate_day)
    monkeypatch.setattr(calibrate, "write_report", lambda fit, folder: None)
    return read


def speeds(folder, *mph):
    (folder / "stations.csv").write_text(STATIONS, encoding="utf-8")
    (folder / "segments.csv").write_text(SEGMENTS.format(*mph), encoding="utf-8")
    return morning_speeds_m_per_s(folder, "segments.csv", "stations.csv")


def test_the_speed_of_a_link_is_its_length_by_its_time_and_a_blank_segment_is_left_out(tmp_path):
    # 2 miles at 40 mph and 1 at 20 take 0.1 h.
    assert speeds(tmp_path, "40", "20")["X"] == pytest.approx(30.0 * 0.44704)
    assert speeds(tmp_path, "", "20")["X"] == pytest.approx(20.0 * 0.44704)
    assert speeds(tmp_path, "", "") == {}


def hourly(folder, speed_mph):
    rows = [f"{hour},{mph},{mph},{mph}" for hour, mph in enumerate(speed_mph)]
    (folder / "shape.csv").write_text("\n".join(["h,718081,716985,718371", *rows]) + "\n", encoding="utf-8")


def test_the_shape_is_delay_by_that_of_the_morning(tmp_path):
    speed_mph = [60.0] * 24
    # 1/40 - 1/60 = 1/120 h a mile in the morning; half of it at 48 mph, three times it at 24 mph.
    speed_mph[7] = speed_mph[8] = 40.0
    speed_mph[12], speed_mph[17] = 48.0, 24.0
    hourly(tmp_path, speed_mph)
    wanted = np.zeros(24)
    wanted[[7, 8, 12, 17]] = 1.0, 1.0, 0.5, 1.6
    assert delay_shape(tmp_path, "shape.csv", 1.6) == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("mph", "said"),
    [
        ("n/a", "finite number"),
        ("nan", "finite number"),
        ("0", "above 0"),
        ("-3", "above 0"),
        ("0.01", "target times: US101S_I110-ELA"),
    ],
)
def test_a_speed_that_is_none_is_named_by_its_row_and_the_old_times_stay(scenario, days, capsys, mph, said):
    data = scenario / "traffic_sumo/data"
    lines = (data / "pems_d07_segments_on_links_2018_2008.csv").read_text(encoding="utf-8").splitlines()
    assert lines[2].endswith(",39.59")
    lines[2] = lines[2].replace(",39.59", f",{mph}")
    (data / "own.csv").write_text("\n".join(lines), encoding="utf-8")
    assert calibrate.main(["--scenario", str(scenario), "--segments-file", "data/own.csv"]) == 1
    error = capsys.readouterr().err
    assert said in error
    if "target" not in said:
        assert f"data/own.csv: line 3, tue2008_mph = '{mph}'" in error
    assert (data / "link_times.csv").read_text(encoding="utf-8") == "old\n"
    assert days == []


@pytest.mark.parametrize(
    ("morning_mph", "said"),
    [
        ("60", "shape.csv: hours 7 and 8 = no delay"),
        ("65", "hours 7 and 8 = no delay"),
        ("0", "line 9, 718081 = '0': must be above 0"),
    ],
)
def test_a_morning_without_delay_is_refused(scenario, days, capsys, morning_mph, said):
    hourly(scenario / "traffic_sumo", ["60"] * 7 + [morning_mph] * 2 + ["30"] * 15)
    assert calibrate.main(["--scenario", str(scenario), "--shape-file", "shape.csv"]) == 1
    assert said in capsys.readouterr().err
    assert (scenario / "traffic_sumo/data/link_times.csv").read_text(encoding="utf-8") == "old\n"


@pytest.mark.parametrize("cap", ["nan", "-1"])
def test_a_cap_that_is_none_is_refused(scenario, days, capsys, cap):
    assert calibrate.main(["--scenario", str(scenario), "--afternoon-cap", cap]) == 1
    assert f"--afternoon-cap = {cap}: must be a number of at least 0" in capsys.readouterr().err
    assert days == []


def test_times_are_written_once_all_days_are_simulated(scenario, days):
    data = scenario / "traffic_sumo/data"
    before = sorted(data.iterdir())
    assert calibrate.main(["--scenario", str(scenario), "--iterations", "1"]) == 0
    assert sorted(data.iterdir()) == before
    with (data / "link_times.csv").open(encoding="utf-8") as stream:
        written = list(csv.DictReader(stream))
    with (SCENARIO / "traffic_sumo/data/link_times.csv").open(encoding="utf-8") as stream:
        shipped = list(csv.DictReader(stream))
    assert [row["target_s"] for row in written] == [row["target_s"] for row in shipped]
    # 0.8 of 2 s, but for what the target is rounded by in the file.
    assert {float(row["correction_s"]) for row in written} <= {1.5, 1.6, 1.7}
    assert len(days) == 2


def test_a_day_that_fails_leaves_the_old_times(scenario, days, monkeypatch):
    def fail(settings, folder, session):
        assert (folder / settings.times_file).exists()
        raise ModelError("SUMO ended")

    monkeypatch.setattr(calibrate, "simulate_day", fail)
    data = scenario / "traffic_sumo/data"
    before = sorted(data.iterdir())
    assert calibrate.main(["--scenario", str(scenario)]) == 1
    assert sorted(data.iterdir()) == before
    assert (data / "link_times.csv").read_text(encoding="utf-8") == "old\n"
