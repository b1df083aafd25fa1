"""The best plan in a situation: by shortest paths, and by a programme only where these do not fit into the slots."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from federates.boundary.bound_kinds import BoundKind
from federates.boundary.messages import Answer, Array
from federates.lp.safe_bound import lower_dot, lower_sum
from federates.transport_operator.models.time_space_network.network import RailNetwork
from federates.transport_operator.models.time_space_network.routes import can_end, cheapest_routes
from federates.transport_operator.models.time_space_network.situation import Limits, Plan, Situation
from federates.transport_operator.models.time_space_network.slots import SlotProgram, least_breach
from federates.worlds.rail.world import CONNECTION


class Planner:
    """Answers for one situation. Connections, prices and rewards have shape (K, S, H), H being the open periods."""

    def __init__(self, network: RailNetwork, situation: Situation) -> None:
        self.network, self.situation = network, situation
        self._programme: SlotProgram | None = None

    def solve(self, prices_usd: Array) -> Answer:
        """Return the connection that minimises f_T minus price times connection, (41), with a proven bound."""
        return self._answer(self._best(prices_usd))

    def relax(self, prices_usd: Array) -> Answer:
        """Return the same in the linear relaxation, which differs only where slots bind."""
        reward_usd = self._of_the_day(prices_usd)
        plan = cheapest_routes(self.network, self.situation, reward_usd)
        if self._fits(plan):
            return self._answer(plan)
        part = self._slots().relaxed(reward_usd)
        return self._with_the_past(part.connection, part.cost_usd, part.bound_usd, part.bound_kind)

    def agree(self, connection: Array) -> Plan:
        """Return the routes that stand where ``connection`` asks as often as can be, and of these the cheapest.

        Each asked entry is worth more than all transport of the day. Fractions count as their part of an entry. The bound is
        one of the cost.
        """
        ends_usd = self.network.late_end_usd * float(self.situation.limits.end_free.sum())
        reward = (1.0 + self.network.dearest_usd + ends_usd) * np.clip(connection, 0.0, 1.0)
        plan = self._best(reward)
        bound = lower_sum([plan.bound_usd, lower_dot(reward, self._open(self.network.connection(plan.arc)))])
        return Plan(plan.arc, plan.cost_usd, min(plan.cost_usd, bound), plan.bound_kind)

    def evaluate(self, connection: Array) -> Answer:
        """Return the whole connection of `agree`'s routes and the day's transport cost with them."""
        return self._answer(self.agree(connection))

    def _best(self, reward_usd: Array) -> Plan:
        """Return the routes that minimise cost minus reward from this period on."""
        reward_usd = self._of_the_day(reward_usd)
        plan = cheapest_routes(self.network, self.situation, reward_usd)
        return plan if self._fits(plan) else self._slots().best(reward_usd)

    def _of_the_day(self, values: Array) -> Array:
        """Return values of the open periods as those of the day, (K, S, T), 0 in the past."""
        return np.concatenate([np.zeros((*values.shape[:2], self.situation.period)), values], axis=2)

    def _open(self, connection: Array) -> Array:
        return connection[:, :, self.situation.period :]

    def _answer(self, plan: Plan) -> Answer:
        return self._with_the_past(self.network.connection(plan.arc), plan.cost_usd, plan.bound_usd, plan.bound_kind)

    def _with_the_past(self, connection: Array, cost_usd: float, bound_usd: float, kind: BoundKind) -> Answer:
        """Return an answer with the cost of what was carried out added."""
        spent_usd = self.situation.spent_usd
        open_part = {CONNECTION.name: self._open(connection)}
        return Answer(open_part, spent_usd + cost_usd, lower_sum([spent_usd, bound_usd]), None, kind)

    def _fits(self, plan: Plan) -> bool:
        return _fits(self.network, self.situation, plan)

    def _slots(self) -> SlotProgram:
        self._programme = self._programme or SlotProgram(self.network, self.situation)
        return self._programme


def possible_limits(network: RailNetwork, situation: Situation) -> Limits:
    """Return the situation's limits if they can be kept, else widened as little as makes it possible.

    Ends are freed for the trains that no route brings home in time. If the trains still do not fit into the slots, these are
    widened (a train waits before the station), and only where that takes very many further ends are freed.
    """
    now = situation.limits
    situation = replace(situation, limits=Limits(now.slots, now.end_free | ~can_end(network, situation)))
    at_ease = cheapest_routes(network, situation, np.zeros(network.shape))
    return situation.limits if _fits(network, situation, at_ease) else least_breach(network, situation)


def _fits(network: RailNetwork, situation: Situation, plan: Plan) -> bool:
    return bool((network.connection(plan.arc).sum(axis=0) <= situation.limits.slots).all())
