"""The start of a run: its identity and folder."""

from __future__ import annotations

import secrets
from datetime import datetime
from pathlib import Path

from federates.boundary.errors import PortageError
from federates.reporting.published import keep_published
from federates.runtime.broker_config import BrokerConfig
from federates.runtime.identity import RunIdentity, choose_port

__all__ = ["new_identity"]


def new_identity(scenario: Path, config: BrokerConfig, config_file: str, agents: tuple[str, ...], label: str = "") -> RunIdentity:
    """Make the folder ``<scenario>/results/<run id>`` and return the identity of a new run of ``agents``.

    Raises
    ------
    ConfigError : the fixed port is taken.
    PortageError : the results folder cannot be written.
    """
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    run_id = "-".join(part for part in (stamp, label, secrets.token_hex(2)) if part)
    folder = scenario.resolve() / "results" / run_id
    try:
        folder.mkdir(parents=True)
        keep_published(scenario.resolve(), folder)
    except OSError as error:
        raise PortageError(f"{folder}: cannot be made: {error.strerror or error}") from error
    return RunIdentity(run_id, str(folder), choose_port(config, config_file), secrets.token_hex(8), config, agents)
