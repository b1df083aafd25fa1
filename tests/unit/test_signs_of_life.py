"""Who hangs and who only works for long, seen from outside, with real processes; and the clock that stands meanwhile."""

import io
import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
from rich.console import Console

from federates.cli.progress import ProgressView
from federates.runs.how_ended import HowEnded, code_words
from federates.runs.launch import Launch
from federates.runs.liveness import Signs, Watched, lost_agents, lost_reason
from federates.runtime.broker_config import BrokerConfig
from federates.runtime.identity import RunIdentity, process_start
from federates.runtime.results import PROCESS_RECORD, write_json
from federates.runtime.sign_of_life import AwakeClock

LIMIT_S = 2.0
AGENT = """
import ctypes, sys, time
from pathlib import Path
from federates.runtime.sign_of_life import SignOfLife
SignOfLife(Path(sys.argv[1])).start()
print("begun", flush=True)
ways = {
    "waits": lambda: time.sleep(60),
    "computes": lambda: sum(iter(int, 1)),
    "computes and holds the interpreter": lambda: [sum(range(10**9)) for _ in range(60)],
    "waits and holds the interpreter": lambda: ctypes.PyDLL(None).sleep(60),
}
ways[sys.argv[2]]()
"""


CASES = [
    ("waits", False, None),
    ("computes", False, None),
    ("computes and holds the interpreter", False, None),
    ("waits and holds the interpreter", False, "holds the interpreter"),
    ("waits", True, "is stopped"),
    ("computes", True, "is stopped"),
]


@pytest.fixture
def begin(tmp_path):
    """Return what starts a process of `AGENT` and returns what `Signs` is told of it."""
    processes = []

    def start(way):
        beat = tmp_path / str(len(processes))
        process = subprocess.Popen([sys.executable, "-c", AGENT, str(beat), way], stdout=subprocess.PIPE, text=True)
        processes.append(process)
        assert process.stdout.readline() == "begun\n"
        return Watched(f"{way} {len(processes)}", process.pid, beat)

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def look(signs, watched, for_s):
    deadline = time.monotonic() + for_s
    said = None
    while time.monotonic() < deadline:
        said = signs.look(watched)
        time.sleep(0.1)
    return said


def test_a_process_hangs_if_it_neither_beats_nor_works(begin):
    watched = [begin(way) for way, _, _ in CASES]
    for one, (_, stops, _) in zip(watched, CASES, strict=True):
        if stops:
            os.kill(one.pid, signal.SIGSTOP)
    said = look(Signs(LIMIT_S), watched, 2 * LIMIT_S)
    named = dict(part.split(": ", 1) for part in said.split("; "))
    assert list(named) == [one.who for one, (_, _, words) in zip(watched, CASES, strict=True) if words]
    for one, (_, _, words) in zip(watched, CASES, strict=True):
        assert words is None or (named[one.who].startswith("no sign of life for 2 s") and words in named[one.who])


def test_time_in_which_the_watching_process_stood_does_not_count(begin, monkeypatch):
    """As after Ctrl-Z and fg: both were stopped, and the watched one is looked at before it has beaten again."""
    watched = [begin("waits")]
    signs = Signs(LIMIT_S)
    look(signs, watched, 0.3)
    os.kill(watched[0].pid, signal.SIGSTOP)
    real = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: real() + 3600)
    assert signs.look(watched) is None
    os.kill(watched[0].pid, signal.SIGCONT)
    assert look(signs, watched, 1.5 * LIMIT_S) is None


def test_the_clock_stands_while_the_process_is_stopped_and_runs_while_it_computes(monkeypatch):
    now = {"monotonic": 100.0, "process_time": 1.0}
    for name in now:
        monkeypatch.setattr(time, name, lambda name=name: now[name])
    clock = AwakeClock()

    def pass_time(wall_s, computed_s):
        now["monotonic"] += wall_s
        now["process_time"] += computed_s
        return clock.look()

    assert pass_time(0.25, 0.0) == 0.25
    assert pass_time(3600.0, 0.0) == 1.25
    assert pass_time(8.0, 7.5) == 8.75
    assert clock.now_s == 8.75


@pytest.mark.skipif(not os.path.isdir("/proc"), reason="how a process ended is read from /proc")
@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import os; os.kill(os.getpid(), 11)", "ended by signal SIGSEGV (a library used memory that is not its own)"),
        ("import os; os.kill(os.getpid(), 9)", "ended by signal SIGKILL"),
        ("raise SystemExit(3)", "ended with exit code 3 before the run was over, without a word"),
    ],
)
def test_how_a_process_ended_is_known_until_its_parent_takes_note(code, words):
    process = subprocess.Popen([sys.executable, "-c", code])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert HowEnded().words(process.pid) == words
    process.wait()
    assert HowEnded().words(process.pid) == "ended without a word (killed?)"


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="a process that is not one's own child is waited for by Linux alone")
def test_who_fell_first_is_kept_although_the_launcher_has_noted_it_and_killed_the_others(tmp_path):
    agents = ("power_operator", "transport_operator", "coordinator")
    processes = {agent: subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) for agent in agents}
    for agent, process in processes.items():
        (tmp_path / agent).mkdir()
        write_json(tmp_path / agent / PROCESS_RECORD, {"pid": process.pid, "start": process_start(process.pid)})
    roles = {name: name for name in agents}
    identity = RunIdentity("r", str(tmp_path), str(tmp_path), 24_000, "key", BrokerConfig(schema_version=1), "rail", roles)
    how = HowEnded()
    how.watch(process.pid for process in processes.values())
    os.kill(processes["transport_operator"].pid, signal.SIGSEGV)
    time.sleep(0.5)  # as `helics run`, which looks once a second
    processes["transport_operator"].wait()
    for process in processes.values():
        process.kill()
        process.wait()
    lost = lost_agents(identity)
    assert set(lost) == set(agents)
    assert lost_reason(identity, lost, how, {}) == f"transport_operator: {code_words(-signal.SIGSEGV)}"


def test_showing_progress_leaves_it_to_the_broker_to_see_how_a_process_ended(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", "import os; os.kill(os.getpid(), 11)"])
    agents = {"power_operator": "power_operator"}
    identity = RunIdentity("r", str(tmp_path), str(tmp_path), 24_000, "key", BrokerConfig(schema_version=1), "rail", agents)
    run = Launch(SimpleNamespace(), identity, {"power_operator": process})
    with ProgressView(Console(file=io.StringIO())) as view:
        while not run.over:
            view.update(run)
        view.update(run)
    assert HowEnded().words(process.pid) == code_words(-signal.SIGSEGV)
    process.wait()


def test_a_signal_without_a_name_has_its_number():
    assert code_words(-63) == "ended by signal 63"
