"""Any runs side by side: what differs is found, what cannot be compared is refused, and the command takes run folders."""

import json
import shutil
import sys

import pytest
from small_rail_scenario import write_small_rail_scenario
from small_scenario import write_small_scenario

from federates.boundary.errors import ConfigError
from federates.cli.app import main
from federates.reporting.compare import write_side_by_side
from federates.runs.in_process import run_in_process


@pytest.fixture(scope="module")
def road_runs(tmp_path_factory):
    """Return two runs of which the second values a vehicle at less than it costs, and so sends none."""
    scenario = write_small_scenario(tmp_path_factory.mktemp("road"))
    return [run_in_process(scenario, None, {"power_operator": {"worth": worth}}) for worth in (8.0, 0.25)]


def test_the_difference_and_its_consequence_are_told(road_runs, tmp_path):
    page = write_side_by_side(road_runs, tmp_path / "out")
    content = json.loads((tmp_path / "out/comparison.json").read_text())
    assert content["differences"] == {"power_operator.settings.worth": {"A": 8.0, "B": 0.25}}
    sent = {letter: head["mves_sent_veh"] for letter, head in content["summary"].items()}
    assert sent["A"] > sent["B"] == 0
    text = page.read_text()
    assert "power_operator.settings.worth" in text
    assert "data:image/svg+xml" in text
    assert (tmp_path / "out/figures/runs.png").exists()


def test_the_command_takes_folders_of_runs(road_runs, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["portage", "compare", *map(str, road_runs)])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 0
    (made,) = road_runs[0].parent.glob("compare-*")
    assert str(made / "comparison.html") in capsys.readouterr().out


def test_one_run_and_runs_of_different_days_are_refused(road_runs, tmp_path):
    with pytest.raises(ConfigError, match="give two to 8 folders"):
        write_side_by_side(road_runs[:1], tmp_path / "out")
    other = shutil.copytree(road_runs[0], tmp_path / "other")
    session = json.loads((other / "session.json").read_text())
    (other / "session.json").write_text(json.dumps(session | {"start_hour": 6}))
    with pytest.raises(ConfigError, match="start_hour = 6: must be as in the first run: 0"):
        write_side_by_side([road_runs[0], other], tmp_path / "out")
    by_rail = run_in_process(write_small_rail_scenario(tmp_path))
    with pytest.raises(ConfigError, match="world = rail: must be as in the first run: road"):
        write_side_by_side([road_runs[0], by_rail], tmp_path / "out")
    assert not (tmp_path / "out").exists()
    # Nothing to draw, but still a page: the small operators by rail record no power balance.
    page = write_side_by_side([by_rail, by_rail], tmp_path / "rail")
    assert "The runs' settings are the same" in page.read_text().replace("&#39;", "'")


def test_a_run_that_is_not_complete_is_marked(road_runs, tmp_path):
    other = shutil.copytree(road_runs[0], tmp_path / "other")
    (other / "run.json").write_text(json.dumps(json.loads((other / "run.json").read_text()) | {"status": "failed"}))
    text = write_side_by_side([road_runs[0], other], tmp_path / "out").read_text()
    assert "Not every run is complete" in text
    assert "B: its numbers are not" in text
