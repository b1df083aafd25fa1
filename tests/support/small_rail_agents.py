"""A federation by rail with closed-form answers, to test the runtime without a solver.

Power values train ``k`` at station ``s`` in period ``t`` with ``worth_usd[s][t]``; transport pays ``move_usd`` for every period
in which a train moves, and knows every route by enumeration. Power's cost is linear, so at multipliers equal to the worth the
transport operator alone finds the joint optimum, and the bounds of both add up to its cost.
"""

import os
import signal
import time

import numpy as np

from federates.boundary.config import Config
from federates.boundary.errors import ModelError
from federates.boundary.messages import Answer
from federates.boundary.roles import Commit, CoordinationAlgorithm, Evaluate, PowerOperator, Solve, TransportOperator


class PowerSettings(Config):
    worth_usd: tuple[tuple[float, ...], ...] = ((1.0, 0.0, 0.0, 1.0), (0.0, 9.0, 9.0, 0.0))
    fault: str = ""
    fault_period: int = 0
    slow_s: float = 0.0
    slow_in: str = "solve"


class SmallRailPower(PowerOperator):
    Settings = PowerSettings

    def begin(self, session, recorder):
        self.session, self.recorder = session, recorder
        self.worth = np.broadcast_to(np.array(self.settings.worth_usd), session.connection_shape)
        self.stood = self.lost = 0.0
        self._dawdle("begin")

    def open_period(self, period, observation):
        assert observation is None
        self.period = period

    def relax(self, prices, openings):
        self._dawdle("relax")
        return self._best(prices["connection"], openings["train_ready"], "relax")

    def solve(self, prices, openings):
        self._misbehave()
        self._dawdle("solve")
        return self._best(prices["connection"], openings["train_ready"], "solve")

    def evaluate(self, given, openings):
        stands = given["connection"]
        cost = self.lost + float((self._worth() * (1 - stands)).sum())
        return Answer({"connection": stands.copy()}, cost, cost, {"connection": -self._worth()})

    def commit(self, given):
        self._dawdle("commit")
        stands = given["connection"]
        self.stood += float(stands[:, :, 0].sum())
        self.lost += float((self._worth() * (1 - stands))[:, :, 0].sum())
        standing, rest = float(stands[:, :, 0].sum()), float(stands[:, :, 1:].sum())
        self.recorder.record("plan", period=self.period, standing=standing, whole_day=self.stood + rest)

    def _worth(self):
        return self.worth[:, :, self.period :]

    def _best(self, prices, ready, asked):
        trains = [f"{int(station)}@{int(period)}" for station, period in ready[:, :2]]
        self.recorder.record("asked", period=self.period, asked=asked, ready=" ".join(trains))
        worth = self._worth()
        wanted = np.where(worth > prices, 1.0, 0.0)
        cost = self.lost + float((worth * (1 - wanted)).sum())
        return Answer({"connection": wanted}, cost, cost + float((prices * wanted).sum()))

    def _dawdle(self, where):
        if self.settings.slow_in == where:
            time.sleep(self.settings.slow_s)

    def _misbehave(self):
        fault = self.settings.fault if self.period == self.settings.fault_period else ""
        if fault == "raise":
            raise ModelError("no feasible plan (asked for by the test)")
        if fault == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if fault == "sleep":
            time.sleep(3600)
        if fault == "exit":
            os._exit(0)


class TransportSettings(Config):
    move_usd: float = 2.0
    late_period: int = -1
    """A train that moves in this period takes one period more than the timetable says."""


class SmallRailTransport(TransportOperator):
    Settings = TransportSettings

    def begin(self, session, recorder):
        self.session, self.recorder = session, recorder
        self.homes = [session.stations.index(train.home) for train in session.trains]
        self.ready = [(home, 0) for home in self.homes]
        self.paid = 0.0

    def open_period(self, period, observation):
        assert observation is None
        self.period = period
        rows = [(s, max(t, period), home) for (s, t), home in zip(self.ready, self.homes, strict=True)]
        return np.array(rows, dtype=float).reshape(len(self.ready), 3)

    def solve(self, prices, openings):
        assert openings == {}
        price = prices["connection"]
        return self._best(lambda stand, moved, k: self._cost(moved, k) - (price[k] * stand).sum())

    def evaluate(self, given, openings):
        assert openings == {}
        asked = given["connection"]
        best = self._best(lambda stand, moved, k: 1e6 * np.maximum(asked[k] - stand, 0).sum() + self._cost(moved, k))
        return Answer(best.quantities, best.cost_usd, best.cost_usd)

    def commit(self, given):
        p, stands = self.period, given["connection"]
        for k, (station, since) in enumerate(self.ready):
            if since > p:
                continue  # still under way
            if stands[k, station, 0]:
                continue
            next_stand = np.argwhere(stands[k].T > 0.5)
            goal = int(next_stand[0][1]) if len(next_stand) else self.homes[k]
            late = int(p == self.settings.late_period)
            self.ready[k] = (goal, p + self.session.trip_periods[station][goal] + late)
            self.paid += self._cost(self.session.trip_periods[station][goal], k)
            self.recorder.record("moves", period=p, train=self.session.trains[k].name, goal=goal, late=late)

    def _cost(self, moved, k):
        return self.settings.move_usd * moved

    def _best(self, price):
        """Return every train's cheapest route by ``price(stand (S, T), moved periods, train)``; bound and value are the same."""
        cost, value, chosen = self.paid, self.paid, []
        nothing = np.zeros((len(self.session.stations), self.session.periods - self.period))
        for k, (station, since) in enumerate(self.ready):
            routes = list(self._routes(k, station, max(since, self.period), nothing, 0))
            stand, moved = min(routes, key=lambda route: price(*route, k))
            chosen.append(stand)
            cost += self._cost(moved, k)
            value += price(stand, moved, k)
        connection = np.array(chosen).reshape(len(chosen), *nothing.shape)
        return Answer({"connection": connection}, float(cost), float(value))

    def _routes(self, k, station, period, stand, moved):
        """Yield every way on from here that ends at home, or anywhere if the day ends on the way."""
        last = self.session.periods
        if period >= last:
            if station == self.homes[k] or period > last:
                yield stand, moved
            return
        staying = stand.copy()
        staying[station, period - self.period] = 1
        yield from self._routes(k, station, period + 1, staying, moved)
        for goal, trip in enumerate(self.session.trip_periods[station]):
            if goal != station and period + trip <= last:
                yield from self._routes(k, goal, period + trip, stand, moved + trip)


class SmallRailAlgorithm(CoordinationAlgorithm):
    """Asks for the worth (the slope at zero), then lets transport answer at these prices, which is the optimum."""

    def begin(self, session, recorder):
        self.session, self.recorder = session, recorder
        self.expected = None

    def start(self, period, openings):
        ready = openings["train_ready"]
        assert ready.shape == (len(self.session.trains), 3)
        self.period, self.rounds = period, 0
        self.zero = np.zeros((len(self.session.trains), len(self.session.stations), self.session.periods - period))
        if self.expected is not None and np.array_equal(ready[:, :2], self.expected):
            self.plan = self.plan[:, :, 1:]
            return self._commit("as planned")
        return Solve({"connection": self.zero}, relaxed=True)

    def next(self, result):
        self.rounds += 1
        power, transport = result.answers["power_operator"], result.answers["transport_operator"]
        if self.rounds == 1:
            return Solve({"connection": self.zero})
        if self.rounds == 2:
            return Evaluate({"power_operator": {"connection": self.zero}, "transport_operator": power.quantities})
        if self.rounds == 3:
            slope = power.slopes["connection"] if power.slopes is not None else self.zero
            return Solve({"connection": -slope})
        if self.rounds == 4:
            assert power.slopes is None
            self.plan = transport.quantities["connection"]
            return Evaluate(self._both())
        return self._commit("agreed")

    def _both(self):
        return {agent: {"connection": self.plan} for agent in ("power_operator", "transport_operator")}

    def _commit(self, reason):
        """Commit, and say where the trains must be in the next period if nothing is late."""
        self.expected = np.array([self._next(train) for train in self.plan], dtype=float).reshape(-1, 2)
        return Commit(self._both(), agreed=True, reason=reason)

    def _next(self, stand):
        """Where it stands now; else where and when the plan has it standing next, or its end of the day."""
        if stand[:, 0].any():
            return stand[:, 0].argmax(), self.period + 1
        ahead = np.argwhere(stand[:, 1:].T > 0.5)
        return (ahead[0][1], ahead[0][0] + self.period + 1) if len(ahead) else (0, self.session.periods)
