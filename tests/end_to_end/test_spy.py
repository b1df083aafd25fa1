"""A spy who knows the run's key of HELICS changes one price on its way: with signatures he is caught at once."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from small_scenario import write_small_scenario

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "examples/spy"))

import spy  # noqa: E402


def spied_run(folder, environment, *, signed):
    """Return how the small scenario ends with the spy in it: exit code, output, record of the run, and what the spy says."""
    copy = spy.spied(write_small_scenario(folder), folder / "copy", signed=signed)
    words = [sys.executable, "-m", "federates.cli", "run", str(copy), "--set", "periods=1"]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=120, check=False)
    (run,) = (copy / "results").iterdir()
    return done, json.loads((run / "run.json").read_text()), (run / "logs/coordinator.log").read_text()


def test_a_spy_who_changes_one_price_is_caught(tmp_path, environment):
    done, record, said = spied_run(tmp_path, environment, signed=True)
    assert "the spy: round" in said
    assert done.returncode != 0
    assert record["status"] == "failed"
    assert "refused a message of coordinator on coordinator/" in record["failure"]
    assert "_usd_per_veh (period 0, round " in record["failure"]
    assert record["failure"].endswith("it was changed on its way: tampered with")


@pytest.mark.long
def test_without_signatures_the_others_act_on_it_and_only_the_audit_finds_it_later(tmp_path, environment):
    done, record, said = spied_run(tmp_path, environment, signed=False)
    assert "the spy: round" in said
    assert done.returncode != 0
    assert record["failure"].startswith("audit: coordinator/")
    assert "do not tell of the same message (period 0, round " in record["failure"]
