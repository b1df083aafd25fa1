"""A day on which nothing is worth moving: every algorithm of both worlds agrees on nothing, at no cost, with a gap of 0."""

import numpy as np
import pytest
from negotiate import given
from toy_railway import Rows, ToyRailway
from toy_road import ToyRoad

from federates.boundary.messages import Answer
from federates.coordinator.algorithms.admm import Admm, AdmmSettings
from federates.coordinator.algorithms.bundle import Bundle
from federates.coordinator.algorithms.cuts import Cuts, CutsSettings
from federates.coordinator.algorithms.integer_phase import IntegerPhaseSettings
from federates.coordinator.algorithms.ocd import OcdSettings, OptimalityConditionDecomposition
from federates.coordinator.algorithms.posted_price import PostedPrice, PostedPriceSettings
from federates.runtime.negotiation_record import NegotiationRecord

_SAFE_USD = 1e-6
"""Shipped operators lower their bounds by so much, to be safe."""
ON_ROAD = [
    OptimalityConditionDecomposition(OcdSettings(), None),
    OptimalityConditionDecomposition(OcdSettings(update="shortfall"), None),
    Admm(AdmmSettings(), None),
    PostedPrice(PostedPriceSettings(price_usd_per_veh=14.0), None),
]
BY_RAIL = [
    Cuts(CutsSettings(), None),
    Bundle(IntegerPhaseSettings(), None),
    OptimalityConditionDecomposition(OcdSettings(), None),
    Admm(AdmmSettings(), None),
    PostedPrice(PostedPriceSettings(price_usd_per_veh=14.0), None),
]
_LOAD_USD = 100.0
"""What `ToyRailway` pays besides."""
_SHORT = 20
"""More rounds than this are many, for nothing."""


class SafeRoad(ToyRoad):
    """No need anywhere."""

    def __init__(self):
        super().__init__(3)
        self.need = np.zeros(4)
        self.cheap = self.cheap + 1.0

    def power(self, prices=None, offered=None):
        return lowered(super().power(prices, offered))

    def transport(self, prices=None, asked=None):
        return lowered(super().transport(prices, asked))


class SafeRailway(ToyRailway):
    """Energy is free everywhere, and every trip costs."""

    def __init__(self):
        super().__init__(3, by_time=0.5)
        self.price = np.zeros_like(self.price)

    def power(self, multipliers=None, offered=None, relaxed=False):
        return lowered(super().power(multipliers, offered, relaxed), _LOAD_USD)

    def transport(self, multipliers=None, asked=None):
        return lowered(super().transport(multipliers, asked))


def lowered(answer, less_usd=0.0):
    cost, bound = answer.cost_usd - less_usd, answer.bound_usd - less_usd - _SAFE_USD
    return Answer(answer.quantities, cost, bound, answer.slopes)


def assert_agreed_on_nothing(decision, tables):
    (held,) = tables["negotiations"]
    assert decision.agreed, decision.reason
    assert "gap 0.00%" in decision.reason
    assert held["agreed"], held["verdict"]
    assert held["gap"] == 0.0
    assert held["upper_bound_usd"] == pytest.approx(0.0, abs=1e-9)
    assert len(tables["rounds"]) <= _SHORT


@pytest.mark.parametrize("algorithm", ON_ROAD, ids=lambda one: type(one).__name__)
def test_on_the_road(algorithm):
    rows, road = Rows(), SafeRoad()
    assert road.optimum_usd() == pytest.approx(0.0, abs=1e-9)
    decision = road.play(algorithm, rows)
    assert_agreed_on_nothing(decision, rows.tables)
    assert not given(decision, "delivery").any()


@pytest.mark.parametrize("algorithm", BY_RAIL, ids=lambda one: type(one).__name__)
def test_by_rail(algorithm):
    rows, railway = Rows(), SafeRailway()
    assert railway.optimum_usd() == pytest.approx(0.0, abs=1e-9)
    algorithm.begin(railway.session, rows)
    railway.record = NegotiationRecord(railway.session, rows)
    decision = railway.play(algorithm)
    assert_agreed_on_nothing(decision, rows.tables)
    for train, home in enumerate(railway.homes):
        assert given(decision, "connection")[train, home].all()
