"""A day of an agent under test that reports: it is told of each period what a run would tell it, and opens the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from federates.boundary.world import world_of
from federates.conformance.call_recorder import CallFailedError, CallRecorder, Failure, Kind
from federates.conformance.kit import reporter_kit_of
from federates.conformance.target import Target
from federates.conformance.values import report_shape_fault

__all__ = ["ReportDay", "report_day"]

_FLOODED_PERIODS = 2


@dataclass
class ReportDay:
    """What was heard of each period and what was said at the next opening, as far as it got."""

    caller: CallRecorder
    heard: Sequence[Mapping[str, Any]]
    said: list[Mapping[str, Any]] = field(default_factory=list)
    failure: Failure | None = None
    malformed: tuple[int, str] | None = None
    """In which opening something had the wrong shape, and how."""


def report_day(target: Target, *, flooded: bool = False) -> ReportDay:
    """Let an agent open every period, and once more behind the last; ``flooded``: a short day with far too much."""
    session, caller = target.view, CallRecorder(target)
    periods = min(session.periods, _FLOODED_PERIODS) if flooded else session.periods
    heard = reporter_kit_of(session).heard(session, target.role, periods, flooded=flooded)
    day = ReportDay(caller, heard)
    names = {m.name for m in world_of(session.world).messages if target.role in m.hearers}
    assert all(set(told) == names for told in heard)
    with caller:
        try:
            caller.begin()
            for period, told in enumerate([None, *heard]):
                caller.period = period
                said = caller.ask(Kind.OPEN, "open_period", period, told)
                if (fault := report_shape_fault(target.role, session, period, said)) is not None:
                    day.malformed = period, fault
                    break
                day.said.append(said)
        except CallFailedError as end:
            day.failure = end.failure
    return day
