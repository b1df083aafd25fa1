"""Improved optimality condition decomposition (OCD): the paper's coordination, on any connection vector.

Equations (40)-(45) and steps 1-6 of Ding et al., "Sharing Mobilized Energy Storage for Temporal-spatial Coordination of
Transportation and Power Systems", JMPCE 2025, DOI 10.35833/MPCE.2023.000976. Written z[r, q, t] for vehicles here, where the
paper has I[k, s, t]::

    (40)  L = f_P(zP) + f_T(zT) + sum lambda (zP - zT),  lambda >= 0
    (41)  transport operator: min f_T - lambda . zT       (42)  power operator: min f_P + lambda . zP
    (43)  LB = sum of the two minima, maximised over lambda
    (44)  lambda <- max(0, lambda + alpha (zP - zT))      only where zP > zT
    (45)  alpha = rho (UB - LB) / |zP - zT|^2
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from federates.boundary.config import Config
from federates.boundary.messages import Array, ConnectionAnswer
from federates.boundary.roles import Commit, CoordinationAlgorithm, Decision, Evaluate, Recorder, RoundResult, Solve
from federates.boundary.session import RoadSession, Scheme
from federates.coordinator.algorithms.box_step import BoxStep

__all__ = ["OcdSettings", "OptimalityConditionDecomposition"]

_ROUTE_DIGITS = 2
"""Offers that agree to so many decimals are the same route of the route set."""
_SAME_VEH = 1e-6
_UNCHANGED_LIMIT = 2
"""The paper's rule: stop once the route set is unchanged in two consecutive iterations. Not for `box_step`, whose next prices
come from all answers and not from the last one alone."""


class OcdSettings(Config):
    """Settings of the algorithm."""

    step_factor: Annotated[float, Field(gt=0, le=2)] = 1.0
    """rho in (45), dimensionless."""
    halve_after: Annotated[int, Field(ge=1, le=1000)] = 10
    """rho is halved in every iteration after this one (the paper: 10)."""
    max_iterations: Annotated[int, Field(ge=1, le=1000)] = 30
    """n_max: the negotiation stops without agreement after so many iterations."""
    gap_target: Annotated[float, Field(ge=0, lt=1)] = 0.005
    """epsilon, relative: the operators agree once (UB - LB) / |UB| is at most this."""
    update: Literal["shortfall", "residual", "box_step"] = "shortfall"
    """How multipliers change: `shortfall` by (45), only where more is asked than offered (44); `residual` by (45) everywhere
    (the full subgradient, which can also lower a price); `box_step` to the best prices by all answers so far."""
    box_usd_per_veh: Annotated[float, Field(gt=0, le=1e6)] = 4.0
    """`box_step` only: furthest a price moves in the first iteration, usd per vehicle."""
    evaluate_every: Annotated[int, Field(ge=1, le=100)] = 1
    """New offers are evaluated in the first iteration and then in every one of this many; the paper evaluates all (1)."""
    warm_start: bool = True
    """Begin with the multipliers of the last period, shifted by one period; the paper begins with zero."""


@dataclass
class _Negotiation:
    """State of one period's negotiation."""

    multipliers: Array
    iteration: int = 0
    lower_usd: float = -math.inf
    upper_usd: float = math.inf
    plan: Array | None = None
    route_set: set[tuple[float, ...]] = field(default_factory=set)
    unchanged: int = 0
    rho: float = 1.0
    rounds: int = 0
    asked: ConnectionAnswer | None = None
    offered: ConnectionAnswer | None = None

    best_multipliers: Array | None = None
    cuts: BoxStep | None = None

    def keep(self, plan: Array, cost_usd: float) -> None:
        """Take ``plan`` as the best if it is cheaper than all before."""
        if cost_usd < self.upper_usd:
            self.upper_usd, self.plan = cost_usd, plan

    def bound(self, lower_usd: float) -> None:
        """Take a lower bound if it is better than all before, and remember the prices that gave it."""
        if lower_usd > self.lower_usd:
            self.lower_usd, self.best_multipliers = lower_usd, self.multipliers

    @property
    def contradicted(self) -> bool:
        """Whether the lower bound lies above the upper one by more than rounding."""
        return self.lower_usd - self.upper_usd > 1e-6 * max(1.0, abs(self.upper_usd))

    @property
    def gap(self) -> float:
        """Return (UB - LB) / |UB|, infinite while a bound is missing."""
        if not (math.isfinite(self.upper_usd) and math.isfinite(self.lower_usd)):
            return math.inf
        distance = max(0.0, self.upper_usd - self.lower_usd)
        return 0.0 if distance < 1e-6 else distance / max(abs(self.upper_usd), 1e-9)


class OptimalityConditionDecomposition(CoordinationAlgorithm):
    """The paper's algorithm; the schemes without negotiation are its first steps alone.

    `fastest_route` asks the power operator once, at zero price, and sends what the transport operator can send of it; `no_mves`
    commits nothing.
    """

    Settings = OcdSettings

    def begin(self, session: RoadSession, recorder: Recorder) -> None:  # noqa: D102
        self._session = session
        self._recorder = recorder
        self._multipliers = np.zeros(session.connection_shape)
        self._period = 0

    def start(self, period: int, train_ready: Array | None = None) -> Decision:  # noqa: D102
        self._period = period
        zero = np.zeros(self._session.connection_shape)
        if self._session.scheme is Scheme.NO_MVES:
            return Commit(zero, agreed=True, reason="the scheme sends no vehicles")
        settings: OcdSettings = self.settings
        negotiating = self._session.scheme is Scheme.PROPOSED and settings.warm_start and period > 0
        self._evaluating = False
        cuts = BoxStep(zero.shape, settings.box_usd_per_veh) if settings.update == "box_step" else None
        self._state = _Negotiation(_shifted(self._multipliers) if negotiating else zero, rho=settings.step_factor, cuts=cuts)
        return Solve(self._state.multipliers)

    def next(self, result: RoundResult) -> Decision:  # noqa: D102
        self._state.rounds += 1
        if self._state.cuts is not None:
            self._state.cuts.add(result)
        if self._session.scheme is Scheme.FASTEST_ROUTE:
            return self._after_request(result)
        return self._after_evaluate(result) if self._evaluating else self._after_solve(result)

    def _after_request(self, result: RoundResult) -> Decision:
        """Without negotiation: what is asked at zero price is sent as far as it can be."""
        if not self._evaluating:
            self._record("solve", result)
            self._evaluating = True
            return Evaluate(result.asked.connection_veh, result.asked.connection_veh)
        self._record("evaluate", result)
        reason = "the scheme does not negotiate: what the power operator asked is sent, as far as it can be"
        return Commit(_whole(result.offered.connection_veh), agreed=True, reason=reason)

    def _after_solve(self, result: RoundResult) -> Decision:
        """Take steps 3 and 4: the bound; then, if the offer is new, ask what it and the request would cost."""
        state = self._state
        state.iteration += 1
        state.asked, state.offered = result.asked, result.offered
        state.bound(result.asked.bound_usd + result.offered.bound_usd)
        self._record("solve", result)
        if np.allclose(result.asked.connection_veh, result.offered.connection_veh, atol=_SAME_VEH):
            # What is asked is what is offered: a plan at the sum of both costs.
            state.keep(result.asked.connection_veh, result.asked.cost_usd + result.offered.cost_usd)
        if self._route() in state.route_set:
            state.unchanged += 1
            return self._stop_or_update()
        state.unchanged = 0
        if (state.iteration - 1) % self.settings.evaluate_every:
            return self._stop_or_update()
        return self._evaluate()

    def _route(self) -> tuple[float, ...]:
        """Return the last offer as a member of the route set."""
        assert self._state.offered is not None
        return tuple(np.round(self._state.offered.connection_veh, _ROUTE_DIGITS).ravel())

    def _evaluate(self) -> Decision:
        """Ask what the last offer and the last request would cost."""
        state = self._state
        assert state.asked is not None
        assert state.offered is not None
        state.route_set.add(self._route())
        self._evaluating = True
        return Evaluate(state.offered.connection_veh, state.asked.connection_veh)

    def _after_evaluate(self, result: RoundResult) -> Decision:
        """Finish step 4: two feasible plans come out of an evaluation; keep the cheapest one seen."""
        state = self._state
        self._evaluating = False
        assert state.asked is not None
        assert state.offered is not None
        # The power operator uses what it wants of the offer; sending the whole offer costs no less than that part of it.
        state.keep(result.asked.connection_veh, result.asked.cost_usd + state.offered.cost_usd)
        # The request itself, where the transport operator can send all of it.
        if np.allclose(result.offered.connection_veh, state.asked.connection_veh, atol=_SAME_VEH):
            state.keep(result.offered.connection_veh, state.asked.cost_usd + result.offered.cost_usd)
        self._record("evaluate", result)
        return self._stop_or_update()

    def _stop_or_update(self) -> Decision:
        """Take steps 5 and 6: stop by rule, or change the multipliers."""
        state, settings = self._state, self.settings
        if state.contradicted:
            return self._commit(
                False, "no agreement: the lower bound lies above the cost of a plan, so an operator's bound is wrong"
            )
        if state.gap <= settings.gap_target:
            return self._commit(True, f"agreed: gap {state.gap:.2%} after {state.iteration} iterations")
        if state.iteration >= settings.max_iterations:
            return self._give_up(f"{settings.max_iterations} iterations")
        if state.unchanged >= _UNCHANGED_LIMIT and state.cuts is None:
            return self._give_up(f"no new offer in {_UNCHANGED_LIMIT} iterations")
        if not self._update_multipliers():
            return self._give_up("prices stand still")
        return Solve(state.multipliers)

    def _give_up(self, why: str) -> Decision:
        """Commit the best plan without agreement, after costing the last offer if that has not been done."""
        state = self._state
        if self._route() not in state.route_set:
            return self._evaluate()
        return self._commit(False, f"no agreement: {why}, gap {state.gap:.2%}; best plan seen")

    def _update_multipliers(self) -> bool:
        """Return whether any multiplier changed, by (44)-(45) or by the cutting planes of all answers."""
        state = self._state
        before = state.multipliers
        if state.cuts is not None:
            best = state.best_multipliers if state.best_multipliers is not None else before
            state.multipliers = state.cuts.next_multipliers(best, state.lower_usd)
        else:
            state.multipliers = np.maximum(0.0, before + self._step())
        return not np.allclose(state.multipliers, before, rtol=1e-9, atol=1e-9)

    def _step(self) -> Array:
        """Return the change of the multipliers by (44)-(45); zero where both operators want the same."""
        state, settings = self._state, self.settings
        assert state.asked is not None
        assert state.offered is not None
        if state.iteration > settings.halve_after:
            state.rho *= 0.5
        residual = state.asked.connection_veh - state.offered.connection_veh
        if settings.update == "shortfall":
            residual = np.maximum(residual, 0.0)
        norm = float((residual**2).sum())
        if norm < _SAME_VEH**2:
            return np.zeros_like(residual)
        return np.asarray(state.rho * (state.upper_usd - state.lower_usd) / norm * residual)

    def _commit(self, agreed: bool, reason: str) -> Decision:
        state = self._state
        assert state.plan is not None
        self._multipliers = state.best_multipliers if state.best_multipliers is not None else state.multipliers
        return Commit(_whole(state.plan), agreed=agreed, reason=reason)

    def _record(self, command: str, result: RoundResult) -> None:
        state = self._state
        difference = result.asked.connection_veh - result.offered.connection_veh
        self._recorder.record(
            "rounds",
            period=self._period,
            round=state.rounds,
            command=command,
            lower_bound_usd=float(state.lower_usd) if math.isfinite(state.lower_usd) else -1.0,
            upper_bound_usd=float(state.upper_usd) if math.isfinite(state.upper_usd) else -1.0,
            gap=float(state.gap) if math.isfinite(state.gap) else -1.0,
            residual_veh=float(np.abs(difference).sum()),
            shortfall_veh=float(np.maximum(difference, 0.0).sum()),
        )
        gap = round(state.gap, 5) if math.isfinite(state.gap) else -1.0
        self._recorder.progress(period=self._period, round=state.rounds, gap=gap)


def _shifted(multipliers: Array) -> Array:
    """Return the multipliers one period on; the last period keeps its own."""
    return np.concatenate([multipliers[:, :, 1:], multipliers[:, :, -1:]], axis=2)


def _whole(connection: Array) -> Array:
    """Return the connection with whole vehicles in its first period (halves up)."""
    rounded = connection.copy()
    rounded[:, :, 0] = np.floor(connection[:, :, 0] + 0.5)
    return rounded
