"""Results of a run in another folder: of a scenario that nobody may write to, and where there is no place for results."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from full_disk import unshare
from small_rail_scenario import write_small_rail_scenario
from small_scenario import write_small_scenario
from typer.testing import CliRunner

from federates.boundary.errors import PortageError
from federates.cli.app import app
from federates.runs.launch import launch
from federates.runs.scenario import load_scenario

PORTAGE = [sys.executable, "-m", "federates.cli"]


def read_only(scenario):
    """Return the words that make a scenario read-only for the command behind them, whoever runs it."""
    if not (words := unshare()):
        pytest.skip("this user may not make a file system of its own (unshare)")
    lock = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'
    return [*words, "sh", "-c", lock, str(scenario)]


def call(words, environment, cwd=None, **more):
    return subprocess.run([*map(str, words)], env=environment | more, cwd=cwd, capture_output=True, text=True, timeout=300)


def only_run(results):
    (folder,) = (path for path in results.iterdir() if (path / "run.json").exists())
    record = json.loads((folder / "run.json").read_text())
    assert record["status"] == "complete"
    assert record["audit"]["clean"], record["audit"]
    return folder


def test_a_read_only_scenario_runs_with_its_results_elsewhere(tmp_path, environment):
    scenario, results = write_small_scenario(tmp_path / "in", session={"periods": 1}), tmp_path / "out"
    lock = read_only(scenario)
    refused = call([*lock, *PORTAGE, "run", scenario], environment)
    assert refused.returncode == 1
    assert "cannot be made: Read-only file system" in refused.stderr
    assert "--results" in refused.stderr
    done = call([*lock, *PORTAGE, "run", scenario, "--results", results], environment)
    assert done.returncode == 0, done.stderr
    assert not (scenario / "results").exists()
    first = only_run(results)
    with_another = ["compare", scenario, "--schemes", "no_mves", "--results", results]
    for words in (["audit", first], ["report", first], with_another):
        done = CliRunner().invoke(app, [*map(str, words)])
        assert done.exit_code == 0, done.output
    assert len([path for path in results.iterdir() if (path / "run.json").exists()]) == 2
    assert len(list(results.glob("compare-*/*.html"))) == 1


def test_helics_run_puts_them_where_the_environment_says(tmp_path, environment):
    scenario, results = write_small_rail_scenario(tmp_path / "in"), tmp_path / "out"
    helics = ["helics", "run", "--no-log-files", "--path", scenario / "runner.json"]
    done = call([*read_only(scenario), *helics], environment, PORTAGE_RESULTS_ROOT=str(results))
    assert done.returncode == 0, done.stdout
    only_run(results)
    assert not (scenario / "results").exists()


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("{scenario}/power_operator/out", "must lie outside the scenario, or in "),
        ("{scenario}", "must lie outside the scenario, or in "),
        ("{file}", "must be a folder, or not be there yet"),
        ("{file}/below", "cannot be made: Not a directory"),
        ("/proc/portage", "cannot be made: No such file or directory"),
    ],
)
def test_no_place_for_results_is_said_before_anything_starts(tmp_path, place, said):
    scenario = write_small_scenario(tmp_path / "in", session={"periods": 1})
    (tmp_path / "file").write_text("")
    folder = Path(place.format(scenario=scenario, file=tmp_path / "file"))
    with pytest.raises(PortageError, match=said):
        launch(load_scenario(scenario), results=folder)
    assert not list(scenario.rglob("process.json"))


def test_the_broker_says_where_the_environment_names_no_place(tmp_path, environment):
    scenario = write_small_scenario(tmp_path / "in", session={"periods": 1})
    broker = [sys.executable, "-u", "-m", "federates.broker", "--config", "../broker.yaml"]
    done = call(broker, environment, cwd=scenario, PORTAGE_RESULTS_ROOT="out")
    assert done.returncode == 2
    assert "PORTAGE_RESULTS_ROOT = out: must be an absolute path" in done.stderr
