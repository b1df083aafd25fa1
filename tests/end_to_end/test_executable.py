"""An executable in an agent's place, by `helics run`: a stranger's program that imports nothing of ours (tests/support)."""

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pandas as pd
import psutil
import pytest
from small_rail_scenario import write_small_rail_scenario
from small_scenario import write_small_scenario

from federates.boundary.errors import ConfigError
from federates.isolation.landlock import landlock_abi
from federates.runs.check import check_scenario
from federates.runs.in_process import run_in_process
from federates.runs.launch import launch
from federates.runs.scenario import load_scenario
from federates.runtime.run_record import read_run_record

FOREIGN = Path(__file__).parents[1] / "support/foreign_operator.py"
LIMIT_S = 15.0
ROLE = {"road": "transport_operator", "rail": "power_operator"}


def scenario_of(world, folder, program="python -u foreign_operator.py", options="", **changes):
    """Return a small scenario in which the stranger's program takes the place of one agent."""
    scenario = (write_small_scenario if world == "road" else write_small_rail_scenario)(folder, **changes)
    shutil.copy(FOREIGN, scenario / ROLE[world] / FOREIGN.name)
    (scenario / ROLE[world] / "config.yaml").unlink()
    set_exec(scenario, ROLE[world], f"python -u -m federates.executable {ROLE[world]} -- {program} {options}")
    return scenario


def set_exec(scenario, name, command):
    runner = json.loads((scenario / "runner.json").read_text())
    for entry in runner["federates"]:
        if entry["name"] == name:
            entry["exec"] = command
    (scenario / "runner.json").write_text(json.dumps(runner))


def start(scenario, environment):
    words = ["helics", "run", "--path", str(scenario / "runner.json")]
    return subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def run_folder(scenario):
    return next((scenario / "results").iterdir())


def left_over(scenario):
    """Return the processes that still work in the scenario's folder, after a moment to end."""
    deadline = time.monotonic() + 5
    while True:
        found = []
        for process in psutil.process_iter():
            try:
                if process.cwd().startswith(str(scenario)) and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process.cmdline())
            except (psutil.AccessDenied, psutil.NoSuchProcess, FileNotFoundError):
                continue
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(0.1)


TABLES = {
    "road": ("coordinator/rounds", "coordinator/schedule", "power_operator/seen", "traffic_sumo/moved"),
    "rail": ("coordinator/negotiations", "coordinator/connections", "transport_operator/moves"),
}


@pytest.mark.parametrize("world", ["road", pytest.param("rail", marks=pytest.mark.long)])
def test_the_results_are_those_of_the_class(tmp_path, environment, world):
    """The class of the same mathematics runs in threads; every table of the others must be the same."""
    small = (write_small_scenario if world == "road" else write_small_rail_scenario)(tmp_path / "classes")
    inside = run_in_process(small)
    scenario = scenario_of(world, tmp_path / "foreign")
    process = start(scenario, environment)
    output, _ = process.communicate(timeout=120)
    folder = run_folder(scenario)
    record = json.loads((folder / "run.json").read_text())
    assert record["status"] == "complete", (record["failure"], output)
    assert process.returncode == 0, output
    for name in TABLES[world]:
        pd.testing.assert_frame_equal(pd.read_parquet(folder / f"{name}.parquet"), pd.read_parquet(inside / f"{name}.parquet"))
    own = folder / ROLE[world]
    assert (own / "notes.txt").read_text().strip() == scenario.name
    assert json.loads((own / "config.json").read_text())["executable"][-1] == FOREIGN.name
    files = json.loads((own / "files.json").read_text())
    assert files["recorded"] == "none"
    if landlock_abi():
        assert files["sandbox"]["state"] == "enforced"
        assert str(own) in files["sandbox"]["writable"]
    assert left_over(scenario) == []


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        pytest.param(
            "raise",
            "the executable ended with exit code 1: RuntimeError: no feasible plan (asked for by the test)",
            marks=pytest.mark.faults,
        ),
        pytest.param("kill", "the executable ended by signal SIGKILL", marks=pytest.mark.faults),
        ("exit3", "the executable ended with exit code 3: nothing to drive with"),
    ],
)
def test_a_program_that_fails_ends_the_run_and_is_named(tmp_path, environment, fault, said):
    """The one that ends with exit code 3 leaves a process of its own behind, which must not outlive it."""
    scenario = scenario_of("road", tmp_path, options=f"--fault {fault}")
    started = time.monotonic()
    process = start(scenario, environment)
    output, _ = process.communicate(timeout=120)
    folder = run_folder(scenario)
    failed = json.loads((folder / "transport_operator/failed.json").read_text())
    assert failed["message"] == f"transport_operator: {said}"
    assert failed["own_fault"] is True
    assert process.returncode == 1, output
    # The broker says it too, unless `helics run` has ended it before it could.
    failure = read_run_record(folder)["failure"]
    assert f"transport_operator: {said}" in failure or failure.startswith("ended from outside")
    assert time.monotonic() - started < 3 * LIMIT_S
    assert left_over(scenario) == []


@pytest.mark.parametrize("victim", ["pid", pytest.param("wrapper", marks=pytest.mark.faults)])
def test_a_killed_program_or_wrapper_takes_the_other_along(tmp_path, environment, victim):
    scenario = scenario_of("road", tmp_path, session={"periods": 10_000})
    words = ["python", "-m", "federates.cli", "run", str(scenario)]
    process = subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    deadline = time.monotonic() + 40
    while not (found := list((scenario / "results").glob("*/transport_operator/notes.txt"))) and time.monotonic() < deadline:
        time.sleep(0.02)
    record = json.loads((found[0].parent / "process.json").read_text())
    os.kill(record["pid"] if victim == "pid" else record["wrapper"]["pid"], signal.SIGKILL)
    killed = time.monotonic()
    output, _ = process.communicate(timeout=120)
    assert time.monotonic() - killed < LIMIT_S
    assert process.returncode == 1
    assert "transport_operator" in output
    assert left_over(scenario) == []


@pytest.mark.long
def test_a_missing_program_is_named_by_helics_run_too(tmp_path, environment):
    """`helics run` checks nothing before it starts the processes."""
    scenario = scenario_of("road", tmp_path, program="./solver")
    process = start(scenario, environment)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 1, output
    failed = json.loads((run_folder(scenario) / "transport_operator/failed.json").read_text())
    assert "transport_operator: program = './solver': no such program" in failed["message"]
    assert left_over(scenario) == []


def wrapped(words, name="transport_operator"):
    return lambda scenario: set_exec(scenario, name, f"python -u -m federates.executable {words}")


WRONG = {
    "another agent's role": (wrapped("power_operator -- python x.py"), ["'power_operator'", "must be transport_operator"]),
    "no role": (wrapped("operator -- python x.py"), ["'operator'", "must be the agent's role"]),
    "no program": (wrapped("transport_operator --"), ["must be ROLE -- PROGRAM"]),
    "no dashes": (wrapped("transport_operator python x.py"), ["must be ROLE -- PROGRAM"]),
    "an unknown option": (wrapped("transport_operator --session x -- python x.py"), ["unknown option before the dashes", "none"]),
    "a missing program": (wrapped("transport_operator -- ./solver"), ["'./solver'", "may be executed", "on the PATH"]),
    "a file that may not be executed": (wrapped("transport_operator -- ./foreign_operator.py"), ["may be executed"]),
    "a partner's program": (wrapped("transport_operator -- ../power_operator/x.sh"), ["must lie in the agent's own folder"]),
    "in the broker's place": (wrapped("broker -- python x.py", "broker"), ["'broker'", "must be the agent's role"]),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_line_is_said_before_anything_starts(tmp_path, case):
    breaking, expected = WRONG[case]
    scenario = scenario_of("road", tmp_path)
    check_scenario(scenario)
    breaking(scenario)
    with pytest.raises(ConfigError) as caught:
        check_scenario(scenario)
    for words in expected:
        assert words in str(caught.value)
    assert "runner.json" in str(caught.value)


def test_changes_do_not_reach_a_coordinator_that_is_an_executable(tmp_path):
    """An executable reads the agreement's file; to run it with changes that it does not know would be a silent wrong answer."""
    scenario = scenario_of("road", tmp_path)
    set_exec(scenario, "coordinator", "python -m federates.executable coordinator --session=../scenario.yaml -- python c.py")
    assert check_scenario(scenario).session_file == scenario / "scenario.yaml"
    with pytest.raises(ConfigError, match="--set = periods=2: the coordinator is an executable"):
        check_scenario(scenario, {"periods": "2"})
    with pytest.raises(ConfigError, match="--set = scheme=no_mves"):
        launch(load_scenario(scenario), {"scheme": "no_mves"})
    assert not (scenario / "results").exists()


def test_an_executable_is_not_run_in_threads(tmp_path):
    scenario = scenario_of("road", tmp_path)
    with pytest.raises(ConfigError, match=r"transport_operator\.exec = python -u -m federates\.executable .* needs a process"):
        run_in_process(scenario)
