"""Checkpoints: what an agent needs, beside its tables and its journal, to go on behind a period that is carried out.

``<agent>/checkpoint/00005.json`` is written when periods 0 to 4 are. The newest three stay: another agent may be a period behind,
and have its last one still on the way to the disk. A file is whole or absent, private, and carries the hash of its own text.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from federates import __version__
from federates.boundary.errors import ConfigError, Problem
from federates.boundary.topics import BOUNDARY_VERSION
from federates.runtime.plain_state import from_json, to_json
from federates.runtime.results import TableCut, Written, sync

CHECKPOINTS = "checkpoint"
"""The folder in an agent's part of the run's."""
SEAT = "seat"
"""The folder beside it for what a person is asked and answers (`federates.seat.mailbox`)."""
FORMAT = 1
_KEPT = 3
_READABLE = "must be readable: a run goes on from it"
_NOT_WHOLE = "must be as its agent has written it: it was changed, or the disk has lost a part of it"


@dataclass(frozen=True)
class Checkpoint:
    """An agent behind ``period - 1``.

    ``written`` is how much stood in its tables, ``journal_bytes`` and ``journal_sha256`` in its journal, and ``grants`` how often
    it had been granted time. ``state`` is what its class keeps (None: it has no `state`, and is replayed), ``loop`` what its
    loop does.
    """

    run_id: str
    agent: str
    period: int
    written: Written
    journal_bytes: int
    journal_sha256: str
    grants: int
    state: Any = None
    loop: Any = None

    @cached_property
    def text(self) -> str:
        """Return what is written, as it is when this is asked for first: a class may change later what its state refers to.

        Raises
        ------
        TypeError : a state holds what is no plain value.
        """
        return json.dumps(self._fields(), separators=(",", ":"))

    def write(self, folder: Path) -> None:
        """Write it into ``folder``, the agent's part of the run's, and remove all but the newest three.

        Raises
        ------
        OSError : the disk refuses.
        TypeError : a state holds what is no plain value.
        """
        text = self.text
        place = folder / CHECKPOINTS
        place.mkdir(mode=0o700, exist_ok=True)
        temporary, path = place / ".new", checkpoint_file(folder, self.period)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(f"{hashlib.sha256(text.encode()).hexdigest()}\n{text}\n".encode())
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        sync(place)
        for old in sorted(place.glob("*.json"))[:-_KEPT]:
            old.unlink()

    def _fields(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "portage": __version__,
            "boundary": BOUNDARY_VERSION,
            "run_id": self.run_id,
            "agent": self.agent,
            "period": self.period,
            "tables": {name: list(table) for name, table in self.written.tables.items()},
            "progress_bytes": self.written.progress_bytes,
            "journal_bytes": self.journal_bytes,
            "journal_sha256": self.journal_sha256,
            "grants": self.grants,
            "state": to_json(self.state),
            "loop": to_json(self.loop, "the loop's state"),
        }

    @classmethod
    def read(cls, path: Path, run_id: str, agent: str, shown: str = "") -> Checkpoint:
        """Return what `write` has written.

        Raises
        ------
        ConfigError : it is not whole, of another version, or of another run or agent; ``shown`` is the file's name in the error.
        """
        shown = shown or str(path)
        fields = _read_fields(path, shown)
        wanted = {"format": FORMAT, "portage": __version__, "boundary": BOUNDARY_VERSION, "run_id": run_id, "agent": agent}
        wanted["period"] = int(path.stem)
        problems = [
            Problem(shown, field, repr(fields.get(field)), f"must be {value!r}: only the same version goes on with a run")
            if field in ("format", "portage", "boundary")
            else Problem(shown, field, repr(fields.get(field)), f"must be {value!r}")
            for field, value in wanted.items()
            if fields.get(field) != value
        ]
        if problems:
            raise ConfigError(problems)
        try:
            return cls(
                run_id,
                agent,
                int(fields["period"]),
                Written({name: TableCut(*table) for name, table in fields["tables"].items()}, int(fields["progress_bytes"])),
                int(fields["journal_bytes"]),
                str(fields["journal_sha256"]),
                int(fields["grants"]),
                from_json(fields["state"]),
                from_json(fields["loop"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ConfigError([Problem(shown, "(file)", f"{type(error).__name__}: {error}", _NOT_WHOLE)]) from error

    def check_journal(self, journal: Path, shown: str) -> None:
        """Raise `ConfigError` if the journal does not begin with what stood there when this was written."""
        try:
            with journal.open("rb") as file:
                found = file.read(self.journal_bytes)
        except OSError as error:
            raise ConfigError([Problem(shown, "(file)", str(error.strerror), _READABLE)]) from error
        if len(found) < self.journal_bytes:
            value, allowed = f"{len(found)} bytes", f"must have {self.journal_bytes}, as when its checkpoint was written"
            raise ConfigError([Problem(shown, "(file)", value, allowed)])
        if (sha256 := hashlib.sha256(found).hexdigest()) != self.journal_sha256:
            raise ConfigError([Problem(shown, "sha256", sha256, f"must be {self.journal_sha256}: the journal was changed")])


def periods_in(folder: Path) -> list[int]:
    """Return the periods of the checkpoints in ``folder``, an agent's part of the run's."""
    return sorted(int(path.stem) for path in (folder / CHECKPOINTS).glob("*.json") if path.stem.isdigit())


def checkpoint_file(folder: Path, period: int) -> Path:
    """Return the file of a checkpoint in ``folder``, an agent's part of the run's."""
    return folder / CHECKPOINTS / f"{period:05d}.json"


def _read_fields(path: Path, shown: str) -> Mapping[str, Any]:
    try:
        sha256, _, text = path.read_text(encoding="utf-8").partition("\n")
    except (OSError, ValueError) as error:
        raise ConfigError([Problem(shown, "(file)", str(error), _READABLE)]) from error
    if hashlib.sha256(text.removesuffix("\n").encode()).hexdigest() != sha256:
        raise ConfigError([Problem(shown, "sha256", sha256[:64], _NOT_WHOLE)])
    fields = json.loads(text)
    if not isinstance(fields, dict):
        raise ConfigError([Problem(shown, "(file)", type(fields).__name__, _NOT_WHOLE)])
    return fields
