"""MATPOWER case files (.m), read with matpowercaseframes: the grid, the load and the units' limits and costs."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matpowercaseframes import CaseFrames
from matpowercaseframes.reader import find_attributes, parse_file
from numpy.typing import NDArray

from federates.boundary.errors import ConfigError, Problem
from federates.power_operator.models.unit_commitment.cost_curves import CostCurve, with_piecewise
from federates.power_operator.models.unit_commitment.network import Convention, Network, susceptance

__all__ = ["MatpowerCase", "read_matpower"]

Values = NDArray[np.float64]
Indices = NDArray[np.int64]

_PIECEWISE, _POLYNOMIAL = 1, 2  # MODEL of gencost
_COLUMNS = {
    "bus": ("BUS_I", "BUS_TYPE", "PD", "GS"),
    "gen": ("GEN_BUS", "GEN_STATUS", "PMAX", "PMIN"),
    "branch": ("F_BUS", "T_BUS", "BR_R", "BR_X", "TAP", "SHIFT", "RATE_A", "BR_STATUS"),
    "gencost": ("MODEL", "STARTUP", "SHUTDOWN", "NCOST"),
}
_ISOLATED = 4  # BUS_TYPE


@dataclass(frozen=True, slots=True)
class MatpowerCase:
    """What a case says: buses (B,), generators (G,) that are in service, lines (L,) that are in service.

    ``load_mw`` (B,) includes the shunt conductances; ``unit_bus`` (G,) are indices into ``buses``; ``gencost`` has
    one row per generator: (model, values); ``row`` (G,) is the row in the file's table of generators, from 0;
    ``idle_bus`` numbers the buses of units that are out of service.
    """

    buses: tuple[str, ...]
    load_mw: Values
    row: Indices
    unit_bus: Indices
    p_min_mw: Values
    p_max_mw: Values
    start_up_usd: Values
    shut_down_usd: Values
    gencost: tuple[tuple[int, Values], ...]
    network: Network
    idle_bus: tuple[int, ...] = ()

    def quadratic(self, unit: int) -> tuple[float, float, float]:
        """Return (c0 USD/h, c1 USD/MWh, c2 USD/MW^2h) of a unit with a polynomial cost.

        Raises
        ------
        ValueError : the cost is piecewise linear or of a higher degree.
        """
        model, values = self.gencost[unit]
        padded = np.concatenate([values[::-1], np.zeros(3)])  # the file has the highest power first
        if model != _POLYNOMIAL or (padded[3:] != 0).any():
            raise ValueError(f"generator {unit + 1}: the cost is not a polynomial of degree 2 or less")
        return float(padded[0]), float(padded[1]), float(padded[2])

    def cost_curve(self, unit: int, p_min_mw: float, p_max_mw: float, segments: int = 10) -> tuple[CostCurve, float]:
        """Return the cost of a unit between two outputs, and the largest error in USD/h (0 for piecewise costs).

        Raises
        ------
        ValueError : the cost is not convex, a polynomial of degree 3 or more, or its points do not rise.
        """
        model, values = self.gencost[unit]
        if model == _POLYNOMIAL:
            return with_piecewise(self.quadratic(unit), p_min_mw, p_max_mw, segments)
        mw, usd_per_h = values[0::2], values[1::2]
        if mw.size < 2 or (np.diff(mw) <= 0).any():
            raise ValueError(f"points at {', '.join(f'{x:g}' for x in mw)} MW: two or more are needed, and each above the last")
        if (np.diff(np.diff(usd_per_h) / np.diff(mw)) < -1e-6 * (1 + np.abs(np.diff(usd_per_h) / np.diff(mw))[:-1])).any():
            raise ValueError("the cost of a further MW falls somewhere: it is not convex")
        inside = mw[(mw > p_min_mw) & (mw < p_max_mw)]
        points = np.unique(np.concatenate([[p_min_mw], inside, [p_max_mw]]))
        slopes = np.diff(usd_per_h) / np.diff(mw)
        segment = np.clip(np.searchsorted(mw, points, side="right") - 1, 0, slopes.size - 1)
        return CostCurve(points, usd_per_h[segment] + slopes[segment] * (points - mw[segment])), 0.0


def read_matpower(path: Path, convention: Convention = "x_tap", shown_as: str | None = None) -> MatpowerCase:
    """Read a MATPOWER case; isolated buses (type 4) and what is out of service are left out.

    ``convention`` is that of the susceptances (`network.susceptance`). RATE_A of 0 stands for no limit.

    Raises
    ------
    ConfigError : the file is missing or is no case, with everything found wrong.
    """
    name = shown_as or str(path)
    tables = _tables(path, name)
    bus, base_mva = tables["bus"], float(tables["baseMVA"][0, 0])
    bus = bus[bus[:, 1] != _ISOLATED]
    number = {int(b): i for i, b in enumerate(bus[:, 0])}
    gen, cost_rows = tables["gen"], tables["gencost_values"]
    problems = _unknown_buses(name, number, gen, tables["branch"])
    if len(cost_rows) not in (len(gen), 2 * len(gen)):
        problems.append(Problem(name, "gencost", f"{len(cost_rows)} rows", f"must have {len(gen)} rows, one per generator"))
    problems += _unread_numbers(name, tables)
    if problems:
        raise ConfigError(problems)
    row = np.flatnonzero(gen[:, 1] > 0)
    idle_bus = tuple(int(b) for b in gen[gen[:, 1] <= 0, 0])
    gen, cost = gen[row], tables["gencost"][row]
    return MatpowerCase(
        buses=tuple(str(int(b)) for b in bus[:, 0]),
        load_mw=bus[:, 2] + bus[:, 3],
        row=row.astype(np.int64),
        unit_bus=np.array([number[int(b)] for b in gen[:, 0]], dtype=np.int64),
        p_min_mw=gen[:, 3],
        p_max_mw=gen[:, 2],
        start_up_usd=cost[:, 1],
        shut_down_usd=cost[:, 2],
        gencost=tuple(_gencost(int(c[0]), int(c[3]), cost_rows[g]) for g, c in zip(row, cost, strict=True)),
        network=_network(tables["branch"], number, base_mva, convention),
        idle_bus=idle_bus,
    )


def _tables(path: Path, name: str) -> dict[str, Values]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the library still calls deprecated functions of pandas
            case = CaseFrames(_parsed(path.read_text(encoding="utf-8"), name))
        tables = {table: getattr(case, table)[list(columns)].to_numpy(dtype=np.float64) for table, columns in _COLUMNS.items()}
        values = case.gencost.drop(columns=list(_COLUMNS["gencost"]))
    except FileNotFoundError:
        raise ConfigError([Problem(name, "(file)", "missing", "this file must exist")]) from None
    except UnicodeDecodeError as error:
        byte = f"byte {error.object[error.start]:#04x} at {error.start}"
        raise ConfigError([Problem(name, "(file)", byte, "must be a text file in UTF-8")]) from None
    except (AttributeError, KeyError, ValueError, IndexError, TypeError) as error:
        raise ConfigError([Problem(name, "(file)", repr(error), "must be a MATPOWER case of version 2")]) from None
    tables["gencost_values"] = values.to_numpy(dtype=np.float64)
    tables["baseMVA"] = np.array([[_base_mva(case, name)]])
    return tables


def _parsed(text: str, name: str) -> dict[str, Any]:
    """Return the tables of a case as rows of values; rows of ``gencost`` are filled with zeros to the longest, as in MATPOWER."""
    found: dict[str, Any] = {}
    for attribute in dict.fromkeys(find_attributes(text)):
        rows = parse_file(attribute, text) if attribute in (*_COLUMNS, "baseMVA") else None
        if not rows:
            continue
        longest = max(len(row) for row in rows)
        if attribute == "gencost":
            rows = [[*row, *[0] * (longest - len(row))] for row in rows]
        short = [k for k, row in enumerate(rows) if len(row) < longest]
        if short:
            where, value = f"{attribute}, row {short[0] + 1}", f"{len(rows[short[0]])} values"
            raise ConfigError([Problem(name, where, value, f"must have {longest}, as the longest row has")])
        found[attribute] = rows[0][0] if attribute == "baseMVA" else rows
    return found


def _base_mva(case: CaseFrames, name: str) -> float:
    given = getattr(case, "baseMVA", "missing")
    try:
        base_mva = float(given)
    except (TypeError, ValueError):
        base_mva = np.nan
    if not (np.isfinite(base_mva) and base_mva > 0):
        raise ConfigError([Problem(name, "baseMVA", str(given), "must be a number above 0, MVA; 100 in most cases")])
    return base_mva


def _unread_numbers(name: str, tables: dict[str, Values]) -> list[Problem]:
    """Return numbers of units and lines in service that MATPOWER defines otherwise, or that have no meaning here."""
    found = []
    gen, cost, branch = tables["gen"], tables["gencost"], tables["branch"]
    for row in np.flatnonzero((gen[:, 1] > 0)[: len(cost)]):
        if cost[row, 0] not in (_PIECEWISE, _POLYNOMIAL):
            allowed = f"must be {_PIECEWISE} (piecewise linear) or {_POLYNOMIAL} (polynomial)"
            found.append(Problem(name, f"gencost, row {row + 1}, MODEL", f"{cost[row, 0]:g}", allowed))
    for row in np.flatnonzero((branch[:, 7] > 0) & (branch[:, 6] < 0)):
        found.append(Problem(name, f"branch, row {row + 1}, RATE_A", f"{branch[row, 6]:g}", "must be MVA, 0 for no limit"))
    for row in np.flatnonzero((branch[:, 7] > 0) & (branch[:, 3] == 0)):
        found.append(Problem(name, f"branch, row {row + 1}, BR_X", "0", "must not be 0: the flow goes by it"))
    for row in np.flatnonzero(cost[:, 0] == _PIECEWISE):
        if 2 * cost[row, 3] > tables["gencost_values"].shape[1]:
            found.append(Problem(name, f"gencost, row {row + 1}, NCOST", f"{cost[row, 3]:g}", "the row has fewer points"))
    return found


def _unknown_buses(name: str, number: dict[int, int], gen: Values, branch: Values) -> list[Problem]:
    ends = [("gen", gen[gen[:, 1] > 0, 0]), ("branch", branch[branch[:, 7] > 0, :2].ravel())]
    unknown = [(table, int(b)) for table, used in ends for b in np.unique(used) if int(b) not in number]
    return [Problem(name, table, str(b), "must be a bus of the case that is not isolated") for table, b in unknown]


def _gencost(model: int, count: int, values: Values) -> tuple[int, Values]:
    return model, values[: 2 * count if model == _PIECEWISE else count]


def _network(branch: Values, number: dict[int, int], base_mva: float, convention: Convention) -> Network:
    live = np.flatnonzero(branch[:, 7] > 0)
    branch = branch[live]
    per_unit = susceptance(branch[:, 2], branch[:, 3], branch[:, 4], convention)
    return Network(
        ids=tuple(str(line + 1) for line in live),
        from_bus=np.array([number[int(b)] for b in branch[:, 0]], dtype=np.int64),
        to_bus=np.array([number[int(b)] for b in branch[:, 1]], dtype=np.int64),
        susceptance_mw_per_rad=base_mva * per_unit,
        limits_mw=np.where(branch[:, 6] > 0, branch[:, 6], np.inf),
        shift_rad=np.deg2rad(branch[:, 5]),
    )
