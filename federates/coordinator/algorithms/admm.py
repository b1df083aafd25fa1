"""Alternating directions with linear questions: the augmented Lagrangian, split between the operators by Frank-Wolfe.

What is asked, and why it is the same for both operators: `splitting`. On the road the averages are plans themselves, for flows
may be divided; by rail they are not, and the plans are the routes that the transport operator answers with.
"""

from __future__ import annotations

from itertools import count
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from federates.boundary.messages import Array
from federates.boundary.negotiation import Problem, Rounds, bound_usd, cost_usd
from federates.boundary.roles import Recorder, Solve
from federates.boundary.world import world_of
from federates.coordinator.algorithms.bounds import Outcome
from federates.coordinator.algorithms.dual_oracle import DualOracle
from federates.coordinator.algorithms.limits import NegotiationSettings
from federates.coordinator.algorithms.rounds import RoundByRound
from federates.coordinator.algorithms.splitting import Splitting

_SAME = 1e-6
_MOST_ROUNDS = 100_000


class AdmmSettings(NegotiationSettings):
    """Settings of the algorithm."""

    penalty_usd_per_veh2: Annotated[float, Field(gt=0, le=1e6)] = 0.05
    """On the road: rho, usd per vehicle squared; about a usual price over a usual number of vehicles."""
    penalty_usd_per_train2: Annotated[float, Field(gt=0, le=1e6)] = 5.0
    """By rail: rho, usd per train squared; about a usual price of one train standing for one period."""
    max_iterations: Annotated[int, Field(ge=1, le=1000)] = 100
    """The negotiation stops without agreement after so many prices."""
    evaluate_every: Annotated[int, Field(ge=1, le=100)] = 4
    """A plan is costed after the first and then every so many prices, and at the end."""
    warm_start: bool = True
    """On the road: begin with the multipliers of the last period, shifted by one period; false: with zero."""
    relaxed: bool = True
    """By rail: ask for linear relaxations, and once, at the end, for whole trains; false: always for whole trains."""


class Admm(RoundByRound):
    """Frank-Wolfe splitting of the augmented Lagrangian.

    Where quantities can be divided the averages are the plan. Where they are whole the plans are what is offered, and what is
    asked as a whole in the end is one more.
    """

    Settings = AdmmSettings

    def begin(self, session: Any, recorder: Recorder) -> None:  # noqa: D102
        super().begin(session, recorder)
        self._last: Array | None = None
        self._divisible_world = not any(exchange.whole for exchange in world_of(session.world).exchanges)

    def goes_on_without(self, question: Solve) -> bool:
        """Go on: an average without the newest answer is still one of answers. Whole quantities at the end are all needed."""
        return question.relaxed or self._divisible_world

    def agree(self, problem: Problem) -> Rounds[Outcome]:  # noqa: D102
        return (yield from (self._whole(problem) if problem.whole else self._divisible(problem)))

    def _divisible(self, problem: Problem) -> Rounds[Outcome]:
        settings: AdmmSettings = self.settings
        start = problem.shifted(self._last) if settings.warm_start and self._last is not None else np.zeros(problem.prices)
        split = Splitting(problem, start, settings.penalty_usd_per_veh2, np.zeros(problem.prices))
        try:
            for iteration in count(1):
                prices = split.prices
                result = yield problem.ask(prices)
                self.bounds.update_lower(bound_usd(result.answers), prices)
                split.add(problem.copies(result), result.answers)
                last = iteration >= settings.max_iterations
                if (iteration - 1) % settings.evaluate_every == 0 or last:
                    yield from self._evaluate(problem, split)
                outcome = self._convergence(iteration)
                if outcome is not None or last:
                    return outcome or self.bounds.failure(f"{iteration} iterations")
            raise AssertionError("unreachable: the iterations have a limit")
        finally:  # also where a limit ends the rounds
            self._last = split.multipliers

    def _evaluate(self, problem: Problem, split: Splitting) -> Rounds[None]:
        """Cost the average offer, of which who asks uses what it wants."""
        layout, averages = problem.layout, split.averages
        offered = layout.offered(averages)
        result = yield problem.evaluate(problem.everyone(offered, averages))
        copies = problem.copies(result)
        if (layout.offered(copies) >= offered - _SAME).all():
            self.bounds.update_upper(layout.shares(layout.asked(copies), copies, -1.0), cost_usd(result.answers))

    def _whole(self, problem: Problem) -> Rounds[Outcome]:
        settings: AdmmSettings = self.settings
        # Every price costs one round and every plan few, so the iterations are the limit.
        oracle = DualOracle(problem, self.bounds, _MOST_ROUNDS)
        floor = problem.floor
        split = Splitting(problem, np.maximum(np.zeros(problem.prices), floor), settings.penalty_usd_per_train2, floor)
        for iteration in count(1):
            prices = split.prices
            result = yield from (oracle.relax(prices) if settings.relaxed else oracle.solve(prices))
            copies = problem.copies(result)
            split.add(copies, result.answers)
            last = iteration >= settings.max_iterations or np.allclose(split.prices, prices, rtol=0.0, atol=_SAME)
            if (iteration - 1) % settings.evaluate_every == 0 or last:
                yield from oracle.offer(np.round(problem.layout.offered(copies)))
            if last and settings.relaxed and not self._convergence(iteration):
                yield from self._ask_whole(oracle)
            outcome = self._convergence(iteration)
            if outcome is not None or last:
                return outcome or self.bounds.failure(f"{iteration} iterations")
        raise AssertionError("unreachable: the iterations have a limit")

    def _ask_whole(self, oracle: DualOracle) -> Rounds[None]:
        """Ask for whole quantities at the best prices, and offer what is then asked."""
        assert self.bounds.best_prices is not None
        result = yield from oracle.solve(self.bounds.best_prices)
        yield from oracle.offer(np.round(oracle.problem.layout.asked(oracle.problem.copies(result))))

    def _convergence(self, iteration: int) -> Outcome | None:
        return self.bounds.convergence(self.settings.gap_target, self.settings.gap_usd, f"{iteration} iterations")
