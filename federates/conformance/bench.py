"""The test bench: the lives that several checks look at, each lived once and only when a check first asks for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from federates.boundary.names import Role
from federates.conformance.class_target import ClassTarget
from federates.conformance.elsewhere import growth_elsewhere, replay_elsewhere
from federates.conformance.life import Call, Failure, Life
from federates.conformance.negotiation import Negotiated, negotiate
from federates.conformance.operator_calls import Day
from federates.conformance.operator_day import OperatorDay
from federates.conformance.replay import Replay, replay
from federates.conformance.second_process import Pending, UnknownThereError
from federates.conformance.surroundings import Surroundings
from federates.conformance.target import Target
from federates.conformance.traffic_day import TrafficDay, traffic_day
from federates.worlds.rail.session import RailSession
from federates.worlds.road.session import RoadSession

__all__ = ["Bench"]


class Bench:
    """A target, and what was seen of it so far."""

    def __init__(self, target: Target, surroundings: Surroundings) -> None:
        self.target, self.surroundings = target, surroundings
        self._lives: list[Life] = []

    @property
    def role(self) -> Role:
        """Return the role that is played."""
        return self.target.role

    @property
    def session(self) -> RoadSession | RailSession:
        """Return the public agreement."""
        return self.target.session

    @property
    def end_errors(self) -> list[str]:
        """Return what went wrong at the end of the lives so far."""
        return [life.end_error for life in self._lives if life.end_error is not None]

    @property
    def changed(self) -> list[str]:
        """Return what lives so far have left changed in this process, each once."""
        return list(dict.fromkeys(words for life in self._lives for words in life.changed))

    @property
    def lives(self) -> int:
        """Return how many lives there have been."""
        return len(self._lives)

    @cached_property
    def day(self) -> Day:
        """The main day of an operator."""
        return self._keep_day(OperatorDay(self.target).whole())

    @cached_property
    def rough_day(self) -> Day:
        """A short day of absurd demands."""
        return self._keep_day(OperatorDay(self.target).rough())

    @cached_property
    def delayed_day(self) -> Day:
        """A short day on which something comes late."""
        return self._keep_day(OperatorDay(self.target).delayed())

    @cached_property
    def traffic(self) -> TrafficDay:
        """The main run of a traffic model."""
        return self._keep_traffic(traffic_day(self.target))

    @cached_property
    def flooded_traffic(self) -> TrafficDay:
        """A run of a traffic model with far too many vehicles."""
        return self._keep_traffic(traffic_day(self.target, flooded=True))

    @cached_property
    def agreeable(self) -> Negotiated:
        """A run of an algorithm with operators whose joint optimum is known."""
        return self._keep_negotiated(negotiate(self.target))

    @cached_property
    def stubborn(self) -> Negotiated:
        """A run of an algorithm with operators that offer nothing whatever is asked."""
        return self._keep_negotiated(negotiate(self.target, stubborn=True))

    @cached_property
    def unproven(self) -> Negotiated:
        """A run of an algorithm with operators whose bounds leave a gap that nothing closes."""
        return self._keep_negotiated(negotiate(self.target, unproven=True))

    @cached_property
    def delayed(self) -> Negotiated:
        """A run of an algorithm with a train that comes late."""
        return self._keep_negotiated(negotiate(self.target, late=True))

    def main_failure(self) -> Failure | None:
        """Return why the main life ended early, if it did."""
        if self.role == Role.TRAFFIC:
            return self.traffic.failure
        return self.agreeable.failure if self.role == Role.COORDINATOR else self.day.failure

    def main_life(self) -> Life:
        """Return the main life of whatever is tested."""
        if self.role == Role.TRAFFIC:
            return self.traffic.life
        return self.agreeable.life if self.role == Role.COORDINATOR else self.day.life

    def repeated(self, *, scribble: bool = False, most: int | None = None) -> Replay:
        """Let a fresh one answer the same calls as the main life."""
        found = replay(self.target, self.main_life().calls, scribble=scribble, most=most)
        self._lives.append(found.life)
        return found

    def repeated_elsewhere(self, most: int | None = None) -> Pending | str:
        """Begin to do the same in a second process; a class only, and in words why not if it cannot be known there."""
        return self._elsewhere(lambda target: replay_elsewhere(target, self.main_life().calls, most))

    def growth_elsewhere(self) -> Pending | str:
        """Begin to ask the first questions of the day many times in a second process; as `repeated_elsewhere`."""
        return self._elsewhere(lambda target: growth_elsewhere(target, self.main_life().calls))

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
        self._lives.append(found.life)
        return found

    def _keep_day(self, day: Day) -> Day:
        self._lives.append(day.life)
        return day

    def _keep_traffic(self, day: TrafficDay) -> TrafficDay:
        self._lives.append(day.life)
        return day

    def _keep_negotiated(self, found: Negotiated) -> Negotiated:
        self._lives.append(found.life)
        return found
