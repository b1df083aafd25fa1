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
from federates.boundary.messages import ConnectionAnswer
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
        self._dawdle("begin")

    def open_period(self, period, observation):
        assert observation is None
        self.period = period

    def relax(self, multipliers_usd_per_veh, opening):
        self._dawdle("relax")
        return self._best(multipliers_usd_per_veh, opening, "relax")

    def solve(self, multipliers_usd_per_veh, opening):
        self._misbehave()
        self._dawdle("solve")
        return self._best(multipliers_usd_per_veh, opening, "solve")

    def evaluate(self, connection_veh, opening):
        cost = float((self.worth * (1 - connection_veh)).sum())
        return ConnectionAnswer(connection_veh.copy(), cost, cost, -self.worth)

    def commit(self, connection_veh):
        self._dawdle("commit")
        standing = float(connection_veh[:, :, self.period].sum())
        self.recorder.record("plan", period=self.period, standing=standing, whole_day=float(connection_veh.sum()))

    def _best(self, multipliers, opening, asked):
        trains = [f"{int(station)}@{int(period)}" for station, period in opening[:, :2]]
        self.recorder.record("asked", period=self.period, asked=asked, ready=" ".join(trains))
        wanted = np.where(self.worth > multipliers, 1.0, 0.0)
        cost = float((self.worth * (1 - wanted)).sum())
        return ConnectionAnswer(wanted, cost, cost + float((multipliers * wanted).sum()))

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
        self.stood = np.zeros(session.connection_shape)
        self.paid = 0.0

    def open_period(self, period, observation):
        assert observation is None
        self.period = period
        rows = [(s, max(t, period), home) for (s, t), home in zip(self.ready, self.homes, strict=True)]
        return np.array(rows, dtype=float).reshape(len(self.ready), 3)

    def solve(self, multipliers_usd_per_veh, opening):
        assert opening is None
        return self._best(lambda stand, moved, k: self._cost(moved, k) - (multipliers_usd_per_veh[k] * stand).sum())

    def evaluate(self, connection_veh, opening):
        assert opening is None
        best = self._best(lambda stand, moved, k: 1e6 * np.maximum(connection_veh[k] - stand, 0).sum() + self._cost(moved, k))
        return ConnectionAnswer(best.connection_veh, best.cost_usd, best.cost_usd)

    def commit(self, connection_veh):
        p = self.period
        for k, (station, since) in enumerate(self.ready):
            if since > p:
                continue  # still under way
            self.stood[k, :, p] = connection_veh[k, :, p]
            if connection_veh[k, station, p]:
                continue
            next_stand = np.argwhere(connection_veh[k, :, p:].T > 0.5)
            goal = int(next_stand[0][1]) if len(next_stand) else self.homes[k]
            late = int(p == self.settings.late_period)
            self.ready[k] = (goal, p + self.session.trip_periods[station][goal] + late)
            self.paid += self._cost(self.session.trip_periods[station][goal], k)
            self.recorder.record("moves", period=p, train=self.session.trains[k].name, goal=goal, late=late)
        return []

    def _cost(self, moved, k):
        return self.settings.move_usd * moved

    def _best(self, price):
        """Return every train's cheapest route by ``price(stand (S, T), moved periods, train)``; bound and value are the same."""
        connection, cost, value = self.stood.copy(), self.paid, self.paid
        for k, (station, since) in enumerate(self.ready):
            routes = list(self._routes(k, station, max(since, self.period), self.stood[k].copy(), 0))
            stand, moved = min(routes, key=lambda route: price(*route, k))
            connection[k], cost = stand, cost + self._cost(moved, k)
            value += price(stand, moved, k)
        return ConnectionAnswer(connection, float(cost), float(value))

    def _routes(self, k, station, period, stand, moved):
        """Yield every way on from here that ends at home, or anywhere if the day ends on the way."""
        last = self.session.periods
        if period >= last:
            if station == self.homes[k] or period > last:
                yield stand, moved
            return
        staying = stand.copy()
        staying[station, period] = 1
        yield from self._routes(k, station, period + 1, staying, moved)
        for goal, trip in enumerate(self.session.trip_periods[station]):
            if goal != station and period + trip <= last:
                yield from self._routes(k, goal, period + trip, stand, moved + trip)


class SmallRailAlgorithm(CoordinationAlgorithm):
    """Asks for the worth (the slope at zero), then lets transport answer at these prices, which is the optimum."""

    def begin(self, session, recorder):
        self.session, self.recorder = session, recorder
        self.zero = np.zeros(session.connection_shape)
        self.plan = self.zero
        self.expected = None

    def start(self, period, train_ready=None):
        assert train_ready.shape == (len(self.session.trains), 3)
        self.period, self.rounds = period, 0
        if self.expected is not None and np.array_equal(train_ready[:, :2], self.expected):
            return self._commit("as planned")
        return Solve(self.zero, relaxed=True)

    def next(self, result):
        self.rounds += 1
        if self.rounds == 1:
            return Solve(self.zero)
        if self.rounds == 2:
            return Evaluate(self.zero, result.asked.connection_veh)
        if self.rounds == 3:
            slope = result.asked.slope_usd_per_veh
            return Solve(-slope if slope is not None else self.zero)
        if self.rounds == 4:
            assert result.asked.slope_usd_per_veh is None
            self.plan = result.offered.connection_veh
            return Evaluate(self.plan, self.plan)
        return self._commit("agreed")

    def _commit(self, reason):
        """Commit, and say where the trains must be in the next period if nothing is late."""
        self.expected = np.array([self._next(train) for train in self.plan], dtype=float).reshape(-1, 2)
        return Commit(self.plan, agreed=True, reason=reason)

    def _next(self, stand):
        """Where it stands now; else where and when the plan has it standing next, or its end of the day."""
        if stand[:, self.period].any():
            return stand[:, self.period].argmax(), self.period + 1
        ahead = np.argwhere(stand[:, self.period + 1 :].T > 0.5)
        return (ahead[0][1], ahead[0][0] + self.period + 1) if len(ahead) else (0, self.session.periods)
