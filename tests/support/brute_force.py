"""Cheapest commitment by trying every one, with the dispatch of each as a linear programme of scipy."""

from __future__ import annotations

import itertools

import numpy as np
from scipy.optimize import linprog

from federates.power_operator.models.unit_commitment.system import PowerSystem


def cheapest_usd(system: PowerSystem) -> float:
    """Return the least cost of a system without a grid and with periods of one hour."""
    periods = system.periods
    patterns = [
        [p for p in itertools.product((False, True), repeat=periods) if _times_hold(system, g, p)]
        for g in range(system.units.count)
    ]
    return min(_cost_usd(system, np.array(on)) for on in itertools.product(*patterns))


def _times_hold(system: PowerSystem, g: int, on: tuple[bool, ...]) -> bool:
    units = system.units
    if not on[0] and units.initial_on_h[g] > 0 and units.initial_output_mw[g] > units.shut_down_ramp_mw[g]:
        return False
    state, hours = bool(units.initial_on_h[g] > 0), abs(units.initial_on_h[g])
    for now in on:
        if now != state:
            if hours < (units.min_up_h[g] if state else units.min_down_h[g]):
                return False
            state, hours = now, 0
        hours += 1
    return True


def _events_usd(system: PowerSystem, g: int, on: np.ndarray) -> float:
    units = system.units
    state, off, cost = bool(units.initial_on_h[g] > 0), max(-units.initial_on_h[g], 0), 0.0
    for now in on:
        if now and not state:
            cost += [c for lag, c in zip(units.start_up[g].lag_h, units.start_up[g].cost_usd, strict=True) if off >= lag][-1]
        if state and not now:
            cost += units.shut_down_usd[g]
        state, off = bool(now), 0 if now else off + 1
    return cost


def _cost_usd(system: PowerSystem, on: np.ndarray) -> float:
    """Columns per period: output, reserve, cost of each unit, then wind, shed, spill and missing reserve."""
    units, (count, periods) = system.units, on.shape
    width = 3 * count + 4
    objective, bounds = np.zeros(width * periods), []
    rows, limits, equal, load = [], [], [], []

    def row(*terms: tuple[float, int]) -> np.ndarray:
        values = np.zeros(width * periods)
        for coefficient, column in terms:
            values[column] += coefficient
        return values

    def limit(bound: float, *terms: tuple[float, int]) -> None:
        rows.append(row(*terms))
        limits.append(bound)

    for t in range(periods):
        p, r, c = (t * width + k * count for k in range(3))
        wind, shed, spill, short = (t * width + 3 * count + k for k in range(4))
        needed = 0.0 if system.reserve_mw is None else float(system.reserve_mw[t])
        objective[c : c + count] = 1.0
        objective[[shed, spill, short]] = (
            system.shed_price_usd_per_mwh, system.spill_price_usd_per_mwh, system.reserve_slack_price_usd_per_mwh,
        )  # fmt: skip
        bounds += [(0.0, units.p_max_mw[g] if on[g, t] else 0.0) for g in range(count)]
        bounds += [(0.0, None if on[g, t] else 0.0) for g in range(count)] + [(0.0, None)] * count
        bounds += [(0.0, system.renewables.available_mw[0, t]), (0.0, system.total_load_mw[t]), (0.0, None), (0.0, needed)]
        equal.append(row(*((1.0, p + g) for g in range(count)), (1.0, wind), (1.0, shed), (-1.0, spill)))
        load.append(system.total_load_mw[t])
        limit(-needed, *((-1.0, r + g) for g in range(count)), (-1.0, short))
        for g in range(count):
            was = on[g, t - 1] if t else units.initial_on_h[g] > 0
            stops = t + 1 < periods and not on[g, t + 1]
            if on[g, t]:
                limit(-units.p_min_mw[g], (-1.0, p + g))
                most = [
                    units.p_max_mw[g],
                    *([] if was else [units.start_up_ramp_mw[g]]),
                    *([units.shut_down_ramp_mw[g]] if stops else []),
                ]
                limit(min(most), (1.0, p + g), (1.0, r + g))
                mw, usd = units.cost_curves[g].mw, units.cost_curves[g].usd_per_h
                for s in range(len(mw) - 1):
                    slope = (usd[s + 1] - usd[s]) / (mw[s + 1] - mw[s])
                    limit(slope * mw[s] - usd[s], (slope, p + g), (-1.0, c + g))
            if on[g, t] and was:
                before = (0.0, p + g) if t == 0 else (1.0, p + g - width)
                initial = units.initial_output_mw[g] if t == 0 else 0.0
                limit(units.ramp_up_mw_per_h[g] + initial, (1.0, p + g), (1.0, r + g), (-before[0], before[1]))
                limit(units.ramp_down_mw_per_h[g] - initial, (-1.0, p + g), before)
    result = linprog(objective, np.array(rows), limits, np.array(equal), load, bounds, method="highs")
    return np.inf if result.status == 2 else result.fun + sum(_events_usd(system, g, on[g]) for g in range(count))
