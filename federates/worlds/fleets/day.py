"""A day of fleets: one negotiation per period, or none where the scheme has none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from federates.boundary.messages import Array
from federates.boundary.names import Role
from federates.boundary.negotiation import Agreement, Copies, Day, Negotiate, Problem, Rounds
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
            yield nothing  # so that all hear what their partners open with, and companies know what stays unmet
            return Commit(nothing.given, agreed=True, reason="the scheme sends no vehicles")
        agreement = yield from negotiate(problem)
        plan = yield from self._can_be_sent(problem, agreement.plan)
        return self.commit(problem, replace(agreement, plan=plan))

    def _can_be_sent(self, problem: Problem, plan: Copies) -> Rounds[Copies]:
        """Return the part of a plan that fleets can send in whole vehicles.

        Rounded up for each q, a fleet's vehicles at r may be more than their parts were together, and more than are there. Then
        the fleets are asked. What one leaves out the others are asked for, and what all leave out the companies do without: all
        are told the plan that comes out, so that their answers say what it costs.
        """
        layout = problem.layout
        if not any(_needs_more(layout.own_shaped(fleet, plan[fleet])[DELIVERY] / kwh) for fleet, kwh in self._fleets):
            return plan
        can = yield from self._sent(problem, plan)
        lack = layout.offered(plan) - layout.offered(can)
        if not (lack > _NOTHING).any():
            return plan
        can = yield from self._sent(problem, {**can, **self._more(problem, plan, can, lack)})
        asked = layout.shares(layout.offered(can), can, 1.0)
        can |= {agent.name: asked[agent.name] for agent in self.session.of_role(Role.POWER_OPERATOR)}
        yield problem.evaluate(self._whole(problem, can))
        return can

    def _sent(self, problem: Problem, plan: Copies) -> Rounds[dict[str, Array]]:
        """Return a plan with what the fleets can send of it in whole vehicles."""
        sign = problem.layout.sign
        sent = problem.copies((yield problem.evaluate(self._whole(problem, plan))))
        return {**plan, **{fleet: np.where(sign[fleet] < 0, sent[fleet], plan[fleet]) for fleet, _ in self._fleets}}

    def _more(self, problem: Problem, plan: Copies, can: Copies, lack: Array) -> dict[str, Array]:
        """Return what fleets can send of ``plan``, and for those that can send all of theirs an equal part of what is lacking."""
        layout = problem.layout
        able = {fleet: (layout.sign[fleet] < 0) & (can[fleet] >= plan[fleet] - _NOTHING) for fleet, _ in self._fleets}
        many = np.zeros(layout.size)
        for fleet, entries in able.items():
            many[layout.entries[fleet]] += entries
        part = np.maximum(lack, 0.0) / np.maximum(many, 1.0)
        return {fleet: can[fleet] + np.where(entries, part[layout.entries[fleet]], 0.0) for fleet, entries in able.items()}

    @property
    def _fleets(self) -> tuple[tuple[str, float], ...]:
        return tuple(self.session.vehicle_kwh.items())

    def commit(self, problem: Problem, agreement: Agreement) -> Commit:
        """Return the decision: deliveries as agreed, and as many whole vehicles of each fleet as carry them."""
        return super().commit(problem, replace(agreement, plan=self._whole(problem, agreement.plan)))

    def _whole(self, problem: Problem, copies: Copies) -> dict[str, Array]:
        """Return a plan with whole vehicles in the opened period.

        Vehicles are rounded up, so a fleet has passages for all that it delivers, and the sum of them is what is led.
        """
        layout, vehicle_kwh = problem.layout, self.session.vehicle_kwh
        plan = {agent: layout.own_shaped(agent, copy) for agent, copy in copies.items()}
        led = np.zeros(layout.shapes[PASSAGE])
        for fleet, kwh in vehicle_kwh.items():
            passage = _whole_first(plan[fleet][DELIVERY] / kwh, plan[fleet][PASSAGE])
            plan[fleet] = {**plan[fleet], PASSAGE: passage}
            led += passage
        (transport,) = self.session.of_role(Role.TRANSPORT_OPERATOR)
        plan[transport.name] = {PASSAGE: led}
        return {agent: layout.own(agent, own) for agent, own in plan.items()}


def _needs_more(vehicles: Array) -> bool:
    """Return whether, rounded up for each q, ``vehicles`` (N, M, H) are more at some r than their sum rounded up."""
    opened = vehicles[..., 0]
    each, together = np.ceil(opened - _NOTHING).sum(axis=1), np.ceil(opened.sum(axis=1) - _NOTHING)
    return bool((each > together).any())


def _whole_first(vehicles: Array, passage: Array) -> Array:
    """Return ``passage`` (N, M, H) with whole ``vehicles`` in the opened period."""
    whole = passage.copy()
    whole[..., 0] = np.ceil(vehicles[..., 0] - _NOTHING)
    return whole
