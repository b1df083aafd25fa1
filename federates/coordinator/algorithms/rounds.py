"""A negotiation written as one generator: it yields what to ask, is sent all answers, and returns what was agreed.

The runtime calls `start` and `next`; here these two drive the generator. The tables are the runtime's, which sees every answer.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Any

import numpy as np

from federates.boundary.negotiation import Agreement, Problem, Rounds, cost_usd
from federates.boundary.roles import Commit, CoordinationAlgorithm, Decision, Openings, Recorder, RoundResult
from federates.boundary.world import world_of
from federates.coordinator.algorithms.bounds import Bounds, Outcome
from federates.coordinator.algorithms.limits import Limits, NegotiationSettings


class RoundByRound(CoordinationAlgorithm):
    """Base of algorithms that write `agree`, one negotiation, and keep bounds and plan in ``bounds``."""

    def begin(self, session: Any, recorder: Recorder) -> None:  # noqa: D102
        self.bounds = Bounds()
        self._day = world_of(session.world).day(session)

    @abstractmethod
    def agree(self, problem: Problem) -> Rounds[Outcome]:
        """Return the rounds of one negotiation; ``bounds`` is new, for its own use alone, and has the plan in the end."""

    def start(self, period: int, openings: Openings) -> Decision:  # noqa: D102
        self._rounds: Rounds[Commit] = self._day.rounds(period, openings, self._negotiate)
        return self._go_on(None)

    def next(self, result: RoundResult) -> Decision:  # noqa: D102
        return self._go_on(result)

    def _go_on(self, result: Any) -> Decision:
        try:
            return self._rounds.send(result)
        except StopIteration as end:
            commit: Commit = end.value
            return commit

    def _negotiate(self, problem: Problem, gap_share: float = 1.0) -> Rounds[Agreement]:
        self.bounds = Bounds(gap_share=gap_share)
        outcome = yield from self._limited(self.agree(problem))
        bounds = self.bounds
        if bounds.plan is None:
            yield from cost_nothing(problem, bounds)
        assert bounds.plan is not None, "a negotiation of whole quantities evaluates at least one plan"
        settings, most_usd = self.settings, math.inf
        if isinstance(settings, NegotiationSettings):
            most_usd = bounds.most_usd(settings.gap_target, settings.gap_usd)
        return Agreement(
            bounds.plan, outcome.agreed, outcome.reason, bounds.lower_usd, outcome.ended_by_time, bounds.plan_prices, most_usd
        )

    def _limited(self, rounds: Rounds[Outcome]) -> Rounds[Outcome]:
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


def cost_nothing(problem: Problem, bounds: Bounds) -> Rounds[None]:
    """Cost what of divisible quantities can always be carried out, where no other plan was: nothing."""
    nothing = problem.everyone(np.zeros(problem.layout.size))
    if not problem.whole:
        result = yield problem.evaluate(nothing)
        bounds.update_upper(nothing, cost_usd(result.answers))
