"""SUMO as a started thing with few verbs, the same over TraCI and libsumo."""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import psutil

from federates.boundary.errors import ModelError
from federates.traffic_sumo.programs import find_program
from federates.traffic_sumo.settings import Engine

T = TypeVar("T")
_IN_PLACE_OF_TRACI = ("LIBSUMO_AS_TRACI", "LIBTRACI_AS_TRACI")
"""Variables by which SUMO's package `traci` becomes another library, which cannot connect to a process."""
_HELICS_API = "federates.runtime.helics_api"
_HIDE_HELICS = ("pyarrow", "matplotlib")
"""Modules that keep libsumo from aborting the process if they are imported before HELICS."""
_PR_SET_PDEATHSIG = 1
_TRIES = 3
_PREFIX = "portage_sumo_"


class Sumo:
    """One running simulation. ``api`` is the ``traci`` connection or the ``libsumo`` module; both have the same calls."""

    def __init__(self, engine: Engine, options: list[str], folder: Path, timeout_s: float) -> None:
        self._log, self._state = folder / "sumo.log", folder / "state.xml.gz"
        self._process: subprocess.Popen[bytes] | None = None
        self.api: Any = None
        program = find_program("sumo")
        self._options = [*options, "--log", str(self._log), "--no-step-log", "true"]
        command = [program, *self._options]
        if engine is Engine.LIBSUMO:
            self._load_library(command)
        else:
            self._start_process(command, timeout_s)

    def call(self, verb: Callable[..., T], *arguments: Any) -> T:
        """Call an API function; a SUMO that fails or is gone becomes a `ModelError` that says so."""
        try:
            return verb(*arguments)
        except Exception as error:
            if isinstance(error, (KeyboardInterrupt, SystemExit)):
                raise
            raise ModelError(self._describe(error)) from error

    def step_to(self, time_s: float) -> None:
        """Simulate until ``time_s``."""
        self.call(self.api.simulationStep, time_s)

    def save(self) -> bytes:
        """Return SUMO's state, as it is now."""
        self.call(self.api.simulation.saveState, str(self._state))
        return self._state.read_bytes()

    def load(self, state: bytes, time_s: float) -> None:
        """Begin at ``time_s`` with what `save` has returned then; link speeds that were set are lost.

        All is loaded anew: a state that is loaded into a simulation that runs disturbs its demand (eclipse-sumo/sumo #7471).
        """
        self._state.write_bytes(state)
        begin = ["--load-state", str(self._state), "--begin", f"{time_s:g}"]
        self.call(self.api.load, [*self._options, *begin])

    def close(self) -> None:
        """End the simulation and its process (by its id, never by name); safe to call twice and after a crash."""
        api, self.api = self.api, None
        if api is not None:
            with contextlib.suppress(Exception):
                api.close(*(() if self._process is None else (False,)))  # TraCI: do not wait for ever; see below
        process, self._process = self._process, None
        if process is None:
            return
        try:
            process.wait(5 if api is not None else 0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _load_library(self, command: list[str]) -> None:
        library = import_engine(Engine.LIBSUMO)
        if library.simulation.isLoaded():
            raise ModelError("libsumo holds one simulation per process and one is running: close it, or use `engine: traci`")
        self.api = library
        self.call(library.start, command)

    def _start_process(self, command: list[str], timeout_s: float) -> None:
        traci = import_engine(Engine.TRACI)
        problem: Exception | None = None
        for _ in range(_TRIES):  # another program may take the free port between our look and SUMO's start
            port = _free_port()
            self._process = subprocess.Popen(
                [*command, "--remote-port", str(port)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,
            )
            try:
                self.api = self._connect(traci, port, timeout_s)
                return
            except Exception as error:
                problem = error
                self.close()
        raise ModelError(self._describe(problem))

    def _connect(self, traci: Any, port: int, timeout_s: float) -> Any:
        """Connect as soon as SUMO listens; TraCI's own waiting prints to the screen at every try."""
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            try:
                return traci.connect(port=port, numRetries=0, host="127.0.0.1", proc=self._process)
            except traci.exceptions.FatalTraCIError:
                time.sleep(0.05)
        raise ModelError(f"SUMO did not start within start_timeout_s = {timeout_s:g} s")

    def _describe(self, error: Exception | None) -> str:
        ended = self._exit_text()
        tail = ""
        with contextlib.suppress(OSError):
            lines = [line for line in self._log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
            tail = " | ".join(lines[-3:])
        return f"SUMO failed{ended}: {error}" + (f"; its log ends: {tail}" if tail else "")

    def _exit_text(self) -> str:
        if self._process is None:
            return ""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        code = self._process.returncode
        if code is None:
            return ""
        if code < 0:
            return f" (process {self._process.pid} was ended by {signal.Signals(-code).name})"
        return f" (process {self._process.pid} ended with exit code {code})"


def import_engine(engine: Engine) -> Any:
    """Return the module `traci` or `libsumo`.

    Raises
    ------
    ImportError : it is not installed.
    ModelError : it cannot be used in this process.
    """
    if engine is Engine.TRACI:
        return _import_traci()
    if _would_abort():
        raise ModelError(
            "helics was imported first in this process, and libsumo would abort it: import federates (or libsumo) before "
            "helics, or use `engine: traci`"
        )
    return importlib.import_module("libsumo")


def _would_abort() -> bool:
    """Whether libsumo is still to be imported, after HELICS and nothing that would hide that library from it."""
    order = list(sys.modules)
    if "helics" not in order or "libsumo" in order:
        return False
    # Python moves a module behind those that it imports, so the order does not tell who loaded HELICS.
    api = sys.modules.get(_HELICS_API)
    if api is not None and not api.HELICS_CAME_FIRST:
        return False
    return not set(_HIDE_HELICS) & set(order[: order.index("helics")])


def _import_traci() -> Any:
    """Return `traci` itself, whatever SUMO's own variables ask for: which of both is used is our setting ``engine``."""
    asked = {name: value for name in _IN_PLACE_OF_TRACI if (value := os.environ.pop(name, None)) is not None}
    try:
        traci = importlib.import_module("traci")
    finally:
        os.environ.update(asked)
    if not hasattr(traci, "connect"):
        raise ModelError(
            f"traci was imported before with {' or '.join(_IN_PLACE_OF_TRACI)} set, so it is another library: "
            "unset it, or use `engine: libsumo`"
        )
    return traci


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def _die_with_parent() -> None:
    """Ask Linux to end SUMO when the process that started it ends, however that happens."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def new_scratch() -> Path:
    """Return a new temporary folder; those of processes that were killed before they could remove theirs are removed."""
    for old in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*_*"):
        pid = old.name.removeprefix(_PREFIX).split("_")[0]
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            shutil.rmtree(old, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}_"))
