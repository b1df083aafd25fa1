"""A small PeMS station-hour file in, hourly flows out."""

from __future__ import annotations

import csv
import gzip
import shutil
from pathlib import Path

import pytest

from federates.traffic_sumo.import_pems import main

SOURCE = Path(__file__).parents[2] / "scenarios" / "la_gcs"
GASPAR, ATLANTIC = "718364", "716928"  # two stations on I5S_I710-I605


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    shutil.copytree(SOURCE / "traffic_sumo", tmp_path / "la" / "traffic_sumo")
    return tmp_path / "la"


def line(day: str, hour: int, station: str, observed: float, flow: str, minute: int = 0, samples: str = "230") -> str:
    """One row as PeMS writes it: 12 common columns, then lanes."""
    when, lanes = f"{day} {hour:02d}:{minute:02d}:00", ".081,61.2,1500,.07,63.1,1400,.08,60.2"
    return f"{when},{station},7,5,S,ML,.455,{samples},{observed:g},{flow},{lanes}\n"


def flows(file: Path) -> dict[tuple[str, int], tuple[float, str]]:
    with file.open() as stream:
        return {(r["link"], int(r["hour"])): (float(r["flow_vph"]), r["basis"]) for r in csv.DictReader(stream)}


def test_weekday_mean_of_observed_stations(scenario: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        line("10/01/2019", 8, GASPAR, 100, "6000"),  # Tuesday
        line("10/02/2019", 8, GASPAR, 80, "6400"),  # Wednesday
        line("10/05/2019", 8, GASPAR, 100, "2000"),  # Saturday: not used
        line("10/03/2019", 8, GASPAR, 74, "100"),  # too little observed
        line("10/01/2019", 8, ATLANTIC, 90, "5000"),
        line("10/01/2019", 8, "999999", 100, "9000"),  # no station of ours
        line("10/01/2019", 9, GASPAR, 100, ""),  # no flow
        line("10/04/2019", 8, GASPAR, 100, "9000", samples="0"),  # a flow that nobody has seen: imputed
        line("10/04/2019", 9, GASPAR, 100, "9000", samples=""),
    ]
    file = tmp_path / "d07_text_station_hour_2019_10.txt.gz"
    with gzip.open(file, "wt") as stream:
        stream.writelines(rows)
    before = flows(scenario / "traffic_sumo" / "data" / "la_links_hourly.csv")
    assert main(["--scenario", str(scenario), str(file)]) == 0
    after = flows(scenario / "traffic_sumo" / "data" / "la_links_hourly.csv")
    assert after["I5S_I710-I605", 8] == (5600.0, "observed: PeMS weekdays, stations >= 75 % observed; 2 stations")
    assert after["I5S_I710-I605", 9] == (before["I5S_I710-I605", 9][0], "kept: no PeMS data for this hour")
    assert len(after) == 216
    told = capsys.readouterr().out
    assert "I5S_I710-I605: no observed data at hours 0, 1," in told
    assert "I605S_I5-I105: no observed data at all" in told
    assert "1 of 216 link-hours observed" in told


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("10/01/2019 08:00:00,718364,7\n", "3 columns"),
        (line("2019-10-01", 8, GASPAR, 100, "6000"), "MM/DD/YYYY"),
        (line("10/01/2019", 8, GASPAR, 100, "-5"), "from 0 to 50,000"),
        (line("10/01/2019", 8, GASPAR, 10, "6000"), "nothing usable"),
        ("".join(line("10/01/2019", 8, GASPAR, 100, "500", 5 * i) for i in range(12)), "line 2, timestamp"),
        ("".join(line("10/01/2019", 8, GASPAR, 100, "500", 5 * i) for i in range(12)), "Station 5-Minute"),
        ("".join(line(f"10/{day:02d}/2019", 0, GASPAR, 100, "45000") for day in range(1, 9)), "Station Day"),
        (line("10/01/2019", 8, GASPAR, 100, "500") * 2, "stands in"),
        (line("10/01/2019", 8, GASPAR, 100, "500").replace("ML", '"ML') + "x" * 200_000, "field larger"),
        (line("10/01/2019", 8, GASPAR, 100, "500").replace(".08,", '".08,') * 2, "readable"),
    ],
)
def test_a_bad_file_is_refused_in_words(
    scenario: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, said: str
) -> None:
    file = tmp_path / "x.txt"
    file.write_text(content)
    assert main(["--scenario", str(scenario), str(file)]) == 1
    assert said in capsys.readouterr().err


def test_an_hour_that_stands_in_two_files_is_refused(scenario: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(line("10/01/2019", 8, GASPAR, 100, "6000"))
    assert main(["--scenario", str(scenario), str(tmp_path / "a.txt"), str(tmp_path / "b.txt")]) == 1
    assert "a.txt line 1 too" in capsys.readouterr().err


@pytest.mark.parametrize("damage", ["cut", "changed"])
def test_a_damaged_gz_is_refused_in_words(
    scenario: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: str
) -> None:
    rows = "".join(line(f"10/{day:02d}/2019", hour, GASPAR, 100, f"{day}{hour}") for day in range(1, 29) for hour in range(24))
    packed = bytearray(gzip.compress(rows.encode()))
    file, middle = tmp_path / "x.txt.gz", len(packed) // 2
    packed[middle : middle + 40] = bytes(40) if damage == "changed" else packed[middle : middle + 40]
    file.write_bytes(packed if damage == "changed" else packed[:middle])
    assert main(["--scenario", str(scenario), str(file)]) == 1
    assert "must be a readable .txt or .txt.gz file" in capsys.readouterr().err


@pytest.mark.parametrize(("out", "said"), [("nowhere/flows.csv", "must exist"), (".", "is a folder")])
def test_a_place_that_cannot_be_written_is_named_first(
    scenario: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], out: str, said: str
) -> None:
    assert main(["--scenario", str(scenario), "--out", str(tmp_path / out), "never_read.txt"]) == 1
    told = capsys.readouterr().err
    assert "--out" in told
    assert said in told


def test_the_flows_file_of_any_model_of_the_road_is_written(scenario: Path, tmp_path: Path) -> None:
    config = scenario / "traffic_sumo" / "config.yaml"
    config.write_text(config.read_text().replace("model: sumo", "model: bpr"))
    file, out = tmp_path / "x.txt", tmp_path / "flows.csv"
    file.write_text(line("10/01/2019", 8, GASPAR, 100, "6000"))
    assert main(["--scenario", str(scenario), "--out", str(out), str(file)]) == 0
    assert flows(out)["I5S_I710-I605", 8][0] == 6000.0
    assert not out.with_name("flows.csv.part").exists()


def test_a_missing_file_is_named(scenario: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--scenario", str(scenario), "nowhere.txt.gz"]) == 1
    assert "nowhere.txt.gz" in capsys.readouterr().err
