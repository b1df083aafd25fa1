"""Three small operators with closed-form answers, to test the runtime without SUMO and without a solver.

Power wants ``need`` vehicles per pair and period at most, each worth ``worth`` dollars; transport sends them at a quadratic
cost. The joint optimum is known: z = min(need, worth / slope) per pair and period.
"""

import ctypes
import os
import signal
import time

import numpy as np

from federates.boundary.config import Config
from federates.boundary.errors import ModelError
from federates.boundary.messages import Answer
from federates.boundary.roles import PowerOperator, TrafficModel, TransportOperator
from federates.worlds.road.messages import Departure, Gate, LinkObservation, StationObservation, TrafficObservation


class PowerSettings(Config):
    need: float = 12.0
    worth: float = 8.0
    fault: str = ""
    fault_period: int = 1


class SmallPower(PowerOperator):
    Settings = PowerSettings

    def begin(self, session, recorder):
        self.session, self.recorder = session, recorder
        self.shape = session.connection_shape

    def open_period(self, period, observation):
        self.period = period
        if observation is not None:
            self.recorder.record("seen", period=period - 1, passing=float(observation.passing_veh.sum()))
        n = len(self.session.stations)
        return Gate(np.full(n, 600.0), np.full(n, 4.0))

    def solve(self, prices, openings):
        s, price = self.settings, prices["delivery"]
        self._misbehave(s)
        wanted = np.where(price < s.worth, s.need, 0.0)
        cost = s.worth * (s.need - wanted).sum()
        return Answer({"delivery": wanted}, float(cost), float(cost + (price * wanted).sum()))

    def evaluate(self, given, openings):
        used = np.minimum(given["delivery"], self.settings.need)
        cost = self.settings.worth * (self.settings.need - used).sum()
        return Answer({"delivery": used}, float(cost), float(cost))

    def commit(self, given):
        self.recorder.record("plan", period=self.period, vehicles=float(given["delivery"][:, :, 0].sum()))

    def _misbehave(self, s):
        if self.period != s.fault_period or not s.fault:
            return
        self.recorder.progress(fault=s.fault)
        if s.fault == "raise":
            raise ModelError("no feasible plan (asked for by the test)")
        if s.fault == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if s.fault == "sleep":
            time.sleep(3600)
        if s.fault == "stuck":
            ctypes.PyDLL(None).sleep(3600)  # holds Python's interpreter and waits
        if s.fault == "exit":
            os._exit(0)


class TransportSettings(Config):
    slope: float = 1.0


class SmallTransport(TransportOperator):
    Settings = TransportSettings

    def begin(self, session, recorder):
        self.session, self.recorder = session, recorder

    def open_period(self, period, observation):
        self.period = period
        if observation is not None:
            assert isinstance(observation, LinkObservation)
            self.recorder.record("seen", period=period - 1, flow=float(observation.flow_veh_per_h.sum()))
        return np.full((len(self.session.resourceful_stations), len(self.session.limited_stations)), 900.0)

    def solve(self, prices, openings):
        z = prices["delivery"] / self.settings.slope
        cost = 0.5 * self.settings.slope * (z**2).sum()
        return Answer({"delivery": z}, float(cost), float(cost - (prices["delivery"] * z).sum()))

    def evaluate(self, given, openings):
        z = given["delivery"].copy()
        cost = 0.5 * self.settings.slope * (z**2).sum()
        return Answer({"delivery": z}, float(cost), float(cost))

    def commit(self, given):
        connection_veh = given["delivery"]
        out = []
        for r, origin in enumerate(self.session.resourceful_stations):
            for q, destination in enumerate(self.session.limited_stations):
                vehicles = int(connection_veh[r, q, 0])
                if vehicles:
                    out.append(Departure(origin, destination, vehicles, self.session.links[:1]))
        return out


class SmallTraffic(TrafficModel):
    def begin(self, session, recorder):
        self.session, self.recorder = session, recorder

    def run(self, period, departures):
        vehicles = sum(d.vehicles for d in departures)
        sizes = self.session.sizes()
        links = [np.full(sizes["L"], float(value)) for value in (1000 + vehicles, 10, 25, 300)]
        stations = np.full((sizes["S"], sizes["B"]), 100.0)
        self.recorder.record("moved", period=period, vehicles=vehicles)
        return TrafficObservation(LinkObservation(*links), StationObservation(stations, stations * 0))

    def close(self):
        pass
