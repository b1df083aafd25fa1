"""What a person sees while a run goes on: hour, round, gap, vehicles, feeder load."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.live import Live
from rich.table import Table

from federates.boundary.topics import Role
from federates.runs.launch import Launch

__all__ = ["ProgressView"]

_C, _P, _X = Role.COORDINATOR.value, Role.POWER_OPERATOR.value, Role.TRAFFIC.value
_COLUMNS = ("hour", "round", "gap", "sent", "on road", "load/limit kW")


class _Tail:
    """Reads new lines of the agents' ``progress.jsonl`` files and keeps the newest value of every field."""

    def __init__(self, folder: Path) -> None:
        self._offsets = dict.fromkeys(Role, 0)
        self._folder = folder
        self.fields: dict[str, Any] = {}

    def read(self) -> None:
        for role in Role:
            path = self._folder / role.value / "progress.jsonl"
            if not path.exists():
                continue
            with path.open("rb") as file:
                file.seek(self._offsets[role])
                for line in file:
                    if not line.endswith(b"\n"):
                        break
                    self._offsets[role] += len(line)
                    self._take(role, json.loads(line))

    def _take(self, role: Role, fields: dict[str, Any]) -> None:
        # Two agents may use the same word for different things, so an agent's name stands before its fields.
        self.fields.update({f"{role.value}.{name}": value for name, value in fields.items()})


class ProgressView:
    """Live table of one or more runs on a terminal; one line per hour where there is none."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, refresh_per_second=4, transient=True) if console.is_terminal else None
        self._tails: dict[str, _Tail] = {}
        self._printed: dict[str, int] = {}
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
            tail = self._tails.setdefault(run.identity.run_id, _Tail(run.folder))
            tail.read()
            if self._live is not None:
                self._live.update(self._table())
            else:
                self._print_line(run.identity.run_id, tail.fields)

    def _table(self) -> Table:
        table = Table(box=None, padding=(0, 2))
        for column in ("run", *_COLUMNS):
            table.add_column(column, justify="left" if column == "run" else "right", no_wrap=True)
        for run_id, tail in self._tails.items():
            # Behind date and time, which are the same for runs that go on side by side.
            table.add_row(run_id.split("-", 2)[-1], *_cells(tail.fields))
        return table

    def _print_line(self, run_id: str, fields: dict[str, Any]) -> None:
        """Print one line per period, when its plan is decided."""
        committed = fields.get(f"{_C}.committed")
        if committed is None or committed == self._printed.get(run_id):
            return
        self._printed[run_id] = committed
        shown = dict(zip(_COLUMNS, _cells(fields), strict=True))
        self._console.print(run_id, *(f"{name} {text}" for name, text in shown.items()), sep="  ", highlight=False)


def _cells(fields: dict[str, Any]) -> tuple[str, ...]:
    """Return hour, round, gap, vehicles sent, vehicles on the road, feeder loads as texts."""
    hour, gap = fields.get(f"{_C}.hour"), fields.get(f"{_C}.gap", -1.0)
    loads = [
        f"{name.removesuffix('_load_kw')} {value:.0f}/{fields.get(key.replace('_load_kw', '_limit_kw'), 0):.0f}"
        for key, value in sorted(fields.items())
        if key.startswith(f"{_P}.") and (name := key.removeprefix(f"{_P}.")).endswith("_load_kw")
    ]
    return (
        "-" if hour is None else f"{int(hour):02d}:{round(60 * (hour % 1)):02d}",
        str(fields.get(f"{_C}.round", "-")),
        f"{gap:.2%}" if gap >= 0 else "-",
        str(fields.get(f"{_C}.vehicles_sent", "-")),
        str(fields.get(f"{_X}.mves_on_road", "-")),
        ", ".join(loads) or "-",
    )
