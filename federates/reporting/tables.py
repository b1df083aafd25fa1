"""Read the folder of a run: its tables, its session and its record.

A run may have failed half-way, so a table may be missing, empty or damaged. Such a table is read as an empty one and the reason
is kept: what needs it is left out, and the report says so. Nothing is ever filled in.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, cast

import pandas as pd
from typing_extensions import TypeVar

from federates.boundary.errors import ConfigError, Problem
from federates.boundary.session import Session
from federates.boundary.table import Table
from federates.boundary.tables import tables_of
from federates.boundary.world import parse_session
from federates.reporting.published import Published, nothing_published, read_published
from federates.reporting.world import Numbers, WorldReport, world_report
from federates.runtime.results import read_record
from federates.runtime.run_record import RUN_RECORD, read_run_record

_NOT_WRITTEN, _EMPTY = "was not written", "has no rows"
_WRITER = "agent"
"""Column of the agent that wrote a row, in every table."""

S = TypeVar("S", bound=Session, default=Any, covariant=True)


@dataclass(frozen=True)
class RunTables(Generic[S]):
    """Everything that reporting knows about one run, whatever its world.

    Attributes
    ----------
    folder : Path
        Folder of the run.
    session : Session
        Public agreement of the run.
    record : dict
        What `read_run_record` makes of ``run.json``; empty if there is none.
    configuration : dict
        Content of ``configuration.json``; empty if there is none.
    missing : dict of str to str
        Name of a table of the run's world to the reason why it is empty; of an exceptional one only where it is damaged.
    published : Published
        What the scenario says about its data and a paper.
    """

    folder: Path
    session: S
    record: dict[str, Any]
    configuration: dict[str, Any]
    missing: dict[str, str]
    published: Published
    _frames: dict[str, pd.DataFrame] = field(repr=False)

    @classmethod
    def read(cls, folder: Path, record: Mapping[str, Any] | None = None) -> RunTables[S]:
        """Read a run folder.

        Parameters
        ----------
        folder : Path
            Folder of the run.
        record : mapping, optional
            What ``run.json`` is going to say, for a report that is written before it; read from the file if left out.

        Raises
        ------
        ConfigError : there is no usable ``session.json``.
        """
        folder = Path(folder)
        session = _read_session(folder)
        found = [(entry, *_read_all(folder, entry, session)) for entry in tables_of(session.world)]
        usual = (_NOT_WRITTEN, _EMPTY)
        if record is None:  # `read_json` says where the record is damaged
            record = read_json(folder / RUN_RECORD) and read_run_record(folder)
        return cls(
            folder=folder,
            session=cast(S, session),
            record=dict(record or {}),
            configuration=read_json(folder / "configuration.json"),
            missing={entry.name: why for entry, _, why in found if why and not (entry.exceptional and why in usual)},
            published=read_published(folder, session.world),
            _frames={entry.name: frame for entry, frame, _ in found},
        )

    @classmethod
    def read_own(cls, folder: Path, agent: str) -> RunTables[S]:
        """Read what one agent may see of a run: the public agreement and its own part of the folder; no other file is opened.

        `folder` is then the agent's part, and the tables of all others are missing.

        Raises
        ------
        ConfigError : there is no usable ``session.json``.
        """
        own = Path(folder) / agent
        whole = _read_session(Path(folder))
        session, role = whole.view(agent), whole.role_of(agent)
        found = {
            entry.name: _read_table(own, entry) if entry.owner == role else (_empty(entry), "is another agent's")
            for entry in tables_of(session.world)
        }
        finished = (own / "finished.json").is_file()
        said = {} if finished else read_record(own / "failed.json") or {}
        status = "finished" if finished else "failed" if said else "not recorded"
        return cls(
            folder=own,
            session=cast(S, session),
            record={"run_id": Path(folder).resolve().name, "status": status, **said},
            configuration=read_record(own / "config.json") or {},
            missing={name: why for name, (_, why) in found.items() if why},
            published=nothing_published(session.world),
            _frames={name: frame for name, (frame, _) in found.items()},
        )

    def frame(self, name: str) -> pd.DataFrame:
        """Return a copy of a table; it has all its columns and no row if the run did not write it."""
        return self._frames[name].copy()

    def lacks(self, *names: str) -> str:
        """Return why one of these tables cannot be used, or an empty text."""
        return "; ".join(f"table {name} {self.missing[name]}" for name in names if name in self.missing)

    @property
    def run_id(self) -> str:
        """Return the identity of the run: from its record, its session, or the name of its folder."""
        return str(self.record.get("run_id") or self.session.run_id or self.folder.resolve().name)

    @property
    def status(self) -> str:
        """Return ``complete``, ``failed`` or, while it goes on, ``running``, as recorded.

        Without a record a run is never complete: it is ``finished`` if all agents say so, else ``not recorded``.
        """
        done = all((self.folder / agent.name / "finished.json").is_file() for agent in self.session.agents)
        return str(self.record.get("status", "finished" if done else "not recorded"))

    @property
    def title(self) -> str:
        """Return scenario, scheme and run, for titles."""
        ended = " (failed)" if self.status == "failed" else ""
        return f"{self.session.name}, scheme {self.scheme}, run {self.run_id}{ended}"

    @property
    def scheme(self) -> str:
        """Return the scheme of the run."""
        return str(getattr(self.session, "scheme", ""))

    @property
    def world(self) -> WorldReport:
        """Return how the reports of this run's world are made."""
        return world_report(self.session.world)

    @cached_property
    def summary(self) -> Numbers:
        """Return the headline numbers of the run; a number that cannot be formed is left out."""
        head: Numbers = {
            "run_id": self.run_id,
            "scenario": self.session.name,
            "scheme": self.scheme,
            "status": self.status,
            "seed": self.session.seed,
            "periods": self.session.periods,
        }
        head |= self.world.summary(self)
        if self.session.network is not None:
            from federates.reporting.network import network_summary  # which reads tables of all agents by this module

            head |= network_summary(self)
        from federates.reporting.real_time import real_time_summary

        head |= real_time_summary(self)
        return {name: value for name, value in head.items() if not (isinstance(value, float) and not math.isfinite(value))}

    @property
    def period_h(self) -> float:
        """Return the length of a period, h."""
        return self.session.period_s / 3600.0

    def clock_h(self, period: Any) -> Any:
        """Return the start of a period, h after midnight of the first day (may exceed 24)."""
        return self.session.start_hour + period * self.period_h


def read_json(path: Path) -> dict[str, Any]:
    """Return the mapping in a JSON file; empty if the file is missing.

    Raises
    ------
    ConfigError : the file is there but holds no JSON mapping.
    """
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError([Problem(path.name, "(file)", str(error), "must be JSON")]) from None
    if not isinstance(content, dict):
        raise ConfigError([Problem(path.name, "(file)", type(content).__name__, "must be a JSON object")])
    return content


def _read_session(folder: Path) -> Session:
    content = read_json(folder / "session.json")
    if not content:
        raise ConfigError([Problem("session.json", "(file)", "missing", "the folder of a run holds its session")])
    return parse_session(content, "session.json")


def _empty(entry: Table) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype=float) for name in [*entry.columns, *({_WRITER} - set(entry.columns))]})


def _read_all(folder: Path, entry: Table, session: Session) -> tuple[pd.DataFrame, str]:
    """Return what all agents of the table's role have left, in the order of periods, or an empty table and the reason."""
    agents = session.of_role(entry.owner)
    found = [_read_table(folder / agent.name, entry) for agent in agents]
    frames = [frame for frame, why in found if not why]
    if len(found) == 1 or not frames:
        return found[0] if found else (_empty(entry), _NOT_WRITTEN)
    together = pd.concat(frames, ignore_index=True)
    return (together.sort_values("period", kind="stable", ignore_index=True) if "period" in together else together), ""


def _read_table(own: Path, entry: Table) -> tuple[pd.DataFrame, str]:
    """Return the table in an agent's folder and, if it cannot be used, an empty one and the reason."""
    empty = _empty(entry)
    whole = own / f"{entry.name}.parquet"
    # An agent that did not come to its end leaves the parts it had written, one a period.
    paths = [whole] if whole.is_file() else sorted(whole.with_suffix(".parts").glob("*.parquet"))
    if not paths:
        return empty, _NOT_WRITTEN
    try:
        frame = pd.concat([pd.read_parquet(path) for path in paths], ignore_index=True)
    except (OSError, ValueError) as error:
        # A process that dies while it writes leaves a file without its footer.
        return empty, f"cannot be read ({str(error).splitlines()[0][:120]})"
    absent = [name for name in entry.columns if name not in frame.columns]
    if absent:
        return empty, f"lacks the columns {', '.join(absent)}"
    if _WRITER not in frame:  # several agents of a role write the same table
        frame[_WRITER] = own.name
    return (frame, "") if len(frame) else (empty, _EMPTY)
