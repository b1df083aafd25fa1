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
        # The period of the coordinator is the run's; the others speak of the one before.
        if role is not Role.COORDINATOR:
            fields.pop("period", None)
        self.fields.update(fields)


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
        for column in ("run", "hour", "round", "gap", "vehicles sent", "MVES on road", "feeder load (kW)"):
            table.add_column(column, justify="left" if column == "run" else "right")
        for run_id, tail in self._tails.items():
            table.add_row(run_id, *_cells(tail.fields))
        return table

    def _print_line(self, run_id: str, fields: dict[str, Any]) -> None:
        period = fields.get("period", -1)
        # `hour` arrives with the commit of a period: one line per period, when it is decided.
        if "vehicles_sent" not in fields or period == self._printed.get(run_id, -1) or fields.get("hour") is None:
            return
        self._printed[run_id] = period
        hour, round_, gap, sent, road, load = _cells(fields)
        self._console.print(
            f"{run_id}  hour {hour}  rounds {round_}  gap {gap}  sent {sent}  on road {road}  feeder kW {load}", highlight=False
        )
        fields.pop("vehicles_sent")


def _cells(fields: dict[str, Any]) -> tuple[str, ...]:
    """Return hour, round, gap, vehicles sent, vehicles on the road, feeder loads as texts."""
    gap = fields.get("gap", -1.0)
    loads = ", ".join(
        f"{key.removeprefix('load_kw_')} {value:.0f}" for key, value in sorted(fields.items()) if key.startswith("load_kw_")
    )
    return (
        f"{fields['hour']:.0f}" if fields.get("hour") is not None else "-",
        str(fields.get("round", "-")),
        f"{gap:.2%}" if gap >= 0 else "-",
        str(fields.get("vehicles_sent", "-")),
        str(fields.get("vehicles", "-")),
        loads or "-",
    )
