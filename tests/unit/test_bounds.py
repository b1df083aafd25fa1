"""What two bounds prove together, by the numbers of cases that once claimed too much or too little."""

import math

import pytest

from federates.boundary.bounds import CROSSED, bounds_cross, proven_gap
from federates.coordinator.algorithms.bounds import Bounds


@pytest.mark.parametrize(
    ("lower_usd", "upper_usd", "gap"),
    [
        (90.0, 100.0, 0.1),
        (-110.0, -100.0, 0.1),
        (100.0, 100.0, 0.0),
        (-1e-6, 0.0, 0.0),  # nothing to move: the bound lies below 0 by what an operator lowers it, on both sides
        (-2e-6, 0.0, 0.0),
        (4e6, 4e6 - 3.0, 0.0),  # crossed by rounding
        (94.3722, 93.6344, math.inf),
        (4e6, 4e6 - 5.0, math.inf),
        (-math.inf, 100.0, math.inf),
        (90.0, math.inf, math.inf),
    ],
)
def test_gap(lower_usd, upper_usd, gap):
    assert proven_gap(lower_usd, upper_usd) == pytest.approx(gap)
    assert bounds_cross(lower_usd, upper_usd) == (math.isinf(gap) and math.isfinite(lower_usd) and math.isfinite(upper_usd))
    kept = Bounds(lower_usd=lower_usd, upper_usd=upper_usd)
    assert kept.gap == pytest.approx(gap)
    assert (kept.absolute_gap_usd == math.inf) == math.isinf(gap)


def test_of_a_plan_that_costs_nothing_the_distance_is_told_in_money():
    """A share of nothing says nothing: it was once 600560913400000.00 %."""
    kept = Bounds(lower_usd=-6005.6, upper_usd=0.0)
    assert kept.gap == math.inf
    assert kept.absolute_gap_usd == pytest.approx(6005.6)
    assert not kept.closed(0.5, 6000.0)
    assert kept.closed(0.0, 6006.0)
    assert "gap 6005.60 usd" in kept.failure("the price is posted once").reason
    assert "gap 6005.60 usd" in kept.convergence(0.0, 6006.0, "one price").reason


def test_crossed_bounds_agree_on_nothing_however_they_end():
    bounds = Bounds(lower_usd=94.3722, upper_usd=93.6344)
    assert not bounds.closed(1.0, 1e9)
    for outcome in (bounds.convergence(0.5, 1e9, "3 rounds"), bounds.failure("30 rounds")):
        assert not outcome.agreed
        assert CROSSED in outcome.reason
        assert "gap" not in outcome.reason


def test_without_a_bound_no_gap_is_named():
    assert "no gap is known" in Bounds(upper_usd=1.0).failure("3 rounds").reason


@pytest.mark.parametrize("lower_usd", [-80.0, -3.0, 0.0, 2.0, 500.0])
@pytest.mark.parametrize(("gap_target", "gap_usd"), [(0.005, 0.0), (0.2, 0.0), (0.0, 4.0), (0.1, 1.0)])
def test_the_most_that_is_agreed_to_is_where_the_gap_closes(lower_usd, gap_target, gap_usd):
    most_usd = Bounds(lower_usd=lower_usd).most_usd(gap_target, gap_usd)
    assert Bounds(lower_usd=lower_usd, upper_usd=most_usd - 1e-7).closed(gap_target, gap_usd)
    assert not Bounds(lower_usd=lower_usd, upper_usd=most_usd + 1e-7).closed(gap_target, gap_usd) or most_usd == lower_usd
