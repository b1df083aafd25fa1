"""Exercises of lesson 8: plausible wrong answers get the sentence that helps. Right ones, with their run, are in the notebook."""

import json

import numpy as np
from exercise_cases import both_tests_of

from federates.api import Run
from federates.boundary.config import Config
from federates.boundary.messages import Answer
from federates.boundary.roles import PowerOperator
from federates.lessons.exercise import exercise_of
from federates.lessons.kit import verdict
from federates.worlds.road.messages import Gate


class Wants(Config):
    worth_usd: float = 40.0
    need: float = 30.0


class Falls(PowerOperator):
    """Worth of a vehicle falls from worth_usd to 0 at need, in a straight line, at each limited station."""

    Settings = Wants
    worlds = ("road",)

    def begin(self, session, recorder):
        self.session, self.need = session, self.settings.need * session.period_s / 3600.0

    def open_period(self, period, observation):
        stations = len(self.session.stations)
        return Gate(time_s=np.full(stations, 600.0), spots=np.full(stations, 10.0))

    def cost_usd(self, z):
        left = 1.0 - np.minimum(z.sum(axis=0) / self.need, 1.0)
        return float((self.need * self.settings.worth_usd / 2 * left**2).sum())

    def wanted(self, price):
        return self.need * np.maximum(1.0 - price.min(axis=0) / self.settings.worth_usd, 0.0)

    def solve(self, prices, openings):
        price, z = prices["delivery"], np.zeros(prices["delivery"].shape)
        np.put_along_axis(z, price.argmin(axis=0)[None], self.wanted(price)[None], axis=0)
        cost = self.cost_usd(z)
        return Answer({"delivery": z}, cost, cost + float((price * z).sum()))

    def evaluate(self, given, openings):
        used = given["delivery"] * np.minimum(1.0, self.need / np.maximum(given["delivery"].sum(axis=0), 1e-12))
        return Answer({"delivery": used}, self.cost_usd(used), self.cost_usd(used))

    def commit(self, given):
        pass


class Proud(Falls):
    """Counts a payment for vehicles that it does not ask for."""

    def solve(self, prices, openings):
        answer = super().solve(prices, openings)
        return Answer(answer.quantities, answer.cost_usd, answer.cost_usd + float((prices["delivery"] * self.need).sum()))


class Silent(Falls):
    def solve(self, prices, openings): ...


class Shy(Falls):
    """Proves what it should, and asks for half of it: it keeps the kit's rules within the gap that it proves."""

    def wanted(self, price):
        return super().wanted(price) / 2


WRONG = [
    ("8.1", Proud, r"the conformance kit says: .*bound"),
    ("8.1", Falls(), "hand in the class itself"),
    ("8.2", Silent, "the conformance kit says"),
    ("8.2", Shy, "the conformance kit says|other quantities than yours"),
    ("8.3", "mine/results", "what portage.run returns"),
]


_, test_wrong_answers_are_told_what_is_wrong = both_tests_of({}, WRONG)


def test_a_run_with_another_class_is_told_so(tmp_path):
    (tmp_path / "configuration.json").write_text(json.dumps({"power_operator": {"operator": "price_taker"}}))
    found = verdict(exercise_of("8.3"), Run(tmp_path))
    assert found.sentence == "the power operator of this run is price_taker, which is not your class."
