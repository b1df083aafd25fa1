"""A real run that is brought to a phase, harmed, and watched until all of it is gone."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from full_disk import small_disk
from small_rail_scenario import write_small_rail_scenario
from small_scenario import write_small_scenario

from federates.runtime.run_record import read_run_record

ROOT = Path(__file__).parents[2]
_START_S, _END_S, _GONE_S = 240.0, 400.0, 15.0
_LONG = {"join_s": 120, "begin_s": 120, "answer_s": 600, "period_s": 120, "finish_s": 240}


@dataclass
class Running:
    """A run at work. ``process`` is the command that started it."""

    scenario: Path
    launcher: str
    process: subprocess.Popen[str]

    @property
    def folder(self) -> Path | None:
        """Return the folder of the run's results; None until it is there."""
        # A command with a disk of its own sees another file system there, as long as it runs.
        inside = Path(f"/proc/{self.process.pid}/root{self.scenario}/results")
        results = inside if inside.is_dir() else self.scenario / "results"
        return next((path for path in results.glob("*") if path.is_dir()), None)

    def record(self, name: str) -> dict[str, Any] | None:
        """Return a JSON file of the run."""
        try:
            return json.loads((self.folder / name).read_text()) if self.folder else None
        except (OSError, ValueError):
            return None

    def pid(self, who: str) -> int:
        """Return the process of an agent, of ``broker``, ``sumo`` or ``launcher``."""
        if who == "launcher":
            return self.process.pid
        if record := self.record(f"{who}/process.json"):
            return int(record["pid"])
        wanted = f"federates.{who}"
        for child in psutil.Process(self.process.pid).children(recursive=True):
            if wanted in child.cmdline() or child.name() == who:
                return child.pid
        raise LookupError(f"no process {who}")

    def pids(self) -> list[int]:
        """Return every process of the run, that of the command first."""
        return [self.process.pid, *(child.pid for child in psutil.Process(self.process.pid).children(recursive=True))]


@dataclass(frozen=True)
class Outcome:
    """How a run ended. ``seconds`` are from the fault to the end of the command, ``gone_s`` to that of all processes."""

    code: int
    seconds: float
    gone_s: float | None
    status: str
    failure: str
    output: str


def _joining(run: Running) -> bool:
    """Agents have begun, and the federation has not."""
    return all(run.record(f"{agent}/process.json") for agent in ("power_operator", "coordinator"))


def _negotiation(run: Running) -> bool:
    """A round has been asked for (rail), or a first period is over (road)."""
    return _said(run, "coordinator", "asked_round") or _said(run, "coordinator", "committed")


def _begun(run: Running) -> bool:
    return run.record("coordinator/session.json") is not None


def _traffic(run: Running) -> bool:
    """A plan is committed, so the traffic model is at work."""
    return _said(run, "coordinator", "committed")


def _misbehaving(run: Running) -> bool:
    """The power operator does what its setting ``fault`` says."""
    return _said(run, "power_operator", "fault")


def _said(run: Running, agent: str, word: str) -> bool:
    """Whether an agent has told its progress with this word."""
    path = run.folder / agent / "progress.jsonl" if run.folder else None
    return path is not None and path.exists() and word in path.read_text()


def _report(run: Running) -> bool:
    """Every agent has come to its end, and the broker writes the report."""
    folder = run.folder
    agents = [path.parent for path in folder.glob("*/process.json")] if folder else []
    return bool(agents) and all((agent / "finished.json").exists() for agent in agents)


PHASES: dict[str, Callable[[Running], bool]] = {
    "start": lambda run: True,
    "joining": _joining,
    "begun": _begun,
    "negotiation": _negotiation,
    "traffic": _traffic,
    "misbehaving": _misbehaving,
    "report": _report,
}


def run_with_fault(case: Any, launcher: str, folder: Path, environment: dict[str, str]) -> Outcome:
    """Start a run in ``folder``, bring it to the case's phase, do the fault, and return how it ended."""
    run = start(write_scenario(case.world, folder, case.settings), launcher, environment, case.settings.get("disk"))
    members: dict[int, psutil.Process] = {}
    try:
        _wait(run, case.phase, members)
        case.act(run)
        began = time.monotonic()
        output = run.process.communicate(timeout=_END_S)[0]
        seconds = time.monotonic() - began
        gone_s = _gone(run, members, began)
    finally:
        for process in members.values():
            if process.is_running():
                process.kill()
        run.process.kill()
    record = (run.folder and read_run_record(run.folder)) or {}
    return Outcome(run.process.returncode, seconds, gone_s, record.get("status", "absent"), record.get("failure") or "", output)


def start(scenario: Path, launcher: str, environment: dict[str, str], disk: tuple[str, str] | None = None) -> Running:
    """Start a run by ``portage run`` or ``helics run``; ``disk``: size and moment of `full_disk`."""
    commands = {
        "portage": ["python", "-m", "federates.cli", "run", str(scenario)],
        "helics": ["helics", "run", "--path", str(scenario / "runner.json")],
    }
    before = [] if disk is None else small_disk(scenario, *disk)
    if disk is not None and not before:
        pytest.skip("this user may not make a file system of its own (unshare)")
    process = subprocess.Popen(
        [*before, *commands[launcher]],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        # A shell lets its jobs in the background ignore SIGINT, and they would hand that on.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    return Running(scenario, launcher, process)


def write_scenario(world: str, folder: Path, settings: dict[str, Any]) -> Path:
    """Write a scenario of ``world``, long enough to be harmed; ``settings`` are those of `fault_cases.Case`."""
    limits = {"report": True, "limits": _LONG | ({"answer_s": settings["answer_s"]} if "answer_s" in settings else {})}
    if world == "road":
        session = {"periods": settings.get("periods", 60)}
        return write_small_scenario(folder, session=session, power=settings.get("power"), broker=limits)
    if world == "rail":
        power = {"slow_s": 1.5, "slow_in": "relax"} | settings.get("power", {})
        return write_small_rail_scenario(folder, power=power, broker=limits)
    shutil.copy(ROOT / "broker.yaml", folder / "broker.yaml")
    scenario = folder / "scenarios/la_gcs"
    shutil.copytree(ROOT / "scenarios/la_gcs", scenario, ignore=shutil.ignore_patterns("results", "*.log"))
    session = yaml.safe_load((scenario / "scenario.yaml").read_text()) | {"periods": 3}
    (scenario / "scenario.yaml").write_text(yaml.safe_dump(session, sort_keys=False))
    return scenario


def environment() -> dict[str, str]:
    """Return an environment in which `python` and `helics` are those of this process."""
    import sys

    return os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}


def _wait(run: Running, phase: str, members: dict[int, psutil.Process]) -> None:
    deadline = time.monotonic() + _START_S
    while not PHASES[phase](run):
        if run.process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the run ended before phase {phase}: {run.record('run.json')}")
        time.sleep(0.02)
    for child in psutil.Process(run.process.pid).children(recursive=True):
        members[child.pid] = child


def _gone(run: Running, members: dict[int, psutil.Process], began: float) -> float | None:
    """Return when the last process of the run was gone, s after ``began``; None if one stayed."""
    deadline = time.monotonic() + _GONE_S
    while time.monotonic() < deadline:
        if not any(_lives(process) for process in members.values()):
            return time.monotonic() - began
        time.sleep(0.1)
    return None


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
