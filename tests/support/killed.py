"""Runs of processes that are killed at a moment, and go on by the command of a user."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

from federates.runtime.checkpoint import checkpoint_file
from federates.scaffold.scenario import new_scenario

_POLL_S = 0.005
_LIMIT_S = 120.0
Moment = Callable[[Path], bool]


def los_angeles(folder: Path, states: bool) -> Path:
    """Return a copy of the shipped scenario under its name, in which SUMO begins every period from its own state or does not."""
    folder.mkdir()
    scenario = new_scenario(folder / "la_gcs", "la_gcs")
    config = scenario / "traffic_sumo/config.yaml"
    config.write_text(config.read_text().replace("settings:", f"settings:\n  period_states: {str(states).lower()}", 1))
    return scenario


def behind(agent: str, periods: int) -> Moment:
    """Return the moment when an agent has carried out so many periods."""
    return lambda run: checkpoint_file(run / agent, periods).exists()


def writing(agent: str, periods: int) -> Moment:
    """Return the moment when an agent writes its next checkpoint, so many being carried out before."""
    return lambda run: checkpoint_file(run / agent, periods).exists() and (run / agent / "checkpoint/.new").exists()


def asked(period: int, round_: int) -> Moment:
    """Return the moment when the coordinator has asked a question of a round."""
    begins = f'"period":{period},"round":{round_},'

    def now(run: Path) -> bool:
        with suppress(OSError):
            return f'"key":"coordinator/command",{begins}' in (run / "coordinator/journal.jsonl").read_text()
        return False

    return now


def killed(scenario: Path, whom: str, moment: Moment, *options: str, by_helics: bool = False) -> Path:
    """Start a run, kill ``whom`` at the moment (an agent, ``broker`` or ``all``), and return the run's folder."""
    here = Path(sys.executable).parent
    command = [sys.executable, "-m", "federates.cli", "run", str(scenario), *options]
    if by_helics:
        command = [str(here / "helics"), "run", f"--path={scenario / 'runner.json'}"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    env = os.environ | {"PATH": f"{here}{os.pathsep}{os.environ.get('PATH', '')}"}
    started = subprocess.Popen(command, start_new_session=True, env=env, **quiet)
    try:
        deadline = time.monotonic() + _LIMIT_S
        while not (runs := list((scenario / "results").glob("*/run.json"))) or not moment(runs[0].parent):
            assert started.poll() is None, "the run has ended before the moment came"
            assert time.monotonic() < deadline, "the moment has not come"
            time.sleep(_POLL_S)
        run = runs[0].parent
        _kill(started.pid, run, whom)
        started.wait(_LIMIT_S)
    finally:
        _kill(started.pid, scenario, "all")
    return run


def go_on(run: Path) -> subprocess.CompletedProcess[str]:
    """Return how ``portage run RUN --resume`` ended."""
    command = [sys.executable, "-m", "federates.cli", "run", str(run), "--resume"]
    return subprocess.run(command, capture_output=True, text=True, timeout=2 * _LIMIT_S, check=False)


def _kill(launcher: int, run: Path, whom: str) -> None:
    if whom not in ("all", "broker"):
        os.kill(json.loads((run / whom / "process.json").read_text())["pid"], signal.SIGKILL)
        return
    with suppress(psutil.NoSuchProcess):
        first = psutil.Process(launcher)
        everyone = [first, *first.children(recursive=True)]
        for process in everyone:
            with suppress(psutil.NoSuchProcess):
                if whom == "all" or "federates.broker" in process.cmdline():
                    process.send_signal(signal.SIGKILL)
