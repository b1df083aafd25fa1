"""Prices by place: against values of textbooks, a programme in voltage angles, another reference bus, and 1 MWh more load."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import pytest
from scipy.optimize import linprog
from small_power_folder import PowerFolder
from small_systems import solved

from federates.power_operator.models.unit_commitment import dispatch, lazy_lines
from federates.power_operator.models.unit_commitment import operator as operator_module
from federates.power_operator.models.unit_commitment.network import ptdf
from federates.power_operator.models.unit_commitment.system import (
    CostCurve,
    Network,
    PowerSystem,
    Renewables,
    StartUp,
    ThermalUnits,
)

Lines = list[tuple[int, int, float, float]]
"""From bus, to bus, reactance (p.u. of 1 MW), limit (MW)."""


def _system(load_mw: list[float], units: list[tuple[int, float, float]], lines: Lines, period_h: float = 1.0) -> PowerSystem:
    """Return one period; a unit is (bus, most MW, USD/MWh)."""
    bus, most, _ = (np.array(part) for part in zip(*units, strict=True))
    zero, one = np.zeros(len(units)), np.ones(len(units))
    start, end, reactance, limit = (np.array(part) for part in zip(*lines, strict=True))
    thermal = ThermalUnits(
        names=tuple(f"g{g}" for g in range(len(units))), bus=bus.astype(np.int64), p_min_mw=zero, p_max_mw=most.astype(float),
        ramp_up_mw_per_h=most * 9.0, ramp_down_mw_per_h=most * 9.0, start_up_ramp_mw=most * 9.0, shut_down_ramp_mw=most * 9.0,
        min_up_h=zero, min_down_h=zero, initial_on_h=one, initial_output_mw=zero, must_run=one > 0,
        cost_curves=tuple(CostCurve(np.array([0.0, mw]), np.array([0.0, mw * slope])) for _, mw, slope in units),
        start_up=tuple(StartUp(np.zeros(1), np.zeros(1)) for _ in units), shut_down_usd=zero,
    )  # fmt: skip
    names = tuple(f"line {k}" for k in range(len(lines)))
    network = Network(names, start.astype(np.int64), end.astype(np.int64), 1.0 / reactance, limit.astype(float))
    buses = tuple(f"b{b}" for b in range(len(load_mw)))
    return PowerSystem(period_h, buses, np.array(load_mw)[:, None], thermal, Renewables.none(1), network)


def _prices(system: PowerSystem) -> np.ndarray:
    solution, lines = solved(system, relaxed=True)
    assert solution.row_dual is not None
    return lines.bus_price_usd_per_mwh(solution.row_dual)[:, 0]


@pytest.mark.parametrize(("limit_mw", "expected"), [(50.0, (10.0, 30.0)), (100.0, (10.0, 10.0))])
@pytest.mark.parametrize("period_h", [1.0, 0.25])
def test_two_buses_have_two_prices_where_the_line_binds(limit_mw, expected, period_h):
    """80 MW of load at b; the cheap unit is at a."""
    system = _system([0.0, 80.0], [(0, 200.0, 10.0), (1, 200.0, 30.0)], [(0, 1, 0.1, limit_mw)], period_h)
    assert _prices(system) == pytest.approx(expected, abs=1e-6)


def test_three_buses_have_the_prices_of_the_textbook():
    """Kirschen and Strbac, Fundamentals of Power System Economics (Wiley 2004), 6.3.2: 7.50, 11.25 and 10.00 $/MWh."""
    lines = [(0, 1, 0.2, 126.0), (0, 2, 0.2, 250.0), (1, 2, 0.1, 130.0)]
    units = [(0, 140.0, 7.5), (0, 285.0, 6.0), (1, 90.0, 14.0), (2, 85.0, 10.0)]
    system = _system([50.0, 60.0, 300.0], units, lines)
    assert _prices(system) == pytest.approx([7.5, 11.25, 10.0], abs=1e-6)


@pytest.mark.parametrize("seed", range(12))
def test_prices_are_the_duals_of_the_nodal_balances_in_voltage_angles(seed):
    rng = np.random.default_rng(seed)
    buses = 6
    pairs = [(b, b + 1) for b in range(buses - 1)] + [(0, 3), (1, 4), (2, 5)]
    lines = [(i, j, rng.uniform(0.05, 0.4), rng.uniform(15, 60)) for i, j in pairs]
    units = [(int(b), rng.uniform(40, 120), rng.uniform(5, 50)) for b in rng.permutation(buses)[:4]]
    system = _system(list(rng.uniform(10, 40, buses)), units, lines)
    assert _prices(system) == pytest.approx(_angle_prices(system, units, lines), abs=1e-4)


def _angle_prices(system: PowerSystem, units: list[Any], lines: Lines) -> np.ndarray:
    """Return the duals of generation - load + shed = flows out, per bus; flow = angles / x, over its limit at a price."""
    buses, count = len(system.buses), len(units)
    share = system.load_share[:, 0]
    # Columns: units, shed, spill, overload per line and direction, angles.
    width = count + 2 + 2 * len(lines) + buses
    equal, less, most = np.zeros((buses, width)), [], []
    for g, (bus, _, _) in enumerate(units):
        equal[bus, g] = 1.0
    equal[:, count], equal[:, count + 1] = share, -share
    first = count + 2 + 2 * len(lines)
    for k, (i, j, reactance, limit) in enumerate(lines):
        flow = np.zeros(width)
        flow[first + i], flow[first + j] = 1 / reactance, -1 / reactance
        equal[i] -= flow
        equal[j] += flow
        for sign in (1, -1):
            row = sign * flow
            row[count + 2 + 2 * k + (sign < 0)] = -1.0
            less.append(row)
            most.append(limit)
    overload = [system.line_slack_price_usd_per_mwh] * (2 * len(lines))
    cost = [u[2] for u in units] + [system.shed_price_usd_per_mwh, system.spill_price_usd_per_mwh, *overload] + [0.0] * buses
    bounds = [(0, u[1]) for u in units] + [(0, system.load_mw.sum())] + [(0, None)] * (1 + 2 * len(lines))
    bounds += [(0, 0)] + [(None, None)] * (buses - 1)
    found = linprog(cost, A_ub=less, b_ub=most, A_eq=equal, b_eq=system.load_mw[:, 0], bounds=bounds)
    assert found.status == 0
    return np.asarray(found.eqlin.marginals)


# --- the shipped day


STANDS = [(0, 0, 0, 6), (0, 1, 9, 15), (0, 0, 18, 23), (1, 0, 0, 1), (1, 1, 4, 12), (1, 2, 15, 20), (1, 0, 23, 23)]
"""Train, station, first and last period."""
STEPS_MW = {4: (1.0,), 18: (1.0, 0.05)}
HOURS = tuple(STEPS_MW)


class Day(NamedTuple):
    """What the operator handed to `dispatch_period`, by period, and rows of its tables."""

    given: dict[int, tuple[Any, ...]]
    bus_prices: list[dict[str, Any]]
    line_flow: list[dict[str, Any]]
    balance: list[dict[str, Any]]


@lru_cache
def _dispatches() -> Day:
    """Return the 30-bus day up to the last of the `HOURS`."""
    seen: dict[int, tuple[Any, ...]] = {}
    connection = np.zeros((2, 3, 24))
    for train, station, first, last in STANDS:
        connection[train, station, first : last + 1] = 1.0
    original = operator_module.dispatch_period

    def spy(*given: Any, **options: Any) -> Any:
        seen[given[3].period] = given
        return original(*given, **options)

    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(operator_module, "dispatch_period", spy)
        operator, recorder = PowerFolder(Path(folder)).begin({"scheme": "mobile"}, solver__evaluate_gap_usd=100.0)
        for period in range(max(HOURS) + 1):
            operator.open_period(period, None)
            operator.commit({"connection": connection[:, :, period:]})
    return Day(seen, *(recorder.tables[name] for name in ("bus_prices", "line_flow", "power_balance")))


def _recorded(hour: int) -> np.ndarray:
    return np.array([row["price_usd_per_mwh"] for row in _dispatches().bus_prices if row["period"] == hour])


@pytest.mark.parametrize("hour", HOURS)
def test_a_line_that_binds_parts_the_prices_of_the_30_bus_day(hour):
    at_limit = [row for row in _dispatches().line_flow if row["period"] == hour and abs(row["flow_mw"]) > row["limit_mw"] - 1e-3]
    assert at_limit
    assert np.ptp(_recorded(hour)) > 1.0


@pytest.mark.parametrize("hour", HOURS)
@pytest.mark.parametrize("reference", [7, 29])
def test_prices_are_the_same_with_another_reference_bus(monkeypatch, hour, reference):
    monkeypatch.setattr(lazy_lines, "ptdf", partial(ptdf, reference=reference))
    again = dispatch.dispatch_period(*_dispatches().given[hour])
    assert again.bus_price_usd_per_mwh == pytest.approx(_recorded(hour), abs=1e-3)


@pytest.mark.parametrize("hour", [pytest.param(hour, marks=[pytest.mark.long] * (hour != HOURS[-1])) for hour in HOURS])
def test_one_mwh_more_load_at_a_bus_costs_its_price(monkeypatch, hour):
    """The optimum is convex in the load at a bus: the price lies between the slopes to 1 MWh less and to 1 MWh more of it."""
    objectives: list[float] = []
    original = dispatch._never_both

    def spy(model: Any) -> Any:
        solution = original(model)
        objectives.append(solution.objective)
        return solution

    monkeypatch.setattr(dispatch, "_never_both", spy)
    given = _dispatches().given[hour]
    (load_mw, renewable_mw), price = given[4], _recorded(hour)

    def cost_usd(bus: int, more_mw: float) -> float:
        load = load_mw.copy()
        load[bus, hour] += more_mw
        result = dispatch.dispatch_period(*given[:4], (load, renewable_mw), *given[5:])
        assert result.schedule.shed_mw[0] < 1e-6
        return objectives[-1]

    base = cost_usd(0, 0.0)
    close = 0
    for bus in range(len(price)):
        for step in STEPS_MW[hour]:
            down, up = (base - cost_usd(bus, -step)) / step, (cost_usd(bus, step) - base) / step
            assert down - 1e-3 <= price[bus] <= up + 1e-3, (bus, step)
        close += up - down < 0.05
    assert close >= len(price) / 2  # elsewhere the optimum has a kink at just this load


@pytest.mark.parametrize("hour", HOURS)
def test_the_price_of_the_balance_is_the_mean_over_the_buses_weighted_by_load(hour):
    load = np.array([row["load_mw"] for row in _dispatches().bus_prices if row["period"] == hour])
    assert load == pytest.approx(_dispatches().given[hour][4][0][:, hour])
    mean = float(load @ _recorded(hour) / load.sum())
    assert [row["price_usd_per_mwh"] for row in _dispatches().balance if row["period"] == hour] == pytest.approx([mean])


def test_without_a_grid_every_bus_has_the_price_of_the_balance():
    system = replace(_system([5.0, 20.0], [(0, 10.0, 10.0), (1, 50.0, 30.0)], [(0, 1, 0.1, 1.0)]), network=None)
    assert _prices(system) == pytest.approx([30.0, 30.0])


def test_a_search_that_is_cut_short_where_no_limit_is_broken_adds_no_row():
    system = _system([0.0, 80.0], [(0, 200.0, 10.0), (1, 200.0, 30.0)], [(0, 1, 1.0, 50.0)])
    _, lines = solved(system, relaxed=True)
    rows, none = lines._row.copy(), np.zeros(0, dtype=np.int64)
    lines._add(lines._solver, none, none)
    np.testing.assert_array_equal(lines._row, rows)
