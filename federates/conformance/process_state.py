"""What an agent may change of the process that it works in: read before and after a life, and put back.

And what only Linux can be asked for, so that no process is left; elsewhere nothing happens.
"""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import socket
import sys
import threading
from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["adopt_orphans", "changes", "end_with_parent", "process_state", "restore_state"]

State = dict[str, Any]
_ENVIRONMENT = "environment"
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36


def process_state() -> State:
    """Return what can be changed for everyone in this process; to be read in the thread that calls the agent."""
    umask = os.umask(0o022)
    os.umask(umask)
    return {
        "working directory": _folder(),
        "umask": umask,
        _ENVIRONMENT: dict(os.environ),
        "signal handlers": {number: signal.getsignal(number) for number in signal.valid_signals()},
        "error handling of NumPy": np.geterr(),
        "print options of NumPy": np.get_printoptions(),
        "recursion limit": sys.getrecursionlimit(),
        "time limit of sockets": socket.getdefaulttimeout(),
        "garbage collection": gc.isenabled(),
        "standard output": (sys.stdout, sys.stderr),
        "priority": os.getpriority(os.PRIO_PROCESS, 0),
    }


def changes(before: State, after: State) -> list[str]:
    """Return in words what differs."""
    found = [_said(name, before[name], after[name]) for name in before if not _same(before[name], after[name])]
    return [words for words in found if words]


def restore_state(before: State) -> None:
    """Put back what can be put back from any thread; signal handlers only from the main one."""
    os.chdir(before["working directory"])
    os.umask(before["umask"])
    for name in os.environ.keys() - before[_ENVIRONMENT].keys():
        del os.environ[name]
    os.environ.update(before[_ENVIRONMENT])
    np.seterr(**before["error handling of NumPy"])
    np.set_printoptions(**{name: value for name, value in before["print options of NumPy"].items() if name != "override_repr"})
    sys.setrecursionlimit(before["recursion limit"])
    socket.setdefaulttimeout(before["time limit of sockets"])
    (gc.enable if before["garbage collection"] else gc.disable)()
    sys.stdout, sys.stderr = before["standard output"]
    if threading.current_thread() is threading.main_thread():
        for number, handler in before["signal handlers"].items():
            if handler is not None and signal.getsignal(number) is not handler:
                signal.signal(number, handler)


def _folder() -> str:
    try:
        return os.getcwd()
    except FileNotFoundError:
        return "(removed)"


def _same(before: Any, after: Any) -> bool:
    return bool(before == after)


def _said(name: str, before: Any, after: Any) -> str:
    if isinstance(before, Mapping):
        keys = sorted(str(key) for key in before.keys() | after.keys() if before.get(key) != after.get(key))
        return f"{name} ({', '.join(keys[:3])})"
    return f"{name} ({after})" if isinstance(after, (str, int, float)) else name


def adopt_orphans(wanted: bool) -> None:
    """Become the parent of one's children's children when these lose theirs, or no longer."""
    _prctl(_PR_SET_CHILD_SUBREAPER, int(wanted))


def end_with_parent() -> None:
    """Let this process be killed when its parent ends."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)
