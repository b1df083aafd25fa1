"""Files that would be imported in a library's place: a process looks in the folder in which it is started first."""

from __future__ import annotations

import importlib.machinery
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

from federates.boundary.errors import Problem
from federates.runs.scenario import FederateEntry, shown


def shadowing_problems(entries: Iterable[FederateEntry]) -> list[Problem]:
    """Return the modules in working folders of our processes that hide one of Python's or of an installed package."""
    folders = dict.fromkeys(entry.directory for entry in entries if entry.module is not None and entry.directory.is_dir())
    found = [path for folder in folders for path in _modules(folder) if _is_library(path.stem)]
    # What every interpreter has loaded before it looks into the folder is not hidden.
    loaded = _loaded_at_start() if found else set()
    return [
        Problem(shown(path), "(file)", path.name, f"would be imported in place of the library {path.stem}: give it another name")
        for path in found
        if path.stem not in loaded
    ]


def _modules(folder: Path) -> list[Path]:
    return [p for p in sorted(folder.iterdir()) if p.suffix == ".py" or (p / "__init__.py").is_file()]


def _is_library(name: str) -> bool:
    if name in sys.stdlib_module_names or name == "federates":
        return True
    installed = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    return importlib.machinery.PathFinder.find_spec(name, installed) is not None


def _loaded_at_start() -> set[str]:
    code = "import sys; print(*sys.modules)"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False).stdout.split())
