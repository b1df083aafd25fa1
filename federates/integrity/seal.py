"""What an agent signs its messages with, and checks those of others by."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from nacl.bindings import crypto_sign, crypto_sign_open
from nacl.exceptions import BadSignatureError

from federates.boundary.errors import IntegrityError
from federates.boundary.exchange import SESSION
from federates.boundary.lines import Federation, lines
from federates.integrity.envelope import (
    MOST_TOGETHER,
    SALT_BYTES,
    Address,
    Envelope,
    read_envelope,
    signed_part,
    stamp_of,
    with_length,
)
from federates.integrity.keys import leave_public_key, new_keys
from federates.integrity.roster import ROSTER, read_roster

_PROVEN = 4
"""Of each sender so many of the newest signatures are known to be right, for each stands before several messages."""


class Seal:
    """The keys of one agent in one run.

    What it opens is from the sender whom the topic table names, for this agent, of this run, as it was sent, and newer than all
    before it on the same line. Period and round that are needed are for whoever takes the message to ask for (`Inbox`).

    Parameters
    ----------
    federation : who takes part.
    folder : the agent's part of the run's folder; its public key is left there, the roster read from there.
    run_key : the run's public key, by which the roster is known.
    """

    def __init__(self, agent: str, federation: Federation, run_id: str, folder: Path, run_key: str) -> None:
        self._agent, self._run_id, self._folder, self._run_key = agent, run_id, folder, run_key
        self._roles = dict(federation.agents)
        self._lines = {line.key: line for line in lines(federation)}
        self._addresses: dict[str, bytes] = {}
        self._keys: dict[str, bytes] = {}
        self._number = 0
        self._heard: dict[str, int] = {}
        self._proven: dict[str, deque[bytes]] = {agent: deque(maxlen=_PROVEN) for agent in self._roles}
        public, self._private = new_keys()
        leave_public_key(folder, public)

    def meet(self) -> None:
        """Read the roster, which is there as soon as everybody has joined.

        Raises
        ------
        IntegrityError : it cannot be used.
        """
        self._keys = read_roster(self._folder / ROSTER, self._run_id, self._roles, self._run_key)

    def sign(self, said: Sequence[tuple[str, bytes]]) -> list[bytes]:
        """Return the messages that carry what is ``said`` at one moment: pairs of one of this agent's own keys and a payload."""
        messages: list[bytes] = []
        salts = os.urandom(SALT_BYTES * len(said))
        salted = [
            salts[SALT_BYTES * i : SALT_BYTES * (i + 1)] + self._address(key) + payload for i, (key, payload) in enumerate(said)
        ]
        for i in range(0, len(salted), MOST_TOGETHER):
            together = salted[i : i + MOST_TOGETHER]
            self._number += 1
            signed = bytes(crypto_sign(signed_part(self._number, together), self._private))
            messages += [signed + each for each in together]
        return messages

    def open(self, key: str, message: bytes) -> bytes:
        """Return the payload of a message that has come under ``key``.

        Raises
        ------
        IntegrityError : it is refused; the error names sender, topic, period, round and why.
        """
        stated = None
        try:
            stated = read_envelope(message)
            self._check_signature(key, stated)
            self._check_address(key, stated)
            self._check_order(key, stated)
        except IntegrityError as error:
            line = self._lines[key]
            said = "" if stated is None or line.topic.name == SESSION.name else _said(stated.payload)
            raise IntegrityError(f"refused a message of {line.sender} on {key}{said}: {error}") from None
        return stated.content[len(self._address(key)) :]

    def _check_signature(self, key: str, stated: Envelope) -> None:
        sender = self._lines[key].sender
        if not stated.is_whole:
            raise IntegrityError("it was changed on its way: tampered with")
        if stated.signed in self._proven[sender]:
            return
        if self._bears(stated.signed, sender):
            self._proven[sender].append(stated.signed)
            return
        signer = next((agent for agent in self._keys if agent != sender and self._bears(stated.signed, agent)), None)
        if signer is not None:
            raise IntegrityError(f"it is signed with the key of {signer}: forged")
        if stated.address.run != self._run_id:
            raise IntegrityError(f"it is of run {stated.address.run}, and not signed with a key of this one: replayed or forged")
        raise IntegrityError("it is not signed with a key of the roster: forged")

    def _bears(self, signed: bytes, agent: str) -> bool:
        try:
            crypto_sign_open(signed, self._keys[agent])
        except BadSignatureError:
            return False
        return True

    def _check_address(self, key: str, stated: Envelope) -> None:
        """Raise if the sender has signed it for another place than it came to."""
        if stated.content.startswith(self._address(key)):
            return
        address = stated.address
        line = self._lines.get(address.key)
        if address.run != self._run_id:
            raise IntegrityError(f"it is of run {address.run}: replayed")
        if line is None or line.sender != self._lines[key].sender:
            raise IntegrityError(f"the topic table gives the sender no right to say {address.key}")
        if self._agent not in line.receivers:
            raise IntegrityError(f"it is for {', '.join(line.receivers)} ({address.key}), not for {self._agent}")
        raise IntegrityError(f"it was said on {address.key}: moved to another topic")

    def _check_order(self, key: str, stated: Envelope) -> None:
        """Raise if it is no newer than what was heard on this line before."""
        last = self._heard.get(key, 0)
        if stated.number <= last:
            raise IntegrityError(f"it has number {stated.number}, and number {last} was heard before: replayed")
        self._heard[key] = stated.number

    def _address(self, key: str) -> bytes:
        """Return how the content of what is said under ``key`` begins."""
        if key not in self._addresses:
            self._addresses[key] = with_length(Address.of(self._run_id, key).text())
        return self._addresses[key]


def _said(payload: bytes) -> str:
    """Return period and round as a message says them, in words; nothing if it says none."""
    stamp = stamp_of(payload)
    return "" if stamp is None else f" (period {stamp[0]:g}, round {stamp[1]:g})"
