"""What the operator says about wrong settings and data, before anything runs."""

import copy
from pathlib import Path

import pytest

from federates.boundary.config import parse_config, read_yaml
from federates.boundary.errors import ConfigError
from federates.power_operator.models.charging_station.operator import ChargingStationOperator
from federates.station.forecast import read_history
from federates.worlds.road.session import RoadSession

FOLDER = Path(__file__).parents[2] / "scenarios" / "la_gcs" / "power_operator"
SESSION = RoadSession(
    schema_version=1, name="t", resourceful_stations=("r1", "r2"), limited_stations=("q1", "q2"), links=("a",), periods=2
)
HISTORY = "data/weekday_hourly_share.csv"


@pytest.fixture
def raw():
    return copy.deepcopy(read_yaml(FOLDER / "config.yaml")["settings"])


def _problems(raw, folder=FOLDER, session=SESSION):
    settings = parse_config(raw, ChargingStationOperator.Settings, "config.yaml")
    return [str(problem) for problem in ChargingStationOperator.check(settings, folder, session)]


def _folder_with(tmp_path, text):
    (tmp_path / "data").mkdir()
    (tmp_path / HISTORY).write_text(text)
    return tmp_path


def test_shipped_scenario_is_clean(raw):
    assert _problems(raw) == []


def test_shipped_values_are_the_documented_defaults(raw):
    only_stations = parse_config({"stations": raw["stations"]}, ChargingStationOperator.Settings, "config.yaml")
    assert parse_config(raw, ChargingStationOperator.Settings, "config.yaml") == only_stations


def test_misspelt_and_missing_station(raw):
    raw["stations"]["q11"] = raw["stations"].pop("q1")
    problems = _problems(raw)
    assert len(problems) == 2
    assert "config.yaml: settings.stations.q11" in problems[0]
    assert "did you mean 'q1'?" in problems[0]
    assert "settings.stations.q1 = missing: every station of the session needs an entry" in problems[1]


def test_unknown_shape_names_the_nearest(raw):
    raw["stations"]["r1"]["shape"] = "pm_leanin"
    assert _problems(raw) == [
        f"config.yaml: settings.stations.r1.shape = 'pm_leanin': no column of {HISTORY}; "
        "did you mean 'pm_leaning'? its shapes: am_leaning, pm_leaning"
    ]


def test_missing_history_file(raw, tmp_path):
    assert _problems(raw, tmp_path) == [f"{HISTORY}: (file) = missing: this file must exist"]


def test_history_file_outside_the_folder(raw):
    raw["forecast"]["history_file"] = "../traffic_sumo/data/x.csv"
    assert "must lie in this folder" in _problems(raw)[0]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("nan", "line 5, pm_leaning = 'nan': must be a finite number"),
        ("", "line 5, pm_leaning = '': must be a finite number"),
        ("x", "line 5, pm_leaning = 'x': must be a finite number"),
        ("-0.1", "line 5, pm_leaning = '-0.1': must be at least 0"),
        ("0.5", "pm_leaning = sum 1.4583: the 24 shares must sum to 1"),
    ],
)
def test_wrong_shares(raw, tmp_path, value, expected):
    rows = [f"{h},{value if h == 3 else 1 / 24}" for h in range(24)]
    folder = _folder_with(tmp_path, "h,pm_leaning\n" + "\n".join(rows))
    (problem,) = _problems(raw, folder)
    assert problem.startswith(f"{HISTORY}: {expected}")


def test_the_hours_count_not_the_order_of_the_rows(raw, tmp_path):
    shares = {h: (h + 1) / 300 for h in range(24)}
    rows = [f"{h},{shares[h]!r}" for h in (*range(12, 24), *range(12))]
    folder = _folder_with(tmp_path, "h,pm_leaning\n" + "\n".join(rows))
    assert _problems(raw, folder) == []
    table, columns = read_history(folder, HISTORY, ["pm_leaning"])
    assert not table.problems
    assert columns["pm_leaning"].tolist() == list(shares.values())


def test_impossible_values(raw):
    raw["stations"]["q1"]["charger_kw"] = 500.0
    raw["mves"] |= {"traction": "on", "traction_kwh_per_h": 50.0}
    raw["waiting_places"] = "unlimited"
    problems = _problems(raw)
    assert len(problems) == 3
    assert "settings.stations.q1.charger_kw = 500: must not exceed feeder_limit_kw = 420" in problems[0]
    assert "settings.mves.traction_kwh_per_h = 50" in problems[1]
    assert "use chargers_sized_by: wait" in problems[2]


@pytest.mark.parametrize(
    ("station", "key", "field"),
    [("r1", "charger_kw", "chargers"), ("r1", "mves_spot_kw", "mves_spots"), ("q2", "mves_spot_kw", "mves_spots")],
)
def test_no_number_of_chargers_or_spots_is_enough(raw, station, key, field):
    raw["stations"][station][key] = 0.005
    (problem,) = _problems(raw)
    assert problem.startswith(f"config.yaml: settings.stations.{station}.{field} = auto: even with 5000 {field.split('_')[-1]}")
    assert f"{key} " in problem
    assert "or a number be given" in problem


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("demand", "penetration"), 1.5),
        (("mves", "retention"), 0.0),
        (("costs", "unmet_usd_per_kwh"), float("nan")),
        (("costs", "energy_price_usd_per_kwh"), [0.1] * 23),
        (("stations", "r1", "chargers"), 0),
        (("stations", "r1", "feeder_limit_kw"), -1.0),
        (("queue",), "markov"),
    ],
)
def test_out_of_range(raw, path, value):
    *parents, key = path
    inner = raw
    for part in parents:
        inner = inner[part]
    inner[key] = value
    with pytest.raises(ConfigError, match=key):
        parse_config(raw, ChargingStationOperator.Settings, "config.yaml")
