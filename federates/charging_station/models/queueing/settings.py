"""Settings of a queueing station, one station to a folder, and what can be wrong with them."""

from __future__ import annotations

from pathlib import Path

from federates.boundary.config import NotNegative
from federates.boundary.errors import Problem
from federates.station.checks import charger_problems, history_problems, rules_problems, spot_problems, station_problems
from federates.station.settings import Station, StationRules
from federates.station.station import chargers_of, design_spot_flow_per_h, kind_of
from federates.worlds.fleets.session import FleetSession

_CONFIG = "config.yaml"


class QueueingSettings(Station, StationRules):
    """Settings of `QueueingStation`: the entry of one station, and what holds for its queue, its forecast and its margins.

    Of `mves`, `energy_kwh` is what a vehicle is taken to carry until fleets have announced some, and sizes the spots; `traction`
    and `charging_delays` must be left as they are, for the drive is the fleets' matter.
    """

    waiting_usd_per_h: NotNegative = 20.0
    """What an hour that a mobile storage waits is worth in the table `mves_stock`, usd/h; it steers nothing."""


def find_problems(settings: QueueingSettings, folder: Path, session: FleetSession) -> list[Problem]:
    """Return everything wrong with a station's settings and its history file."""
    problems = []
    if len(session.stations) != 1:
        named = ", ".join(session.stations) or "no station"
        problems.append(Problem(_CONFIG, "model", named, "the agent must have exactly one station of the session as its part"))
    problems += [*station_problems("settings", settings), *_left_to_fleets(settings), *rules_problems(settings)]
    problems = problems or _size_problems(settings, session)  # sizes have a meaning only where all else fits
    return [*problems, *history_problems(settings.forecast.history_file, folder, {"settings.shape": settings.shape})]


def spot_flow_per_h(settings: QueueingSettings, session: FleetSession, chargers: int) -> float:
    """Return the mobile storages per hour for which the spots of the agent's one station are sized."""
    (name,) = session.stations
    return max(1.0, design_spot_flow_per_h(kind_of(name, session), settings, settings, chargers))


def _size_problems(settings: QueueingSettings, session: FleetSession) -> list[Problem]:
    if problems := charger_problems("settings", settings, settings):
        return problems
    (name,) = session.stations
    flow = spot_flow_per_h(settings, session, chargers_of(settings, settings))
    return spot_problems("settings", kind_of(name, session), settings, settings, flow)


def _left_to_fleets(settings: QueueingSettings) -> list[Problem]:
    found = {"traction": (settings.mves.traction, "off"), "charging_delays": (settings.mves.charging_delays, False)}
    return [
        Problem(
            _CONFIG, f"settings.mves.{key}", repr(value), f"must be {str(only).lower()}: what a drive takes is the fleets' matter"
        )
        for key, (value, only) in found.items()
        if value != only
    ]
