"""The roster: the public keys of all agents of a run, signed with the run's own key by the process that is its broker.

The run's public key stands in the run's identity, which every process is given at its start; the private one stays in the
broker's memory. The broker collects the keys when everybody has joined, and lets nobody start before all have the roster.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from nacl.bindings import crypto_sign, crypto_sign_BYTES, crypto_sign_open
from nacl.exceptions import BadSignatureError

from federates.boundary.errors import IntegrityError
from federates.boundary.lines import Federation
from federates.boundary.topics import BOUNDARY_VERSION
from federates.integrity.keys import PUBLIC_KEY, key_of, leave, new_keys, read_public_key

ROSTER = "roster.txt"
"""Its file, in the run's folder and in each agent's part of it."""
_TITLE = f"portage roster {BOUNDARY_VERSION}"
_AGENT_WORDS = 4


class Registrar:
    """Holds the run's own key, and makes the roster."""

    def __init__(self) -> None:
        self._public, self._private = new_keys()

    @property
    def public_key(self) -> str:
        """Return the run's public key, 64 hexadecimal digits."""
        return self._public.hex()

    def write(self, run_id: str, federation: Federation, run_folder: Path) -> None:
        """Collect the agents' public keys and leave the signed roster in the run's folder and in each agent's part of it.

        Raises
        ------
        IntegrityError : an agent has left no key, one that is none, or that of another agent.
        """
        keys: dict[str, bytes] = {}
        for agent in federation.agents:
            key = read_public_key(run_folder / agent / PUBLIC_KEY, agent)
            if key in keys.values():
                raise IntegrityError(f"{agent} has left the public key of {next(a for a, k in keys.items() if k == key)}")
            keys[agent] = key
        text = self.signed(roster_text(run_id, federation.agents, keys))
        for folder in (run_folder, *(run_folder / agent for agent in federation.agents)):
            leave_roster(folder, text)

    def signed(self, text: str) -> str:
        """Return ``text`` with the line of its signature behind it."""
        signature = crypto_sign(text.encode("ascii"), self._private)[:crypto_sign_BYTES]
        return f"{text}signature {signature.hex()}\n"


def leave_roster(folder: Path, text: str) -> None:
    """Leave a roster in the run's folder, or in an agent's part of it, in one step."""
    leave(folder / ROSTER, text)


def roster_text(run_id: str, agents: Mapping[str, str], keys: Mapping[str, bytes]) -> str:
    """Return what is signed: a title, the run, and a line `agent NAME ROLE KEY` for each of ``agents`` (name to role)."""
    lines = [_TITLE, f"run {run_id}", *(f"agent {name} {role} {keys[name].hex()}" for name, role in agents.items())]
    return "".join(f"{line}\n" for line in lines)


def read_roster(path: Path, run_id: str, agents: Mapping[str, str], run_key: str) -> dict[str, bytes]:
    """Return the public keys of ``agents`` (name to role), (32,) bytes each.

    Raises
    ------
    IntegrityError : it is not there, is not signed with ``run_key``, or is not of this run and these agents.
    """
    file = path.name
    try:
        text = path.read_text(encoding="ascii", errors="replace")
    except OSError as error:
        raise IntegrityError(f"{file}: the broker has left no roster: {error.strerror or error}") from error
    told, mark, signature = text.rpartition("signature ")
    if not mark or not _is_signed(told, signature.strip(), run_key):
        raise IntegrityError(f"{file}: its signature is not the one of this run's broker")
    title, run, *rest = told.splitlines()
    if (title, run) != (_TITLE, f"run {run_id}"):
        raise IntegrityError(f"{file}: it is of {run!r}, {title!r}; must be of run {run_id}, {_TITLE!r}")
    keys, roles = {}, {}
    for line in rest:
        words = line.split(" ")
        if len(words) != _AGENT_WORDS:
            raise IntegrityError(f"{file}: {line!r}: must be `agent NAME ROLE KEY`")
        _, name, roles[name], key = words
        keys[name] = key_of(key, f"{file}: key of {name}")
    for name, role in agents.items():
        if roles.get(name) != role:
            raise IntegrityError(f"{file}: has no key of {name}, {role}; it lists {', '.join(keys) or 'nobody'}")
    return {name: keys[name] for name in agents}


def _is_signed(text: str, signature: str, run_key: str) -> bool:
    try:
        crypto_sign_open(bytes.fromhex(signature) + text.encode("ascii"), bytes.fromhex(run_key))
    except (BadSignatureError, ValueError):
        return False
    return True
