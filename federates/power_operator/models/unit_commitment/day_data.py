"""The power system of a day, from the operator's folder: case, units, load, renewables and line limits."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from federates.boundary.errors import ConfigError, Problem
from federates.power_operator.models.unit_commitment.cost_curves import CostCurve
from federates.power_operator.models.unit_commitment.matpower import MatpowerCase, read_matpower
from federates.power_operator.models.unit_commitment.network import Network
from federates.power_operator.models.unit_commitment.settings import UnitCommitmentSettings
from federates.power_operator.models.unit_commitment.system import PowerSystem, Renewables, StartUp, ThermalUnits
from federates.power_operator.models.unit_commitment.units_by_size import columns_by_size, giving_units
from federates.runtime.csv_table import CsvTable, read_csv

__all__ = ["DayData", "read_day"]

Array = NDArray[np.float64]
_CONFIG = "config.yaml"


@dataclass(frozen=True, slots=True)
class DayData:
    """The forecast day; ``buses`` are the numbers of the case, ``cost_error_usd_per_h`` the largest error of a cost curve."""

    system: PowerSystem
    buses: tuple[int, ...]
    cost_error_usd_per_h: float


def read_day(settings: UnitCommitmentSettings, folder: Path, periods: int, period_h: float) -> DayData:
    """Read the day of ``periods`` periods.

    Raises
    ------
    ConfigError : with everything that is wrong in any of the files.
    """
    case = read_matpower(folder / settings.case_file, settings.susceptance, settings.case_file)
    buses = tuple(int(bus) for bus in case.buses)
    problems: list[Problem] = []
    if not case.load_mw.sum() > 0:
        allowed = f"must be above 0 at some buses: {settings.load.file} is shared out among them as the case's loads are"
        problems.append(Problem(settings.case_file, "bus, PD and GS", f"{case.load_mw.sum():g} MW together", allowed))
    load = read_csv(folder, settings.load.file, ("period", "load_mw"))
    load_mw = load.profile("load_mw", "period", periods) * settings.load.scale
    problems += load.problems
    units, error_usd_per_h = _units(settings, folder, case, problems)
    renewables = _renewables(settings, folder, buses, periods, problems)
    network = _limited(case.network, settings, folder, case, problems)
    if problems:
        raise ConfigError(problems)
    share = case.load_mw / case.load_mw.sum()
    prices = settings.prices
    system = PowerSystem(
        period_h=period_h,
        buses=case.buses,
        load_mw=np.outer(share, load_mw),
        units=units,
        renewables=renewables,
        network=network,
        shed_price_usd_per_mwh=prices.shed_usd_per_mwh,
        spill_price_usd_per_mwh=prices.spill_usd_per_mwh,
        line_slack_price_usd_per_mwh=prices.overload_usd_per_mwh,
    )
    system.validate(settings.case_file)
    return DayData(system, buses, error_usd_per_h)


_NEEDED = ("bus", "min_up_h", "min_down_h", "start_up_usd", "initial_on_h")
_EITHER = ("p_min_mw", "p_min_share", "ramp_mw_per_h", "ramp_share_per_h")
_OUTPUT = "initial_output_mw"


def _units(
    settings: UnitCommitmentSettings, folder: Path, case: MatpowerCase, problems: list[Problem]
) -> tuple[ThermalUnits, float]:
    """Return the case's units with the commitment data of the units file, or by their size, and the error of their curves."""
    if settings.units_file:
        column = _unit_columns(settings.units_file, folder, case, problems)
    else:
        case = giving_units(case)
        column = columns_by_size(case)
    if not column:
        return _no_units(), 0.0
    p_min_mw = _p_min_mw(column, case)
    ramp_mw_per_h = column.get("ramp_mw_per_h", column.get("ramp_share_per_h", 1.0) * case.p_max_mw)
    curves = _cost_curves(settings, case, p_min_mw, problems)
    on = column["initial_on_h"] > 0
    first_mw = np.maximum(p_min_mw, ramp_mw_per_h)
    units = ThermalUnits(
        names=_names([int(case.buses[bus]) for bus in case.unit_bus]),
        bus=case.unit_bus,
        p_min_mw=p_min_mw,
        p_max_mw=case.p_max_mw,
        ramp_up_mw_per_h=ramp_mw_per_h,
        ramp_down_mw_per_h=ramp_mw_per_h,
        start_up_ramp_mw=first_mw,
        shut_down_ramp_mw=first_mw,
        min_up_h=column["min_up_h"],
        min_down_h=column["min_down_h"],
        initial_on_h=column["initial_on_h"],
        initial_output_mw=column.get(_OUTPUT, np.where(on, p_min_mw, 0.0)),
        must_run=np.zeros(len(on), dtype=bool),
        cost_curves=tuple(curve for curve, _ in curves),
        start_up=tuple(StartUp(np.array([1.0]), np.array([cost])) for cost in column["start_up_usd"]),
        shut_down_usd=case.shut_down_usd,
    )
    return units, max((error for _, error in curves), default=0.0)


def _unit_columns(file: str, folder: Path, case: MatpowerCase, problems: list[Problem]) -> dict[str, Array]:
    """Return the columns of the units file in the order of the case's units, matched by bus; none where it has problems."""
    table = read_csv(folder, file, _NEEDED, (*_EITHER, _OUTPUT))
    unit_bus = [int(case.buses[bus]) for bus in case.unit_bus]
    given = [] if table.problems else _match_buses(table, unit_bus, case.idle_bus)
    columns = {name: _column(table, name) for name in (*_NEEDED, *_EITHER, _OUTPUT) if name in table.columns}
    problems += table.problems
    if table.problems:
        return {}
    rows = np.array([given.index(bus) for bus in unit_bus])
    columns = {name: values[rows] for name, values in columns.items()}
    unfit = _unfit(file, columns, case)
    problems += unfit
    return {} if unfit else columns


def _unfit(file: str, columns: dict[str, Array], case: MatpowerCase) -> list[Problem]:
    """Return what does not fit the case's units, named by file, column and bus as it stands there."""
    found = []
    for name, most in (("p_min_mw", case.p_max_mw), ("p_min_share", np.ones(len(case.p_max_mw)))):
        for g in np.flatnonzero(columns[name] > most + 1e-9) if name in columns else ():
            allowed = f"must not exceed the unit's maximum, {most[g]:g}"
            found.append(Problem(file, f"{name}, bus {case.buses[case.unit_bus[g]]}", f"{columns[name][g]:g}", allowed))
    for g in np.flatnonzero(~_may_be(columns, case)) if _OUTPUT in columns else ():
        allowed = "must lie between the unit's minimum and maximum if it is on, and be 0 if it is off (initial_on_h)"
        found.append(Problem(file, f"{_OUTPUT}, bus {case.buses[case.unit_bus[g]]}", f"{columns[_OUTPUT][g]:g}", allowed))
    for g in np.flatnonzero(columns["initial_on_h"] == 0):
        allowed = "must be hours on (above 0) or off (below 0)"
        found.append(Problem(file, f"initial_on_h, bus {case.buses[case.unit_bus[g]]}", "0", allowed))
    return found


def _may_be(columns: dict[str, Array], case: MatpowerCase) -> NDArray[np.bool_]:
    """Return which units can have had the output that they are said to begin with, (G,)."""
    output_mw, on = columns[_OUTPUT], columns["initial_on_h"] > 0
    inside = (output_mw >= _p_min_mw(columns, case) - 1e-6) & (output_mw <= case.p_max_mw + 1e-6)
    return np.where(on, inside, np.abs(output_mw) <= 1e-6)


def _p_min_mw(columns: dict[str, Array], case: MatpowerCase) -> Array:
    return columns.get("p_min_mw", columns.get("p_min_share", 0.0) * case.p_max_mw)


def _cost_curves(
    settings: UnitCommitmentSettings, case: MatpowerCase, p_min_mw: Array, problems: list[Problem]
) -> list[tuple[CostCurve, float]]:
    """Return curve and error of each unit; a cost that is neither piecewise nor a convex quadratic is a problem."""
    curves = []
    for g in range(len(p_min_mw)):
        try:
            curves.append(case.cost_curve(g, p_min_mw[g], case.p_max_mw[g], settings.cost_segments))
        except ValueError as error:
            allowed = "must be piecewise linear or a convex polynomial of degree 2 or less"
            problems.append(Problem(settings.case_file, f"gencost, row {case.row[g] + 1}", str(error), allowed))
    return curves


def _column(table: CsvTable, name: str) -> Array:
    """Return a column of the units file; hours before the day are negative for a unit that is off."""
    return table.numbers(name, least=-np.inf if name == "initial_on_h" else 0.0)


def _match_buses(table: CsvTable, unit_bus: list[int], idle_bus: tuple[int, ...]) -> list[int]:
    """Return the bus of each row; note units without a row, rows without a unit, and buses that stand twice."""
    given = table.whole_numbers("bus")
    table.once("bus")
    for absolute, share in (_EITHER[:2], _EITHER[2:]):
        if absolute not in table.columns and share not in table.columns:
            table.add(absolute, "missing", f"this column is needed, or {share}; the file has: {', '.join(table.columns)}")
    for bus in sorted(set(unit_bus) - set(given)):
        table.add("bus", f"{bus} missing", "the case has a unit at this bus")
    for bus in sorted(set(given) - set(unit_bus)):
        idle = "; the unit there is out of service in the case (GEN_STATUS)" if bus in idle_bus else ""
        table.add("bus", str(bus), f"must be a bus of the case with a unit{idle}")
    return given


def _names(unit_bus: list[int]) -> tuple[str, ...]:
    """Return names by bus; several units at a bus are numbered."""
    total, counted = Counter(unit_bus), Counter[int]()
    names = []
    for bus in unit_bus:
        counted[bus] += 1
        names.append(f"g{bus}" if total[bus] == 1 else f"g{bus}-{counted[bus]}")
    return tuple(names)


def _no_units() -> ThermalUnits:
    none = np.empty(0)
    index, flags = np.empty(0, dtype=np.int64), np.empty(0, dtype=bool)
    return ThermalUnits((), index, none, none, none, none, none, none, none, none, none, none, flags, (), (), none)


def _renewables(
    settings: UnitCommitmentSettings, folder: Path, buses: tuple[int, ...], periods: int, problems: list[Problem]
) -> Renewables:
    if not settings.renewables:
        return Renewables.none(periods)
    table = read_csv(folder, settings.renewables_file, ("period",))
    available = [table.profile(entry.column, "period", periods) * entry.scale for entry in settings.renewables.values()]
    problems += table.problems
    index = []
    for name, entry in settings.renewables.items():
        if entry.bus not in buses:
            problems.append(Problem(_CONFIG, f"settings.renewables.{name}.bus", str(entry.bus), "must be a bus of the case"))
        index.append(buses.index(entry.bus) if entry.bus in buses else 0)
    available_mw = np.array(available)
    return Renewables(tuple(settings.renewables), np.array(index, dtype=np.int64), available_mw, np.zeros_like(available_mw))


def _limited(
    network: Network, settings: UnitCommitmentSettings, folder: Path, case: MatpowerCase, problems: list[Problem]
) -> Network:
    """Return the grid with the limits of the file and of the settings."""
    limits_mw = network.limits_mw.copy()
    ends = [f"{case.buses[a]}-{case.buses[b]}" for a, b in zip(network.from_bus, network.to_bus, strict=True)]
    if settings.line_limits_file:
        table = read_csv(folder, settings.line_limits_file, ("line", "from_bus", "to_bus", "limit_mw"))
        _limits_from_file(table, network, ends, limits_mw)
        problems += table.problems
    for pair, limit_mw in settings.line_limits_mw.items():
        same = [line for line, end in enumerate(ends) if end in (pair, "-".join(reversed(pair.split("-"))))]
        if not same:
            problems.append(Problem(_CONFIG, f"settings.line_limits_mw.{pair}", pair, "must be two joined buses, such as 12-13"))
        limits_mw[same] = limit_mw
    return replace(network, limits_mw=limits_mw, ids=_line_names(ends))


def _limits_from_file(table: CsvTable, network: Network, ends: list[str], limits_mw: Array) -> None:
    if table.problems:
        return
    row_of = {number: line for line, number in enumerate(network.ids)}
    limit = table.numbers("limit_mw", least=0.0)
    columns = [table.whole_numbers(name) for name in ("line", "from_bus", "to_bus")]
    table.once("line")
    for row, (line, start, end) in enumerate(zip(*columns, strict=True)):
        known = row_of.get(str(line))
        if known is None or ends[known] not in (f"{start}-{end}", f"{end}-{start}"):
            allowed = "must be a branch of the case in service, with its two buses"
            table.add(f"line {table.lines[row]}", f"{line} from {start} to {end}", allowed)
        else:
            limits_mw[known] = limit[row]


def _line_names(ends: list[str]) -> tuple[str, ...]:
    """Return names by buses; parallel lines are numbered."""
    total, counted = Counter(ends), Counter[str]()
    names = []
    for end in ends:
        counted[end] += 1
        names.append(end if total[end] == 1 else f"{end}/{counted[end]}")
    return tuple(names)
