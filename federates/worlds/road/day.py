"""A day on the road: one negotiation per period, or none where the scheme has none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from federates.boundary.messages import Array
from federates.boundary.negotiation import Agreement, Day, Negotiate, Problem, Rounds
from federates.boundary.roles import Commit, Openings
from federates.worlds.road.session import Scheme

DELIVERY = "delivery"


class RoadDay(Day):
    """Of a plan only the opened period is carried out, in whole vehicles.

    `fastest_route` asks at zero price, once, and sends what can be sent of it; `no_mves` commits nothing.
    """

    def rounds(self, period: int, openings: Openings, negotiate: Negotiate) -> Rounds[Commit]:  # noqa: D102
        problem = Problem.of(self.session, period, openings)
        zero = np.zeros(problem.layout.size)
        if self.session.scheme is Scheme.NO_MVES:
            return Commit(problem.evaluate(problem.everyone(zero)).given, agreed=True, reason="the scheme sends no vehicles")
        if self.session.scheme is Scheme.FASTEST_ROUTE:
            return (yield from self._request(problem, zero))
        agreement = yield from negotiate(problem)
        return self.commit(problem, agreement)

    def commit(self, problem: Problem, agreement: Agreement) -> Commit:
        """Return the decision, with whole vehicles in the opened period."""
        layout = problem.layout
        first = layout.flat({DELIVERY: np.arange(layout.shapes[DELIVERY][-1]) == 0}) > 0
        plan = {
            agent: np.where(first[layout.entries[agent]], np.floor(copy + 0.5), copy) for agent, copy in agreement.plan.items()
        }
        return super().commit(problem, replace(agreement, plan=plan))

    def _request(self, problem: Problem, zero: Array) -> Rounds[Commit]:
        """Without negotiation: what is asked at zero price is sent as far as it can be."""
        layout = problem.layout
        wanted = layout.asked(problem.copies((yield problem.ask(zero))))
        sent = layout.offered(problem.copies((yield problem.evaluate(problem.everyone(wanted)))))
        reason = "the scheme does not negotiate: what the power operator asked is sent, as far as it can be"
        return self.commit(problem, Agreement(problem.everyone(sent), agreed=True, reason=reason, lower_bound_usd=-np.inf))
