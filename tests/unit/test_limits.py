"""Rounds that end because nothing moves, or because their time is over: with the best plan so far, and said so."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from toy_railway import Rows, ToyRailway
from toy_road import ToyRoad

from federates.boundary.config import parse_config
from federates.boundary.errors import ConfigError
from federates.coordinator.algorithms import limits
from federates.coordinator.algorithms.admm import AdmmSettings
from federates.coordinator.algorithms.bounds import Bounds
from federates.coordinator.algorithms.cuts import Cuts, CutsSettings
from federates.coordinator.algorithms.dual_oracle import DualOracle
from federates.coordinator.algorithms.limits import Limits, NegotiationSettings
from federates.coordinator.algorithms.ocd import OcdSettings
from federates.coordinator.algorithms.rounds import RoundByRound
from federates.runtime.negotiation_record import NegotiationRecord

PLAN = {"power_operator": np.zeros(1), "transport_operator": np.zeros(1)}


class Endless(RoundByRound):
    """Evaluates one plan, and then asks the same for ever."""

    Settings = NegotiationSettings

    def agree(self, problem):
        oracle = DualOracle(problem, self.bounds, 10**6)
        yield from oracle.offer(np.zeros(problem.layout.size))
        while True:
            yield from oracle.relax(np.zeros(problem.prices))


WORLDS = ("road", "rail")


def _played(world, kind, settings):
    """Return the decision and the tables of one negotiation."""
    rows = Rows()
    algorithm = kind(settings, None)
    if world == "road":
        return ToyRoad(1).play(algorithm, rows), rows.tables
    toy = ToyRailway(7, homes=(0, 0), fixed_usd=1.0)
    algorithm.begin(toy.session, rows)
    toy.record = NegotiationRecord(toy.session, rows)
    return toy.play(algorithm), rows.tables


@pytest.mark.parametrize("world", WORLDS)
def test_a_negotiation_that_stands_still_ends_with_the_best_plan_so_far(world):
    decision, tables = _played(world, Endless, NegotiationSettings(standstill_rounds=7))
    (held,), rounds = tables["negotiations"], tables["rounds"]
    assert "no agreement: no progress in 7 rounds, gap " in decision.reason
    assert (decision.agreed, decision.ended_by_time, held["agreed"], held["ended_by_time"]) == (False, False, False, False)
    assert held["reason"] == decision.reason
    assert f"gap {held['gap']:.2%}" in decision.reason
    assert len({(row["lower_bound_usd"], row["upper_bound_usd"]) for row in rounds[-8:]}) == 1
    assert len(rounds) < 12


@pytest.mark.parametrize("world", WORLDS)
def test_time_is_the_last_resort_and_is_said(world, monkeypatch):
    clock = itertools.count(0.0, 10.0)
    monkeypatch.setattr(limits, "monotonic", lambda: next(clock))
    decision, tables = _played(world, Endless, NegotiationSettings(standstill_rounds=1000, negotiation_s=75.0))
    (held,) = tables["negotiations"]
    assert held["rounds"] == 8
    assert "stopped after 80 s (negotiation_s)" in decision.reason
    assert (held["agreed"], held["ended_by_time"]) == (False, True)


def test_an_agreement_stands_where_time_ends_the_search_for_a_better_plan(monkeypatch):
    clock = itertools.count()
    monkeypatch.setattr(limits, "monotonic", lambda: next(clock))
    unlimited, tables = _played("rail", Cuts, CutsSettings(gap_target=0.5, polish_solves=3))
    assert unlimited.agreed
    rounds = tables["negotiations"][0]["rounds"]
    clock = itertools.count()
    _, tables = _played("rail", Cuts, CutsSettings(gap_target=0.5, polish_solves=3, negotiation_s=float(rounds - 1)))
    (held,) = tables["negotiations"]
    assert held["rounds"] == rounds - 1
    assert (held["claimed_agreed"], held["ended_by_time"]) == (True, True)


def test_what_counts_as_progress():
    """Less than the share of the distance within so many rounds is none, also if a bound moves a little in every one of them."""
    bounds = Bounds(lower_usd=0.0, upper_usd=100.0, plan=PLAN)
    limit = Limits(NegotiationSettings(gap_target=0.0, standstill_rounds=5, standstill_share=0.01), bounds)
    for step in (0.1, 0.1, 0.1, 0.1, 0.7):
        bounds.lower_usd += step
        assert limit.reached() is None
    for _ in range(4):
        bounds.upper_usd -= 0.1
        assert limit.reached() is None
    assert "no progress in 5 rounds" in limit.reached().reason


def test_without_a_plan_there_is_nothing_to_end_with():
    bounds = Bounds()
    limit = Limits(NegotiationSettings(standstill_rounds=1, negotiation_s=1e-9), bounds)
    assert limit.reached() is None
    bounds.update_upper(PLAN, 10.0)
    outcome = limit.reached()
    assert (outcome.agreed, outcome.ended_by_time) == (False, True)
    assert "no gap is known" in outcome.reason


@pytest.mark.parametrize("model", [AdmmSettings, OcdSettings, CutsSettings])
def test_limits_are_checked_in_both_worlds(model):
    wrong = {"negotiation_s": 0, "standstill_rounds": 0, "standstill_share": 1.0}
    with pytest.raises(ConfigError) as caught:
        parse_config(wrong, model, "config.yaml")
    assert {problem.field for problem in caught.value.problems} == set(wrong)
