"""The outcome of a run, printed by the coordinator at its end: how the run ended, and where its own report is."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from federates.boundary.names import Role
from federates.runtime.identity import wait_for_identity
from federates.runtime.say import say

OUTCOME_RECORD = "outcome.json"
"""How the run ended, among the coordinator's own results. It says no more, for what came out is private to others in part."""


def print_outcome() -> int:
    """Wait until the broker has completed the run, print where the report is, and return the exit code."""
    identity = wait_for_identity(limit_s=1.0)
    folder = Path(identity.run_folder)
    outcome = folder / Role.COORDINATOR.value / OUTCOME_RECORD
    deadline = time.monotonic() + identity.broker.limits.finish_s
    parent = os.getppid()
    while not outcome.exists():
        if os.getppid() != parent:
            return 1
        if time.monotonic() > deadline:
            say(f"portage: the report was not finished within {identity.broker.limits.finish_s:g} s; see broker.log", error=False)
            return 1
        time.sleep(0.05)
    record = json.loads(outcome.read_text(encoding="utf-8"))
    if record["status"] != "complete":
        say("portage: the run failed; broker.log says why", error=False)
        return 1
    say(f"The run is complete. Results of the coordinator: {outcome.parent}; what came out of the run: broker.log", error=False)
    return 0
