"""What can be wrong with a station's settings and its history file, found without running."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from federates.boundary.errors import ModelError, Problem
from federates.station.energy import StorageEnergy
from federates.station.forecast import read_history
from federates.station.settings import Station, StationRules
from federates.station.station import chargers_of, spots_of

_CONFIG = "config.yaml"
_SUM_TOLERANCE = 1e-3
"""The shares are printed with five digits."""


def station_problems(field: str, station: Station) -> list[Problem]:
    """Return what does not fit together in a station's entry; ``field`` is its key, such as ``settings.stations.q1``."""
    if station.charger_kw <= station.feeder_limit_kw:
        return []
    allowed = f"must not exceed feeder_limit_kw = {station.feeder_limit_kw:g}"
    return [Problem(_CONFIG, f"{field}.charger_kw", f"{station.charger_kw:g}", allowed)]


def charger_problems(field: str, station: Station, rules: StationRules) -> list[Problem]:
    """Return why no number of chargers is enough where they are `auto`; ``rules`` must fit together (`rules_problems`)."""
    try:
        chargers_of(station, rules)
    except ModelError as error:
        ways = "charger_kw or blocking_target must be higher, design_flow_veh_per_h lower, or a number be given"
        return [Problem(_CONFIG, f"{field}.chargers", "auto", f"{error}; {ways}")]
    return []


def spot_problems(
    field: str, kind: Literal["rcs", "lcs"], station: Station, rules: StationRules, spot_flow_per_h: float
) -> list[Problem]:
    """Return why no number of spots is enough where they are `auto`; ``rules`` must fit together (`rules_problems`)."""
    try:
        spots_of(kind, station, rules, spot_flow_per_h)
    except ModelError as error:
        less = "feeder_limit_kw, which leaves so many, lower" if kind == "rcs" else "feeder_limit_kw higher"
        ways = f"mves_spot_kw must be higher, {less}, or a number be given"
        return [Problem(_CONFIG, f"{field}.mves_spots", "auto", f"{error}; {ways}")]
    return []


def rules_problems(rules: StationRules) -> list[Problem]:
    """Return what does not fit together in what holds at every station."""
    problems = []
    energy, mves = StorageEnergy(rules.mves), rules.mves
    if energy.counts_traction and float(energy.delivered_kwh(mves.assumed_road_time_s, True)) <= 0.0:
        used = float(energy.traction_kwh(mves.assumed_road_time_s))
        allowed = f"the drive of {mves.assumed_road_time_s:g} s uses {used:.3g} kWh: nothing is left of energy_kwh"
        problems.append(Problem(_CONFIG, "settings.mves.traction_kwh_per_h", f"{mves.traction_kwh_per_h:g}", allowed))
    if rules.waiting_places == "unlimited" and rules.chargers_sized_by == "loss":
        allowed = "with waiting_places: unlimited nobody is turned away; use chargers_sized_by: wait"
        problems.append(Problem(_CONFIG, "settings.chargers_sized_by", "'loss'", allowed))
    return problems


def history_problems(name: str, folder: Path, shapes: Mapping[str, str]) -> list[Problem]:
    """Return what is wrong with the history file ``name``; ``shapes`` are the columns in use, by the key that names them."""
    if not Path(os.path.realpath(folder / name)).is_relative_to(folder.resolve()):
        return [Problem(_CONFIG, "settings.forecast.history_file", repr(name), "must lie in this folder")]
    table, columns = read_history(folder, name, sorted(set(shapes.values())))
    if not table.columns:
        return table.problems
    problems = list(table.problems)
    known = sorted(set(table.columns) - {"h"})
    for field, shape in shapes.items():
        if shape not in known:
            near = difflib.get_close_matches(shape, known, n=1, cutoff=0.4)
            hint = f"did you mean {near[0]!r}? " if near else ""
            problems.append(Problem(_CONFIG, field, repr(shape), f"no column of {name}; {hint}its shapes: {', '.join(known)}"))
    for shape, values in columns.items() if not table.problems else ():
        if abs(values.sum() - 1.0) > _SUM_TOLERANCE:
            problems.append(Problem(name, shape, f"sum {values.sum():.4f}", "the 24 shares must sum to 1"))
    return problems
