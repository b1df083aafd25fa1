"""The fleets' world in which the coordinator hears the sum of all fleets' answers and no single one (docs/private_sum.md).

`private_sum: true` in the agreement makes a run one of this world. The fleets answer as one agent, `GROUP`. Its cost is that of
the best split of a total among the fleets::

    F(z) = min { sum_i f_i(z_i) : sum_i z_i = z }

which is convex where the f_i are, never falls with what is delivered and never rises with passages: it is an operator as any
other. At prices the sum of the fleets' best answers is its best answer, at the sum of their costs, and the sum of their proven
bounds is one of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from pydantic import model_validator

from federates.boundary.config import unfit
from federates.boundary.messages import Array, Quantities
from federates.boundary.names import FLEETS, Role
from federates.boundary.negotiation import Agreement, Copies, Problem, Rounds, cost_usd
from federates.boundary.roles import Commit
from federates.boundary.session import Agent
from federates.boundary.summed import LEAST_MEMBERS, SummedRole, words_of
from federates.worlds.fleets.day import FleetsDay
from federates.worlds.fleets.messages import ALLOTMENTS, MESSAGES
from federates.worlds.fleets.session import FleetSession
from federates.worlds.fleets.world import DELIVERY, PASSAGE, FleetsWorld
from federates.worlds.fleets.world import WORLD as FLEETS_WORLD

GROUP = "fleets"
_FLEET = Role.MVES_FLEET.value
_TRIES = 3
_LACK_KWH, _NOTHING = 1e-3, 1e-6


class PrivateSumSession(FleetSession):
    """Public agreement of fleets that answer as one. W = words of a masked answer."""

    world: Literal["fleets_private_sum"] = "fleets_private_sum"  # type: ignore[assignment]
    private_sum: bool = True

    @model_validator(mode="after")
    def _a_sum_hides_something(self) -> Self:
        if self.viewer:
            return self
        if len(self.fleets) < LEAST_MEMBERS:
            raise unfit(
                "private_sum",
                f"true, with {len(self.fleets)} fleets",
                f"there must be at least {LEAST_MEMBERS} fleets: of two, each gets the other's value "
                "by taking its own from the sum",
            )
        if GROUP in self.roster:
            raise unfit(f"agents.{GROUP}", GROUP, "in a private sum this is the name of all fleets together")
        if self.network is not None:
            raise unfit("network", "given", "must be left out: a private sum over a network that loses answers is not built")
        return self

    def sizes(self, period: int = 0) -> dict[str, int]:  # noqa: D102
        sizes = super().sizes(period)
        entries = [int(np.prod([sizes[axis] for axis in exchange.axes])) for exchange in (DELIVERY, PASSAGE)]
        return sizes | {"W": words_of(entries)}


class PrivateSumWorld(FleetsWorld):
    """The coordinator negotiates with `GROUP`; stations hear from the fleets themselves who comes."""

    def day(self, session: FleetSession) -> FleetsDay:  # noqa: D102
        return PrivateSumDay(session)

    def negotiated(self, session: PrivateSumSession) -> PrivateSumSession:  # noqa: D102
        others = tuple(agent for agent in session.agents if agent.role != _FLEET)
        group = Agent(name=GROUP, role=_FLEET, part={"fleets": (GROUP,)})
        # What a vehicle of the group holds is said of nobody: the largest, of which nothing here makes use.
        largest = {GROUP: max(session.vehicle_kwh.values())}
        return session.model_copy(update={"agents": (*others, group), "vehicle_kwh": largest})

    def whole_part(self, session: FleetSession, quantities: Quantities) -> Quantities:
        """Return a fleet's quantities with as many whole vehicles in the opened period as carry its load."""
        (kwh,) = session.vehicle_kwh.values()
        passage = np.array(quantities[PASSAGE.name])
        passage[..., 0] = np.ceil(np.maximum(quantities[DELIVERY.name][..., 0] / kwh - _NOTHING, 0.0))
        return {**quantities, PASSAGE.name: passage}

    def whole_slack(self, session: FleetSession, period: int) -> Mapping[str, ArrayLike]:
        """Return nothing: the fleets say what they can do in whole vehicles before it is committed."""
        return {DELIVERY.name: 0.0, PASSAGE.name: 0.0}


class PrivateSumDay(FleetsDay):
    """As the fleets' day; but nobody knows how many vehicles a fleet needs, so that each rounds up for itself."""

    def _can_be_sent(self, problem: Problem, agreement: Agreement) -> Rounds[tuple[Copies, float]]:
        """Return what the fleets can send of a plan in whole vehicles, and what that costs, usd.

        What they leave out they are asked for again, all for the same share more; what all leave out, companies do without.
        """
        layout, plan = problem.layout, dict(agreement.plan)
        wanted = np.array(plan[GROUP])
        offers = layout.sign[GROUP] < 0
        sent = wanted
        for _ in range(_TRIES):
            result = yield replace(problem.evaluate(plan | {GROUP: wanted}), whole=True)
            before, sent = sent, problem.copies(result)[GROUP]
            lack = np.where(offers, plan[GROUP] - sent, 0.0)
            if lack.max(initial=0.0) <= _LACK_KWH or (before == sent).all():
                break
            wanted = wanted + np.maximum(lack, 0.0)
        whole = self._with_partners(problem, plan | {GROUP: sent})
        result = yield replace(problem.evaluate(whole), whole=True)
        return whole, cost_usd(result.answers)

    def _with_partners(self, problem: Problem, plan: dict[str, Array]) -> dict[str, Array]:
        """Return a plan in which companies get what the fleets send, and the road leads as many vehicles as they need."""
        layout = problem.layout
        led = {
            agent: asked for agent, asked in layout.shares(layout.asked(plan), plan, -1.0).items() if layout.only_offers(agent)
        }
        got = layout.shares(layout.offered(plan), plan, 1.0)
        return plan | led | {agent.name: got[agent.name] for agent in self.session.of_role(Role.POWER_OPERATOR)}

    def commit(self, problem: Problem, agreement: Agreement) -> Commit:
        """Return the decision: the plan is of whole vehicles already."""
        return super(FleetsDay, self).commit(problem, agreement)


WORLD = PrivateSumWorld(
    "fleets_private_sum",
    PrivateSumSession,
    (DELIVERY, PASSAGE),
    tuple(replace(entry, sender=_FLEET) if entry.name == ALLOTMENTS else entry for entry in MESSAGES),
    models=FLEETS_WORLD.models,
    reporters=FLEETS_WORLD.reporters,
    takes_long=True,
    package=FLEETS_WORLD.package,
    tables=FLEETS_WORLD.tables,
    costs=FLEETS_WORLD.costs,
    letters={**FLEETS_WORLD.letters, "W": "words of an answer"},
    summed=SummedRole(_FLEET, GROUP),
    variant_of=FLEETS,
)
