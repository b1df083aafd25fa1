"""The start of a run: its identity and folder."""

from __future__ import annotations

import secrets
import shutil
import time
from datetime import datetime
from pathlib import Path

from federates.boundary.errors import PortageError
from federates.isolation.owner_only import owner_only
from federates.reporting.published import keep_published
from federates.runs.remains import remove_keys_of_the_dead, settle_broken_runs
from federates.runtime.broker_config import BrokerConfig
from federates.runtime.identity import RunIdentity, choose_port
from federates.runtime.results import disk_error
from federates.runtime.run_record import begin_run_record
from federates.runtime.say import say

__all__ = ["new_identity"]


def new_identity(
    scenario: Path, config: BrokerConfig, config_file: str, world: str, agents: dict[str, str], label: str = ""
) -> RunIdentity:
    """Make the folder ``<scenario>/results/<run id>`` and return the identity of a new run of ``agents`` (name to role).

    Says which runs there were ended from outside, and removes what they left in temporary folders.

    Raises
    ------
    ConfigError : the fixed port is taken.
    PortageError : the results folder cannot be written.
    """
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    run_id = "-".join(part for part in (stamp, label, secrets.token_hex(2)) if part)
    folder = scenario.resolve() / "results" / run_id
    port = choose_port(config, config_file, len(agents))
    remove_keys_of_the_dead()
    for sentence in settle_broken_runs(folder.parent):
        say(f"portage: {sentence}")
    try:
        with owner_only():
            folder.mkdir(parents=True)
    except OSError as error:
        raise PortageError(f"{folder}: cannot be made: {error.strerror or error}") from error
    try:
        with owner_only():
            keep_published(scenario.resolve(), folder)
            begin_run_record(folder, tuple(agents), time.time())
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)  # nothing has run in it
        raise disk_error(folder, error) from error
    return RunIdentity(run_id, str(folder), port, secrets.token_hex(8), config, world, agents)
