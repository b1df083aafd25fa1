"""Everything wrong with settings and history file that can be found without running."""

from __future__ import annotations

import difflib
import os
from pathlib import Path

from federates.boundary.errors import Problem
from federates.power_operator.models.charging_station.energy import StorageEnergy
from federates.power_operator.models.charging_station.forecast import read_history
from federates.power_operator.models.charging_station.settings import ChargingStationSettings
from federates.worlds.road.session import RoadSession

_CONFIG = "config.yaml"
_SUM_TOLERANCE = 1e-3
"""The shares are printed with five digits."""


def find_problems(settings: ChargingStationSettings, folder: Path, session: RoadSession) -> list[Problem]:
    """Return all problems, those of the settings first."""
    return [*_stations(settings, session), *_values(settings, session), *_history(settings, folder, session)]


def _stations(settings: ChargingStationSettings, session: RoadSession) -> list[Problem]:
    known = ", ".join(session.stations)
    problems = []
    for name in settings.stations:
        if name not in session.stations:
            near = difflib.get_close_matches(name, session.stations, n=1, cutoff=0.4)
            hint = f"did you mean {near[0]!r}? " if near else ""
            field = f"settings.stations.{name}"
            problems.append(Problem(_CONFIG, field, repr(name), f"no station of the session; {hint}its stations: {known}"))
    for name in session.stations:
        if name not in settings.stations:
            allowed = "every station of the session needs an entry"
            problems.append(Problem(_CONFIG, f"settings.stations.{name}", "missing", allowed))
    return problems


def _values(settings: ChargingStationSettings, session: RoadSession) -> list[Problem]:
    problems = []
    for name in session.stations:
        station = settings.stations.get(name)
        if station is not None and station.charger_kw > station.feeder_limit_kw:
            allowed = f"must not exceed feeder_limit_kw = {station.feeder_limit_kw:g}"
            problems.append(Problem(_CONFIG, f"settings.stations.{name}.charger_kw", f"{station.charger_kw:g}", allowed))
    energy = StorageEnergy(settings.mves)
    if energy.counts_traction and float(energy.delivered_kwh(settings.mves.assumed_road_time_s, True)) <= 0.0:
        used = float(energy.traction_kwh(settings.mves.assumed_road_time_s))
        allowed = f"the drive of {settings.mves.assumed_road_time_s:g} s uses {used:.3g} kWh: nothing is left of energy_kwh"
        problems.append(Problem(_CONFIG, "settings.mves.traction_kwh_per_h", f"{settings.mves.traction_kwh_per_h:g}", allowed))
    if settings.waiting_places == "unlimited" and settings.chargers_sized_by == "loss":
        allowed = "with waiting_places: unlimited nobody is turned away; use chargers_sized_by: wait"
        problems.append(Problem(_CONFIG, "settings.chargers_sized_by", "'loss'", allowed))
    return problems


def _history(settings: ChargingStationSettings, folder: Path, session: RoadSession) -> list[Problem]:
    name = settings.forecast.history_file
    if not Path(os.path.realpath(folder / name)).is_relative_to(folder.resolve()):
        return [Problem(_CONFIG, "settings.forecast.history_file", repr(name), "must lie in this folder")]
    used = {s: settings.stations[s].shape for s in session.stations if s in settings.stations}
    table, columns = read_history(folder, name, sorted(set(used.values())))
    if not table.columns:
        return table.problems
    problems = list(table.problems)
    shapes = sorted(set(table.columns) - {"h"})
    for station, shape in used.items():
        if shape not in shapes:
            near = difflib.get_close_matches(shape, shapes, n=1, cutoff=0.4)
            hint = f"did you mean {near[0]!r}? " if near else ""
            allowed = f"no column of {name}; {hint}its shapes: {', '.join(shapes)}"
            problems.append(Problem(_CONFIG, f"settings.stations.{station}.shape", repr(shape), allowed))
    for shape, values in columns.items() if not table.problems else ():
        if abs(values.sum() - 1.0) > _SUM_TOLERANCE:
            problems.append(Problem(name, shape, f"sum {values.sum():.4f}", "the 24 shares must sum to 1"))
    return problems
