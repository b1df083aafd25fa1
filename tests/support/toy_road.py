"""Two origins, two destinations, two periods on the road; private data differ by pair, and every answer is a linear programme.

The power operator gets ``gain`` units of its need from a vehicle, other ones for every pair, and pays for what it misses. The
transport operator has a cheap and a dear vehicle for every pair and a fleet for every origin. The joint optimum is one programme
of both, made beside the operators' own.
"""

import numpy as np
from negotiate import POWER, TRANSPORT, play
from scipy.optimize import linprog

from federates.boundary.messages import Answer
from federates.boundary.roles import Solve
from federates.runtime.negotiation_record import NegotiationRecord
from federates.worlds.road.session import RoadSession

SHAPE = (2, 2, 2)
PLACES = 8
_EACH = np.eye(PLACES)
_TO = np.array([[float(i % 4 == qh) for i in range(PLACES)] for qh in range(4)])  # (destination and period, entry)
_FROM = np.array([[float(i // 4 == r and i % 2 == h) for i in range(PLACES)] for r in range(2) for h in range(2)])
_AGREE_USD = 1e4


class ToyRoad:
    """One random case: both operators, and the truth."""

    def __init__(self, seed):
        rng = np.random.default_rng((20252, seed))
        self.gain = rng.uniform(0.5, 2.0, SHAPE)
        self.need = rng.uniform(0.0, 25.0, 4)
        self.worth = rng.uniform(2.0, 20.0, 4)
        self.cheap, self.dear = rng.uniform(0.0, 8.0, SHAPE), rng.uniform(8.0, 16.0, SHAPE)
        self.most = rng.uniform(1.0, 8.0, SHAPE)
        self.fleet = rng.uniform(3.0, 20.0, 4)
        self.session = RoadSession(
            schema_version=1, name="toy", resourceful_stations=("r1", "r2"), limited_stations=("q1", "q2"), links=("l",),
            horizon_periods=2,
        )  # fmt: skip

    def power(self, prices=None, offered=None):
        """Columns: vehicles taken (8), need that is missed (4)."""
        cost = np.concatenate([np.zeros(PLACES) if prices is None else prices.ravel(), self.worth])
        rows = -np.hstack([_TO * self.gain.ravel(), np.eye(4)])
        most = np.full(PLACES, 50.0) if offered is None else offered.ravel()
        found = linprog(cost, A_ub=rows, b_ub=-self.need, bounds=[*((0, m) for m in most), *([(0, None)] * 4)])
        assert found.status == 0
        return Answer({"delivery": found.x[:PLACES].reshape(SHAPE)}, float(self.worth @ found.x[PLACES:]), float(found.fun))

    def transport(self, prices=None, asked=None):
        """Columns: cheap vehicles (8), dear ones (8). A vehicle that is asked for is worth sending whatever it costs."""
        reward = prices.ravel() if asked is None else np.full(PLACES, _AGREE_USD)
        own = np.concatenate([self.cheap.ravel(), self.dear.ravel()])
        rows, most = [np.hstack([_FROM, _FROM])], [self.fleet]
        if asked is not None:
            rows, most = [*rows, np.hstack([_EACH, _EACH])], [*most, asked.ravel()]
        bounds = [*((0, m) for m in self.most.ravel()), *([(0, 50)] * PLACES)]
        found = linprog(own - np.tile(reward, 2), A_ub=np.vstack(rows), b_ub=np.concatenate(most), bounds=bounds)
        assert found.status == 0
        sent = (found.x[:PLACES] + found.x[PLACES:]).reshape(SHAPE)
        cost = float(own @ found.x)
        return Answer({"delivery": sent}, cost, float(found.fun) if asked is None else cost)

    def optimum_usd(self):
        """Return the least cost of both: what is taken is at most what is sent."""
        cost = np.concatenate([np.zeros(PLACES), self.worth, self.cheap.ravel(), self.dear.ravel()])
        none = np.zeros((4, PLACES))
        rows = [
            np.hstack([-_TO * self.gain.ravel(), -np.eye(4), none, none]),
            np.hstack([none, np.zeros((4, 4)), _FROM, _FROM]),
            np.hstack([_EACH, np.zeros((PLACES, 4)), -_EACH, -_EACH]),
        ]
        bounds = [*([(0, 50)] * PLACES), *([(0, None)] * 4), *((0, m) for m in self.most.ravel()), *([(0, 50)] * PLACES)]
        most = np.concatenate([-self.need, self.fleet, np.zeros(PLACES)])
        found = linprog(cost, A_ub=np.vstack(rows), b_ub=most, bounds=bounds)
        assert found.status == 0
        return float(found.fun)

    def answers(self, decision):
        """Return both answers to a decision."""
        if isinstance(decision, Solve):
            prices = decision.prices["delivery"]
            return {POWER: self.power(prices), TRANSPORT: self.transport(prices)}
        asked, offered = (decision.given[agent]["delivery"] for agent in (POWER, TRANSPORT))
        return {POWER: self.power(offered=asked), TRANSPORT: self.transport(asked=offered)}

    def play(self, algorithm, recorder, most=1000):
        """Negotiate one period; return the decision."""
        algorithm.begin(self.session, recorder)
        return play(algorithm, NegotiationRecord(self.session, recorder), self.answers, most=most)
