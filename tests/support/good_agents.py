"""Agents that keep every rule, small enough to break in one place: `tests/conformance` does so.

The operators on the road are those of `small_agents`, the transport operator by rail that of `small_rail_agents`.
"""

from dataclasses import replace

import numpy as np
from small_agents import SmallPower, SmallTransport
from small_rail_agents import SmallRailPower, SmallRailTransport

from federates.boundary.messages import Answer
from federates.boundary.roles import Commit, CoordinationAlgorithm, Evaluate, Solve, TrafficModel
from federates.worlds.road.messages import LinkObservation, StationObservation, TrafficObservation

RAIL_WORTH = {
    "worth_usd": (
        (3.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 3.0),
        (0.5, 0.5, 4.0, 6.0, 6.0, 4.0, 0.5, 0.5),
        (0.5, 0.5, 2.0, 8.0, 8.0, 2.0, 0.5, 0.5),
    )
}
"""Settings of `GoodRailPower` for the small session by rail: what stands are worth, per station and period."""

__all__ = [
    "RAIL_WORTH",
    "GoodAlgorithm",
    "GoodPower",
    "GoodRailPower",
    "GoodRailTransport",
    "GoodTraffic",
    "GoodTransport",
    "only",
    "the",
]

GoodPower = SmallPower
GoodRailPower, GoodRailTransport = SmallRailPower, SmallRailTransport


def the(quantities):
    """Return the one array of a mapping, or of what has quantities."""
    return next(iter(getattr(quantities, "quantities", quantities).values()))


def only(answer, z, **changes):
    """Return an answer with ``z`` for its one array."""
    return replace(answer, quantities={next(iter(answer.quantities)): z}, **changes)


class GoodTransport(SmallTransport):
    """The small one with a fleet, and with the routes of the built-in session."""

    FLEET_VEH = 2000.0

    def solve(self, prices, openings):
        z = np.clip(the(prices) / self.settings.slope, 0.0, self.FLEET_VEH)
        cost = float(0.5 * self.settings.slope * (z**2).sum())
        return Answer({"delivery": z}, cost, cost - float((the(prices) * z).sum()))

    def evaluate(self, given, openings):
        return super().evaluate({"delivery": np.minimum(the(given), self.FLEET_VEH)}, openings)

    def commit(self, given):
        return [replace(d, links=(f"{d.origin}-hub", f"hub-{d.destination}")) for d in super().commit(given)]


class GoodTraffic(TrafficModel):
    """A road on which everyone drives freely; storages arrive in the last bin, as many as a lane lets through, the rest later."""

    LANE_VEH_PER_H = 1800.0

    def begin(self, session, recorder):
        self.session = session
        self.waiting = np.zeros(len(session.limited_stations))

    def run(self, period, departures):
        sizes, session = self.session.sizes(), self.session
        arrivals = np.zeros((sizes["S"], sizes["B"]))
        flow = np.full(sizes["L"], 1000.0)
        for departure in departures:
            arrivals[session.stations.index(departure.origin), 0] += departure.vehicles
            self.waiting[session.limited_stations.index(departure.destination)] += departure.vehicles
            for link in departure.links:
                flow[session.links.index(link)] += departure.vehicles
        through = np.minimum(self.waiting, self.LANE_VEH_PER_H * session.period_s / 3600.0)
        self.waiting -= through
        arrivals[sizes["N"] :, -1] = through
        speed = np.full(sizes["L"], 25.0)
        links = LinkObservation(flow, flow / (speed * 3.6), speed, np.full(sizes["L"], 300.0))
        return TrafficObservation(links, StationObservation(np.full((sizes["S"], sizes["B"]), 100.0), arrivals))

    def close(self):
        pass


class GoodAlgorithm(CoordinationAlgorithm):
    """By subgradient steps on the road; by rail the plan that the transport operator has for the power operator's slope."""

    STEPS = 30

    def begin(self, session, recorder):
        self.session, self.recorder = session, recorder
        self.exchange = "delivery" if session.world == "road" else "connection"
        self.plan = None

    def start(self, period, openings):
        self.period, self.round = period, 0
        shape = self.session.connection_shape[:2]
        self.zero = np.zeros((*shape, self.session.sizes(period)["H"]))
        self.prices = self.zero.copy()
        self.lower, self.upper = -np.inf, np.inf
        self.ready = openings.get("train_ready")
        if self.ready is None:
            return self.solve(self.prices)
        if self.plan is not None:
            self.plan = self.plan[:, :, 1:]
            if self.holds(self.ready):
                return self.commit(True, "the plan holds")
        return self.evaluate(self.zero)

    def next(self, result):
        self.round += 1
        asked, offered = result.answers["power_operator"], result.answers["transport_operator"]
        return self.next_road(asked, offered) if self.ready is None else self.next_rail(asked, offered)

    def next_road(self, asked, offered):
        if self.round % 2:
            self.lower = max(self.lower, asked.bound_usd + offered.bound_usd)
            self.tried = np.minimum(the(asked), the(offered))
            self.tried[:, :, 0] = np.floor(self.tried[:, :, 0] + 1e-6)
            self.prices = np.maximum(0.0, self.prices + 0.7 * (the(asked) - the(offered)))
            return self.evaluate(self.tried)
        cost = asked.cost_usd + offered.cost_usd
        if cost < self.upper and (the(offered) >= self.tried - 1e-6).all():
            self.upper, self.plan = cost, self.tried
        if self.round < self.STEPS:
            return self.solve(self.prices)
        if self.plan is None or not np.isfinite(self.upper):
            self.plan, self.upper = self.zero, np.inf
        gap = (self.upper - self.lower) / abs(self.upper) if np.isfinite(self.upper) else 1.0
        return self.commit(bool(gap < 0.01), f"gap {gap:.2%}")

    def next_rail(self, asked, offered):
        if self.round == 1:
            return self.solve(-the(asked.slopes))
        if self.round == 2:
            self.lower = asked.bound_usd + offered.bound_usd
            self.plan = the(offered)
            return self.evaluate(self.plan)
        self.upper = asked.cost_usd + offered.cost_usd
        gap = (self.upper - self.lower) / abs(self.upper)
        return self.commit(bool(gap < 0.01), f"gap {gap:.2%}")

    def holds(self, ready):
        """Whether every train can be where the plan has it next."""
        for k, (station, since) in enumerate(ready[:, :2].astype(int)):
            ahead = np.argwhere(self.plan[k].T > 0.5)
            if len(ahead) and self.session.trip_periods[station][ahead[0][1]] + since > ahead[0][0] + self.period:
                return False
        return True

    def solve(self, prices):
        return Solve({self.exchange: prices})

    def given(self, z):
        return {agent: {self.exchange: z} for agent in ("power_operator", "transport_operator")}

    def evaluate(self, z):
        return Evaluate(self.given(z))

    def carry_out(self, z, *words):
        return Commit(self.given(z), *words)

    def commit(self, agreed, reason):
        return self.carry_out(self.plan, agreed, reason, self.lower)
