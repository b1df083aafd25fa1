"""A day of fleets: one negotiation per period, or none where the scheme has none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from federates.boundary.messages import Array
from federates.boundary.names import Role
from federates.boundary.negotiation import Agreement, Day, Negotiate, Problem, Rounds
from federates.boundary.roles import Commit, Openings
from federates.worlds.road.session import Scheme

DELIVERY, PASSAGE = "delivery", "passage"
_NOTHING = 1e-6
"""A share of a vehicle that is no vehicle."""


class FleetsDay(Day):
    """Of a plan only the opened period is carried out, in whole vehicles: the last one of a fleet may be partly loaded."""

    def rounds(self, period: int, openings: Openings, negotiate: Negotiate) -> Rounds[Commit]:  # noqa: D102
        problem = Problem.of(self.session, period, openings)
        if self.session.scheme is Scheme.NO_MVES:
            nothing = problem.evaluate(problem.everyone(np.zeros(problem.layout.size)))
            return Commit(nothing.given, agreed=True, reason="the scheme sends no vehicles")
        agreement = yield from negotiate(problem)
        return self.commit(problem, agreement)

    def commit(self, problem: Problem, agreement: Agreement) -> Commit:
        """Return the decision: deliveries as agreed, and as many whole vehicles of each fleet as carry them.

        Vehicles are rounded up, so a fleet has passages for all that it delivers, and the sum of them is what is led.
        """
        layout, vehicle_kwh = problem.layout, self.session.vehicle_kwh
        plan = {agent: layout.own_shaped(agent, copy) for agent, copy in agreement.plan.items()}
        led = np.zeros(layout.shapes[PASSAGE])
        for fleet, kwh in vehicle_kwh.items():
            passage = _whole_first(plan[fleet][DELIVERY] / kwh, plan[fleet][PASSAGE])
            plan[fleet] = {**plan[fleet], PASSAGE: passage}
            led += passage
        (transport,) = self.session.of_role(Role.TRANSPORT_OPERATOR)
        plan[transport.name] = {PASSAGE: led}
        return super().commit(problem, replace(agreement, plan={agent: layout.own(agent, own) for agent, own in plan.items()}))


def _whole_first(vehicles: Array, passage: Array) -> Array:
    """Return ``passage`` (N, M, H) with whole ``vehicles`` in the opened period."""
    whole = passage.copy()
    whole[..., 0] = np.ceil(vehicles[..., 0] - _NOTHING)
    return whole
