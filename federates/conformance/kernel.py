"""What only Linux can be asked for; elsewhere nothing happens."""

from __future__ import annotations

import ctypes
import signal
import sys

__all__ = ["adopt_orphans", "end_with_parent"]

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36


def adopt_orphans(wanted: bool) -> None:
    """Become the parent of one's children's children when these lose theirs, or no longer."""
    _prctl(_PR_SET_CHILD_SUBREAPER, int(wanted))


def end_with_parent() -> None:
    """Let this process be killed when its parent ends."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)
