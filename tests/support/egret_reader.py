"""Unit-commitment instances of Egret (Grid Parity Exchange), unchanged JSON."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from federates.boundary.errors import ConfigError, Problem
from federates.power_operator.models.unit_commitment.cost_curves import CostCurve, with_piecewise
from federates.power_operator.models.unit_commitment.network import Network, susceptance
from federates.power_operator.models.unit_commitment.system import PowerSystem, Renewables, StartUp, ThermalUnits

Values = NDArray[np.float64]
_Elements = dict[str, dict[str, Any]]
_UNSUPPORTED_ELEMENTS = ("storage", "fuel_supply", "dc_branch", "interface", "contingency", "security_constraint")
_UNSUPPORTED_SERVICES = (
    "spinning_reserve_requirement", "non_spinning_reserve_requirement", "supplemental_reserve_requirement",
    "regulation_up_requirement", "regulation_down_requirement", "flexible_ramp_up_requirement",
    "flexible_ramp_down_requirement",
)  # fmt: skip


def read_egret(path: Path, segments: int = 2, shown_as: str | None = None, left_out: Collection[str] = ()) -> PowerSystem:
    """Return the system in an Egret model file; quadratic costs get ``segments`` segments (Egret's default is 2).

    What is not modelled here is an error unless it is in ``left_out`` (names as the error has them), for a caller who
    adds it to the model.

    Raises
    ------
    ConfigError : the file is missing, lacks a key, holds something this reader does not model, or is no system.
    """
    name = shown_as or str(path)
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        problems = [
            Problem(name, field, "given", "not modelled here: remove it") for field in _unsupported(data) if field not in left_out
        ]
        if problems:
            raise ConfigError(problems)
        system = _system(data, segments)
    except FileNotFoundError:
        raise ConfigError([Problem(name, "(file)", "missing", "this file must exist")]) from None
    except KeyError as error:
        raise ConfigError([Problem(name, str(error), "missing", "this key is required")]) from None
    except (ValueError, TypeError) as error:
        raise ConfigError([Problem(name, "(file)", str(error), "must be an Egret unit-commitment model")]) from None
    system.validate(name)
    return system


def _unsupported(data: dict[str, Any]) -> Iterator[str]:
    elements = data["elements"]
    yield from (f"elements.{kind}" for kind in _UNSUPPORTED_ELEMENTS if elements.get(kind))
    yield from (f"system.{key}" for key in _UNSUPPORTED_SERVICES if data["system"].get(key))
    for kind in ("area", "zone"):
        for name, place in elements.get(kind, {}).items():
            yield from (f"elements.{kind}.{name}.{key}" for key in place if key.endswith("_requirement"))
    for name, unit in elements["generator"].items():
        if _in_service(unit) and isinstance(unit.get("fixed_commitment"), dict):
            yield f"elements.generator.{name}.fixed_commitment"
        if _in_service(unit) and unit.get("aux_fuel_capable"):
            yield f"elements.generator.{name}.aux_fuel_capable"


def _in_service(element: dict[str, Any]) -> bool:
    return bool(element.get("in_service", True))


def _live(elements: dict[str, Any], kind: str) -> _Elements:
    return {name: element for name, element in elements.get(kind, {}).items() if _in_service(element)}


def _profile(value: Any, periods: int) -> Values:
    """Return a number or a time series as (T,)."""
    return np.broadcast_to(np.asarray(value["values"] if isinstance(value, dict) else value, dtype=np.float64), (periods,))


def _system(data: dict[str, Any], segments: int) -> PowerSystem:
    elements, common = data["elements"], data["system"]
    periods, period_h = len(common["time_keys"]), float(common["time_period_length_minutes"]) / 60
    buses = tuple(elements["bus"])
    number = {bus: i for i, bus in enumerate(buses)}
    load = np.zeros((len(buses), periods))
    for entry in _live(elements, "load").values():
        load[number[entry["bus"]]] += _profile(entry["p_load"], periods)
    units = _live(elements, "generator")
    thermal = {name: unit for name, unit in units.items() if unit["generator_type"] == "thermal"}
    reserve = common.get("reserve_requirement")
    return PowerSystem(
        period_h=period_h,
        buses=buses,
        load_mw=load,
        units=_thermal(thermal, number, segments),
        renewables=_renewables({name: unit for name, unit in units.items() if name not in thermal}, number, periods),
        network=_network(_live(elements, "branch"), number, float(common["baseMVA"])),
        reserve_mw=None if reserve is None else _profile(reserve, periods),
        shed_price_usd_per_mwh=float(common["load_mismatch_cost"]),
        spill_price_usd_per_mwh=float(common["load_mismatch_cost"]),
        reserve_slack_price_usd_per_mwh=float(common.get("reserve_shortfall_cost", common["load_mismatch_cost"])),
        line_slack_price_usd_per_mwh=float(common.get("transmission_flow_violation_cost", common["load_mismatch_cost"])),
    )


def _thermal(units: _Elements, number: dict[str, int], segments: int) -> ThermalUnits:
    rows = list(units.values())

    def column(key: str, default: str | float | None = None) -> Values:
        if default is None:
            values = [row[key] for row in rows]
        else:
            values = [row.get(key, row[default] if isinstance(default, str) else default) for row in rows]
        return np.array(values, dtype=np.float64)

    off = [name for name, row in units.items() if row.get("fixed_commitment") == 0]
    if off:
        raise ValueError(f"fixed_commitment 0 of {', '.join(off)}: set in_service to false instead")
    return ThermalUnits(
        names=tuple(units),
        bus=np.array([number[row["bus"]] for row in rows], dtype=np.int64),
        p_min_mw=column("p_min"),
        p_max_mw=column("p_max"),
        ramp_up_mw_per_h=column("ramp_up_60min", "p_max"),
        ramp_down_mw_per_h=column("ramp_down_60min", "p_max"),
        start_up_ramp_mw=column("startup_capacity", "p_max"),
        shut_down_ramp_mw=column("shutdown_capacity", "p_max"),
        min_up_h=column("min_up_time", 0.0),
        min_down_h=column("min_down_time", 0.0),
        initial_on_h=column("initial_status"),
        initial_output_mw=column("initial_p_output"),
        must_run=np.array([row.get("fixed_commitment") == 1 for row in rows], dtype=bool),
        cost_curves=tuple(_curve(row, segments) for row in rows),
        start_up=tuple(_start_up(row) for row in rows),
        shut_down_usd=column("shutdown_cost", 0.0),
    )


def _curve(unit: dict[str, Any], segments: int) -> CostCurve:
    given = unit.get("p_cost")
    p_min, p_max = float(unit["p_min"]), float(unit["p_max"])
    if given is None and "p_fuel" in unit:
        points = np.array(unit["p_fuel"]["values"], dtype=np.float64)
        return CostCurve(points[:, 0], points[:, 1] * float(unit["fuel_cost"]))
    if given is None:
        return with_piecewise((0.0, 0.0, 0.0), p_min, p_max, 1)[0]
    if given["cost_curve_type"] == "piecewise":
        points = np.array(given["values"], dtype=np.float64)
        return CostCurve(points[:, 0], points[:, 1])
    powers = {int(power): float(value) for power, value in given["values"].items()}
    if any(power > 2 and value for power, value in powers.items()):
        raise ValueError("p_cost: polynomials of a degree above 2 are not modelled")
    return with_piecewise((powers.get(0, 0.0), powers.get(1, 0.0), powers.get(2, 0.0)), p_min, p_max, segments)[0]


def _start_up(unit: dict[str, Any]) -> StartUp:
    fuel_usd = float(unit["fuel_cost"]) if "startup_fuel" in unit else 1.0
    points = np.array(unit.get("startup_fuel") or unit.get("startup_cost") or [[0.0, 0.0]], dtype=np.float64)
    return StartUp(points[:, 0], points[:, 1] * fuel_usd)


def _renewables(units: _Elements, number: dict[str, int], periods: int) -> Renewables:
    upper = [_profile(unit["p_max"], periods) for unit in units.values()]
    lower = [_profile(unit.get("p_min", 0.0), periods) for unit in units.values()]
    shape = (len(units), periods)
    bus = np.array([number[unit["bus"]] for unit in units.values()], dtype=np.int64)
    return Renewables(tuple(units), bus, np.array(upper).reshape(shape), np.array(lower).reshape(shape))


def _network(branches: _Elements, number: dict[str, int], base_mva: float) -> Network | None:
    if not branches:
        return None
    rows = list(branches.values())
    reactance, tap, shift_deg = (
        np.array([row.get(key) or default for row in rows], dtype=np.float64)
        for key, default in (("reactance", 0.0), ("transformer_tap_ratio", 1.0), ("transformer_phase_shift", 0.0))
    )
    if (reactance == 0).any():
        raise ValueError("branch: every branch must have a reactance that is not 0")
    price = np.array([row.get("violation_penalty", np.nan) for row in rows], dtype=np.float64)
    limit = [np.inf if row.get("rating_long_term") is None else float(row["rating_long_term"]) for row in rows]
    return Network(
        ids=tuple(branches),
        from_bus=np.array([number[row["from_bus"]] for row in rows], dtype=np.int64),
        to_bus=np.array([number[row["to_bus"]] for row in rows], dtype=np.int64),
        susceptance_mw_per_rad=base_mva * susceptance(np.zeros(len(rows)), reactance, tap, "x_tap"),
        limits_mw=np.array(limit),
        shift_rad=np.deg2rad(shift_deg),
        slack_price_usd_per_mwh=None if np.isnan(price).any() else price,
    )
