"""What several checks share: days and runs of the agent under test, each made once, when a check first asks for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, TypeVar

from federates.boundary.names import Role
from federates.boundary.world import World, world_of
from federates.conformance.call_recorder import Call, CallRecorder, Failure
from federates.conformance.class_target import ClassTarget
from federates.conformance.elsewhere import growth_elsewhere, replay_elsewhere
from federates.conformance.errors import Breach
from federates.conformance.kit import ModelKit, ReporterKit, WorldKit, kit_of, model_kit_of, reporter_kit_of
from federates.conformance.leak_detector import LeakDetector
from federates.conformance.model_day import ModelDay, model_day
from federates.conformance.negotiation import Negotiated, negotiate
from federates.conformance.operator_day import Day, OperatorDay
from federates.conformance.replay import Replay, replay
from federates.conformance.report_day import ReportDay, report_day
from federates.conformance.second_process import Pending, UnknownThereError
from federates.conformance.target import Target

__all__ = ["Fixtures"]

Lived = TypeVar("Lived", Day, ModelDay, ReportDay, Negotiated)


class Fixtures:
    """A target, and what was seen of it so far."""

    def __init__(self, target: Target, leak_detector: LeakDetector) -> None:
        self.target, self.leak_detector = target, leak_detector
        self._callers: list[CallRecorder] = []

    @property
    def role(self) -> str:
        """Return the role that is played."""
        return self.target.role

    @property
    def session(self) -> Any:
        """Return the public agreement, as the agent sees it."""
        return self.target.view

    @property
    def world(self) -> World:
        """Return its world."""
        return world_of(self.session.world)

    @property
    def kit(self) -> WorldKit:
        """Return what the world brings to the checks."""
        return kit_of(self.session)

    @property
    def model_kit(self) -> ModelKit:
        """Return what the world brings to the checks of its model."""
        return model_kit_of(self.session)

    @property
    def reporter_kit(self) -> ReporterKit:
        """Return what the world brings to the checks of agents that report."""
        return reporter_kit_of(self.session)

    @property
    def end_errors(self) -> list[str]:
        """Return what went wrong at the end of the lives so far."""
        return [caller.end_error for caller in self._callers if caller.end_error is not None]

    @property
    def changed(self) -> list[str]:
        """Return what lives so far have left changed in this process, each once."""
        return list(dict.fromkeys(words for caller in self._callers for words in caller.changed))

    @property
    def lives(self) -> int:
        """Return how many lives there have been."""
        return len(self._callers)

    @cached_property
    def day(self) -> Day:
        """The main day of an operator."""
        return self._keep(OperatorDay(self.target).whole())

    @cached_property
    def rough_day(self) -> Day:
        """A short day of absurd demands."""
        return self._keep(OperatorDay(self.target).rough())

    @cached_property
    def delayed_day(self) -> Day:
        """A short day on which something comes late."""
        return self._keep(OperatorDay(self.target).delayed())

    @cached_property
    def model(self) -> ModelDay:
        """The main run of a model."""
        return self._keep(model_day(self.target))

    @cached_property
    def flooded_model(self) -> ModelDay:
        """A run of a model with far too much."""
        return self._keep(model_day(self.target, flooded=True))

    @cached_property
    def reports(self) -> ReportDay:
        """The main day of an agent that reports."""
        return self._keep(report_day(self.target))

    @cached_property
    def flooded_reports(self) -> ReportDay:
        """A day of an agent that reports with far too much."""
        return self._keep(report_day(self.target, flooded=True))

    @cached_property
    def agreeable(self) -> Negotiated:
        """A run of an algorithm with operators whose joint optimum is known."""
        return self._keep(negotiate(self.target))

    @cached_property
    def stubborn(self) -> Negotiated:
        """A run of an algorithm with operators that offer nothing whatever is asked."""
        return self._keep(negotiate(self.target, stubborn=True))

    @cached_property
    def unproven(self) -> Negotiated:
        """A run of an algorithm with operators whose bounds leave a gap that nothing closes."""
        return self._keep(negotiate(self.target, unproven=True))

    @cached_property
    def delayed(self) -> Negotiated:
        """A run of an algorithm with something that comes late."""
        return self._keep(negotiate(self.target, late=True))

    def main_failure(self) -> Failure | None:
        """Return why the main life ended early, if it did."""
        return self._main().failure

    def main_caller(self) -> CallRecorder:
        """Return the main life of whatever is tested."""
        return self._main().caller

    def _main(self) -> Day | ModelDay | ReportDay | Negotiated:
        if self.role in self.world.models:
            return self.model
        if self.role in self.world.reporters:
            return self.reports
        return self.agreeable if self.role == Role.COORDINATOR else self.day

    def slowest_in_time(self, calls: Sequence[Call]) -> Call | None:
        """Return the slowest of ``calls``, None if there are none.

        Raises
        ------
        Breach : it took longer than is allowed, or the main life ended with a call that did.
        """
        failure, limit_s = self.main_failure(), self.target.limit_s
        if failure is not None and failure.late:
            raise Breach(failure.error, failure.words)
        slowest = max(calls, key=lambda call: call.wall_s, default=None)
        if slowest is not None and slowest.wall_s > limit_s:
            raise Breach(f"it took {slowest.wall_s:.2f} s, {limit_s:g} s are allowed", slowest.words)
        return slowest

    def repeated(self, *, scribble: bool = False, most: int | None = None) -> Replay:
        """Let a fresh one answer the same calls as the main life."""
        found = replay(self.target, self.main_caller().calls, scribble=scribble, most=most)
        self._callers.append(found.caller)
        return found

    def repeated_elsewhere(self, most: int | None = None) -> Pending | str:
        """Begin to do the same in a second process; a class only, and in words why not if it cannot be known there."""
        return self._elsewhere(lambda target: replay_elsewhere(target, self.main_caller().calls, most))

    def growth_elsewhere(self) -> Pending | str:
        """Begin to ask the first questions of the day many times in a second process; as `repeated_elsewhere`."""
        return self._elsewhere(lambda target: growth_elsewhere(target, self.main_caller().calls))

    def _elsewhere(self, begin: Callable[[ClassTarget], Pending]) -> Pending | str:
        if not isinstance(self.target, ClassTarget):
            return "every life of an executable is a process of its own"
        try:
            return begin(self.target)
        except UnknownThereError as error:
            return f"not tried in a second process: {error}"

    def answered_again(self, calls: Sequence[Call], differs: Callable[[Call, Any], str | None]) -> Replay:
        """Let a fresh one answer these calls only."""
        found = replay(self.target, calls, differs=differs)
        self._callers.append(found.caller)
        return found

    def _keep(self, day: Lived) -> Lived:
        self._callers.append(day.caller)
        return day
