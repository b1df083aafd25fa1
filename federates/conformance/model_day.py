"""A run of a model under test: an empty period, ordinary ones, and on another run one with far too much."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from federates.boundary.exchange import Message, Moment
from federates.boundary.world import world_of
from federates.conformance.call_recorder import CallFailedError, CallRecorder, Failure, Kind
from federates.conformance.kit import model_kit_of
from federates.conformance.target import Target
from federates.conformance.values import shapes_fault

__all__ = ["MOST_PERIODS", "ModelDay", "model_day", "observations", "seen_fault"]

MOST_PERIODS, _FLOODED_PERIODS = 4, 2


@dataclass
class ModelDay:
    """What a model said of each period, as far as it got."""

    caller: CallRecorder
    dispatches: list[Any] = field(default_factory=list)
    seen: list[Any] = field(default_factory=list)
    failure: Failure | None = None
    malformed: str | None = None


def model_day(target: Target, *, flooded: bool = False) -> ModelDay:
    """Move a model through at most `MOST_PERIODS` periods; in the first and the last nothing is sent."""
    session, caller = target.view, CallRecorder(target)
    day = ModelDay(caller)
    periods = min(session.periods, _FLOODED_PERIODS if flooded else MOST_PERIODS)
    dispatches = model_kit_of(session).dispatches(session, target.routes, periods, flooded=flooded)
    with caller:
        try:
            caller.begin()
            for period, (words, dispatch) in enumerate(dispatches):
                caller.period = period
                seen = caller.ask(Kind.RUN, words, period, dispatch)
                day.dispatches.append(dispatch)
                day.seen.append(seen)
                if (fault := seen_fault(target, period, seen)) is not None:
                    day.malformed = f"period {period}: {fault}"
                    break
        except CallFailedError as end:
            day.failure = end.failure
    return day


def observations(target: Target) -> list[Message]:
    """Return the messages that a model says of a period."""
    said = world_of(target.session.world).messages
    return [message for message in said if message.sender == target.role and message.moment is Moment.OBSERVATION]


def seen_fault(target: Target, period: int, seen: Any) -> str | None:
    """Return what is wrong with types and shapes of an observation."""
    for message in observations(target):
        if not hasattr(seen, message.name):
            return f"the observation is a {type(seen).__name__} without {message.name}"
        fault = shapes_fault(target.view, period, message, getattr(seen, message.name))
        if fault is not None:
            return fault
    return None
