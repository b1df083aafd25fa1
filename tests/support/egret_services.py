"""Egret's ancillary services for the system and its areas, as rows on top of a commitment (Egret's services.py).

Regulation, spinning, non-spinning and supplemental reserve, each of which may stand in for a lower one, and flexible
ramping. Services are held within the ramps and within the range of the unit.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from federates.lp.linear_model import LinearModel, Term
from federates.power_operator.models.unit_commitment.commitment import Commitment
from federates.power_operator.models.unit_commitment.formulations.unit_columns import previous_period

MINUTES = {"regulation": 5.0, "spinning": 10.0, "flexible": 20.0, "supplemental": 30.0}
PRICE_DIVISOR = {"regulation": 4.0, "spinning": 5.0, "non_spinning": 20 / 3, "supplemental": 8.0, "flexible": 100 / 11}
# each reserve with all better ones must cover its own and their requirements
RESERVES = ("regulation_up", "spinning_reserve", "non_spinning_reserve", "supplemental_reserve")
SINGLE = ("regulation_down", "flexible_ramp_up", "flexible_ramp_down")


@dataclass(frozen=True)
class _Services:
    """Columns (G, T) per service; a reserve may have two, of units on and of units off."""

    regulating: np.ndarray
    columns: dict[str, list[np.ndarray]]

    def spun(self, *names: str) -> list[np.ndarray]:
        return [self.columns[name][0] for name in names]


def add_services(model: LinearModel, commitment: Commitment, path: Path) -> None:
    """Add the services that the file requires, with missing amounts at Egret's default prices."""
    data = json.loads(path.read_text())
    rows = [data["elements"]["generator"][name] for name in commitment.system.units.names]
    services = _add_columns(model, commitment, rows)
    _add_range(model, commitment, services, rows)
    _add_ramps(model, commitment, services)
    cost = data["system"]["load_mismatch_cost"]
    _require(model, services, np.ones(len(rows), dtype=bool), data["system"], cost)
    for name, area in data["elements"]["area"].items():
        _require(model, services, np.array([row.get("area") == name for row in rows]), area, cost)


def _column(rows: list[dict], key: str, flag: str) -> np.ndarray:
    return np.array([row.get(key, 0.0) if row.get(flag) else 0.0 for row in rows])[:, None]


def _add_columns(model: LinearModel, commitment: Commitment, rows: list[dict]) -> _Services:
    units, on = commitment.system.units, commitment.on
    up, down = units.ramp_up_mw_per_h[:, None] / 60, units.ramp_down_mw_per_h[:, None] / 60
    band = (_column(rows, "p_max_agc", "agc_capable") - _column(rows, "p_min_agc", "agc_capable")) / 2
    capability = np.minimum(MINUTES["regulation"] * _column(rows, "ramp_agc", "agc_capable"), band)
    regulating = model.variables("regulating", on.shape, upper=1.0, integer=True)
    model.rows("regulating_on", [(1.0, regulating), (-1.0, on)], upper=0.0)
    names = ("reg_up", "reg_down", "spin", "off_10", "supplemental", "off_30", "flex_up", "flex_down")
    reg_up, reg_down, spin, off_10, supplemental, off_30, flex_up, flex_down = (model.variables(n, on.shape) for n in names)
    fast, slow = (
        _column(rows, "non_spinning_capacity", "fast_start"),
        _column(rows, "supplemental_non_spinning_capacity", "supplemental_start"),
    )
    limits: list[tuple[list[np.ndarray], np.ndarray, np.ndarray]] = [
        ([reg_up], np.minimum(capability, up * MINUTES["regulation"]), regulating),
        ([reg_down], np.minimum(capability, down * MINUTES["regulation"]), regulating),
        ([reg_up, spin], up * MINUTES["spinning"], on),
        ([reg_up, spin, supplemental], up * MINUTES["supplemental"], on),
        ([flex_up], up * MINUTES["flexible"], on),
        ([flex_down], down * MINUTES["flexible"], on),
    ]
    for amounts, most, status in limits:
        model.rows("service_limit", [*((1.0, a) for a in amounts), (-most, status)], upper=0.0)
    model.rows("off_10_limit", [(1.0, off_10), (fast, on)], upper=fast)
    model.rows("off_30_limit", [(1.0, off_30), (1.0, off_10), (slow, on)], upper=np.where(slow > 0, slow, np.inf))
    model.rows("off_30_alone", [(1.0, off_30), (slow, on)], upper=slow)
    reserves = {"regulation_up": [reg_up], "spinning_reserve": [spin], "non_spinning_reserve": [off_10]}
    reserves |= {"supplemental_reserve": [supplemental, off_30], "regulation_down": [reg_down]}
    return _Services(regulating, reserves | {"flexible_ramp_up": [flex_up], "flexible_ramp_down": [flex_down]})


def _add_range(model: LinearModel, commitment: Commitment, services: _Services, rows: list[dict]) -> None:
    units = commitment.system.units
    high, low = units.p_max_mw[:, None], units.p_min_mw[:, None]
    above = high - _column(rows, "p_max_agc", "agc_capable")
    below = _column(rows, "p_min_agc", "agc_capable") - low
    terms: list[Term] = [(1.0, commitment.output_mw), (1.0, commitment.reserve_mw), (-high, commitment.on)]
    terms += [(1.0, a) for a in services.spun("flexible_ramp_up", "regulation_up", "spinning_reserve", "supplemental_reserve")]
    model.rows("services_upper", [*terms, (above, services.regulating)], upper=0.0)
    terms = [(1.0, commitment.output_mw), (-low, commitment.on), (-below, services.regulating)]
    terms += [(-1.0, a) for a in services.spun("flexible_ramp_down", "regulation_down")]
    model.rows("services_lower", terms, lower=0.0)


def _add_ramps(model: LinearModel, commitment: Commitment, services: _Services) -> None:
    """Services count as if held for the whole hour; regulation and reserves as the mean of two hours, as CAISO does."""
    units, on, output = commitment.system.units, commitment.on, commitment.output_mw
    low, up, down = units.p_min_mw[:, None], units.ramp_up_mw_per_h[:, None], units.ramp_down_mw_per_h[:, None]
    initial, was_on = np.zeros(on.shape), np.zeros(on.shape)
    initial[:, 0], was_on[:, 0] = units.initial_output_mw, units.initially_on
    mean = np.full(on.shape, 0.5)
    mean[:, 0] = 1.0

    def averaged(name: str, minutes: float) -> list[Term]:
        column = services.columns[name][0]
        return [(mean * 60 / minutes, column), (0.5 * 60 / minutes, previous_period(column))]

    terms: list[Term] = [(1.0, output), (1.0, commitment.reserve_mw), (-low - up, on), (-1.0, previous_period(output))]
    terms += [(low, previous_period(on)), ((low + up) - units.start_up_ramp_mw[:, None], commitment.start)]
    terms += averaged("regulation_up", 5.0) + averaged("spinning_reserve", 10.0) + averaged("supplemental_reserve", 30.0)
    terms.append((3.0, services.columns["flexible_ramp_up"][0]))
    model.rows("services_ramp_up", terms, upper=initial - low * was_on)
    terms = [(1.0, previous_period(output)), (-1.0, output), (low, on), (-low - down, previous_period(on))]
    terms += [((low + down) - units.shut_down_ramp_mw[:, None], commitment.stop), *averaged("regulation_down", 5.0)]
    terms.append((3.0, services.columns["flexible_ramp_down"][0]))
    model.rows("services_ramp_down", terms, upper=(low + down) * was_on - initial)


def _require(model: LinearModel, services: _Services, chosen: np.ndarray, place: dict, mismatch_cost: float) -> None:
    better: list[Term] = []
    needed = np.zeros(services.regulating.shape[1])
    for name in RESERVES + SINGLE:
        required = np.array(place[f"{name}_requirement"]["values"])
        price = mismatch_cost / next(v for kind, v in PRICE_DIVISOR.items() if name.startswith(kind))
        short = model.variables(f"{name}_short", required.size, upper=required, cost=price)
        own: list[Term] = [(1.0, short), *((1.0, column[chosen].T) for column in services.columns[name])]
        if name in RESERVES:
            better, needed = better + own, needed + required
        terms, bound = (better, needed) if name in RESERVES else (own, required)
        model.rows(f"{name}_requirement", terms, lower=bound)
