"""Alternating directions with linear questions: the augmented Lagrangian, split between the operators by Frank-Wolfe.

What is asked, and why it is the same for both operators: `splitting`. On the road the averages are plans themselves, for flows
may be divided; by rail they are not, and the plans are the routes that the transport operator answers with.
"""

from __future__ import annotations

from itertools import count
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from federates.boundary.roles import Evaluate, Recorder, Solve
from federates.coordinator.algorithms.both_worlds import BothWorlds
from federates.coordinator.algorithms.bounds import Outcome
from federates.coordinator.algorithms.conversation import Conversation
from federates.coordinator.algorithms.limits import NegotiationSettings
from federates.coordinator.algorithms.rail_day import RailAlgorithm
from federates.coordinator.algorithms.rail_problem import RailProblem
from federates.coordinator.algorithms.road_day import RoadAlgorithm, shifted
from federates.coordinator.algorithms.rounds import Rounds
from federates.coordinator.algorithms.splitting import Splitting

__all__ = ["Admm", "AdmmSettings"]

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


class AdmmByRoad(RoadAlgorithm):
    """The averages are the plan."""

    def begin(self, session: Any, recorder: Recorder) -> None:
        super().begin(session, recorder)
        self._multipliers = np.zeros(session.connection_shape)

    def agree(self, period: int) -> Rounds[Outcome]:
        settings: AdmmSettings = self.settings
        warm = settings.warm_start and period > 0
        start = shifted(self._multipliers) if warm else np.zeros(self._session.connection_shape)
        split = Splitting(start, settings.penalty_usd_per_veh2)
        try:
            return (yield from self._iterate(split))
        finally:  # also where a limit ends the rounds
            self._multipliers = split.multipliers

    def _iterate(self, split: Splitting) -> Rounds[Outcome]:
        settings: AdmmSettings = self.settings
        for iteration in count(1):
            prices = split.prices
            result = yield Solve(prices)
            asked, offered = result.asked, result.offered
            self.bounds.bound(asked.bound_usd + offered.bound_usd, prices)
            split.add(asked.connection_veh, asked.cost_usd, offered.connection_veh, offered.cost_usd)
            last = iteration >= settings.max_iterations
            if (iteration - 1) % settings.evaluate_every == 0 or last:
                yield from self._evaluate(split)
            verdict = self.bounds.verdict(settings.gap_target, settings.gap_usd, f"{iteration} iterations")
            if verdict is not None or last:
                return verdict or self.bounds.failure(f"{iteration} iterations")
        raise AssertionError("unreachable: the iterations have a limit")

    def _evaluate(self, split: Splitting) -> Rounds[None]:
        """Cost the average offer, of which the power operator uses what it wants."""
        result = yield Evaluate(split.offered, split.offered)
        asked, offered = result.asked, result.offered
        if (offered.connection_veh >= split.offered - _SAME).all():
            self.bounds.keep(asked.connection_veh, asked.cost_usd + offered.cost_usd)


class AdmmByRail(RailAlgorithm):
    """The transport operator's routes are the plans; what whole trains the power operator asks for in the end is one more."""

    def agree(self, problem: RailProblem) -> Rounds[Outcome]:
        settings: AdmmSettings = self.settings
        # Every price costs one round and every plan few, so the iterations are the limit.
        talk = Conversation(problem, self.bounds, _MOST_ROUNDS)
        floor = talk.floor(signed=True)
        split = Splitting(np.maximum(np.zeros(problem.price_shape), floor), settings.penalty_usd_per_train2, floor)
        for iteration in count(1):
            prices = split.prices
            result = yield from (talk.relax(prices) if settings.relaxed else talk.solve(prices))
            asked, offered = (problem.totals(answer.connection_veh) for answer in (result.asked, result.offered))
            split.add(asked, result.asked.cost_usd, offered, result.offered.cost_usd)
            last = iteration >= settings.max_iterations or np.allclose(split.prices, prices, rtol=0.0, atol=_SAME)
            if (iteration - 1) % settings.evaluate_every == 0 or last:
                yield from talk.offer(np.round(result.offered.connection_veh))
            if last and settings.relaxed and not self._verdict(iteration):
                yield from self._ask_whole(talk)
            verdict = self._verdict(iteration)
            if verdict is not None or last:
                return verdict or self.bounds.failure(f"{iteration} iterations")
        raise AssertionError("unreachable: the iterations have a limit")

    def _ask_whole(self, talk: Conversation) -> Rounds[None]:
        """Ask for whole trains at the best prices, and offer what the power operator then wants."""
        assert self.bounds.best_multipliers is not None
        result = yield from talk.solve(self.bounds.best_multipliers)
        yield from talk.offer(np.round(result.asked.connection_veh))

    def _verdict(self, iteration: int) -> Outcome | None:
        return self.bounds.verdict(self.settings.gap_target, self.settings.gap_usd, f"{iteration} iterations")


class Admm(BothWorlds):
    """Frank-Wolfe splitting of the augmented Lagrangian."""

    Settings = AdmmSettings
    by_road, by_rail = AdmmByRoad, AdmmByRail
