"""Faults of fleets and stations in real processes: the run ends soon, names the one at fault, and leaves nothing behind."""

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
import yaml
from processes import processes_of
from small_fleets import write_fleets

from federates.runtime.run_record import read_run_record

SUPPORT = Path(__file__).parents[1] / "support"
FLEETS = {"u": (40.0, 0.5), "c": (10.0, 1.0)}
ROLES = {"q1": "charging_station", "c": "mves_fleet"}
LIMIT_S, ANSWER_S = 40.0, 6


def scenario_with(folder, agent="", fault="", *, program=False, **session):
    """Write a scenario in which one agent has a fault: a class, or the program of a stranger."""
    scenario = write_fleets(folder, FLEETS, settings={"update": "box_step", "plan": "mean", "gap_target": 0.05}, **session)
    broker = yaml.safe_load((scenario / "broker.yaml").read_text())
    broker["limits"] |= {"join_s": 60, "begin_s": 60, "answer_s": ANSWER_S if fault == "sleep" else 60, "period_s": 60}
    (scenario / "broker.yaml").write_text(yaml.safe_dump(broker))
    if program:
        for name in ("foreign_fleets.py", "foreign_operator.py"):
            shutil.copy(SUPPORT / name, scenario / agent)
        runner = json.loads((scenario / "runner.json").read_text())
        (entry,) = (entry for entry in runner["federates"] if entry["name"] == agent)
        command = f"python foreign_fleets.py --fault {fault}" if fault else "python foreign_fleets.py"
        entry["exec"] = f"python -u -m federates.executable {ROLES[agent]} -- {command}"
        (scenario / "runner.json").write_text(json.dumps(runner))
    elif agent:
        parts = [(SUPPORT / name).read_text() for name in ("small_fleets.py", "faulty_fleets.py")]
        text = "".join(parts).replace("from small_fleets import FleetSettings, SmallFleet, SmallStation, StationSettings\n", "")
        (scenario / "faulty_fleets.py").write_text(text)
        config = yaml.safe_load((scenario / agent / "config.yaml").read_text())
        config["model"] = f"faulty_fleets:{'FaultyStation' if agent == 'q1' else 'FaultyFleet'}"
        config["settings"]["fault"] = fault
        (scenario / agent / "config.yaml").write_text(yaml.safe_dump(config))
    return scenario


def nothing_is_left(scenario):
    deadline = time.monotonic() + 10
    while processes_of(scenario) and time.monotonic() < deadline:
        time.sleep(0.1)
    return [process.cmdline() for process in processes_of(scenario)] == []


def run(scenario, environment):
    """Return exit code, what was printed, and the record of the run."""
    words = ["python", "-m", "federates.cli", "run", str(scenario)]
    done = subprocess.run(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)
    (folder,) = (scenario / "results").iterdir()
    return done.returncode, done.stdout, read_run_record(folder)


CLASSES = [
    ("q1", "wrong", "q1: q1/power_operator/station_receipts: shape is (1, 1, 3)"),
    ("q1", "raise", "q1: RuntimeError: the feeder is out of order"),
    ("q1", "sleep", f"q1: opening period 1 took longer than {ANSWER_S} s"),
    ("q1", "kill", "q1"),
    ("c", "wrong", "c: c/passage_veh: every value must be finite"),
    ("c", "raise", "c: RuntimeError: the feeder is out of order"),
    ("c", "sleep", f"c: solve in period 1, round 1 took longer than {ANSWER_S} s"),
    ("c", "kill", "c"),
]
PROGRAMS = [
    ("q1", "exit3", "q1: the executable ended with exit code 3: no vehicle left"),
    ("q1", "kill", "q1: the executable ended by signal SIGKILL"),
    ("q1", "wrong_shape", "q1 sent what the topic table does not allow: q1/gate_spots: 3 values do not fill shape"),
    ("q1", "sleep", "q1 is still at work"),
    ("c", "exit3", "c: the executable ended with exit code 3: no vehicle left"),
    ("c", "kill", "c: the executable ended by signal SIGKILL"),
    ("c", "wrong_shape", "c sent what the topic table does not allow: c/delivery_kwh: 1 values do not fill shape"),
    ("c", "sleep", "c is still at work"),
]
BY_DEFAULT = {("c", "exit3", True)}
CASES = [
    pytest.param(*case, program, marks=[] if (*case[:2], program) in BY_DEFAULT else [pytest.mark.faults])
    for program, cases in ((False, CLASSES), (True, PROGRAMS))
    for case in cases
]


@pytest.mark.parametrize(("agent", "fault", "said", "program"), CASES)
def test_a_fault_ends_the_run_with_one_named_reason(agent, fault, said, program, tmp_path, environment):
    scenario = scenario_with(tmp_path, agent, fault, program=program)
    code, output, record = run(scenario, environment)
    assert code == 1, output
    assert record["status"] == "failed"
    assert said in record["failure"]
    assert "\n" not in record["failure"]
    assert said in output
    assert nothing_is_left(scenario)


@pytest.mark.parametrize("victim", [pytest.param(name, marks=pytest.mark.faults) for name in ("q1", "r1", "u")])
def test_a_process_that_is_killed_from_outside_is_named(victim, tmp_path, environment):
    scenario = scenario_with(tmp_path, periods=1_000)
    process = subprocess.Popen(
        ["python", "-m", "federates.cli", "run", str(scenario)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    deadline, found = time.monotonic() + 120, []
    while not found and time.monotonic() < deadline:
        found = list((scenario / "results").glob("*/coordinator/schedule.parts/00001.parquet"))
        time.sleep(0.05)
    assert found, "the second period was never committed"
    (record,) = (scenario / "results").glob(f"*/{victim}/process.json")
    killed = time.monotonic()
    os.kill(json.loads(record.read_text())["pid"], signal.SIGKILL)
    output, _ = process.communicate(timeout=200)
    assert time.monotonic() - killed < LIMIT_S
    assert process.returncode == 1
    assert f"{victim}: ended by signal SIGKILL" in output
    assert nothing_is_left(scenario)


@pytest.mark.faults
def test_a_program_as_station_and_one_as_fleet_finish_a_run_like_classes(tmp_path, environment):
    scenario = scenario_with(tmp_path, "q1", program=True)
    code, output, record = run(scenario, environment)
    assert code == 0, output
    assert record["status"] == "complete"
    assert "nothing outside the table" in output
