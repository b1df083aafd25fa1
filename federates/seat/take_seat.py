"""Which agents a person may play, and the wrapper of each: `seated` puts it around the agent's class."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from federates.boundary.roles import CoordinationAlgorithm, Operator, Plugin
from federates.runtime.identity import RunIdentity
from federates.seat.coordinator_seat import CoordinatorSeat
from federates.seat.mailbox import Mailbox, seat_folder
from federates.seat.operator_seat import OperatorSeat
from federates.seat.sheet import Loaded


def seated(plugin: Plugin, loaded: Loaded, identity: RunIdentity) -> tuple[Any, Mailbox | None]:
    """Return the agent as it takes part, and its mailbox if it has one.

    Where anybody has a seat, all who negotiate have a mailbox and keep account there of what the run cost them; in the
    coordinator's the lecturer may hold the run. Models and reporters are as they were.
    """
    if not isinstance(plugin, Operator | CoordinationAlgorithm):
        return plugin, None
    seconds = identity.seats.get(loaded.agent, 0.0)
    mailbox = Mailbox(seat_folder(Path(identity.run_folder), loaded.agent))
    if isinstance(plugin, CoordinationAlgorithm):
        gap = identity.broker.agreed_gap
        return CoordinatorSeat(plugin, mailbox, seconds, loaded, gap, identity.most_hold_s), mailbox
    return OperatorSeat(plugin, mailbox, seconds, loaded), mailbox
