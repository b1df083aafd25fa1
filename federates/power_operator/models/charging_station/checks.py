"""Everything wrong with settings and history file that can be found without running."""

from __future__ import annotations

import difflib
from pathlib import Path

from federates.boundary.errors import Problem
from federates.power_operator.models.charging_station.group import spot_flows_per_h
from federates.power_operator.models.charging_station.settings import ChargingStationSettings
from federates.station.checks import charger_problems, history_problems, rules_problems, spot_problems, station_problems
from federates.station.station import chargers_of, kind_of
from federates.worlds.road.session import RoadSession

_CONFIG = "config.yaml"


def find_problems(settings: ChargingStationSettings, folder: Path, session: RoadSession) -> list[Problem]:
    """Return all problems, those of the settings first."""
    problems = _names(settings, session)
    known = {name: settings.stations[name] for name in session.stations if name in settings.stations}
    for name, station in known.items():
        problems += station_problems(f"settings.stations.{name}", station)
    problems += rules_problems(settings)
    problems = problems or _size_problems(settings, session)  # sizes have a meaning only where all else fits
    shapes = {f"settings.stations.{name}.shape": station.shape for name, station in known.items()}
    return [*problems, *history_problems(settings.forecast.history_file, folder, shapes)]


def _size_problems(settings: ChargingStationSettings, session: RoadSession) -> list[Problem]:
    """Return where no number of chargers, or of spots, is enough; how many spots depends on the chargers of all stations."""
    problems: list[Problem] = []
    for name in session.stations:
        problems += charger_problems(f"settings.stations.{name}", settings.stations[name], settings)
    if problems:
        return problems
    chargers = {name: chargers_of(settings.stations[name], settings) for name in session.stations}
    for name, flow in spot_flows_per_h(settings, session, chargers).items():
        field = f"settings.stations.{name}"
        problems += spot_problems(field, kind_of(name, session), settings.stations[name], settings, flow)
    return problems


def _names(settings: ChargingStationSettings, session: RoadSession) -> list[Problem]:
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
