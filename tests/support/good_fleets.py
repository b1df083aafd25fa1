"""Agents of the fleets' world that keep every rule (`portage conform`), of which mutants are made."""

import numpy as np
from good_agents import GoodTraffic
from small_fleets import SmallCompany, SmallFleet, SmallRoad, SmallStation

from federates.boundary.messages import Answer
from federates.coordinator.algorithms.ocd import OptimalityConditionDecomposition
from federates.worlds.road.messages import Departure

__all__ = ["NEGOTIATES", "GoodChain", "GoodCompany", "GoodFleet", "GoodFleetTraffic", "GoodRoad", "GoodStation"]

NEGOTIATES = {"update": "box_step", "plan": "mean", "gap_target": 0.02}
"""Settings with which `ocd` negotiates this world, in few rounds."""
_MOST_VEH = 50_000.0


class GoodCompany(SmallCompany):
    """A company that loses more and more on what is not delivered."""


class GoodFleet(SmallFleet):
    """A fleet to which every kWh costs more than the one before."""


class GoodRoad(SmallRoad):
    """A road with a limit."""

    def solve(self, prices, openings):
        z = np.minimum(prices["passage"] / self.settings.congestion, _MOST_VEH)
        cost = float(0.5 * self.settings.congestion * (z**2).sum())
        return Answer({"passage": z}, cost, cost - float((prices["passage"] * z).sum()))

    def evaluate(self, given, openings):
        z = np.minimum(given["passage"], _MOST_VEH)
        cost = float(0.5 * self.settings.congestion * (z**2).sum())
        return Answer({"passage": z}, cost, cost)

    def commit(self, given):
        names, vehicles = self.session, given["passage"][:, :, 0]
        return [
            Departure(names.resourceful_stations[r], names.limited_stations[q], int(vehicles[r, q]), self.route(r, q))
            for r, q in np.argwhere(vehicles > 0)
        ]

    def route(self, r, q):
        return f"{self.session.resourceful_stations[r]}-hub", f"hub-{self.session.limited_stations[q]}"


class GoodFleetTraffic(GoodTraffic):
    """The road's own, in this world."""

    worlds = ()


class GoodChain(OptimalityConditionDecomposition):
    """The algorithm that ships."""


class GoodStation(SmallStation):
    """Counts vehicles in, the oldest first, of one period in proportion to the fleets; what arrives goes to the feeder."""

    def begin(self, session, recorder):
        super().begin(session, recorder)
        self.resourceful, self.under_way = bool(session.resourceful_stations), []

    def open_period(self, period, heard):
        told = super().open_period(period, None)
        if heard is not None:
            told["receipts"][0] = self.receipts(heard["allotments"][0], float(heard["stations"].arrivals_veh.sum()))
            self.recorder.record("station", period=period - 1, arrived_kwh=float(told["receipts"][0, :, 1].sum()))
        return told

    def receipts(self, allotted, arrivals):
        if self.resourceful:
            return np.column_stack([allotted, allotted[:, 1]])
        self.under_way.append(allotted.copy())
        arrived = np.zeros_like(allotted)
        while arrivals > 0 and self.under_way:
            oldest = self.under_way[0]
            share = min(1.0, arrivals / oldest[:, 0].sum()) if oldest.any() else 1.0
            arrived += share * oldest
            arrivals -= share * oldest[:, 0].sum()
            oldest *= 1.0 - share
            if share == 1.0:
                self.under_way.pop(0)
        return np.column_stack([arrived, arrived[:, 1]])
