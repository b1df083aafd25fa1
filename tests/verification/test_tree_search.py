"""Bounds of whole-train answers rest on HiGHS's tree search alone: other seeds, and no presolve, must not contradict it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from small_rail_days import rail_day
from tree_cross_check import Searched, contradictions, search_all

from federates.power_operator.models.unit_commitment.plan_model import PlanModel
from federates.power_operator.models.unit_commitment.train_groups import group_trains
from federates.worlds.rail.timetable import time_space_network
from federates.worlds.rail.trains import at_home

DAYS = {
    "two trains alike": ({"homes": "aa", "periods": 6}, True),
    "two trains by themselves": ({"homes": "ab", "periods": 5}, False),
    "three stations": ({"homes": "ab", "stations": 3, "periods": 4}, False),
}


def _model(seed: int, how: dict, alike: bool) -> PlanModel:
    data = rail_day(seed, **how)
    groups = group_trains(data.session, data.fleet, at_home(data.session), 0, alike=alike)
    return PlanModel(data.system, data.fleet, groups, time_space_network(data.session.trip_periods, data.session.periods))


@pytest.mark.parametrize("name", DAYS)
@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.long)])
def test_searches_do_not_contradict_each_other(name: str, seed: int):
    """Closed to 1e-3 $: so all costs and bounds are within that of each other, at prices of any sign."""
    how, alike = DAYS[name]
    model = _model(seed, how, alike)
    prices = np.random.default_rng(seed).normal(0.0, 30.0, (1, len(model.fleet.stations), model.system.periods))
    prices = np.repeat(prices, len(model.fleet.trains), axis=0)
    found = search_all(model, prices, gap_usd=1e-3)
    assert contradictions(found) == []
    costs = [one.cost_usd for one in found]
    assert max(costs) - min(costs) <= 2e-3
    assert max(one.relaxed_bound_usd for one in found) - min(one.relaxed_bound_usd for one in found) <= 1e-7 * max(costs)


def test_a_contradiction_is_found():
    right = Searched("right", 100.0, 99.9, 95.0, 0.0)
    assert contradictions([right, replace(right, search="other", cost_usd=99.95)]) == []
    assert contradictions([right, replace(right, search="wrong tree", bound_usd=100.1, cost_usd=100.2)]) != []
    assert contradictions([right, replace(right, search="wrong plan", bound_usd=90.0, cost_usd=94.0)]) != []
