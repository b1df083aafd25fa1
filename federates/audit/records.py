"""What a run left for the audit: the wiring, the ledgers, the records of opened files, and who took part."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from federates.boundary.errors import PortageError
from federates.boundary.session import Session, World, parse_session
from federates.boundary.topics import Role
from federates.runtime.ledger import LEDGER

__all__ = ["AgentRecords", "Message", "RunRecords", "read_run"]

_COLUMNS = ("direction", "topic", "period", "round", "shape", "bytes", "sha256", "reason")


class Message(NamedTuple):
    """One row of a ledger, without its direction."""

    topic: str
    period: int
    round: int
    shape: str
    bytes: int
    sha256: str
    reason: str


@dataclass(frozen=True, slots=True)
class AgentRecords:
    """What one agent left.

    ``sent`` and ``received`` are None where there is no ledger. ``python``: it is an agent of ours, which keeps one.
    """

    name: str
    python: bool
    finished: bool
    sent: Counter[Message] | None
    received: Counter[Message] | None
    files: dict[str, Any] | None
    settings: dict[str, Any]
    tables: dict[str, int]
    fault: str = ""
    """Why the ledger cannot be read."""


@dataclass(frozen=True, slots=True)
class RunRecords:
    """What one run left. ``complete``: every agent came to its end. ``graph`` is None where the broker left none."""

    folder: Path
    world: World
    session: Session | None
    graph: dict[str, Any] | None
    agents: dict[str, AgentRecords]
    ledger_wanted: bool
    files_wanted: bool

    @property
    def complete(self) -> bool:
        """Whether every agent came to its end."""
        return all(agent.finished for agent in self.agents.values())


def read_run(folder: Path) -> RunRecords:
    """Return what the run in ``folder`` left.

    Raises
    ------
    PortageError : this is no run's folder.
    """
    graph, run = _json(folder / "graph.json"), _json(folder / "run.json")
    names = tuple((graph or {}).get("agents") or (run or {}).get("agents") or ())
    if not names:
        raise PortageError(f"{folder}: this is no run's folder: it has neither run.json nor graph.json")
    wanted = (graph or {}).get("audit", {})
    return RunRecords(
        folder=folder,
        world=World.ROAD if Role.TRAFFIC in names else World.RAIL,
        session=_session(folder),
        graph=graph,
        agents={name: _agent(folder / name) for name in sorted(names, key=_order)},
        ledger_wanted=bool(wanted.get("ledger", False)),
        files_wanted=bool(wanted.get("files", False)),
    )


def _agent(folder: Path) -> AgentRecords:
    config = _json(folder / "config.json")
    sent = received = None
    fault = ""
    try:
        rows = _ledger(folder)
        if rows is not None:
            sent, received = (Counter(Message(*row[1:]) for row in rows if row[0] == way) for way in ("sent", "received"))
    except (OSError, pa.ArrowException, KeyError, ValueError) as error:
        fault = f"{type(error).__name__}: {error}"
    return AgentRecords(
        name=folder.name,
        # The wrapper of an executable leaves its command instead of settings.
        python=config is not None and "executable" not in config,
        finished=(folder / "finished.json").exists(),
        sent=sent,
        received=received,
        files=_json(folder / "files.json"),
        settings=dict((config or {}).get("settings") or {}),
        tables=_tables(folder),
        fault=fault,
    )


def _ledger(folder: Path) -> list[tuple[Any, ...]] | None:
    """Return all rows; of a run that was ended early those that had reached the disk."""
    whole = folder / f"{LEDGER}.parquet"
    files = [whole] if whole.exists() else sorted((folder / f"{LEDGER}.parts").glob("*.parquet"))
    if not files:
        return None
    rows: list[tuple[Any, ...]] = []
    for file in files:
        table = pq.read_table(file)
        rows += zip(*(table.column(name).to_pylist() for name in _COLUMNS), strict=True)
    return rows


def _tables(folder: Path) -> dict[str, int]:
    """Return the tables of an agent's own and how many rows each has."""
    found = {}
    for file in sorted(folder.glob("*.parquet")):
        if file.stem != LEDGER:
            try:
                found[file.stem] = int(pq.read_metadata(file).num_rows)
            except (OSError, pa.ArrowException):
                found[file.stem] = -1
    return found


def _session(folder: Path) -> Session | None:
    data = _json(folder / "session.json") or _json(folder / Role.COORDINATOR.value / "session.json")
    return None if data is None else parse_session(data, str(folder / "session.json"))


def _order(name: str) -> int:
    names = [role.value for role in Role]
    return names.index(name) if name in names else len(names)


def _json(path: Path) -> dict[str, Any] | None:
    try:
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return data
