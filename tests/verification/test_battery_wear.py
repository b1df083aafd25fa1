"""Wear of a battery against the standard, the published values and second formulations. docs/battery_wear.md."""

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from federates.battery.cycles import cycles_of
from federates.battery.degradation import (
    Wear,
    depth_stress,
    life_lost,
    soc_factor,
    stress_until,
    temperature_factor,
    time_stress,
    wear_of,
)
from federates.battery.depth_cost import DepthCost, cycle_life_share
from federates.boundary.config import parse_config
from federates.boundary.errors import ConfigError

ASTM = np.array([-2.0, 1, -3, 5, -1, 3, -4, 4, -2])
"""Series of the example of ASTM E1049-85, Fig. 6."""
SHARES = st.integers(0, 64).map(lambda number: number / 64.0)
"""Exact in binary, so that a shift changes no difference."""
SERIES = st.lists(SHARES, min_size=2, max_size=24)
COST = DepthCost(battery_kwh=10.0, replacement_usd_per_kwh=300.0, segments=16)


def counted(cycles):
    totals = {}
    for depth, count in zip(cycles.depth.tolist(), cycles.count.tolist(), strict=True):
        totals[depth] = totals.get(depth, 0.0) + count
    return totals


def by_four_points(series):
    """Count by the four-point method (Amzallag et al. 1994), a second formulation: whole cycles, then the rest as halves."""
    turning = [value for k, value in enumerate(series) if k == 0 or value != series[k - 1]]
    kept = turning[:1]
    for k in range(1, len(turning)):
        if k == len(turning) - 1 or (turning[k] - kept[-1]) * (turning[k + 1] - turning[k]) < 0:
            kept.append(turning[k])
    found, stack = {}, []
    for value in kept:
        stack.append(value)
        while len(stack) >= 4:
            a, b, c, d = stack[-4:]
            inner = abs(c - b)
            if inner > abs(b - a) or inner > abs(d - c):
                break
            found[inner] = found.get(inner, 0.0) + 1.0
            del stack[-3:-1]
    for left, right in pairwise(stack):
        found[abs(right - left)] = found.get(abs(right - left), 0.0) + 0.5
    return {depth: count for depth, count in found.items() if depth > 0}


def test_the_cycles_of_the_standard():
    found = counted(cycles_of((ASTM + 4.0) / 16.0))
    assert {depth * 16.0: count for depth, count in found.items()} == {3: 0.5, 4: 1.5, 6: 0.5, 8: 1.0, 9: 0.5}


@pytest.mark.parametrize(
    ("soc", "cycles"),
    [([], {}), ([0.5], {}), ([0.5, 0.5], {}), ([0.25, 0.75], {0.5: 0.5}), ([0.75, 0.75, 0.25, 0.25], {0.5: 0.5})],
)
def test_short_series(soc, cycles):
    assert counted(cycles_of(soc)) == cycles


@given(SERIES)
@settings(max_examples=300, deadline=None)
def test_cycles_by_a_second_method(soc):
    # Which half cycles are left of a series that begins inside its range differs by method; a series that begins and ends at its
    # top has none, and both must agree.
    closed = [1.0, *soc, 1.0]
    assert counted(cycles_of(closed)) == by_four_points(closed)


@given(SERIES, st.integers(-64, 64))
def test_cycles_do_not_change_by_what_is_added_or_by_standing_still(soc, shift):
    moved = np.array(soc) / 4.0 + 0.375
    assert counted(cycles_of(moved)) == counted(cycles_of(moved + shift / 256.0)) == counted(cycles_of(np.repeat(moved, 2)))


@given(SERIES)
def test_all_that_is_moved_is_in_the_cycles(soc):
    moved = np.abs(np.diff(soc)).sum()
    assert cycles_of(soc).equivalent_full == pytest.approx(moved / 2.0, abs=1e-12)
    assert cycles_of(soc[::-1]).equivalent_full == pytest.approx(moved / 2.0, abs=1e-12)


def test_the_published_coefficients():
    assert depth_stress([1.0, 0.8, 0.5, 0.0]) == pytest.approx([1 / 17000, 2.9798e-5, 1.3311e-5, 0.0], rel=5e-5)
    assert float(depth_stress(1.0)) == pytest.approx(1 / (1.40e5 - 1.23e5), rel=1e-12)
    assert soc_factor([0.5, 1.0]) == pytest.approx([1.0, math.exp(0.52)])
    assert temperature_factor([25.0, 35.0]) == pytest.approx([1.0, math.exp(0.0693 * 10 * 298 / 308)])
    assert float(time_stress(365 * 86400.0)) == pytest.approx(0.013055904)
    # Before any wear the formula leaves the whole capacity; 5.75 % goes early, then the rest decays.
    assert float(life_lost(0.0)) == 0.0
    assert float(life_lost(0.1)) == pytest.approx(1 - 0.0575 * math.exp(-12.1) - 0.9425 * math.exp(-0.1))
    assert float(life_lost(stress_until())) == pytest.approx(0.2, abs=1e-12)
    assert float(life_lost(stress_until(0.99))) == pytest.approx(0.01, abs=1e-12)


def test_depth_stress_is_not_convex_so_decisions_do_not_use_it():
    depth = np.arange(1, 101) / 100.0
    bend = np.diff(depth_stress(depth), 2)
    assert (bend[depth[1:-1] < 0.14] < 0).all()
    assert (bend[depth[1:-1] > 0.15] > 0).all()
    assert (np.diff(cycle_life_share(depth), 2) > 0).all()


@given(SHARES, SHARES)
def test_deeper_is_never_cheaper(one, other):
    low, high = sorted((one, other))
    assert depth_stress(low) <= depth_stress(high)
    assert cycle_life_share(low) <= cycle_life_share(high)


def test_a_day_by_hand():
    # One whole cycle of 0.8 about 0.5, as a charge and a discharge, in 24 hours.
    day = wear_of([0.1, 0.9, 0.1], 12 * 3600.0)
    assert (day.equivalent_full_cycles, day.deepest_cycle) == (pytest.approx(0.8), pytest.approx(0.8))
    assert day.cycle_stress == pytest.approx(float(depth_stress(0.8)))
    assert day.time_stress == pytest.approx(4.14e-10 * 86400)
    end = stress_until()
    assert day.years_to_end == pytest.approx(end / (2.97976532e-5 + 4.14e-10 * 86400) / 365)
    assert day.years_used == pytest.approx(2.97976532e-5 / 4.14e-10 / (365 * 86400))
    assert day.cost_usd(1000.0) == pytest.approx(1000 * 2.97976532e-5 / end)
    # The whole life, day by day, ends at 80 %.
    days = 1.0 / day.life_used_share
    assert float(life_lost(days * (day.cycle_stress + day.time_stress))) == pytest.approx(0.2)


def test_a_battery_that_stands_idle_wears_by_time_alone():
    idle = wear_of([0.5, 0.5, 0.5], 3600.0)
    assert (idle.equivalent_full_cycles, idle.cycle_stress, idle.cycle_life_used_share, idle.years_used) == (0, 0, 0, 0)
    assert idle.years_to_end == pytest.approx(stress_until() / 4.14e-10 / (365 * 86400))
    assert idle.life_used_share == pytest.approx(Wear(7200.0, 0, 0, 0, 4.14e-10 * 7200, stress_until()).life_used_share)


@given(SERIES, st.floats(15.0, 45.0))
def test_wear_is_worse_where_it_is_hotter_and_where_more_is_charged(soc, temperature_c):
    half = np.array(soc) / 2.0
    mild, hot = wear_of(half, 3600.0, temperature_c), wear_of(half, 3600.0, temperature_c + 5.0)
    assert hot.life_used_share > mild.life_used_share
    assert wear_of(half + 0.25, 3600.0, temperature_c).life_used_share > mild.life_used_share


@pytest.mark.parametrize("soc", [[0.0, 1.01], [-0.01, 0.5], [0.2, math.nan], [[0.1, 0.2]]])
def test_a_state_of_charge_out_of_range_is_an_error(soc):
    with pytest.raises(ValueError, match="state of charge"):
        cycles_of(soc)


@pytest.mark.parametrize("call", [lambda: wear_of([0.5], 3600.0), lambda: wear_of([0.5, 0.4], 0.0), lambda: stress_until(1.0)])
def test_a_wear_that_cannot_be_told_is_an_error(call):
    with pytest.raises(ValueError, match=r"two points|above 0 and below 1"):
        call()


def test_the_usual_life_of_3000_cycles_at_80_percent():
    assert 1.0 / float(cycle_life_share(0.8)) == pytest.approx(3002, abs=0.5)
    assert float(cycle_life_share(1.0)) == 5.24e-4
    assert cycle_life_share(np.linspace(0, 1, 50)) == pytest.approx(5.24e-4 * np.linspace(0, 1, 50) ** 2.03, rel=1e-14)


def test_the_segments_are_those_of_the_paper():
    cost = DepthCost(battery_kwh=40.0, replacement_usd_per_kwh=300.0, segments=4, discharge_efficiency=0.95)
    phi = 5.24e-4 * (np.arange(5) / 4) ** 2.03
    assert cost.segment_usd_per_kwh == pytest.approx(300.0 / 0.95 * 4 * np.diff(phi))
    assert cost.segment_kwh == pytest.approx(np.full(4, 40 * 0.95 / 4))
    assert float(cost.cost_usd(cost.most_kwh)) == pytest.approx(40 * 300 * 5.24e-4), "a whole cycle costs what Phi says"


@given(st.integers(1, 40), SHARES)
@settings(deadline=None)
def test_pieces_lie_above_the_curve_and_within_a_bound_that_falls_as_their_square(segments, depth):
    cost = DepthCost(battery_kwh=10.0, replacement_usd_per_kwh=300.0, segments=segments)
    excess = float(cost.cost_usd(depth * 10.0) - cost.exact_usd(depth))
    assert -1e-12 <= excess <= cost.error_bound_usd + 1e-12
    finer = DepthCost(battery_kwh=10.0, replacement_usd_per_kwh=300.0, segments=2 * segments)
    assert float(finer.cost_usd(depth * 10.0)) <= float(cost.cost_usd(depth * 10.0)) + 1e-12
    assert finer.error_bound_usd == pytest.approx(cost.error_bound_usd / 4.0)


def test_the_bound_is_near_what_happens():
    cost = DepthCost(battery_kwh=10.0, replacement_usd_per_kwh=300.0, segments=8)
    depth = np.linspace(0, 1, 4001)
    worst = float((cost.cost_usd(depth * 10.0) - cost.exact_usd(depth)).max())
    assert 0.97 * cost.error_bound_usd < worst <= cost.error_bound_usd


@given(st.lists(st.floats(0, 10), min_size=2, max_size=2), st.floats(0, 1))
def test_the_cost_is_convex_and_rises(both, part):
    one, other = both
    between = float(COST.cost_usd(part * one + (1 - part) * other))
    assert between <= part * float(COST.cost_usd(one)) + (1 - part) * float(COST.cost_usd(other)) + 1e-12
    assert float(COST.cost_usd(min(both))) <= float(COST.cost_usd(max(both)))
    assert (np.diff(COST.segment_usd_per_kwh) > 0).all()


def test_the_marginal_cost_is_the_slope():
    kwh = np.linspace(0.0, 9.9, 100)
    step = 1e-6
    slope = (COST.cost_usd(kwh + step) - COST.cost_usd(kwh)) / step
    assert COST.marginal_usd_per_kwh(kwh) == pytest.approx(slope, rel=1e-5)
    assert float(COST.marginal_usd_per_kwh(10.0)) == math.inf
    # At the end of a segment the next kWh is of the next one, although 3 x 0.1 is not 0.3 in binary.
    tenths = DepthCost(battery_kwh=1.0, replacement_usd_per_kwh=300.0, segments=10)
    assert tenths.marginal_usd_per_kwh(np.arange(10) * 0.1).tolist() == tenths.segment_usd_per_kwh.tolist()


@given(st.floats(0.0, 0.5))
def test_what_is_worthwhile_is_what_a_linear_programme_takes(price):
    taken = linprog(COST.segment_usd_per_kwh - price, bounds=[(0, width) for width in COST.segment_kwh])
    kwh = float(COST.worthwhile_kwh(price))
    assert float(COST.cost_usd(kwh)) - price * kwh == pytest.approx(taken.fun, abs=1e-9)


@given(SERIES, SERIES, st.floats(0, 1))
@settings(max_examples=200)
def test_the_rainflow_cost_is_convex_in_the_state_of_charge(one, other, part):
    # Theorem 1 of Shi, Xu, Tan, Zhang, arXiv 1703.07968. All series begin at one state, as in the paper.
    length = min(len(one), len(other))
    first, second = (np.array([0.5, *series[:length]]) for series in (one, other))
    between = COST.cycles_usd(part * first + (1 - part) * second)
    assert between <= part * COST.cycles_usd(first) + (1 - part) * COST.cycles_usd(second) + 1e-12


@given(st.lists(SHARES, min_size=1, max_size=12))
def test_cycles_cost_the_sum_of_their_half_cycles(depths):
    # Full, down by a depth, full again, each deeper one first: every discharge and the charge after it are one cycle.
    soc = [1.0]
    for depth in sorted(depths, reverse=True):
        soc += [1.0 - depth, 1.0]
    assert COST.cycles_usd(soc) == pytest.approx(float(COST.exact_usd(depths).sum()), abs=1e-12)
    # Discharges alone, priced whole as in the optimisation, cost the same, from above by at most the error of the pieces.
    priced = float(COST.cost_usd(np.array(depths) * 10.0).sum())
    assert COST.cycles_usd(soc) - 1e-12 <= priced <= COST.cycles_usd(soc) + len(depths) * COST.error_bound_usd + 1e-12


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"battery_kwh": 0}, "battery_kwh"),
        ({"replacement_usd_per_kwh": -1}, "replacement_usd_per_kwh"),
        ({"segments": 0}, "segments"),
        ({"segments": 2.5}, "segments"),
        ({"discharge_efficiency": 1.2}, "discharge_efficiency"),
        ({"depth": 1}, "depth"),
    ],
)
def test_wrong_settings_are_named(wrong, field):
    with pytest.raises(ConfigError, match=field):
        parse_config({"battery_kwh": 10.0, "replacement_usd_per_kwh": 300.0} | wrong, DepthCost, "config.yaml")


@pytest.mark.parametrize(
    "call", [lambda: COST.cost_usd(10.1), lambda: COST.marginal_usd_per_kwh(-0.1), lambda: COST.cost_usd(math.nan)]
)
def test_energy_that_the_battery_does_not_hold_is_an_error(call):
    with pytest.raises(ValueError, match="from 0 to 10 kWh"):
        call()


@pytest.mark.parametrize("call", [lambda: depth_stress(1.1), lambda: cycle_life_share(-0.1), lambda: cycle_life_share(math.nan)])
def test_a_depth_that_is_no_share_is_an_error(call):
    with pytest.raises(ValueError, match="share from 0 to 1"):
        call()


def test_a_free_battery_costs_nothing():
    free = DepthCost(battery_kwh=10.0, replacement_usd_per_kwh=0.0)
    assert float(free.cost_usd(10.0)) == 0.0
    assert float(free.worthwhile_kwh(0.0)) == 10.0


def test_the_numbers_of_the_page():
    text = (Path(__file__).parents[2] / "docs/battery_wear.md").read_text(encoding="utf-8")
    sixth = float(depth_stress(1 / 6)) / stress_until() * 300 * 60
    vehicle = DepthCost(battery_kwh=60.0, replacement_usd_per_kwh=300.0, segments=12)
    unit = DepthCost(battery_kwh=1.0, replacement_usd_per_kwh=300.0, segments=10)
    more = float(cycle_life_share(0.8)) / float(depth_stress(0.8)) * stress_until()
    for words in (
        f"at f = {stress_until():.5f}",
        f"costs {sixth:.2f} USD by the first and {float(vehicle.exact_usd(1 / 6)):.2f} USD by the second",
        f"R = 300 that is {unit.error_bound_usd:.4f} USD",
        f"says {more:.1f}\n  times as much",
    ):
        assert words in text
