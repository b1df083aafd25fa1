"""Messages that an agent has said and HELICS has not got yet: what is said at one moment is signed at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from federates.runtime.helics_api import h
from federates.runtime.identity import RunIdentity

if TYPE_CHECKING:  # what a run does without is not loaded
    from federates.integrity.seal import Seal


def seal_of(agent: str, identity: RunIdentity) -> Seal | None:
    """Return the agent's keys, new ones, if messages of the run are signed."""
    if not identity.roster_key:
        return None
    from federates.integrity.seal import Seal

    return Seal(agent, identity, identity.run_id, identity.folder_of(agent), identity.roster_key)


class Outbox:
    """Hands messages to HELICS in the order in which they were put in, at the latest when time goes on.

    Parameters
    ----------
    publications : of HELICS, by key.
    seal : signs; None: messages cross as they are, at once.
    """

    def __init__(self, publications: dict[str, Any], seal: Seal | None) -> None:
        self._publications, self._seal = publications, seal
        self._waiting: list[tuple[str, bytes]] = []

    def put(self, key: str, payload: bytes) -> None:
        """Take a message."""
        if self._seal is None:
            self.hand_over(key, payload)
        else:
            self._waiting.append((key, payload))

    def flush(self) -> None:
        """Sign all that waits, and hand it over."""
        if self._seal is None or not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        for (key, _), message in zip(waiting, self._seal.sign(waiting), strict=True):
            self.hand_over(key, message)

    def hand_over(self, key: str, message: bytes) -> None:
        """Hand a message to HELICS as it is."""
        h.helicsPublicationPublishBytes(self._publications[key], message)
