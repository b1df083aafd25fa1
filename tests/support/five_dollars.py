"""Coordinators as a user would write them in a quarter of an hour: one price, and a claim."""

import numpy as np

from federates.boundary.roles import Commit, CoordinationAlgorithm, Evaluate, Solve


class FiveDollars(CoordinationAlgorithm):
    """Asks at 5 dollars, commits what is offered, and says that everybody agreed."""

    def begin(self, session, recorder):
        self.session = session

    def start(self, period, train_ready=None):
        return Solve(np.full(self.session.connection_shape, 5.0))

    def next(self, result):
        return Commit(np.round(result.offered.connection_veh), agreed=True, reason="5 dollars is fair")


class FiveDollarsCosted(FiveDollars):
    """Asks besides what the offer costs."""

    def next(self, result):
        if not hasattr(self, "offer"):
            self.offer = np.round(result.offered.connection_veh)
            return Evaluate(self.offer, self.offer)
        offer = self.__dict__.pop("offer")
        return Commit(offer, agreed=True, reason="5 dollars is fair")


class Boaster(FiveDollarsCosted):
    """Claims a lower bound that lies above the cost of a plan."""

    def next(self, result):
        decision = super().next(result)
        if isinstance(decision, Commit):
            return Commit(decision.connection_veh, agreed=True, reason="trust me", lower_bound_usd=1e6)
        return decision
