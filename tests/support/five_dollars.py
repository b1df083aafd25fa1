"""Coordinators as a user would write them in a quarter of an hour: one price, and a claim."""

import numpy as np

from federates.boundary.roles import Commit, CoordinationAlgorithm, Evaluate, Solve


class FiveDollars(CoordinationAlgorithm):
    """Asks at 5 dollars, commits what is offered, and says that everybody agreed."""

    def begin(self, session, recorder):
        self.session = session

    def start(self, period, openings):
        self.exchange = "delivery" if self.session.world == "road" else "connection"
        n, m, h = (self.session.sizes(period)[letter] for letter in "NMH")
        return Solve({self.exchange: np.full((n, m, h), 5.0)})

    def next(self, result):
        return Commit(self._offered(result), agreed=True, reason="5 dollars is fair")

    def _offered(self, result):
        offer = np.round(result.answers["transport_operator"].quantities[self.exchange])
        return {agent: {self.exchange: offer} for agent in ("power_operator", "transport_operator")}


class FiveDollarsCosted(FiveDollars):
    """Asks besides what the offer costs."""

    def next(self, result):
        if not hasattr(self, "offer"):
            self.offer = self._offered(result)
            return Evaluate(self.offer)
        offer = self.__dict__.pop("offer")
        return Commit(offer, agreed=True, reason="5 dollars is fair")


class Boaster(FiveDollarsCosted):
    """Claims a lower bound that lies above the cost of a plan."""

    def next(self, result):
        decision = super().next(result)
        if isinstance(decision, Commit):
            return Commit(decision.given, agreed=True, reason="trust me", lower_bound_usd=1e6)
        return decision
