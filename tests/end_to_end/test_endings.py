"""A run that is ended from outside, or that has no room for its results: what is said, what is kept, and what is cleaned up.

The operators are small ones (tests/support); the processes, the signals and the file systems are real.
"""

import json
import os
import shutil
import signal
import subprocess
import time

import pytest
from full_disk import small_disk
from small_scenario import AGENTS, write_small_scenario

pytestmark = pytest.mark.faults

BROKER = {"report": True, "limits": {"join_s": 60, "begin_s": 60, "answer_s": 60, "period_s": 60, "finish_s": 60}}
FOR_EVER = {"periods": 10_000}
SECOND_PERIOD = "coordinator/rounds.parts/00001.parquet"
EVERYONE_IS_DONE = [f"{agent}/finished.json" for agent in AGENTS]


@pytest.fixture
def scratch(tmp_path, environment):
    """Return an environment with a folder for temporary files of its own."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    return environment | {"TMPDIR": str(folder)}


def portage(*words):
    return ["python", "-m", "federates.cli", *map(str, words)]


def command_of(command, scenario):
    return portage("run", scenario) if command == "portage" else ["helics", "run", "--path", str(scenario / "runner.json")]


def start(words, environment, **options):
    return subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)


def call(environment, *words):
    return subprocess.run(portage(*words), env=environment, capture_output=True, text=True, timeout=400)


def wait_for(scenario, *names):
    """Return the folder of the run in which all of these files are there."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        for folder in (scenario / "results").glob("*"):
            if all((folder / name).exists() for name in names):
                return folder
        time.sleep(0.01)
    raise AssertionError(f"{names} never came")


def record_of(folder):
    return json.loads((folder / "run.json").read_text())


def process_of(folder, agent):
    return json.loads((folder / agent / "process.json").read_text())["pid"]


def nothing_temporary_is_left(scratch, folder):
    left = [path for path in os.scandir(scratch["TMPDIR"]) if path.name.startswith("portage-run-")]
    left += [key for path in os.scandir(scratch["TMPDIR"]) if path.name.startswith("portage-") for key in os.scandir(path)]
    return left == [] and not any((folder / agent / "temporary").exists() for agent in AGENTS)


def end_of(process):
    output, _ = process.communicate(timeout=120)
    assert "Traceback" not in output, output
    return output


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (signal.SIGINT, "portage: interrupted by the user"),
        (signal.SIGTERM, "portage: interrupted by SIGTERM"),
        (signal.SIGHUP, "portage: interrupted by SIGHUP"),
    ],
)
def test_a_run_that_is_told_to_end_says_so_and_can_be_reported(tmp_path, scratch, sent, said):
    scenario = write_small_scenario(tmp_path, session=FOR_EVER, broker=BROKER)
    process = start(command_of("portage", scenario), scratch)
    folder = wait_for(scenario, SECOND_PERIOD)
    assert record_of(folder)["status"] == "running"
    process.send_signal(sent)
    output = end_of(process)
    assert process.returncode == 1
    assert f"failed: {said}" in output
    assert (record_of(folder)["status"], record_of(folder)["failure"]) == ("failed", said)
    assert nothing_temporary_is_left(scratch, folder)
    done = call(scratch, "report", folder)
    assert done.returncode == 0, done.stderr
    assert f"is not whole: {said}" in done.stderr
    assert "This run failed" in (folder / "report.html").read_text()
    assert said in (folder / "report.html").read_text()


def test_a_second_ctrl_c_is_answered_and_loses_nothing(tmp_path, scratch):
    scenario = write_small_scenario(tmp_path, session=FOR_EVER, broker=BROKER)
    process = start(command_of("portage", scenario), scratch)
    folder = wait_for(scenario, SECOND_PERIOD)
    # The broker does not listen to the polite signal, so that the second Ctrl-C comes while the run is being ended.
    broker = next(child for child in children(process.pid) if "federates.broker" in child.cmdline())
    broker.suspend()
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    output = end_of(process)
    assert "it is ending already" in output
    assert process.returncode == 1
    assert record_of(folder)["failure"] == "portage: interrupted by the user"
    assert nothing_temporary_is_left(scratch, folder)


def children(pid):
    import psutil

    return psutil.Process(pid).children(recursive=True)


def test_a_closed_terminal_ends_the_run_in_good_order(tmp_path, scratch):
    """The launcher's terminal goes away with everything it would have said."""
    scenario = write_small_scenario(tmp_path, session=FOR_EVER, broker=BROKER)
    ours, theirs = os.openpty()
    process = subprocess.Popen(command_of("portage", scenario), env=scratch, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    os.set_blocking(ours, False)
    folder = wait_for(scenario, SECOND_PERIOD)
    os.close(ours)
    process.send_signal(signal.SIGHUP)
    assert process.wait(timeout=60) == 1
    assert record_of(folder)["failure"] == "portage: interrupted by SIGHUP"
    assert nothing_temporary_is_left(scratch, folder)


def test_a_run_that_helics_ended_with_exit_code_0_is_seen_as_broken(tmp_path, scratch):
    """`helics run` takes an agent that was killed by SIGKILL for a good end, and kills the broker before it can write."""
    scenario = write_small_scenario(tmp_path, session=FOR_EVER, broker=BROKER)
    process = start(command_of("helics", scenario), scratch, start_new_session=True)
    folder = wait_for(scenario, SECOND_PERIOD)
    # All at once is what the kernel does to a group that is out of memory: nobody has the time to write anything.
    os.killpg(process.pid, signal.SIGKILL)
    end_of(process)
    assert record_of(folder)["status"] == "running"
    deadline = time.monotonic() + 20
    while any(os.path.exists(f"/proc/{process_of(folder, agent)}") for agent in AGENTS) and time.monotonic() < deadline:
        time.sleep(0.1)
    tables = {path: path.read_bytes() for path in folder.glob("*/*.parts/*.parquet")}
    for command in ("report", "audit"):
        done = call(scratch, command, folder)
        assert "is not whole: ended from outside: process" in done.stderr, done
        assert "Traceback" not in done.stderr
    scenario_file = scenario / "scenario.yaml"
    scenario_file.write_text(scenario_file.read_text().replace("periods: 10000", "periods: 2"))
    process = start(command_of("portage", scenario), scratch)
    output = end_of(process)
    assert process.returncode == 0
    assert output.count(f"portage: run {folder.name} was ended from outside") == 1
    assert record_of(folder)["status"] == "failed"
    assert {path: path.read_bytes() for path in folder.glob("*/*.parts/*.parquet")} == tables
    assert nothing_temporary_is_left(scratch, folder)


@pytest.mark.parametrize("command", ["portage", "helics"])
def test_results_that_are_removed_during_the_run_are_one_line(tmp_path, scratch, command):
    scenario = write_small_scenario(tmp_path, session=FOR_EVER, broker=BROKER)
    process = start(command_of(command, scenario), scratch)
    wait_for(scenario, SECOND_PERIOD)
    while (scenario / "results").exists():  # an agent may write into a folder that is just being removed
        shutil.rmtree(scenario / "results", ignore_errors=True)
    output = end_of(process)
    assert process.returncode == 1
    if command == "portage":
        assert sum("the folder of the results is gone" in line for line in output.splitlines()) == 1, output


def test_a_coordinator_that_is_killed_while_the_report_is_written_costs_nothing(tmp_path, scratch):
    scenario = write_small_scenario(tmp_path, broker=BROKER)
    process = start(command_of("portage", scenario), scratch)
    folder = wait_for(scenario, *EVERYONE_IS_DONE)
    os.kill(process_of(folder, "coordinator"), signal.SIGKILL)
    output = end_of(process)
    assert process.returncode == 0, output
    assert "Note: coordinator: ended by signal SIGKILL, when its work was done." in output
    assert record_of(folder)["status"] == "complete"
    assert (folder / "report.html").exists()


def test_a_comparison_of_which_one_scheme_fails_has_the_others(tmp_path, scratch):
    scenario = write_small_scenario(tmp_path, broker=BROKER)
    agents = scenario / "small_agents.py"
    begin = "    def begin(self, session, recorder):\n"
    broken = f"{begin}        if session.scheme == 'no_mves':\n            raise RuntimeError('no day')\n"
    agents.write_text(agents.read_text().replace(begin, broken, 1))  # the first is the power operator's
    done = call(scratch, "compare", scenario, "--jobs", "1")
    assert done.returncode == 1, done
    assert "Comparison: " in done.stdout
    assert "Not compared: scheme no_mves, which failed: power_operator: RuntimeError: no day" in done.stderr
    (page,) = (scenario / "results").glob("compare-*/comparison.json")
    assert sorted(json.loads(page.read_text())["runs"]) == ["fastest_route", "proposed"]


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_comparison_that_is_told_to_end_says_what_it_keeps(tmp_path, scratch, sent):
    scenario = write_small_scenario(tmp_path, session=FOR_EVER, broker=BROKER)
    process = start(portage("compare", scenario, "--jobs", "1"), scratch)
    folder = wait_for(scenario, SECOND_PERIOD)
    process.send_signal(sent)
    output = end_of(process)
    assert process.returncode == 130
    assert "every run keeps what it has written" in output
    assert f"not whole: {folder}" in output
    assert record_of(folder)["status"] == "failed"
    assert nothing_temporary_is_left(scratch, folder)


@pytest.mark.parametrize("command", ["portage", "helics"])
@pytest.mark.parametrize(
    ("size", "moment", "periods", "who"),
    [
        ("8m", [SECOND_PERIOD], 10_000, AGENTS),
        ("8m", EVERYONE_IS_DONE, 2, ["broker"]),
        ("100k", ["start"], 30, [*AGENTS, "broker"]),
    ],
)
def test_a_full_disk_is_said_by_who_met_it(tmp_path, scratch, command, size, moment, periods, who):
    scenario = write_small_scenario(tmp_path, session={"periods": periods}, broker=BROKER)
    if not (words := small_disk(scenario, size, ",".join(moment))):
        pytest.skip("this user may not make a file system of its own (unshare)")
    process = start([*words, *command_of(command, scenario)], scratch)
    output = end_of(process)
    assert process.returncode == 1, output
    (folder,) = (scenario / "results").iterdir()
    failure = record_of(folder)["failure"]
    assert "no space left on the device: " in failure, failure
    assert failure.split(":")[0] in who
    if command == "portage":
        assert failure in output
    for path in folder.glob("*/*.parquet"):
        assert path.stat().st_size > 0
    if who == ["broker"]:
        done = call(scratch, "report", folder)
        assert done.returncode == 0, done.stderr
        assert (folder / "report.html").exists()
