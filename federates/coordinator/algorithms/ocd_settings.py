"""Settings of the improved optimality condition decomposition (`ocd`); the text under each field is its documentation."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from federates.boundary.errors import Problem
from federates.boundary.world import world_of
from federates.coordinator.algorithms.limits import NegotiationSettings


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
    plan: Literal["offer", "mean"] = "offer"
    """Which plan is costed: the last offer (the paper), or the mean of all answers by the weights of `box_step`'s cutting planes,
    which is nearer to the best plan where costs are linear, and the only one where agents both ask and offer."""
    warm_start: bool = True
    """On the road: begin with the multipliers of the last period, shifted by one period; the paper begins with zero."""

    def problems(self, session: Any) -> list[Problem]:
        """Return what is wrong with the plan that is costed: a mean is none of whole quantities, and needs planes."""
        whole = any(exchange.whole for exchange in world_of(session.world).exchanges)
        allowed = "must be offer: the world exchanges whole quantities" if whole else "needs update: box_step"
        fits = self.plan == "offer" or (self.update == "box_step" and not whole)
        return [] if fits else [Problem("config.yaml", "settings.plan", self.plan, allowed)]
