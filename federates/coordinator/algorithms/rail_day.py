"""A day by rail: negotiate it once, carry out what was agreed, negotiate again where a late train breaks the plan."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np

from federates.boundary.messages import Array
from federates.boundary.roles import Commit, Evaluate, Recorder
from federates.boundary.session import RailScheme, World
from federates.boundary.timetable import broken_plan
from federates.coordinator.algorithms.bounds import Outcome
from federates.coordinator.algorithms.rail_problem import RailProblem, first_problem, rest_of_day
from federates.coordinator.algorithms.rounds import RoundByRound, Rounds

__all__ = ["RailAlgorithm"]

_NO_TRAINS = "the scheme moves no batteries: no train stands anywhere"


class RailAlgorithm(RoundByRound):
    """Base of the algorithms by rail: they write `agree`, one negotiation, and leave its plan in ``bounds``."""

    worlds = (World.RAIL,)

    def begin(self, session: Any, recorder: Recorder) -> None:  # noqa: D102
        super().begin(session, recorder)
        self._agreed: Array | None = None
        self._outcome = Outcome(False, "")
        self._held_in = 0

    @abstractmethod
    def agree(self, problem: RailProblem) -> Rounds[Outcome]:
        """Return the rounds of one negotiation."""

    def negotiate(self, period: int, train_ready: Array | None) -> Rounds[Commit]:
        """Return the rounds of ``period``: none while the plan holds."""
        if self._session.scheme is not RailScheme.MOBILE or not self._session.trains:
            return (yield from self._without_trains(period))
        if self._agreed is None:
            problem = first_problem(self._session, train_ready)
        else:
            broken = None if train_ready is None else broken_plan(self._session, period, train_ready, self._agreed)
            if broken is None or train_ready is None:
                return self._commit(f"the plan of period {self._held_in} holds ({self._outcome.reason})")
            problem = rest_of_day(self._session, period, train_ready, self._agreed)
        self._outcome = yield from self._with_past(problem)
        assert self.bounds.plan is not None, "every negotiation evaluates at least one plan"
        self._agreed, self._held_in = problem.with_past(self.bounds.plan), period
        return self._commit(self._outcome.reason)

    def _commit(self, reason: str) -> Commit:
        assert self._agreed is not None
        outcome = self._outcome
        return Commit(self._agreed, outcome.agreed, reason, self.bounds.lower_usd, outcome.ended_by_time)

    def _with_past(self, problem: RailProblem) -> Rounds[Outcome]:
        """Return the rounds of `agree` with the past of the day fixed in all that is sent and heard."""
        rounds = self.limited(self.agree(problem))
        try:
            decision = next(rounds)
            while True:
                result = yield problem.sent(decision)
                decision = rounds.send(problem.heard(result))
        except StopIteration as end:
            outcome: Outcome = end.value
            return outcome

    def _without_trains(self, period: int) -> Rounds[Commit]:
        """Return the one round of a scheme without mobile batteries: what the day costs."""
        zero = np.zeros(self._session.connection_shape)
        if self._agreed is None:
            result = yield Evaluate(zero, zero)
            self.bounds.bound(result.asked.bound_usd + result.offered.bound_usd)
            self.bounds.keep(zero, result.asked.cost_usd + result.offered.cost_usd)
            self._agreed, self._outcome = zero, Outcome(True, _NO_TRAINS)
        return self._commit(_NO_TRAINS)
