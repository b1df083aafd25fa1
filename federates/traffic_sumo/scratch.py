"""A folder for SUMO's files while it runs."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import psutil

__all__ = ["new_scratch"]

_PREFIX = "portage_sumo_"


def new_scratch() -> Path:
    """Return a new temporary folder; those of processes that were killed before they could remove theirs are removed."""
    for old in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*_*"):
        pid = old.name.removeprefix(_PREFIX).split("_")[0]
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            shutil.rmtree(old, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}_"))
