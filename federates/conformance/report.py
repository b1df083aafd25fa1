"""What came of the checks: for people, as JSON and as JUnit XML."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from federates import __version__
from federates.boundary.topics import BOUNDARY_VERSION
from federates.conformance.errors import ConformanceError

__all__ = ["Outcome", "Report", "State", "breach_lines", "show_outcome", "show_summary"]

_SCHEMA_VERSION = 1
_NAME_WIDTH = 26


class State(StrEnum):
    """How a check came out."""

    HOLDS = "holds"
    BROKEN = "broken"
    NOT_REACHED = "not reached"
    """A rule that it builds on is broken, so it says nothing."""
    DOES_NOT_APPLY = "does not apply"
    NO_VERDICT = "no verdict"
    """The kit itself failed, which says nothing of the agent."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One check: what must hold, what was asked where it did not, and what was seen."""

    id: str
    holds: str
    state: State
    seen: str
    asked: str = ""
    wall_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Report:
    """All checks of one target."""

    role: str
    target: str
    session: Any
    outcomes: tuple[Outcome, ...]
    wall_s: float

    @property
    def ok(self) -> bool:
        """Whether every check that was made holds."""
        return not self.broken and self.has_verdict

    @property
    def has_verdict(self) -> bool:
        """Whether the kit itself has not failed."""
        return not self.count(State.NO_VERDICT)

    @property
    def broken(self) -> tuple[str, ...]:
        """Return the ids of the broken rules."""
        return tuple(outcome.id for outcome in self.outcomes if outcome.state is State.BROKEN)

    def count(self, state: State) -> int:
        """Return how many checks came out like this."""
        return sum(outcome.state is state for outcome in self.outcomes)

    def raise_if_broken(self) -> None:
        """Raise `ConformanceError` with every breach in words; for tests."""
        if not self.has_verdict and not self.broken:
            raise ConformanceError("; ".join(f"{o.id}: {o.seen}" for o in self.outcomes if o.state is State.NO_VERDICT))
        if not self.ok:
            parts = [text for outcome in self.outcomes if outcome.state is State.BROKEN for text in breach_lines(outcome)]
            raise ConformanceError("\n".join((f"{self.target} breaks the rules of {self.role}:", *parts)))

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values; what stands in the JSON file."""
        return {
            "schema_version": _SCHEMA_VERSION,
            "portage": __version__,
            "boundary_version": BOUNDARY_VERSION,
            "role": self.role,
            "target": self.target,
            "world": self.session.world,
            "session": self.session.name,
            "periods": self.session.periods,
            "conforms": self.ok,
            "counts": {state.value: self.count(state) for state in State},
            "wall_s": round(self.wall_s, 3),
            "checks": [{**asdict(outcome), "state": outcome.state.value} for outcome in self.outcomes],
        }

    def write_json(self, path: Path) -> None:
        """Write the report as JSON."""
        path.write_text(json.dumps(self.as_dict(), indent=2) + "\n", encoding="utf-8")

    def write_junit(self, path: Path) -> None:
        """Write the report as JUnit XML, one test case a check, as continuous integration reads it."""
        from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

        suite = TestSuite(f"portage conform {self.role} {self.target}")
        for outcome in self.outcomes:
            case = TestCase(outcome.id, classname=f"{self.role}.{self.target}", time=round(outcome.wall_s, 3))
            if outcome.state is State.BROKEN:
                failure = Failure(f"{outcome.asked}: {outcome.seen}" if outcome.asked else outcome.seen, "Breach")
                failure.text = "\n".join(breach_lines(outcome))
                case.result = [failure]
            elif outcome.state is State.NO_VERDICT:
                case.result = [Error(outcome.seen, "NoVerdict")]
            elif outcome.state is not State.HOLDS:
                case.result = [Skipped(f"{outcome.state}: {outcome.seen}")]
            else:
                case.system_out = f"{outcome.holds}\nSeen: {outcome.seen}"
            suite.add_testcase(case)
        document = JUnitXml()
        document.add_testsuite(suite)
        document.write(str(path), pretty=True)


_MARKS = {
    State.HOLDS: ("✓", "green"),
    State.BROKEN: ("✗", "bold red"),
    State.NOT_REACHED: ("·", "yellow"),
    State.DOES_NOT_APPLY: ("–", "dim"),
    State.NO_VERDICT: ("?", "bold magenta"),
}


def show_outcome(console: Console, outcome: Outcome) -> None:
    """Print one check: a tick, the id and what was seen; a breach with what was asked and what must hold."""
    mark, style = _MARKS[outcome.state]
    name = Text.assemble((f"{mark} ", style), (outcome.id, style if outcome.state is State.BROKEN else "bold"))
    rows = Table.grid(padding=(0, 1), expand=False)
    rows.add_column(width=_NAME_WIDTH)
    rows.add_column(ratio=1)
    if outcome.state is State.BROKEN:
        for number, text in enumerate(breach_lines(outcome)[1:]):
            rows.add_row(name if number == 0 else "", Text(text))
    else:
        seen = outcome.seen if outcome.state is State.HOLDS else f"{outcome.state}: {outcome.seen}"
        rows.add_row(name, Text(outcome.holds))
        rows.add_row("", Text(seen, style="dim"))
    console.print(rows, soft_wrap=False)


def show_summary(console: Console, report: Report) -> None:
    """Print how many checks hold."""
    counts = [f"{report.count(state)} {state.value}" for state in State if report.count(state)]
    text = f"{report.target} as {report.role}, {report.session.name} ({report.session.world}): {', '.join(counts)}"
    verdict = ("It conforms.", "bold green") if report.ok else ("It does not conform.", "bold red")
    if not report.broken and not report.has_verdict:
        verdict = ("No verdict: the kit itself failed.", "bold magenta")
    console.print(Text.assemble(f"{text}, {report.wall_s:.1f} s. ", verdict))


def breach_lines(outcome: Outcome) -> list[str]:
    """Return what a broken rule is told by, a line each: its id, what was asked, what came, and what must hold."""
    lines = [outcome.id]
    if outcome.asked:
        lines.append(f"Asked:      {outcome.asked}")
    return [*lines, f"Came:       {outcome.seen}", f"Must hold:  {outcome.holds}"]
