"""A day of fleets: one negotiation per period, or none where the scheme has none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from federates.boundary.messages import Array
from federates.boundary.names import Role
from federates.boundary.negotiation import Agreement, Copies, Day, Negotiate, Problem, Rounds, cost_usd
from federates.boundary.roles import Commit, Openings
from federates.worlds.road.session import Scheme

DELIVERY, PASSAGE = "delivery", "passage"
_NOTHING = 1e-6
"""A share of a vehicle that is no vehicle."""
_TRIES = 3
"""How often fleets are asked for what others have left out."""
_LACK_KWH = 1e-3
"""Less than this is not lacking."""
_LIGHT = 0.1
"""A vehicle with less than this part of its load is not sent if another fleet can carry it."""
_CLOSER = 0.5
"""Share of the agreed gap to which the agents go on where whole vehicles cost more than was agreed."""


class FleetsDay(Day):
    """Of a plan only the opened period is carried out, in whole vehicles: the last one of a fleet may be partly loaded."""

    def rounds(self, period: int, openings: Openings, negotiate: Negotiate) -> Rounds[Commit]:  # noqa: D102
        problem = Problem.of(self.session, period, openings)
        if self.session.scheme is Scheme.NO_MVES:
            nothing = problem.evaluate(problem.everyone(np.zeros(problem.layout.size)))
            yield nothing  # so that all hear what their partners open with, and companies know what stays unmet
            return Commit(nothing.given, agreed=True, reason="the scheme sends no vehicles")
        agreement = yield from negotiate(problem)
        plan, usd = yield from self._can_be_sent(problem, agreement)
        if agreement.agreed and usd > agreement.most_usd:
            # Whole vehicles cost more than agreed: the agents go on, for a better bound or another plan.
            closer = yield from negotiate(problem, _CLOSER)
            other, other_usd = yield from self._can_be_sent(problem, closer)
            plan = other if other_usd < usd else plan
            agreement = replace(agreement, lower_bound_usd=max(agreement.lower_bound_usd, closer.lower_bound_usd))
        return self.commit(problem, replace(agreement, plan=plan))

    def _can_be_sent(self, problem: Problem, agreement: Agreement) -> Rounds[tuple[Copies, float]]:
        """Return a plan that fleets can send in whole vehicles, and what it costs at most, usd.

        A truck of 400 kWh that would carry 32 kWh is nearly empty: that load goes to another fleet. At the agreed price the last
        kWh costs both the same; but the other fleet may have no vehicle left at that price. If the plan would then cost more than
        `Agreement.most_usd`, the nearly empty truck is sent after all.
        """
        plan = agreement.plan
        merged = self._without_light_loads(problem, plan)
        fits = not self._needs_more(problem, plan)
        if fits and all((merged[fleet] == plan[fleet]).all() for fleet, _ in self._fleets):
            return plan, agreement.most_usd
        whole, usd = yield from self._in_whole_vehicles(problem, plan, merged)
        if usd <= agreement.most_usd:
            return whole, usd
        if fits:
            return plan, agreement.most_usd
        apart, apart_usd = yield from self._in_whole_vehicles(problem, plan, plan)
        return (apart, apart_usd) if apart_usd < usd else (whole, usd)

    def _in_whole_vehicles(self, problem: Problem, plan: Copies, wanted: Copies) -> Rounds[tuple[Copies, float]]:
        """Return what fleets can send of ``wanted`` in whole vehicles, and what that costs, usd; ``plan`` is what was agreed.

        With 1.5 trucks for q1 and 0.5 for q2 a fleet needs three whole ones, and may have two. So the fleets are asked what they
        can send. What one leaves out, the others are asked for. What all leave out, the companies do without. All are told the
        plan that comes out, so that their answers say what it costs; so is what a fleet leaves out then, for want of a vehicle
        that it would have let come back to where it is needed.
        """
        layout = problem.layout
        sent = yield from self._sent(problem, wanted)
        for _ in range(_TRIES):
            lack = layout.offered(plan) - layout.offered(sent)
            more = self._more(problem, wanted, sent, lack)
            if not more:
                break
            wanted = {**sent, **more}
            sent = yield from self._sent(problem, wanted)
        for _ in range(_TRIES):
            asked = layout.shares(layout.offered(sent), sent, 1.0)
            sent |= {agent.name: asked[agent.name] for agent in self.session.of_role(Role.POWER_OPERATOR)}
            told = sent = self._led(problem, sent, _as_carried)
            result = yield problem.evaluate(told)
            sent = self._with_what_is_sent(problem, told, problem.copies(result))
            if (layout.offered(told) - layout.offered(sent) <= _LACK_KWH).all():
                break
        return told, cost_usd(result.answers)

    def _needs_more(self, problem: Problem, plan: Copies) -> bool:
        """Return whether some fleet's vehicles, rounded up for each q, are more at some r than their sum rounded up."""
        shaped = ((problem.layout.own_shaped(fleet, plan[fleet])[DELIVERY], kwh) for fleet, kwh in self._fleets)
        return any(_needs_more(delivery / kwh) for delivery, kwh in shaped)

    def _without_light_loads(self, problem: Problem, plan: Copies) -> dict[str, Array]:
        """Return a plan in which loads of less than `_LIGHT` of a vehicle are carried by the fleet that carries most there."""
        layout = problem.layout
        kwh = np.array([kwh for _, kwh in self._fleets])[:, None, None]
        shaped = [layout.own_shaped(fleet, plan[fleet]) for fleet, _ in self._fleets]
        delivery = np.array([own[DELIVERY][..., 0] for own in shaped])
        vehicles = delivery / kwh
        part = vehicles - np.floor(vehicles + _NOTHING)
        moved = np.where((part > _NOTHING) & (part < _LIGHT), part * kwh, 0.0)
        left = delivery - moved
        taker = np.where(left.sum(axis=0) > _NOTHING, left.argmax(axis=0), moved.argmax(axis=0))
        np.put_along_axis(left, taker[None], np.take_along_axis(left, taker[None], 0) + moved.sum(axis=0), 0)
        found = dict(plan)
        for (fleet, _), own, opened in zip(self._fleets, shaped, left, strict=True):
            changed = own[DELIVERY].copy()
            changed[..., 0] = np.where(moved.sum(axis=0) > 0.0, opened, changed[..., 0])
            found[fleet] = layout.own(fleet, {**own, DELIVERY: changed})
        return found

    def _sent(self, problem: Problem, plan: Copies) -> Rounds[dict[str, Array]]:
        """Return a plan with what the fleets can send of it in whole vehicles."""
        return self._with_what_is_sent(problem, plan, problem.copies((yield problem.evaluate(self._whole(problem, plan)))))

    def _with_what_is_sent(self, problem: Problem, plan: Copies, answered: Copies) -> dict[str, Array]:
        """Return ``plan`` with the deliveries that the fleets have ``answered``, and its own passages."""
        sign = problem.layout.sign
        return {**plan, **{fleet: np.where(sign[fleet] < 0, answered[fleet], plan[fleet]) for fleet, _ in self._fleets}}

    def _more(self, problem: Problem, plan: Copies, can: Copies, lack: Array) -> dict[str, Array]:
        """Return what fleets can send of ``plan``, and for those that can send all of theirs an equal part of what is lacking.

        Empty where nothing is lacking, or nobody can send more.
        """
        layout = problem.layout
        able = {fleet: (layout.sign[fleet] < 0) & (can[fleet] >= plan[fleet] - _NOTHING) for fleet, _ in self._fleets}
        parts, many = layout.equal_parts(np.maximum(lack, 0.0), able)
        if not ((lack > _LACK_KWH) & (many > 0)).any():
            return {}
        return {fleet: can[fleet] + part for fleet, part in parts.items()}

    @property
    def _fleets(self) -> tuple[tuple[str, float], ...]:
        return tuple(self.session.vehicle_kwh.items())

    def commit(self, problem: Problem, agreement: Agreement) -> Commit:
        """Return the decision: deliveries as agreed, and as many whole vehicles of each fleet as carry them."""
        return super().commit(problem, replace(agreement, plan=self._whole(problem, agreement.plan)))

    def _whole(self, problem: Problem, copies: Copies) -> dict[str, Array]:
        """Return a plan with whole vehicles in the opened period."""
        return self._led(problem, copies, np.ceil)

    def _led(self, problem: Problem, copies: Copies, vehicles: Callable[[Array], Array]) -> dict[str, Array]:
        """Return a plan in which fleets have as many passages in the opened period as ``vehicles`` makes of their loads.

        The sum of all passages is what is led.
        """
        layout = problem.layout
        plan = {agent: layout.own_shaped(agent, copy) for agent, copy in copies.items()}
        led = np.zeros(layout.shapes[PASSAGE])
        for fleet, kwh in self._fleets:
            passage = plan[fleet][PASSAGE].copy()
            passage[..., 0] = vehicles(np.maximum(plan[fleet][DELIVERY][..., 0] / kwh - _NOTHING, 0.0))
            plan[fleet] = {**plan[fleet], PASSAGE: passage}
            led += passage
        (transport,) = self.session.of_role(Role.TRANSPORT_OPERATOR)
        plan[transport.name] = {PASSAGE: led}
        return {agent: layout.own(agent, own) for agent, own in plan.items()}


def _as_carried(vehicles: Array) -> Array:
    """Return parts of vehicles as they are, with a little more, for quantities are rounded where they cross."""
    return np.where(vehicles > 0.0, vehicles + 3.0 * _NOTHING, 0.0)


def _needs_more(vehicles: Array) -> bool:
    """Return whether, rounded up for each q, ``vehicles`` (N, M, H) are more at some r than their sum rounded up."""
    opened = vehicles[..., 0]
    each, together = np.ceil(opened - _NOTHING).sum(axis=1), np.ceil(opened.sum(axis=1) - _NOTHING)
    return bool((each > together).any())
