"""Steps 1-6 of the paper's coordination, on any connection vector.

Equations (40)-(45) of Ding et al., "Sharing Mobilized Energy Storage for Temporal-spatial Coordination of Transportation and
Power Systems", JMPCE 2025, DOI 10.35833/MPCE.2023.000976. Written z for the connection, zP the power operator's copy of it (the
paper's J) and zT the transport operator's (the paper's I)::

    (40)  L = f_P(zP) + f_T(zT) + sum lambda (zP - zT),  lambda >= 0
    (41)  transport operator: min f_T(zT) - lambda . zT       (42)  power operator: min f_P(zP) + lambda . zP
    (43)  LB = sum of the two minima, maximised over lambda
    (44)  lambda <- max(0, lambda + alpha (zP - zT))      only where zP > zT
    (45)  alpha = rho (UB - LB) / |zP - zT|^2
"""

from __future__ import annotations

from itertools import count
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from federates.boundary.messages import Array, ConnectionAnswer
from federates.boundary.roles import Evaluate, Solve
from federates.coordinator.algorithms.bounds import Bounds, Outcome
from federates.coordinator.algorithms.box_step import BoxStep
from federates.coordinator.algorithms.limits import NegotiationSettings
from federates.coordinator.algorithms.rounds import Rounds

__all__ = ["OcdSettings", "OcdSteps"]

_ROUTE_DIGITS = 2
"""Offers that agree to so many decimals are the same route of the route set."""
_SAME_VEH = 1e-6
_UNCHANGED_LIMIT = 2
"""The paper's rule: stop once the route set is unchanged in two consecutive iterations. Not for `box_step`, whose next prices
come from all answers and not from the last one alone."""


class OcdSettings(NegotiationSettings):
    """Settings of the algorithm."""

    step_factor: Annotated[float, Field(gt=0, le=2)] = 1.0
    """rho in (45), dimensionless."""
    halve_after: Annotated[int, Field(ge=1, le=1000)] = 10
    """rho is halved in every iteration after this one (the paper: 10)."""
    max_iterations: Annotated[int, Field(ge=1, le=1000)] = 30
    """n_max: the negotiation stops without agreement after so many iterations."""
    update: Literal["shortfall", "residual", "box_step"] = "shortfall"
    """How multipliers change: `shortfall` by (45), only where more is asked than offered (44); `residual` by (45) everywhere
    (the full subgradient, which can also lower a price); `box_step` to the best prices by all answers so far."""
    box_usd_per_veh: Annotated[float, Field(gt=0, le=1e6)] = 4.0
    """`box_step` only: furthest a price moves in the first iteration, usd per vehicle."""
    evaluate_every: Annotated[int, Field(ge=1, le=100)] = 1
    """New offers are evaluated in the first iteration and then in every one of this many; the paper evaluates all (1)."""
    warm_start: bool = True
    """On the road: begin with the multipliers of the last period, shifted by one period; the paper begins with zero."""


class OcdSteps:
    """One negotiation by steps 1-6.

    Parameters
    ----------
    multipliers : prices to begin with.
    by_rail : whether the connection is 0/1 as in the paper: the power operator then costs the transport operator's route alone
        (step 4), and the norm of (45) is that of the whole difference. On the road the request is costed beside the offer, and
        `shortfall` takes the norm over the same entries as (44).
    """

    def __init__(self, settings: OcdSettings, bounds: Bounds, multipliers: Array, *, by_rail: bool) -> None:
        self._settings, self._bounds, self._by_rail = settings, bounds, by_rail
        self.multipliers = multipliers
        self._rho = settings.step_factor
        self._route_set: set[tuple[float, ...]] = set()
        self._unchanged = 0
        self._cuts = BoxStep(multipliers.shape, settings.box_usd_per_veh) if settings.update == "box_step" else None
        self._asked: ConnectionAnswer
        self._offered: ConnectionAnswer

    def rounds(self) -> Rounds[Outcome]:
        """Ask until a stopping rule holds; the bounds have the plan."""
        for iteration in count(1):
            yield from self._iterate(iteration)
            outcome = self._verdict(iteration)
            if outcome is None:
                why = self._why_stop(iteration)
                if why is None and self._update_multipliers(iteration):
                    continue
                if self._route() not in self._route_set:
                    # The last offer has not been costed yet: it may be the best plan, or even close the gap.
                    yield from self._evaluate()
                outcome = self._verdict(iteration) or self._bounds.failure(why or "prices stand still")
            return outcome
        raise AssertionError("unreachable: the iterations have a limit")

    def _iterate(self, iteration: int) -> Rounds[None]:
        """Take steps 3 and 4: the bound; then, if the offer is new, what it costs."""
        result = yield Solve(self.multipliers)
        asked, offered = self._asked, self._offered = result.asked, result.offered
        if self._cuts is not None:
            self._cuts.add(result)
        self._bounds.bound(asked.bound_usd + offered.bound_usd, self.multipliers)
        if np.allclose(asked.connection_veh, offered.connection_veh, atol=_SAME_VEH):
            # What is asked is what is offered: a plan at the sum of both costs.
            self._bounds.keep(asked.connection_veh, asked.cost_usd + offered.cost_usd)
        if self._route() in self._route_set:
            self._unchanged += 1
            return
        self._unchanged = 0
        if (iteration - 1) % self._settings.evaluate_every == 0:
            yield from self._evaluate()

    def _route(self) -> tuple[float, ...]:
        """Return the last offer as a member of the route set."""
        return tuple(np.round(self._offered.connection_veh, _ROUTE_DIGITS).ravel())

    def _evaluate(self) -> Rounds[None]:
        """Finish step 4: fix the offer, ask what it costs the power operator, and keep the cheapest plan seen."""
        asked, offered = self._asked, self._offered
        self._route_set.add(self._route())
        request = offered.connection_veh if self._by_rail else asked.connection_veh
        result = yield Evaluate(offered.connection_veh, request)
        if self._cuts is not None:
            self._cuts.add(result)
        # The power operator uses what it wants of the offer; sending the whole offer costs no less than that part of it. By
        # rail the route is what is carried out, on the road the part that is used.
        plan = offered.connection_veh if self._by_rail else result.asked.connection_veh
        self._bounds.keep(plan, result.asked.cost_usd + offered.cost_usd)
        # The request itself, where the transport operator can send all of it.
        if not self._by_rail and np.allclose(result.offered.connection_veh, request, atol=_SAME_VEH):
            self._bounds.keep(result.offered.connection_veh, asked.cost_usd + result.offered.cost_usd)

    def _verdict(self, iteration: int) -> Outcome | None:
        return self._bounds.verdict(self._settings.gap_target, self._settings.gap_usd, f"{iteration} iterations")

    def _why_stop(self, iteration: int) -> str | None:
        """Return why the rounds end without agreement (step 5), None if they go on."""
        if iteration >= self._settings.max_iterations:
            return f"{self._settings.max_iterations} iterations"
        if self._unchanged >= _UNCHANGED_LIMIT and self._cuts is None:
            return f"no new offer in {_UNCHANGED_LIMIT} iterations"
        return None

    def _update_multipliers(self, iteration: int) -> bool:
        """Take step 6; return whether any multiplier changed, by (44)-(45) or by the cutting planes of all answers."""
        before = self.multipliers
        if self._cuts is not None:
            best = self._bounds.best_multipliers if self._bounds.best_multipliers is not None else before
            self.multipliers = self._cuts.next_multipliers(best, self._bounds.lower_usd)
        else:
            if iteration > self._settings.halve_after:
                self._rho *= 0.5
            self.multipliers = np.maximum(0.0, before + self._step())
        return not np.allclose(self.multipliers, before, rtol=1e-9, atol=1e-9)

    def _step(self) -> Array:
        """Return the change of the multipliers by (44)-(45); zero where both operators want the same."""
        residual = self._asked.connection_veh - self._offered.connection_veh
        change = np.maximum(residual, 0.0) if self._settings.update == "shortfall" else residual
        norm = float(((residual if self._by_rail else change) ** 2).sum())
        if norm < _SAME_VEH**2:
            return np.zeros_like(residual)
        return np.asarray(self._rho * (self._bounds.upper_usd - self._bounds.lower_usd) / norm * change)
