"""Every algorithm by rail with the operators that ship, on small days, against a brute force over all routes."""

import functools

import numpy as np
import pytest
from negotiate import POWER, TRANSPORT, play
from rail_brute_force import RailBruteForce
from small_rail_days import rail_day
from toy_railway import Rows

from federates.boundary.roles import Evaluate
from federates.coordinator.algorithms.admm import Admm, AdmmSettings
from federates.coordinator.algorithms.bundle import Bundle
from federates.coordinator.algorithms.cuts import Cuts, CutsSettings
from federates.coordinator.algorithms.integer_phase import IntegerPhaseSettings
from federates.coordinator.algorithms.ocd import OcdSettings, OptimalityConditionDecomposition
from federates.coordinator.algorithms.posted_price import PostedPrice, PostedPriceSettings
from federates.power_operator.models.unit_commitment.planner import Planner
from federates.power_operator.models.unit_commitment.settings import SolverSettings
from federates.runtime.negotiation_record import NegotiationRecord
from federates.transport_operator.models.time_space_network import planner as transport_planner
from federates.transport_operator.models.time_space_network.situation import first_situation

EXACT = SolverSettings(solve_gap_usd=0.0, evaluate_gap_usd=0.0)
ALGORITHMS = {
    "ocd": (OptimalityConditionDecomposition, OcdSettings(gap_target=0.0)),
    "bundle": (Bundle, IntegerPhaseSettings(gap_target=0.0)),
    "cuts": (Cuts, CutsSettings(gap_target=0.0)),
    "admm": (Admm, AdmmSettings(gap_target=0.0)),
    "posted_price": (PostedPrice, PostedPriceSettings(price_usd_per_veh={"b": 30.0})),
}
DAYS = {
    "home": {"seed": 0, "homes": "aa", "periods": 4},
    "end elsewhere": {"seed": 0, "homes": "a", "trains": {"k0": {"end": "b"}}},
    "ends apart": {"seed": 3, "homes": "aa", "periods": 4, "trains": {"k1": {"end": "b"}}},
    "start elsewhere": {"seed": 1, "homes": "a", "trains": {"k0": {"start": "b"}}},
    "dearer": {"seed": 2, "homes": "aa", "periods": 4, "kinds": ("cheap", "dear"), "trains": {"k1": {"cost_factor": 4.0}}},
    "smaller": {"seed": 4, "homes": "aa", "periods": 4, "kinds": ("large", "small"), "alike": False},
}


@functools.cache
def day(name):
    case = DAYS[name]
    data = rail_day(case["seed"], **{key: value for key, value in case.items() if key != "seed"})
    return data, RailBruteForce(data).cheapest()[0]


def negotiate(algorithm, data):
    """Return the decision and the rounds of a day ahead."""
    rail = data.rail
    ready = np.column_stack([rail.start, np.zeros(len(rail.start)), rail.end]).astype(float)
    power = Planner(data.session, data.system, data.fleet, 0, ready, EXACT)
    transport = transport_planner.Planner(rail, first_situation(rail))

    def answers(decision):
        if isinstance(decision, Evaluate):
            asked, offered = (decision.given[agent]["connection"] for agent in (POWER, TRANSPORT))
            return {POWER: power.evaluate(asked), TRANSPORT: transport.evaluate(offered)}
        prices, relaxed = decision.prices["connection"], decision.relaxed
        sent = transport.relax(prices) if relaxed else transport.solve(prices)
        return {POWER: power.solve(prices, relaxed=relaxed), TRANSPORT: sent}

    rows = Rows()
    algorithm.begin(data.session, rows)
    decision = play(algorithm, NegotiationRecord(data.session, rows), answers, 0, {"train_ready": ready})
    return decision, rows.tables


def _tried():
    """Return every algorithm on every day; the slowest pairs are tried by default on the other days only."""
    slow = {("cuts", "dearer"), ("bundle", "dearer")}
    pairs = [(algorithm, name) for algorithm in ALGORITHMS for name in DAYS]
    return [pytest.param(*pair, marks=[pytest.mark.long] if pair in slow else []) for pair in pairs]


@pytest.mark.parametrize(("algorithm", "name"), _tried())
def test_bounds_enclose_the_optimum_of_all_routes(algorithm, name):
    data, best = day(name)
    kind, settings = ALGORITHMS[algorithm]
    _, tables = negotiate(kind(settings, None), data)
    near = 1e-6 * abs(best) + 1e-4
    for row in tables["rounds"]:
        assert not row["lower_bound_usd"] > best + near, row
        assert not row["upper_bound_usd"] < best - near, row
    (held,) = tables["negotiations"]
    assert not held["claimed_lower_bound_usd"] > best + near
    if algorithm == "cuts":
        assert held["upper_bound_usd"] == pytest.approx(best, rel=1e-4)
        assert held["claimed_lower_bound_usd"] == pytest.approx(best, rel=1e-3)
