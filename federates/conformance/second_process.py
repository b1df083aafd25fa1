"""A second process with another hash seed, in which a fresh agent answers the same calls: see docs/decisions/0029.

One server is started when it is first needed. It has loaded the kit and forks a child for every job, so that a job costs no start
of Python, and no agent sees what another has left.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import importlib.util
import os
import pickle
import select
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from federates.conformance.errors import ConformanceError
from federates.conformance.process_state import end_with_parent

__all__ = ["ANSWER_PREFIX", "Job", "Pending", "UnknownThereError", "kit_processes", "serve", "start", "warm_up"]

ANSWER_PREFIX = "portage_conform_answer_"
_TEMPORARY = tempfile.gettempdir()
"""Found before an agent is given a temporary folder of its own."""
_SEEDS = ("1", "2")
_LENGTH_BYTES = 8
_END_S, _DRAIN_S = 2.0, 20.0


@dataclass(frozen=True)
class Job:
    """A call of ``function`` with ``arguments`` in the second process, where ``classes`` must be known."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    classes: tuple[type, ...]
    folder: Path
    limit_s: float


class UnknownThereError(ConformanceError):
    """A class cannot be known in another process: it was not written in a file of its own."""


@dataclass
class _Parcel:
    """What crosses to the server: what has to be there before the rest can be unpacked."""

    search_path: list[str]
    modules: list[tuple[str, str | None]]
    folder: str
    temporary: str
    packed: bytes
    answer_file: str


@dataclass
class Pending:
    """A job under way."""

    server: _Server
    answer_file: Path
    limit_s: float

    def result(self) -> Any:
        """Wait for what came of it.

        Raises
        ------
        ConformanceError : the process ended without an answer, or was not done in time.
        """
        with contextlib.ExitStack() as stack:
            stack.callback(self.answer_file.unlink, missing_ok=True)
            status = self.server.wait(self.limit_s)
            if status is None:
                raise ConformanceError(f"a second process was not done after {self.limit_s:.0f} s")
            packed = self.answer_file.read_bytes()
            if not packed:
                raise ConformanceError(f"a second process ended without an answer ({_ending(status)})")
            answer, error, is_known = pickle.loads(packed)  # noqa: S301 (what is tested runs in this process too)
            if error is not None and not is_known:
                raise UnknownThereError(f"it cannot be loaded there ({error})")
            if error is not None:
                raise ConformanceError(f"in a second process: {error}")
            return answer


class _Server:
    def __init__(self) -> None:
        seed = next(seed for seed in _SEEDS if seed != os.environ.get("PYTHONHASHSEED"))
        lines = f"import sys; sys.path[:] = {sys.path!r}; from federates.conformance.second_process import serve; serve()"
        self._process = subprocess.Popen(
            [sys.executable, "-c", lines],
            env=os.environ | {"PYTHONHASHSEED": seed, "TMPDIR": "/"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.outstanding = False
        """Whether nobody has waited for the last job: a check may be broken before its end."""
        atexit.register(self.close)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def works(self) -> bool:
        return self._process.poll() is None

    def send(self, parcel: _Parcel) -> None:
        self.outstanding = True
        packed = pickle.dumps(parcel)
        assert self._process.stdin is not None
        self._process.stdin.write(len(packed).to_bytes(_LENGTH_BYTES, "big") + packed)
        self._process.stdin.flush()

    def wait(self, limit_s: float) -> int | None:
        """Return how the child of the job ended; None, and no server is left, if it was not done in time."""
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], limit_s)
        status = self._process.stdout.read(_LENGTH_BYTES) if ready else b""
        self.outstanding = False
        if len(status) == _LENGTH_BYTES:
            return int.from_bytes(status, "big")
        self.close()
        return None

    def close(self) -> None:
        atexit.unregister(self.close)
        with contextlib.suppress(OSError):
            os.killpg(self._process.pid, 9)
        for stream in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                if stream is not None:
                    stream.close()
        self._process.wait(_END_S)


@dataclass
class _Servers:
    """The server of this process, if there is one."""

    found: list[_Server] = field(default_factory=list)


_servers = _Servers()


def kit_processes() -> set[int]:
    """Return the process ids that are the kit's own: the server, and a job that is still under way."""
    found: set[int] = set()
    for server in _servers.found:
        found.add(server.pid)
        with contextlib.suppress(psutil.Error):
            found |= {child.pid for child in psutil.Process(server.pid).children(recursive=True)}
    return found


def warm_up() -> None:
    """Begin to start the server, if there is none that is free."""
    if _servers.found and _servers.found[0].works and _servers.found[0].outstanding:
        _servers.found[0].wait(_DRAIN_S)
    if not (_servers.found and _servers.found[0].works):
        _servers.found[:] = [_Server()]


def start(job: Job) -> Pending:
    """Begin a job in the second process; one at a time.

    Raises
    ------
    UnknownThereError : something cannot be handed over.
    """
    modules = [(cls.__module__, _file_of(cls)) for cls in job.classes]
    if any(name == "__main__" for name, _ in modules):
        raise UnknownThereError("its class is defined in a script, not in a module")
    try:
        packed = pickle.dumps((job.function, job.arguments))
    except Exception as error:
        raise UnknownThereError(f"it cannot be handed over ({error})") from None
    warm_up()
    handle, name = tempfile.mkstemp(prefix=ANSWER_PREFIX, dir=_TEMPORARY)
    os.close(handle)
    parcel = _Parcel(sys.path, modules, str(job.folder), tempfile.gettempdir(), packed, name)
    _servers.found[0].send(parcel)
    return Pending(_servers.found[0], Path(name), job.limit_s)


def serve() -> None:
    """Fork a child for every job that comes on the standard input, until this ends."""
    end_with_parent()
    from federates.conformance import elsewhere  # noqa: F401 (loaded here once, not in every child)

    done = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.chdir("/")
    while len(length := sys.stdin.buffer.read(_LENGTH_BYTES)) == _LENGTH_BYTES:
        packed = sys.stdin.buffer.read(int.from_bytes(length, "big"))
        child = os.fork()
        if child == 0:
            _work(pickle.loads(packed))  # noqa: S301 (from the process that has started this one)
        _, status = os.waitpid(child, 0)
        done.write(status.to_bytes(_LENGTH_BYTES, "big"))
        done.flush()


def _work(parcel: _Parcel) -> None:
    """Do one job in a child of the server, which ends here."""
    end_with_parent()
    exit_now, is_known = os._exit, False
    try:
        sys.path[:] = parcel.search_path
        os.environ["TMPDIR"] = tempfile.tempdir = parcel.temporary
        if os.path.isdir(parcel.folder):
            os.chdir(parcel.folder)
        for name, file in parcel.modules:
            _load(name, file)
        function, arguments = pickle.loads(parcel.packed)  # noqa: S301 (as above)
        is_known = True
        answer, error = function(*arguments), None
    except BaseException as problem:
        answer, error = None, f"{type(problem).__name__}: {problem}"
    with open(parcel.answer_file, "wb") as out:
        pickle.dump((answer, error, is_known), out)
    exit_now(0)


def _load(name: str, file: str | None) -> None:
    """Import a module as it was found in the first process, by its name or else from its file."""
    if name in sys.modules:
        return
    with contextlib.suppress(ImportError):
        found = importlib.util.find_spec(name)
        if found is not None and (file is None or found.origin == file):
            importlib.import_module(name)
            return
    if file is None:
        raise ImportError(f"{name} is in no file")
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)


def _file_of(cls: type) -> str | None:
    return getattr(sys.modules.get(cls.__module__), "__file__", None)


def _ending(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    return f"exit code {code}" if code >= 0 else f"signal {-code}"
