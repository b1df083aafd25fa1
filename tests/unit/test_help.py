"""The help of every command: a flag is shown as one, without a value that it does not take."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from federates.cli.app import app

COMMANDS = [[], *([name] for name in ("check", "run", "compare", "report", "audit", "sweep", "conform", "new", "centralised"))]


@pytest.mark.parametrize("command", [*COMMANDS, ["new-operator"]], ids=lambda words: " ".join(words) or "portage")
def test_no_flag_suggests_a_value(command):
    shown = CliRunner().invoke(app, [*command, "--help"])
    assert shown.exit_code == 0
    assert "--help" in shown.output
    assert "bool" not in shown.output.lower()
