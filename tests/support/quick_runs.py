"""Runs in this process for their tables: the reports' figures would take longer than a small run."""

from pathlib import Path
from typing import Any
from unittest.mock import patch

from federates.runs.in_process import run_in_process

_REPORTS = {"write_run_report": None, "write_agent_reports": None, "run_headline": []}


def no_reports() -> Any:
    """Return what keeps runs, while it is entered, from writing reports and headlines."""
    return patch.multiple("federates.runs.finalize", **{name: lambda *_, said=said: said for name, said in _REPORTS.items()})


def quick_run(*args: Any, **kwargs: Any) -> Path:
    """Return the folder of a run as `run_in_process` does; it has all but reports and headline."""
    with no_reports():
        return run_in_process(*args, **kwargs)
