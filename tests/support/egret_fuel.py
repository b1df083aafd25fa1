"""Egret's instantaneous fuel supplies and units with two fuels, as rows on top of a commitment.

The rows are those of Egret's fuel_consumption.py and fuel_supply.py for units that can switch fuel while they run.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from federates.lp.linear_model import LinearModel, Term
from federates.power_operator.models.unit_commitment.commitment import Commitment


def add_fuel(model: LinearModel, commitment: Commitment, path: Path) -> None:
    """Add fuel use, the second fuel at its extra cost, and the limits of the supplies."""
    elements = json.loads(path.read_text())["elements"]
    drawn: dict[str, list[Term]] = {name: [] for name in elements["fuel_supply"]}
    for g, name in enumerate(commitment.system.units.names):
        unit = elements["generator"][name]
        if "p_fuel" not in unit:
            continue
        total = _total_fuel(commitment, g, unit)
        if unit.get("aux_fuel_capable"):
            total += _second_fuel(model, commitment, g, unit, total)
        drawn[unit["fuel_supply"]] += total
    for name, terms in drawn.items():
        available = np.minimum(elements["fuel_supply"][name]["fuel_available"]["values"], np.inf)
        model.rows(f"fuel {name}", terms, upper=np.where(available > 1e20, np.inf, available))


def _total_fuel(commitment: Commitment, g: int, unit: dict) -> list[Term]:
    """Return the terms of the fuel that a unit uses in each hour, starts included."""
    price = unit["fuel_cost"]
    curve, start_up = commitment.system.units.cost_curves[g], commitment.start_up
    first = sum(c.mw.size - 1 for c in commitment.system.units.cost_curves[:g])
    segments = commitment.segment_mw[first : first + curve.mw.size - 1]
    terms: list[Term] = [(curve.usd_per_h[0] / price, commitment.on[g])]
    terms += [(slope / price, index) for slope, index in zip(curve.slopes_usd_per_mwh, segments, strict=True)]
    own = start_up.unit == g
    return terms + [(usd / price, index) for usd, index in zip(start_up.cost_usd[own], start_up.index[own], strict=True)]


def _second_fuel(model: LinearModel, commitment: Commitment, g: int, unit: dict, total: list[Term]) -> list[Term]:
    """Add the use of the second fuel, one fuel at a time, and return it as what the first is spared."""
    most = unit["p_fuel"]["values"][-1][1] + unit["startup_fuel"][-1][1]
    periods = commitment.system.periods
    second = model.variables("second_fuel", periods, cost=unit["aux_fuel_cost"] - unit["fuel_cost"])
    on_second = model.variables("on_second_fuel", periods, upper=1.0, integer=True)
    model.rows("second_fuel", [(1.0, second), (-most, on_second)], upper=0.0)
    model.rows("on_second_fuel", [(1.0, on_second), (-1.0, commitment.on[g])], upper=0.0)
    spared: list[Term] = [(-1.0, second)]
    model.rows("second_fuel_part", [*total, *spared], lower=0.0)
    model.rows("first_fuel", [*total, *spared, (-most, commitment.on[g]), (most, on_second)], upper=0.0)
    return spared
