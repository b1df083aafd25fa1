"""What a person sees while a run goes on: hour, round, gap, and by world vehicles and feeder load, or trains."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.live import Live
from rich.table import Table

from federates.boundary.session import World
from federates.boundary.topics import Role
from federates.runs.launch import Launch
from federates.runtime.identity import RunIdentity

__all__ = ["ProgressView"]

_C, _P, _T, _X = (role.value for role in (Role.COORDINATOR, Role.POWER_OPERATOR, Role.TRANSPORT_OPERATOR, Role.TRAFFIC))
_LINE_EVERY_S = 10.0
"""Without a terminal a long negotiation shows this often that it goes on."""


class _Tail:
    """Reads new lines of the agents' ``progress.jsonl`` files and keeps the newest value of every field."""

    def __init__(self, identity: RunIdentity) -> None:
        self.world = identity.world
        self._folder = Path(identity.run_folder)
        self._offsets = dict.fromkeys(identity.agents, 0)
        self.fields: dict[str, Any] = {}

    def read(self) -> None:
        for agent in self._offsets:
            path = self._folder / agent / "progress.jsonl"
            if not path.exists():
                continue
            with path.open("rb") as file:
                file.seek(self._offsets[agent])
                for line in file:
                    if not line.endswith(b"\n"):
                        break
                    self._offsets[agent] += len(line)
                    self._take(agent, json.loads(line))

    def cells(self) -> dict[str, str]:
        """Return what is shown of the run, by column."""
        return _CELLS[self.world](self.fields)

    def _take(self, agent: str, fields: dict[str, Any]) -> None:
        # Two agents may use the same word for different things, so an agent's name stands before its fields.
        self.fields.update({f"{agent}.{name}": value for name, value in fields.items()})


class ProgressView:
    """Live table of one or more runs on a terminal; one line per hour where there is none."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, refresh_per_second=4, transient=True) if console.is_terminal else None
        self._tails: dict[str, _Tail] = {}
        self._printed: dict[str, tuple[Any, Any, float]] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        if self._live is not None:
            self._live.stop()

    def update(self, run: Launch) -> None:
        """Take in what is new in a run's folder; called from the thread that attends the run."""
        with self._lock:
            tail = self._tails.setdefault(run.identity.run_id, _Tail(run.identity))
            tail.read()
            if self._live is not None:
                self._live.update(self._table())
            else:
                self._print_line(run.identity.run_id, tail)

    def _table(self) -> Table:
        table = Table(box=None, padding=(0, 2))
        rows = {run_id: tail.cells() for run_id, tail in self._tails.items()}
        for column in ("run", *next(iter(rows.values()))):
            table.add_column(column, justify="left" if column == "run" else "right", no_wrap=True)
        for run_id, cells in rows.items():
            # Behind date and time, which are the same for runs that go on side by side.
            table.add_row(run_id.split("-", 2)[-1], *cells.values())
        return table

    def _print_line(self, run_id: str, tail: _Tail) -> None:
        """Print one line per period, when its plan is decided, and now and then while a negotiation goes on."""
        now, committed, asked = time.monotonic(), tail.fields.get(f"{_C}.committed"), tail.fields.get(f"{_C}.asked_round")
        before = self._printed.setdefault(run_id, (None, None, now))
        long_silent = asked != before[1] and now > before[2] + _LINE_EVERY_S
        if committed == before[0] and not long_silent:
            return
        self._printed[run_id] = (committed, asked, now)
        shown = tail.cells()
        self._console.print(run_id, *(f"{name} {text}" for name, text in shown.items()), sep="  ", highlight=False)


def _road_cells(fields: dict[str, Any]) -> dict[str, str]:
    loads = [
        f"{name.removesuffix('_load_kw')} {value:.0f}/{fields.get(key.replace('_load_kw', '_limit_kw'), 0):.0f}"
        for key, value in sorted(fields.items())
        if key.startswith(f"{_P}.") and (name := key.removeprefix(f"{_P}.")).endswith("_load_kw")
    ]
    return {
        "hour": _hour(fields),
        "round": str(fields.get(f"{_C}.round", "-")),
        "gap": _gap(fields),
        "sent": str(fields.get(f"{_C}.vehicles_sent", "-")),
        "on road": str(fields.get(f"{_X}.mves_on_road", "-")),
        "load/limit kW": ", ".join(loads) or "-",
    }


def _rail_cells(fields: dict[str, Any]) -> dict[str, str]:
    return {
        "hour": _hour(fields),
        "asked": str(fields.get(f"{_C}.asked", "-")),
        "round": str(fields.get(f"{_C}.asked_round", "-")),
        "gap": _gap(fields),
        "at stations": str(fields.get(f"{_C}.trains_standing", "-")),
        "late": str(fields.get(f"{_T}.trains_late", "-")),
    }


_CELLS: dict[World, Callable[[dict[str, Any]], dict[str, str]]] = {World.ROAD: _road_cells, World.RAIL: _rail_cells}


def _hour(fields: dict[str, Any]) -> str:
    hour = fields.get(f"{_C}.hour")
    return "-" if hour is None else f"{int(hour):02d}:{round(60 * (hour % 1)):02d}"


def _gap(fields: dict[str, Any]) -> str:
    gap = fields.get(f"{_C}.gap", -1.0)
    return f"{gap:.2%}" if gap >= 0 else "-"
