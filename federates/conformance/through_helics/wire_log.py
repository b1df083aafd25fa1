"""What an executable has said on the wire, judged message by message as its partners read it."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from federates.boundary.exchange import COMMAND, Moment
from federates.boundary.lines import lines
from federates.boundary.messages import Array
from federates.boundary.names import Role
from federates.boundary.topics import Command
from federates.boundary.world import world_of
from federates.conformance.errors import Breach
from federates.runtime.identity import RunIdentity
from federates.runtime.ledger import Ledger

__all__ = ["PartnerLedger", "WireBreach", "WireLog"]

Stamp = tuple[int, int]


class WireBreach(Breach):
    """The executable did something on the wire that no agent may do.

    Parameters
    ----------
    rule : id of the check that this breaks, such as ``wire.stamp``. A check of something else that meets it has said nothing.
    """

    def __init__(self, rule: str, seen: str, asked: str = "") -> None:
        self.rule = rule
        super().__init__(seen, asked)


class WireLog:
    """Sees every message of the executable when a partner reads it, and raises `WireBreach` if it may not have come.

    Attributes
    ----------
    frames : the payload of every message, by key, period and round.
    """

    def __init__(self, agent: str, identity: RunIdentity) -> None:
        self.agent, self.messages = agent, 0
        self.frames: dict[tuple[str, int, int], bytes] = {}
        self._name_of = {line.key: line.topic.name for line in lines(identity)}
        self._is_coordinator = identity.agents[agent] == Role.COORDINATOR
        self._world = world_of(identity.world)
        self._passed_on = {topic.name for m in self._world.messages if m.passed_on for topic in m.heard()}
        self._dispatched = {t.name for m in self._world.says(Role.COORDINATOR, Moment.DISPATCH) for t in m.sent()}
        self._expected: tuple[Collection[str], Stamp] | None = None
        self._commands: dict[str, tuple[Command, Stamp]] = {}
        self._committed: Stamp | None = None

    def expect(self, keys: Collection[str], period: int, round_: int) -> None:
        """Let messages of these keys and this stamp come, and no other; a coordinator's belong to its commands."""
        self._expected = (keys, (period, round_))

    def overhear(self) -> None:
        """Let everything come; only its shape is judged."""
        self._expected = None

    def values(self, key: str, period: int, round_: int) -> Array:
        """Return what came, flat."""
        return np.frombuffer(self.frames[key, period, round_], dtype="<f8")[2:]

    def read(self, partner: str, key: str, stamp: Stamp, payload: bytes) -> None:
        """Take in a message that ``partner`` has read."""
        if not key.startswith(f"{self.agent}/"):
            return
        self.messages += 1
        self.frames[(key, *stamp)] = payload
        if self._is_coordinator:
            self._judge_coordinator(partner, key, stamp)
        elif self._expected is not None:
            keys, wanted = self._expected
            if key not in keys:
                raise WireBreach("wire.silence", f"{key} came unasked, of period {stamp[0]}, round {stamp[1]}")
            _refuse_stamp(key, stamp, wanted)

    def _judge_coordinator(self, partner: str, key: str, stamp: Stamp) -> None:
        """Judge a message to one agent by the command that came with it, or before it; who reports hears no command."""
        name = self._name_of[key]
        if name == COMMAND.name:
            code = int(self.values(key, *stamp)[0])
            if code not in list(Command):
                raise WireBreach("wire.answers", f"command {code} came")
            self._commands[partner] = (Command(code), stamp)
            self._committed = stamp if code == Command.COMMIT else self._committed
            return
        if name in self._dispatched:
            if self._committed is None:
                raise WireBreach("wire.silence", f"{key} came, though nothing is committed")
            _refuse_stamp(key, stamp, self._committed)
            return
        command, wanted = self._commands.get(partner, (Command.OPEN, (0, 0)))
        if name in self._passed_on:  # before the first question, or with it
            wanted = (wanted[0], 0)
        elif name not in self._belongs(command):
            raise WireBreach("wire.silence", f"{key} came, which {command.name.lower()} has no use for")
        _refuse_stamp(key, stamp, wanted)

    def _belongs(self, command: Command) -> set[str]:
        """Return the names of the topics that come with a command."""
        if command in (Command.SOLVE, Command.RELAX):
            return {exchange.price.name for exchange in self._world.exchanges}
        if command in (Command.EVALUATE, Command.COMMIT):
            return {exchange.given.name for exchange in self._world.exchanges}
        return set()


class PartnerLedger(Ledger):
    """Stands in the place of a partner's ledger, and hands all that the partner reads to the log."""

    def __init__(self, log: WireLog, partner: str) -> None:
        self._log, self._partner = log, partner

    def sent(self, key: str, period: int, round_: int, shape: tuple[int, ...], payload: bytes) -> None:  # noqa: D102
        return

    def received(self, key: str, period: int, round_: int, shape: tuple[int, ...], payload: bytes) -> None:  # noqa: D102
        self._log.read(self._partner, key, (period, round_), payload)

    def unreadable(self, key: str, payload: bytes, reason: str) -> None:
        """Raise that a message breaks the topic table, if it is the executable's."""
        if key.startswith(f"{self._log.agent}/"):
            raise WireBreach("wire.shape", reason)

    def refused(self, key: str, message: bytes, reason: str) -> None:
        """Raise that a message is not signed as it must be, if it is the executable's."""
        if key.startswith(f"{self._log.agent}/"):
            raise WireBreach("wire.signed", reason)

    def session(self, direction: str, key: str, payload: bytes) -> None:  # noqa: D102
        return


def _refuse_stamp(key: str, stamp: Stamp, wanted: Stamp) -> None:
    if stamp != wanted:
        seen = f"{key} is stamped period {stamp[0]}, round {stamp[1]}, not period {wanted[0]}, round {wanted[1]}"
        raise WireBreach("wire.stamp", seen)
