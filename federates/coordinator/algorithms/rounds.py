"""A negotiation written as one generator: it yields what to ask, is sent both answers, and returns what to commit.

The runtime calls `start` and `next`; here these two drive the generator and leave one row per round in the table ``rounds``.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Generator
from typing import Any, TypeAlias, TypeVar

import numpy as np

from federates.boundary.messages import Array
from federates.boundary.roles import Commit, CoordinationAlgorithm, Decision, Evaluate, Recorder, RoundResult, Solve
from federates.coordinator.algorithms.bounds import Bounds

__all__ = ["RoundByRound", "Rounds"]

T = TypeVar("T")
Rounds: TypeAlias = Generator[Solve | Evaluate, RoundResult, T]
"""Rounds that end with a T; ``yield from`` makes them a part of longer ones."""


class RoundByRound(CoordinationAlgorithm):
    """Base of algorithms that write `negotiate` and keep their bounds in ``bounds``."""

    def begin(self, session: Any, recorder: Recorder) -> None:  # noqa: D102
        self._session, self._recorder = session, recorder
        self.bounds = Bounds()

    @abstractmethod
    def negotiate(self, period: int, train_ready: Array | None) -> Rounds[Commit]:
        """Return the rounds of ``period``; ``bounds`` is new, and is read after every round."""

    def start(self, period: int, train_ready: Array | None = None) -> Decision:  # noqa: D102
        self._period, self._round = period, 0
        self.bounds = Bounds()
        self._rounds = self.negotiate(period, train_ready)
        try:
            self._decision: Decision = next(self._rounds)
        except StopIteration as end:
            self._decision = end.value
        return self._decision

    def next(self, result: RoundResult) -> Decision:  # noqa: D102
        answered = self._decision
        self._round += 1
        try:
            self._decision = self._rounds.send(result)
        except StopIteration as end:
            self._decision = end.value
        self._leave_row(answered, result)
        return self._decision

    @property
    def rounds_held(self) -> int:
        """Return the number of rounds of this period that have been answered."""
        return self._round

    def _leave_row(self, answered: Decision, result: RoundResult) -> None:
        command = ("relax" if answered.relaxed else "solve") if isinstance(answered, Solve) else "evaluate"
        difference = result.asked.connection_veh - result.offered.connection_veh
        self._recorder.record(
            "rounds",
            period=self._period,
            round=self._round,
            command=command,
            lower_bound_usd=_known(self.bounds.lower_usd),
            upper_bound_usd=_known(self.bounds.upper_usd),
            gap=_known(self.bounds.gap),
            residual_veh=float(np.abs(difference).sum()),
            shortfall_veh=float(np.maximum(difference, 0.0).sum()),
        )
        self._recorder.progress(period=self._period, round=self._round, gap=round(_known(self.bounds.gap), 5))


def _known(value: float) -> float:
    """Return ``value``, or -1 while it is infinite."""
    return float(value) if math.isfinite(value) else -1.0
