"""The help of every command: a flag is shown as one, without a value that it does not take."""

from __future__ import annotations

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from federates.cli.app import app

COMMANDS = [[], *([name] for name in ("check", "run", "compare", "report", "audit", "sweep", "conform", "new", "centralised"))]
MORE = [["new-operator"], ["figures"], ["lessons"], ["exercise", "check"], ["exercise", "hint"]]


@pytest.mark.parametrize("command", [*COMMANDS, *MORE], ids=lambda words: " ".join(words) or "portage")
def test_no_flag_suggests_a_value(command):
    shown = CliRunner().invoke(app, [*command, "--help"])
    assert shown.exit_code == 0
    assert "--help" in shown.output
    assert "bool" not in shown.output.lower()


def test_help_loads_no_more_than_it_needs():
    """In a bare process: what is loaded here has been loaded by other tests."""
    heavy = "matplotlib", "pandas", "numpy", "scipy", "pyomo", "highspy", "pyarrow", "helics", "pydantic", "jinja2"
    code = f"""
import sys
from federates.cli.app import app
try:
    app(["--help"])
except SystemExit as end:
    assert not end.code
print("loaded:", sorted(set({heavy!r}) & sys.modules.keys()))
"""
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "loaded: []" in shown
    assert "new-operator" in shown
