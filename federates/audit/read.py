"""What a run left for the audit: the wiring, the ledgers, the records of opened files, and who took part.

An agent writes its own records, so anything may stand in them: what cannot be read is a fault of the agent, not of the audit.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ValidationError

from federates.audit.written import FilesRecord, GraphRecord, RunRecord
from federates.boundary.errors import PortageError
from federates.boundary.lines import Line, Roster, lines
from federates.boundary.names import RAIL, ROAD, Role
from federates.boundary.world import parse_session
from federates.runtime.ledger import LEDGER, TEXT, UNREADABLE
from federates.runtime.results import read_record

_COLUMNS = ("direction", "topic", "period", "round", "shape", "bytes", "sha256", "reason")
_KINDS = (str, str, int, int, str, int, str, str)
_Record = TypeVar("_Record", bound=BaseModel)


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
    files: FilesRecord | None
    settings: dict[str, Any]
    tables: dict[str, int]
    fault: str = ""
    """Why the ledger cannot be read."""
    files_fault: str = ""
    """Why the record of opened files cannot be read."""


@dataclass(frozen=True)
class RunRecords:
    """What one run left. ``complete``: every agent came to its end. ``graph`` is None where the broker left none."""

    folder: Path
    world: str
    roles: dict[str, str]
    session: Any
    graph: GraphRecord | None
    agents: dict[str, AgentRecords]
    ledger_wanted: bool
    files_wanted: bool

    @property
    def complete(self) -> bool:
        """Whether every agent came to its end."""
        return all(agent.finished for agent in self.agents.values())

    @cached_property
    def lines(self) -> dict[str, Line]:
        """Return what may cross in the run, by HELICS key."""
        return {line.key: line for line in lines(Roster(self.world, self.roles))}


def read_run(folder: Path) -> RunRecords:
    """Return what the run in ``folder`` left.

    Raises
    ------
    PortageError : this is no run's folder, or what the broker wrote there cannot be read.
    """
    graph = _record(folder / "graph.json", GraphRecord)
    run = _record(folder / "run.json", RunRecord) if graph is None else None
    session = _session(folder)
    world, roles = _federation(graph, session, run)
    if not roles:
        raise PortageError(f"{folder}: this is no run's folder: it has neither run.json nor graph.json")
    return RunRecords(
        folder=folder,
        world=world,
        roles=roles,
        session=session,
        graph=graph,
        agents={name: _agent(folder / name) for name in roles},
        ledger_wanted=graph is not None and graph.audit.ledger,
        files_wanted=graph is not None and graph.audit.files,
    )


def _agent(folder: Path) -> AgentRecords:
    config = read_record(folder / "config.json")
    sent = received = None
    fault = ""
    try:
        rows = _ledger(folder)
        if rows is not None:
            sent, received = (Counter(Message(*row[1:]) for row in rows if row[0] == way) for way in ("sent", "received"))
    except (OSError, pa.ArrowException, KeyError, ValueError) as error:
        fault = _first_line(error)
    files, files_fault = None, ""
    try:
        files = _record(folder / "files.json", FilesRecord)
    except PortageError as error:
        files_fault = str(error)
    return AgentRecords(
        name=folder.name,
        # The wrapper of an executable leaves its command instead of settings.
        python=config is not None and "executable" not in config,
        finished=(folder / "finished.json").exists(),
        sent=sent,
        received=received,
        files=files,
        settings=settings if isinstance(settings := (config or {}).get("settings"), dict) else {},
        tables=_tables(folder),
        fault=fault,
        files_fault=files_fault,
    )


def _ledger(folder: Path) -> list[tuple[Any, ...]] | None:
    """Return all rows; of a run that was ended early those that had reached the disk."""
    whole = folder / f"{LEDGER}.parquet"
    files = [whole] if whole.exists() else sorted((folder / f"{LEDGER}.parts").glob("*.parquet"))
    if not files:
        return None
    rows: list[tuple[Any, ...]] = []
    for file in files:
        # Not by pq.read_table, which imports pandas: that takes longer than the whole audit.
        with pq.ParquetFile(file) as opened:
            table = opened.read(columns=list(_COLUMNS), use_threads=False)
        rows += zip(*(table.column(name).to_pylist() for name in _COLUMNS), strict=True)
    _check_rows(rows)
    return rows


def _check_rows(rows: list[tuple[Any, ...]]) -> None:
    """Raise `ValueError` at the first row that no ledger of ours has."""
    for number, row in enumerate(rows):
        wrong = next((f"{n} = {v!r}" for n, v, kind in zip(_COLUMNS, row, _KINDS, strict=True) if type(v) is not kind), None)
        shape = row[_COLUMNS.index("shape")]
        if wrong is None and shape not in (TEXT, UNREADABLE) and not all(part.isdecimal() for part in shape.split(",")):
            wrong = f"shape = {shape!r}"
        if wrong is None and row[0] not in ("sent", "received"):
            wrong = f"direction = {row[0]!r}"
        if wrong is not None:
            raise ValueError(f"row {number}: {wrong}")


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


def _federation(graph: GraphRecord | None, session: Any, run: RunRecord | None) -> tuple[str, dict[str, str]]:
    """Return world and agents (name to role) of a run, as far as its records tell."""
    if graph is not None:
        return graph.world, graph.agents
    if session is not None:
        return session.world, session.roster
    names = [] if run is None else list(run.agents)
    return ROAD if Role.TRAFFIC in names else RAIL, {name: name for name in names}


def _session(folder: Path) -> Any:
    data = read_record(folder / "session.json") or read_record(folder / Role.COORDINATOR.value / "session.json")
    return None if data is None else parse_session(data, str(folder / "session.json"))


def _record(path: Path, model: type[_Record]) -> _Record | None:
    """Return the record in ``path``, or None if there is none; raise `PortageError` if it is not what Portage writes."""
    try:
        return model.model_validate_json(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise PortageError(f"{path}: {place + ': ' if place else ''}{first['msg']}; Portage did not write this") from None
    except OSError as error:
        raise PortageError(f"{path}: cannot be read: {error.strerror}") from None


def _first_line(error: Exception) -> str:
    text = str(error.args[0]) if error.args else type(error).__name__
    return text.splitlines()[0]
