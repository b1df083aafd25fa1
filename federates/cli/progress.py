"""What a person sees while a run goes on: a line for every hour that is over, and below them where each run is now."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table

from federates.cli.run_tail import RunTail
from federates.runs.launch import Launch

__all__ = ["ProgressView"]

_LINE_EVERY_S = 10.0
"""Without a terminal a long negotiation shows this often that it goes on."""


class ProgressView:
    """Lines of one or more runs, and on a terminal a live table below them; a run that has ended leaves the table."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, refresh_per_second=4, transient=True) if console.is_terminal else None
        self._tails: dict[str, RunTail] = {}
        self._printed: dict[str, tuple[tuple[int, int] | None, float]] = {}
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
            run_id = run.identity.run_id
            over = run.over
            tail = self._tails.setdefault(run_id, RunTail(run.identity))
            lines = tail.read(over)
            for line in lines:
                self._say(run_id, line)
            if over:
                self._tails.pop(run_id)
            elif self._live is None:
                self._say_that_it_goes_on(run_id, tail, bool(lines))
            if self._live is not None:
                self._live.update(self._table())

    def _say(self, run_id: str, line: str) -> None:
        # Without date and time, which are the same for runs that go on side by side.
        self._console.print(_short(run_id), line, sep="  ", markup=False, highlight=False)

    def _table(self) -> Table:
        table = Table(box=None, padding=(0, 2))
        rows = {run_id: tail.cells() for run_id, tail in self._tails.items()}
        for column in ("run", *next(iter(rows.values()), ())):
            table.add_column(column, justify="left" if column == "run" else "right", no_wrap=True)
        for run_id, cells in rows.items():
            table.add_row(_short(run_id), *cells.values())
        return table

    def _say_that_it_goes_on(self, run_id: str, tail: RunTail, just_said: bool) -> None:
        now = time.monotonic()
        asked, said_s = self._printed.setdefault(run_id, (None, now))
        if just_said:
            self._printed[run_id] = (tail.asked, now)
        elif tail.asked != asked and now > said_s + _LINE_EVERY_S:
            self._printed[run_id] = (tail.asked, now)
            self._say(run_id, "  ".join(f"{name} {text}" for name, text in tail.cells().items()))


def _short(run_id: str) -> str:
    return run_id.split("-", 2)[-1]
