"""The best plan in a situation: by shortest paths, and by a programme only where these do not fit into the slots."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from federates.boundary.messages import Answer, Array
from federates.lp.safe_bound import lower_dot, lower_sum
from federates.transport_operator.models.time_space_network.network import RailNetwork
from federates.transport_operator.models.time_space_network.routes import can_end, cheapest_routes
from federates.transport_operator.models.time_space_network.situation import Limits, Plan, Situation
from federates.transport_operator.models.time_space_network.slots import SlotProgram, least_breach

__all__ = ["Planner", "possible_limits"]


class Planner:
    """Answers for one situation. Connections, multipliers and rewards have shape (K, S, T), those of the past included."""

    def __init__(self, network: RailNetwork, situation: Situation) -> None:
        self.network, self.situation = network, situation
        self._programme: SlotProgram | None = None

    def solve(self, multipliers_usd: Array) -> Answer:
        """Return the connection of the day that minimises f_T minus multipliers times connection, (41), with a proven bound."""
        plan = self.best(multipliers_usd)
        return self._answer(plan, multipliers_usd)

    def relax(self, multipliers_usd: Array) -> Answer:
        """Return the same in the linear relaxation, which differs only where slots bind."""
        plan = cheapest_routes(self.network, self.situation, multipliers_usd)
        if self._fits(plan):
            return self._answer(plan, multipliers_usd)
        return self._whole_day(self._slots().relaxed(multipliers_usd), multipliers_usd)

    def agree(self, connection: Array) -> Plan:
        """Return the routes that stand where ``connection`` asks as often as can be, and of these the cheapest.

        Each asked entry is worth more than all transport of the day. Fractions count as their part of an entry. The bound is
        one of the cost.
        """
        asked = np.clip(connection, 0.0, 1.0)
        asked[:, :, : self.situation.period] = 0.0
        ends_usd = self.network.late_end_usd * float(self.situation.limits.end_free.sum())
        reward = (1.0 + self.network.dearest_usd + ends_usd) * asked
        plan = self.best(reward)
        bound = lower_sum([plan.bound_usd, lower_dot(reward, self.network.connection(plan.arc))])
        return Plan(plan.arc, plan.cost_usd, min(plan.cost_usd, bound), plan.bound_kind)

    def best(self, reward_usd: Array) -> Plan:
        """Return the routes that minimise cost minus reward from this period on."""
        plan = cheapest_routes(self.network, self.situation, reward_usd)
        return plan if self._fits(plan) else self._slots().best(reward_usd)

    def evaluate(self, connection: Array) -> Answer:
        """Return the whole connection of `agree`'s routes and the day's transport cost with them."""
        plan = self.agree(connection)
        nothing = np.zeros(self.network.shape)
        return self._answer(plan, nothing)

    def _answer(self, plan: Plan, multipliers_usd: Array) -> Answer:
        connection = self.network.connection(plan.arc)
        return self._whole_day(Answer(connection, plan.cost_usd, plan.bound_usd, None, plan.bound_kind), multipliers_usd)

    def _whole_day(self, free: Answer, multipliers_usd: Array) -> Answer:
        """Add what was carried out to the free part of the day."""
        now = self.situation
        past_usd = lower_dot(-multipliers_usd, now.stood)
        bound_usd = lower_sum([now.spent_usd, past_usd, free.bound_usd])
        connection, cost_usd = now.stood + free.connection_veh, now.spent_usd + free.cost_usd
        return Answer(connection, cost_usd, bound_usd, None, free.bound_kind)

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
