"""What is asked of the operators by rail, and what is taken from each answer: bounds, plans, and planes.

The connection is taken as *equal* on both sides, J = I, instead of (38), J <= I. Nothing is lost by that: to stand connected
costs the power operator nothing, so its copy may be the transport operator's whole route. What is won is the sign: the
multipliers of an equation may be negative. Then they pay a train for standing, which is how a price per stand can say what a
trip costs; with lambda >= 0 it cannot, because idle trains would not feel it.

A train whose end is open keeps lambda >= 0: its two operators need not mean the same routes.
"""

from __future__ import annotations

import numpy as np

from federates.boundary.canonical import to_grid
from federates.boundary.messages import Array, ConnectionAnswer
from federates.boundary.roles import Evaluate, RoundResult, Solve
from federates.boundary.topics import topic
from federates.coordinator.algorithms.bounds import Bounds
from federates.coordinator.algorithms.conflicts import conflicts
from federates.coordinator.algorithms.rail_problem import RailProblem
from federates.coordinator.algorithms.rounds import Rounds
from federates.coordinator.algorithms.route_master import RouteMaster

__all__ = ["Conversation"]

_SAME = 1e-6
_PRICE_DECIMALS = topic("coordinator/multipliers_usd_per_veh").decimals


class Conversation:
    """The rounds of one negotiation.

    Parameters
    ----------
    problem : what is negotiated.
    bounds : where bounds and plan are kept; its multipliers are prices per group, (G, S, H).
    max_rounds : most rounds; `left` tells how many are left.
    master : takes every answer as cuts, if there is one.
    """

    def __init__(self, problem: RailProblem, bounds: Bounds, max_rounds: int, master: RouteMaster | None = None) -> None:
        self.problem, self.bounds, self.master = problem, bounds, master
        self.left = max_rounds
        self._seen: set[bytes] = set()
        self.plans: list[tuple[Array, float, Array, float]] = []
        """What each operator's whole plans are and cost: (zP, f_P, zT, f_T), connections as totals (G, S, H)."""

    def floor(self, *, signed: bool) -> Array:
        """Return the least prices that keep the bounds proven, (G, S, H)."""
        free = np.array([signed and all(self.problem.end_is_certain(k) for k in group) for group in self.problem.groups])
        return np.broadcast_to(np.where(free, -np.inf, 0.0)[:, None, None], self.problem.price_shape)

    def relax(self, prices: Array) -> Rounds[RoundResult]:
        """Ask for the linear relaxations at ``prices`` (G, S, H)."""
        return (yield from self._ask(prices, relaxed=True))

    def solve(self, prices: Array) -> Rounds[RoundResult]:
        """Ask for whole trains at ``prices`` (G, S, H)."""
        result = yield from self._ask(prices, relaxed=False)
        totals = self.problem.totals
        asked, offered = result.asked, result.offered
        self.plans.append((totals(asked.connection_veh), asked.cost_usd, totals(offered.connection_veh), offered.cost_usd))
        return result

    def _ask(self, prices: Array, *, relaxed: bool) -> Rounds[RoundResult]:
        self.left -= 1
        prices = to_grid(prices, _PRICE_DECIMALS)  # a cut's slope is the price that was heard
        result = yield Solve(self.problem.per_train(prices), relaxed=relaxed)
        self.bounds.bound(result.asked.bound_usd + result.offered.bound_usd, prices)
        if self.master is not None:
            self.master.add_prices(prices, result)
        return result

    def offer(self, connection: Array) -> Rounds[RoundResult | None]:
        """Ask both what ``connection`` costs, and what would be sent instead, if that may be a better plan.

        Return the answers to ``connection``, None if they are known already.
        """
        connection = self._ordered(connection)
        if self.known(connection):
            return None
        self.left -= 1
        self._seen.add(connection.tobytes())
        result = yield Evaluate(connection, connection)
        self._take_evaluation(connection, result)
        if self.master is not None:
            yield from self._find_conflicts(connection, np.round(result.offered.connection_veh), self.master)
        if self.left > 0 and self._may_be_better(connection, result):
            yield from self.offer(np.round(result.offered.connection_veh))
        return result

    def _may_be_better(self, connection: Array, result: RoundResult) -> bool:
        """Return whether, by the power operator's plane, what is sent instead of ``connection`` may be the best plan."""
        asked, offered = result.asked, result.offered
        if asked.slope_usd_per_veh is None:
            return True
        more = self.problem.totals(asked.slope_usd_per_veh * (offered.connection_veh - connection))
        return asked.bound_usd + float(more.sum()) + offered.cost_usd < self.bounds.upper_usd - _SAME

    def _find_conflicts(self, wanted: Array, sent: Array, master: RouteMaster) -> Rounds[None]:
        """Ask which two stands of ``wanted`` cannot both be had, where ``sent`` lacks one of them; they are cut off for good."""
        for pair in conflicts(self.problem, wanted, sent):
            if self.left <= 0 or self.bounds.plan is None:
                return
            if self.known(pair):
                continue
            self._seen.add(pair.tobytes())
            self.left -= 1
            # The power operator is asked for what it has planned already: this round is the transport operator's.
            result = yield Evaluate(self.bounds.plan, pair)
            if (result.offered.connection_veh < pair - _SAME).any():
                master.forbid(pair)

    def known(self, connection: Array) -> bool:
        """Return whether the cost of ``connection`` is known, alike trains being exchanged at will."""
        return self._ordered(connection).tobytes() in self._seen

    def _take_evaluation(self, connection: Array, result: RoundResult) -> None:
        asked, offered = result.asked, result.offered
        possible = bool((offered.connection_veh >= connection - _SAME).all())
        if possible:
            # f_P never rises with what is offered, so the power operator's cost of the smaller connection holds for the plan.
            self.bounds.keep(np.round(offered.connection_veh), asked.cost_usd + offered.cost_usd)
        if self.master is not None:
            self.master.add_evaluation(connection, result, possible=possible)
        self._keep_plans(connection, asked, offered)

    def _keep_plans(self, connection: Array, asked: ConnectionAnswer, offered: ConnectionAnswer) -> None:
        totals = self.problem.totals
        for stands in (connection, asked.connection_veh):
            self.plans.append((totals(stands), asked.cost_usd, totals(offered.connection_veh), offered.cost_usd))

    def _ordered(self, connection: Array) -> Array:
        """Return the connection with alike trains in one order, so that it is the same whichever of them goes where."""
        ordered = self.problem.with_past(connection) + 0.0
        for group in self.problem.groups:
            rows = sorted(ordered[list(group)], key=lambda route: route.tobytes())
            ordered[list(group)] = rows
        return ordered
