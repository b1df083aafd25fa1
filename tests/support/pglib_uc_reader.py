"""Unit-commitment instances of the IEEE PES Power Grid Library (pglib-uc), unchanged JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from federates.boundary.errors import ConfigError, Problem
from federates.power_operator.models.unit_commitment.cost_curves import CostCurve
from federates.power_operator.models.unit_commitment.system import PowerSystem, Renewables, StartUp, ThermalUnits

_FIELDS = {
    "p_min_mw": "power_output_minimum",
    "p_max_mw": "power_output_maximum",
    "ramp_up_mw_per_h": "ramp_up_limit",
    "ramp_down_mw_per_h": "ramp_down_limit",
    "start_up_ramp_mw": "ramp_startup_limit",
    "shut_down_ramp_mw": "ramp_shutdown_limit",
    "min_up_h": "time_up_minimum",
    "min_down_h": "time_down_minimum",
    "initial_output_mw": "power_output_t0",
}


def read_pglib_uc(path: Path, periods: int | None = None, shown_as: str | None = None) -> PowerSystem:
    """Return the system in a pglib-uc file, with its first ``periods`` hours where given; there is no grid.

    Raises
    ------
    ConfigError : the file is missing, lacks a key, or holds data that make no system.
    """
    name = shown_as or str(path)
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        system = _system(data, int(data["time_periods"]) if periods is None else periods)
    except FileNotFoundError:
        raise ConfigError([Problem(name, "(file)", "missing", "this file must exist")]) from None
    except KeyError as error:
        raise ConfigError([Problem(name, str(error), "missing", "this key is required")]) from None
    except (ValueError, TypeError) as error:
        raise ConfigError([Problem(name, "(file)", str(error), "must be a pglib-uc instance")]) from None
    system.validate(name)
    return system


def _system(data: dict[str, Any], periods: int) -> PowerSystem:
    renewable = data["renewable_generators"]
    return PowerSystem(
        period_h=1.0,
        buses=("system",),
        load_mw=np.array(data["demand"], dtype=np.float64)[None, :periods],
        units=_units(data["thermal_generators"]),
        renewables=Renewables(
            tuple(renewable),
            np.zeros(len(renewable), dtype=np.int64),
            _profiles(renewable, "power_output_maximum", periods),
            _profiles(renewable, "power_output_minimum", periods),
        ),
        reserve_mw=np.array(data["reserves"], dtype=np.float64)[:periods],
    )


def _profiles(renewable: dict[str, Any], key: str, periods: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    rows = [np.asarray(unit[key], dtype=np.float64)[:periods] for unit in renewable.values()]
    return np.array(rows).reshape(len(rows), periods)


def _units(units: dict[str, Any]) -> ThermalUnits:
    rows = list(units.values())
    arrays = {name: np.array([row[key] for row in rows], dtype=np.float64) for name, key in _FIELDS.items()}
    initial = [row["time_up_t0"] if row["unit_on_t0"] else -row["time_down_t0"] for row in rows]
    curves = [(np.array([p["mw"] for p in r["piecewise_production"]], dtype=np.float64), r) for r in rows]
    costs = [[p["cost"] for p in row["piecewise_production"]] for row in rows]
    return ThermalUnits(
        names=tuple(units),
        bus=np.zeros(len(rows), dtype=np.int64),
        initial_on_h=np.array(initial, dtype=np.float64),
        must_run=np.array([bool(row["must_run"]) for row in rows], dtype=bool),
        cost_curves=tuple(CostCurve(mw, np.array(c, dtype=np.float64)) for (mw, _), c in zip(curves, costs, strict=True)),
        start_up=tuple(_start_up(row["startup"]) for row in rows),
        shut_down_usd=np.zeros(len(rows)),
        **arrays,
    )


def _start_up(categories: list[dict[str, float]]) -> StartUp:
    lag, cost = ([float(c[key]) for c in categories] for key in ("lag", "cost"))
    return StartUp(np.array(lag), np.array(cost))
