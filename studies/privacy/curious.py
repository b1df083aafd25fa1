"""A coordinator that plays by the rules and is curious: after the negotiation of one period it asks on, and keeps every answer.

Copied into a scenario's coordinator folder by `make_privacy.py`; it learns nothing that any coordinator could not learn.
"""

import json

import numpy as np
from pydantic import Field

from federates.boundary.config import Config
from federates.boundary.names import RAIL
from federates.boundary.roles import Commit, CoordinationAlgorithm, Evaluate, Solve
from federates.coordinator.algorithms.cuts import Cuts
from federates.coordinator.algorithms.ocd import OptimalityConditionDecomposition

POWER, TRANSPORT = "power_operator", "transport_operator"


class CuriousSettings(Config):
    """Settings of the curious coordinator."""

    honest: dict[str, float | int | str | bool] = Field(default_factory=dict)
    """Settings of the algorithm that negotiates: `ocd` on the road, `cuts` by rail."""
    period: int = 0
    """Period after whose negotiation it asks on."""
    probes: int = 40
    """Questions at random prices around the last ones of the negotiation, and then as many for random connections."""
    scans: int = 25
    """Questions at one price for all, from zero to the largest price of the negotiation times 1.5."""
    tests: int = 40
    """Random connections whose true own costs are asked for, to compare predictions with; no prediction uses them."""


class Curious(CoordinationAlgorithm):
    """Negotiates as the honest algorithm does, then asks its own questions before it commits."""

    Settings = CuriousSettings

    def begin(self, session, recorder):
        """Take in the public agreement and start the honest algorithm."""
        self._session, self._recorder = session, recorder
        honest = Cuts if session.world == RAIL else OptimalityConditionDecomposition
        self._honest = honest(honest.Settings(**self.settings.honest), self.folder)
        self._honest.begin(session, recorder)
        self._random = np.random.default_rng(session.seed)

    def start(self, period, openings):
        """Begin the honest negotiation."""
        self._period = period
        self._name = "connection" if self._session.world == RAIL else "delivery"
        n, m, h = (self._session.sizes(period)[letter] for letter in "NMH")
        self._shape = (n, m, h)
        self._commit, self._questions, self._phase = None, iter(()), "negotiation"
        self._most_usd, self._last_usd = 1.0, np.zeros(self._shape)
        self._most_asked_veh = np.zeros(self._shape)
        return self._next(self._honest.start(period, openings))

    def next(self, result):
        """Keep the answer; ask on after the honest algorithm has made up its mind."""
        self._keep(result)
        return self._next(self._honest.next(result) if self._commit is None else None)

    def _next(self, decision):
        if self._commit is None and isinstance(decision, Commit):
            self._commit = decision
            if self._period == self.settings.period:
                self._questions = self._ask_on()
        if self._commit is None:
            self._decision = decision
        else:
            self._phase, self._decision = next(self._questions, ("end", self._commit))
        return self._decision

    def _ask_on(self):
        shape, s = self._shape, self.settings
        rail = self._session.world == RAIL
        for price in np.linspace(0.0, 1.5 * self._most_usd, s.scans):
            yield "scan", Solve({self._name: np.full(shape, price)}, relaxed=rail)
        for _ in range(s.probes):
            yield "probe", Solve({self._name: self._last_usd * self._random.uniform(0.0, 2.0, shape)}, relaxed=rail)
        for phase in ["trial"] * s.probes + ["test"] * s.tests:
            yield phase, self._evaluate(self._route() if rail else self._some())
        yield from self._one_less()

    def _evaluate(self, quantities):
        """Return the question what these quantities cost everybody."""
        return Evaluate({agent: {self._name: quantities} for agent in (POWER, TRANSPORT)})

    def _one_less(self):
        """Yield the agreed plan, and then the plan with one vehicle or stand less here and there: true marginal costs."""
        plan = np.maximum(self._commit.given[POWER][self._name], 0.0)
        entries = np.argwhere(plan >= 1.0)
        chosen = self._random.permutation(entries)[: self.settings.tests]
        for entry in [None, *chosen]:
            less = plan.copy()
            if entry is not None:
                less[tuple(entry)] -= 1.0
            yield "marginal", self._evaluate(less)

    def _some(self):
        """Return a random part of what was asked."""
        share = self._random.uniform(0.0, 1.0, self._shape)
        return self._random.uniform(0.0, 1.2) * share * self._most_asked_veh

    def _route(self):
        """Return one random day of every train by the public timetable."""
        session, trip = self._session, self._session.trip_periods
        stands = np.zeros(session.connection_shape)
        for k, train in enumerate(session.trains):
            home = place = session.stations.index(train.home)
            t = 0
            while t < session.periods:
                stands[k, place, t] = 1.0
                t += 1
                goal = int(self._random.integers(len(session.stations)))
                home_by = t + trip[place][goal] + 1 + trip[goal][home]
                if goal != place and self._random.random() < 0.3 and home_by < session.periods:
                    t, place = t + trip[place][goal], goal
                elif place != home and t + trip[place][home] >= session.periods - 1:
                    t, place = t + trip[place][home], home
        return stands

    def _keep(self, result):
        decision, asked, offered = self._decision, result.answers[POWER], result.answers[TRANSPORT]
        solve = isinstance(decision, Solve)
        if solve and self._phase == "negotiation":
            self._last_usd = decision.prices[self._name]
            self._most_usd = max(self._most_usd, float(np.abs(self._last_usd).max()))
            self._most_asked_veh = np.maximum(self._most_asked_veh, asked.quantities[self._name])
        slope = None if asked.slopes is None else asked.slopes[self._name]
        given = (decision.prices if solve else decision.given[POWER])[self._name]
        wanted, sent = asked.quantities[self._name], offered.quantities[self._name]
        arrays = {"given": given, "asked": wanted, "offered": sent, "slope": slope}
        self._recorder.record(
            "told",
            period=self._period,
            phase=self._phase,
            question="solve" if solve else "evaluate",
            asked_cost_usd=asked.cost_usd,
            asked_bound_usd=asked.bound_usd,
            offered_cost_usd=offered.cost_usd,
            offered_bound_usd=offered.bound_usd,
            **{name: json.dumps(None if array is None else np.asarray(array).tolist()) for name, array in arrays.items()},
        )
