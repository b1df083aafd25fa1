"""A negotiation written as one generator: it yields what to ask, is sent both answers, and returns what to commit.

The runtime calls `start` and `next`; here these two drive the generator. The tables are the runtime's, which sees every answer.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Generator
from typing import Any, TypeAlias, TypeVar

from federates.boundary.messages import Array
from federates.boundary.roles import Commit, CoordinationAlgorithm, Decision, Evaluate, Recorder, RoundResult, Solve
from federates.coordinator.algorithms.bounds import Bounds, Outcome
from federates.coordinator.algorithms.limits import Limits, NegotiationSettings

__all__ = ["RoundByRound", "Rounds"]

T = TypeVar("T")
Rounds: TypeAlias = Generator[Solve | Evaluate, RoundResult, T]
"""Rounds that end with a T; ``yield from`` makes them a part of longer ones."""


class RoundByRound(CoordinationAlgorithm):
    """Base of algorithms that write `negotiate` and keep their bounds in ``bounds``."""

    def begin(self, session: Any, recorder: Recorder) -> None:  # noqa: D102
        self._session = session
        self.bounds = Bounds()

    @abstractmethod
    def negotiate(self, period: int, train_ready: Array | None) -> Rounds[Commit]:
        """Return the rounds of ``period``; ``bounds`` is new, for its own use alone."""

    def limited(self, rounds: Rounds[Outcome]) -> Rounds[Outcome]:
        """Return how ``rounds`` end: by themselves, or where a limit of `NegotiationSettings` is reached before."""
        if not isinstance(self.settings, NegotiationSettings):
            return (yield from rounds)
        limits = Limits(self.settings, self.bounds)
        try:
            decision = next(rounds)
            while True:
                decision = rounds.send((yield decision))
                outcome = limits.reached()
                if outcome is not None:
                    rounds.close()
                    return outcome
        except StopIteration as end:
            own: Outcome = end.value
            return own

    def start(self, period: int, train_ready: Array | None = None) -> Decision:  # noqa: D102
        self.bounds = Bounds()
        self._rounds = self.negotiate(period, train_ready)
        try:
            self._decision: Decision = next(self._rounds)
        except StopIteration as end:
            self._decision = end.value
        return self._decision

    def next(self, result: RoundResult) -> Decision:  # noqa: D102
        try:
            self._decision = self._rounds.send(result)
        except StopIteration as end:
            self._decision = end.value
        return self._decision
