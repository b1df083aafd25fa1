"""The reference model of pglib-uc (its MODEL.pdf and uc_model.py), row by row, apart from the project's formulations."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from federates.lp.linear_model import LinearModel

TERM = tuple[float, int]


class _Rows:
    """Rows given as lists of (coefficient, column)."""

    def __init__(self) -> None:
        self.terms: list[list[TERM]] = []
        self.lower: list[float] = []
        self.upper: list[float] = []

    def add(self, terms: Iterable[TERM], lower: float = -np.inf, upper: float = np.inf) -> None:
        self.terms.append(list(terms))
        self.lower.append(lower)
        self.upper.append(upper)

    def into(self, model: LinearModel) -> None:
        row = np.repeat(np.arange(len(self.terms)), [len(terms) for terms in self.terms])
        value, column = np.array([term for terms in self.terms for term in terms]).T
        columns = model.shape[1]
        matrix = sp.csr_matrix((value, (row, column.astype(int))), shape=(len(self.terms), columns))
        model.rows("pglib", [(matrix, np.arange(columns))], np.array(self.lower), np.array(self.upper))


def pglib_model(path: Path, periods: int) -> LinearModel:
    """Return the reference model of the first ``periods`` hours, with integer commitment."""
    data = json.loads(path.read_text())
    model, rows = LinearModel(), _Rows()
    balance: list[list[TERM]] = [[] for _ in range(periods)]
    reserves: list[list[TERM]] = [[] for _ in range(periods)]
    for unit in data["renewable_generators"].values():
        upper, lower = unit["power_output_maximum"][:periods], unit["power_output_minimum"][:periods]
        for t, column in enumerate(model.variables("pw", periods, lower, upper)):
            balance[t].append((1.0, int(column)))
    for unit in data["thermal_generators"].values():
        _unit(model, rows, unit, balance, reserves)
    for t in range(periods):
        rows.add(balance[t], data["demand"][t], data["demand"][t])
        rows.add(reserves[t], data["reserves"][t])
    rows.into(model)
    return model


def _unit(model: LinearModel, rows: _Rows, unit: dict, balance: list[list[TERM]], reserves: list[list[TERM]]) -> None:
    periods = len(balance)
    points, starts = unit["piecewise_production"], unit["startup"]
    low, high = unit["power_output_minimum"], unit["power_output_maximum"]
    u = model.variables("ug", periods, lower=unit["must_run"], upper=1, cost=points[0]["cost"], integer=True)
    v, w = (model.variables(name, periods, upper=1, integer=True) for name in ("vg", "wg"))
    p, r = model.variables("pg", periods), model.variables("rg", periods)
    share = model.variables("lg", (len(points), periods), upper=1, cost=[[q["cost"] - points[0]["cost"]] for q in points])
    delta = model.variables("dg", (len(starts), periods), upper=1, cost=[[s["cost"]] for s in starts])
    on0, p0 = unit["unit_on_t0"], unit["unit_on_t0"] * (unit["power_output_t0"] - low)
    start_loss, stop_loss = (max(high - unit[key], 0.0) for key in ("ramp_startup_limit", "ramp_shutdown_limit"))
    rows.add([(1.0, w[0])], upper=1.0 if p0 <= high - low - stop_loss else (high - low - p0) / stop_loss)
    if on0:
        held = min(periods, max(0, unit["time_up_minimum"] - unit["time_up_t0"]))
    else:
        held = min(periods, max(0, unit["time_down_minimum"] - unit["time_down_t0"]))
    for t in range(held):
        rows.add([(1.0, u[t])], on0, on0)
    for t in range(periods):
        balance[t] += [(1.0, p[t]), (low, u[t])]
        reserves[t].append((1.0, r[t]))
        before_on: list[TERM] = [] if t == 0 else [(-1.0, u[t - 1])]
        rows.add([(1.0, u[t]), *before_on, (-1.0, v[t]), (1.0, w[t])], *([on0] * 2 if t == 0 else [0.0, 0.0]))
        before: list[TERM] = [] if t == 0 else [(-1.0, p[t - 1])]
        rows.add([(1.0, p[t]), (1.0, r[t]), *before], upper=unit["ramp_up_limit"] + (p0 if t == 0 else 0.0))
        rows.add([(1.0, p[t]), *before], lower=-unit["ramp_down_limit"] + (p0 if t == 0 else 0.0))
        rows.add([(1.0, p[t]), (1.0, r[t]), (low - high, u[t]), (start_loss, v[t])], upper=0.0)
        if t + 1 < periods:
            rows.add([(1.0, p[t]), (1.0, r[t]), (low - high, u[t]), (stop_loss, w[t + 1])], upper=0.0)
        rows.add([(1.0, p[t]), *((low - q["mw"], share[k, t]) for k, q in enumerate(points))], 0.0, 0.0)
        rows.add([(1.0, u[t]), *((-1.0, share[k, t]) for k in range(len(points)))], 0.0, 0.0)
        rows.add([(1.0, v[t]), *((-1.0, delta[s, t]) for s in range(len(starts)))], 0.0, 0.0)
    _times(rows, unit, u, v, w)
    _start_up_windows(rows, unit, w, delta)


def _times(rows: _Rows, unit: dict, u: np.ndarray, v: np.ndarray, w: np.ndarray) -> None:
    periods = len(u)
    up, down = (min(max(unit[key], 1), periods) for key in ("time_up_minimum", "time_down_minimum"))
    for t in range(up - 1, periods):
        rows.add([*((1.0, v[i]) for i in range(t - up + 1, t + 1)), (-1.0, u[t])], upper=0.0)
    for t in range(down - 1, periods):
        rows.add([*((1.0, w[i]) for i in range(t - down + 1, t + 1)), (1.0, u[t])], upper=1.0)


def _start_up_windows(rows: _Rows, unit: dict, w: np.ndarray, delta: np.ndarray) -> None:
    periods, starts = len(w), unit["startup"]
    for s in range(len(starts) - 1):
        lag, end = starts[s]["lag"], starts[s + 1]["lag"]
        for hour in range(max(1, end - unit["time_down_t0"] + 1), min(end - 1, periods) + 1):
            rows.add([(1.0, delta[s, hour - 1])], 0.0, 0.0)
        for hour in range(end, periods + 1):
            stops = [(-1.0, w[hour - 1 - i]) for i in range(lag, end) if hour - 1 - i >= 0]
            rows.add([(1.0, delta[s, hour - 1]), *stops], upper=0.0)
