"""Price bundle: prices by a bundle method on the linear relaxations, then whole-number answers at these prices.

Not the paper's method, on the paper's boundary. It differs from (38)-(45) of Ding et al., JMPCE 2025, in three ways, each of
which closes a part of the gap that the paper's bound leaves:

- The power operator's copy J is a route of the *public* timetable, so it cannot ask for a train in two places.
- J = I in place of J <= I, so that prices may be negative: standing is rewarded by what moving costs. With J <= I, the
  transport operator may answer a train that swaps places with another one by letting both stand, at no cost.
- Prices are found on the power operator's linear relaxation, in a tenth of a second a round, by all answers at once
(`DualModel`); only
  then is it asked for a plan in whole numbers, whose dual bound at these prices is the certified bound.

The plan asked is offered to the transport operator, which covers it or repairs it, and both say what that costs.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from federates.boundary.config import Config
from federates.boundary.messages import Array
from federates.boundary.roles import Decision, Evaluate, RoundResult, Solve
from federates.coordinator.algorithms.dual_model import DualModel
from federates.coordinator.algorithms.rail_negotiation import RailNegotiation, interchangeable

__all__ = ["PriceBundle", "PriceBundleSettings"]

_SAME = 1e-6


class PriceBundleSettings(Config):
    """Settings of the algorithm."""

    gap_target: Annotated[float, Field(ge=0, lt=1)] = 0.005
    """Relative: the operators agree once (UB - LB) / |UB| is at most this."""
    uniform_rounds: Annotated[int, Field(ge=0, le=100)] = 8
    """Relaxed rounds in which all prices move alike: quick, and right where a period in motion costs the same everywhere."""
    relaxed_rounds: Annotated[int, Field(ge=1, le=1000)] = 40
    """Most relaxed rounds, the uniform ones included."""
    relaxed_tolerance: Annotated[float, Field(ge=0, lt=1)] = 1e-4
    """Relaxed rounds end once the model promises less than this share above the best bound."""
    whole_rounds: Annotated[int, Field(ge=1, le=100)] = 4
    """Most answers in whole numbers; then the best plan is committed, agreed or not."""
    first_step_share: Annotated[float, Field(gt=0, le=1)] = 0.01
    """First step of the prices: this share of the cost at zero prices, per train and period."""


class PriceBundle(RailNegotiation):
    """Relaxed rounds, whole-number rounds and evaluations, until the gap is certified."""

    Settings = PriceBundleSettings

    def open_talks(self) -> Decision:  # noqa: D102
        self._phase: Literal["relax", "solve", "evaluate", "repair"] = "relax"
        self._multipliers: Array = np.zeros(self._session.connection_shape)
        self._dual: DualModel | None = None
        self._relaxed = self._whole = 0
        return Solve(self._multipliers, relaxed=True)

    def continue_talks(self, result: RoundResult) -> Decision:  # noqa: D102
        if self._phase == "relax":
            return self._after_relax(result)
        if self._phase == "solve":
            return self._after_solve(result)
        return self._after_evaluate(result)

    def _after_relax(self, result: RoundResult) -> Decision:
        """Learn, and ask again at better prices; go over to whole numbers once that promises little more."""
        settings: PriceBundleSettings = self.settings
        self._relaxed += 1
        bound_usd = self._learn(result)
        self.bound(bound_usd)
        self.record("relax", result)
        assert self._dual is not None
        uniform = self._relaxed < settings.uniform_rounds
        following = self._dual.next_multipliers(uniform=uniform)
        promise_usd = self._dual.promised_usd() - self._dual.best_usd
        little = promise_usd <= settings.relaxed_tolerance * abs(self._dual.best_usd)
        if self._relaxed >= settings.relaxed_rounds or (little and not uniform):
            return self._ask_whole(self._dual.best)
        if little:  # moving all prices alike is done; let them differ
            self._relaxed = settings.uniform_rounds
            following = self._dual.next_multipliers()
        self._multipliers = following
        return Solve(following, relaxed=True)

    def _learn(self, result: RoundResult) -> float:
        bound_usd = result.asked.bound_usd + result.offered.bound_usd
        if self._dual is None:
            trains, _, periods = self._session.connection_shape
            spread = max(1.0, abs(bound_usd)) / (trains * (periods - self._period))
            groups = interchangeable(self._session)
            box_usd = self.settings.first_step_share * spread
            self._dual = DualModel(self._session.connection_shape, groups, self._period, box_usd)
        self._dual.add(self._multipliers, result, bound_usd)
        return bound_usd

    def _ask_whole(self, multipliers: Array) -> Decision:
        self._phase, self._multipliers = "solve", multipliers
        return Solve(multipliers)

    def _after_solve(self, result: RoundResult) -> Decision:
        """Take the certified bound, and offer the asked plan to both."""
        self._whole += 1
        self.bound(result.asked.bound_usd + result.offered.bound_usd)
        self.record("solve", result)
        self._phase = "evaluate"
        asked = np.round(result.asked.connection_veh)
        return Evaluate(asked, asked)

    def _after_evaluate(self, result: RoundResult) -> Decision:
        settings: PriceBundleSettings = self.settings
        covered = not (result.asked.connection_veh > result.offered.connection_veh + _SAME).any()
        if covered:
            self.keep_evaluated(result)
        self.record("evaluate", result)
        if not covered and self._phase == "evaluate":
            # The transport operator cannot do what was asked: ask what the nearest it can do is worth.
            self._phase = "repair"
            return Evaluate(result.offered.connection_veh, result.offered.connection_veh)
        standing = self._standing
        if standing.contradicted:
            return self.commit(
                agreed=False, reason="no agreement: the bound lies above the cost of a plan: an operator's bound is wrong"
            )
        if standing.gap <= settings.gap_target:
            return self.commit(agreed=True, reason=f"agreed: gap {standing.gap:.3%} after {standing.rounds} rounds")
        if self._whole >= settings.whole_rounds:
            reason = f"no agreement: gap {standing.gap:.3%} after {self._whole} answers in whole numbers; best plan seen"
            return self.commit(agreed=False, reason=reason)
        assert self._dual is not None
        return self._ask_whole(self._dual.next_multipliers())
