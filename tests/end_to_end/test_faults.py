"""Faults in real processes: the run ends soon, names the culprit, leaves nothing behind, loses nothing written.

The operators here are small ones (tests/support), for a fault must come at a known moment; the processes, HELICS, the broker
and the launcher are the real ones.
"""

import json
import os
import resource
import signal
import socket
import subprocess
import time

import pandas as pd
import pytest
from processes import processes_of
from small_rail_scenario import RAIL_AGENTS, write_small_rail_scenario
from small_scenario import AGENTS, write_small_scenario

from federates.runtime.run_record import read_run_record

LIMIT_S = 15.0
LONG = {"join_s": 30, "begin_s": 30, "answer_s": 600, "finish_s": 30}


def one_by_default(values):
    """Return parameters of which the first is tried by default, and the others with the faults."""
    return [pytest.param(value, marks=[pytest.mark.faults] if number else []) for number, value in enumerate(values)]


def start(command, scenario, environment):
    if command == "portage":
        words = ["python", "-m", "federates.cli", "run", str(scenario)]
    else:
        words = ["helics", "run", "--path", str(scenario / "runner.json")]
    return subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def nothing_is_left(scenario):
    deadline = time.monotonic() + 5
    while processes_of(scenario) and time.monotonic() < deadline:
        time.sleep(0.1)
    return [p.cmdline() for p in processes_of(scenario)] == []


def run_folder(scenario):
    return next((scenario / "results").iterdir())


FAILING = {
    "raise": "power_operator: no feasible plan",
    "exit": "power_operator: ended with",
    "sleep": "power_operator: solve in period 1, round 1 took longer than 4 s",
    "kill": "power_operator",
}


@pytest.mark.parametrize(
    ("command", "fault", "said"),
    [
        ("portage", "sleep", FAILING["sleep"]),
        ("helics", "raise", FAILING["raise"]),
        *(pytest.param("portage", fault, FAILING[fault], marks=pytest.mark.faults) for fault in ("raise", "exit", "kill")),
        *(pytest.param("helics", fault, FAILING[fault], marks=pytest.mark.faults) for fault in ("exit", "sleep", "kill")),
    ],
)
def test_a_failing_operator_ends_the_run(tmp_path, environment, command, fault, said):
    limits = {"join_s": 30, "begin_s": 30, "answer_s": 4 if fault == "sleep" else 60, "period_s": 30, "finish_s": 30}
    scenario = write_small_scenario(tmp_path, power={"fault": fault}, broker={"limits": limits})
    process = start(command, scenario, environment)
    output, _ = process.communicate(timeout=120)
    if command == "portage":
        assert process.returncode == 1, output
        assert said in output
    record = read_run_record(run_folder(scenario))
    assert record["status"] == "failed"
    # `helics run` may kill the broker before it can say who it was.
    if command == "portage" or not record["failure"].startswith("ended from outside"):
        assert said.split(":")[0] in record["failure"]
    assert nothing_is_left(scenario)
    # Period 0 was over when the fault came; its plan is on the disk.
    assert pd.read_parquet(run_folder(scenario) / "coordinator/schedule.parts").period.tolist() == [0, 0]


def wait_for(scenario, agent):
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        for path in (scenario / "results").glob(f"*/{agent}/process.json"):
            return json.loads(path.read_text())["pid"]
        time.sleep(0.02)
    raise AssertionError(f"{agent} never started")


@pytest.mark.parametrize("victim", one_by_default(AGENTS))
def test_a_killed_process_ends_the_run_and_is_named(tmp_path, environment, victim):
    scenario = write_small_scenario(tmp_path, session={"periods": 10_000})
    process = start("portage", scenario, environment)
    pid = wait_for(scenario, victim)
    time.sleep(1.0)
    killed = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    output, _ = process.communicate(timeout=120)
    assert time.monotonic() - killed < LIMIT_S
    assert process.returncode == 1
    assert victim in output
    assert nothing_is_left(scenario)


def test_ending_helics_run_ends_everything(tmp_path, environment):
    """`helics run` itself leaves its processes alone when it is terminated; ours notice that it is gone."""
    scenario = write_small_scenario(tmp_path, session={"periods": 10_000})
    process = start("helics", scenario, environment)
    wait_for(scenario, "coordinator")
    time.sleep(1.0)
    process.terminate()
    process.communicate(timeout=120)
    deadline = time.monotonic() + 60  # a busy computer takes its time
    while processes_of(scenario) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert nothing_is_left(scenario)
    assert read_run_record(run_folder(scenario))["status"] == "failed"


def test_a_taken_port_is_said_before_anything_starts(tmp_path, environment):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        scenario = write_small_scenario(tmp_path, broker={"port": port})
        process = start("portage", scenario, environment)
        output, _ = process.communicate(timeout=120)
    assert process.returncode == 2
    assert f"port = {port}" in output
    assert "taken" in output
    assert not (scenario / "results").exists()


@pytest.mark.long
def test_two_runs_at_once_do_not_meet(tmp_path, environment):
    scenario = write_small_scenario(tmp_path, session={"periods": 20})
    runs = [start("helics", scenario, environment) for _ in range(2)]
    outputs = [run.communicate(timeout=120)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], outputs
    records = [json.loads(p.read_text()) for p in (scenario / "results").glob("*/run.json")]
    assert [r["status"] for r in records] == ["complete", "complete"]
    tables = [pd.read_parquet(p) for p in (scenario / "results").glob("*/coordinator/rounds.parquet")]
    pd.testing.assert_frame_equal(*tables)


def test_results_that_cannot_be_written_are_said(tmp_path, environment):
    scenario = write_small_scenario(tmp_path)
    (scenario / "results").write_text("a file where the folder should be")
    process = start("portage", scenario, environment)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "results" in output
    assert "Traceback" not in output


def test_a_full_disk_is_said_and_what_was_written_stays(tmp_path, environment):
    """A limit on file sizes stands for a full disk: the system refuses the write in the same way."""
    scenario = write_small_scenario(tmp_path, session={"periods": 400})
    words = ["python", "-m", "federates.cli", "run", str(scenario)]
    process = subprocess.run(
        words,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)),
    )
    assert process.returncode == 1
    assert "cannot write results" in process.stderr
    assert "File too large" in process.stderr
    assert nothing_is_left(scenario)
    assert len(pd.read_parquet(run_folder(scenario) / "coordinator/schedule.parts")) > 0


def test_processes_and_threads_give_the_same_results(tmp_path, environment):
    from federates.runs.in_process import run_in_process

    scenario = write_small_scenario(tmp_path)
    process = start("helics", scenario, environment)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    outside, inside = run_folder(scenario), run_in_process(scenario)
    for name in ("coordinator/rounds", "coordinator/schedule", "power_operator/seen", "traffic_sumo/moved"):
        pd.testing.assert_frame_equal(pd.read_parquet(outside / f"{name}.parquet"), pd.read_parquet(inside / f"{name}.parquet"))


@pytest.mark.parametrize("command", one_by_default(["helics", "portage"]))
def test_a_day_by_rail_in_processes(tmp_path, environment, command):
    """The broker counts three agents in runner.json; processes and threads give the same results."""
    from federates.runs.in_process import run_in_process

    scenario = write_small_rail_scenario(tmp_path, transport={"late_period": 0})
    process = start(command, scenario, environment)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    outside = run_folder(scenario)
    assert json.loads((outside / "run.json").read_text())["status"] == "complete"
    inside = run_in_process(scenario)
    for name in ("coordinator/negotiations", "coordinator/connections", "power_operator/plan", "transport_operator/moves"):
        pd.testing.assert_frame_equal(pd.read_parquet(outside / f"{name}.parquet"), pd.read_parquet(inside / f"{name}.parquet"))


def test_an_operator_by_rail_that_takes_too_long_is_named(tmp_path, environment):
    """It says so itself, before the coordinator, which asks how far it is, loses patience."""
    scenario = write_small_rail_scenario(tmp_path, power={"fault": "sleep"}, broker={"limits": LONG | {"answer_s": 4}})
    process = start("portage", scenario, environment)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 1, output
    assert "power_operator: solve in period 0, round 2 took longer than 4 s" in output
    assert json.loads((run_folder(scenario) / "run.json").read_text())["status"] == "failed"
    assert nothing_is_left(scenario)


@pytest.mark.parametrize("victim", one_by_default(RAIL_AGENTS))
def test_a_killed_process_ends_a_run_by_rail_and_is_named(tmp_path, environment, victim):
    """It is killed while the power operator works on a long answer and the coordinator asks how far it is."""
    scenario = write_small_rail_scenario(tmp_path, power={"slow_s": 300, "slow_in": "relax"}, broker={"limits": LONG})
    process = start("portage", scenario, environment)
    wait_for_question(scenario, 1)
    pid = wait_for(scenario, victim)
    time.sleep(1.0)
    killed = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    output, _ = process.communicate(timeout=120)
    assert time.monotonic() - killed < LIMIT_S
    assert process.returncode == 1
    assert victim in output
    assert nothing_is_left(scenario)


def wait_for_question(scenario, round_):
    """Wait until the coordinator has asked the operators for this round of the first period."""
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        for path in (scenario / "results").glob("*/coordinator/progress.jsonl"):
            if f'"asked_round": {round_},' in path.read_text():
                return
        time.sleep(0.02)
    raise AssertionError(f"round {round_} was never asked")


def cpu_s(processes):
    return {process.pid: sum(process.cpu_times()[:2]) for process in processes}


@pytest.mark.parametrize("slow_in", one_by_default(["relax", "begin", "commit"]))
def test_nobody_is_busy_while_an_operator_works_for_long(tmp_path, environment, slow_in):
    """Two federates that wait in a time request for a third one would burn a core (docs/decisions/0008): 4 s in 4 s."""
    scenario = write_small_rail_scenario(
        tmp_path,
        session={"periods": 1},
        power={"slow_s": 6, "slow_in": slow_in, "worth_usd": [[1], [1]]},
        broker={"limits": LONG},
    )
    process = start("portage", scenario, environment)
    if slow_in == "begin":
        wait_for(scenario, "coordinator")
        time.sleep(1.5)
    else:
        wait_for_question(scenario, 1 if slow_in == "relax" else 5)
        time.sleep(0.5)
    waiting = processes_of(scenario)
    assert len(waiting) == 4
    before = cpu_s(waiting)
    time.sleep(4.0)
    after = cpu_s(waiting)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    assert sum(after.values()) - sum(before.values()) < 1.0, (before, after)


def test_agents_of_the_wrong_world_are_said_by_helics_run_too(tmp_path, environment):
    """`helics run` checks nothing before it starts the processes."""
    scenario = write_small_scenario(tmp_path)
    session = (write_small_rail_scenario(tmp_path) / "scenario.yaml").read_text()
    (scenario / "scenario.yaml").write_text(session)
    process = start("helics", scenario, environment)
    process.communicate(timeout=120)
    assert process.returncode != 0
    said = (scenario / "broker.log").read_text()
    assert "whose world is rail: coordinator, power_operator, transport_operator; traffic_sumo is no agent there" in said
    assert nothing_is_left(scenario)


@pytest.mark.long
def test_a_runner_file_of_another_name_is_named_to_the_broker(tmp_path, environment):
    scenario = write_small_rail_scenario(tmp_path)
    other = scenario / "day.json"
    (scenario / "runner.json").rename(other)
    words = ["python", "-m", "federates.broker", "--config", "broker.yaml"]
    silent = environment | {"PORTAGE_IDENTITY": str(tmp_path / "identity.json")}
    done = subprocess.run(words, cwd=scenario, env=silent, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert "runner.json: (file) = missing: must be the scenario's runner.json, or named by --runner" in done.stderr
    other.write_text(other.read_text().replace("--config broker.yaml", "--config broker.yaml --runner day.json"))
    process = subprocess.run(
        ["helics", "run", "--path", str(other)], env=environment, capture_output=True, text=True, timeout=120
    )
    assert process.returncode == 0, process.stdout + process.stderr
    assert json.loads((run_folder(scenario) / "run.json").read_text())["status"] == "complete"


def test_an_option_without_a_value_is_one_clear_line(tmp_path, environment):
    scenario = write_small_rail_scenario(tmp_path)
    words = ["python", "-m", "federates.coordinator", "--set", "periods"]
    done = subprocess.run(words, cwd=scenario / "coordinator", env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert "--set = 'periods': must be KEY=VALUE" in done.stderr
    assert "Traceback" not in done.stderr
