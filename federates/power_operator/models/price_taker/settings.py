"""Settings of the price taker: its part ``settings`` of ``config.yaml``, and the table of worth that they make."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from federates.boundary.config import Config
from federates.boundary.errors import Problem
from federates.runtime.csv_table import CsvTable, read_csv
from federates.worlds.rail.session import RailSession
from federates.worlds.road.session import RoadSession

Array = NDArray[np.float64]
NotNegative = Annotated[float, Field(ge=0, le=1e9)]
Day = Annotated[tuple[NotNegative, ...], Field(min_length=24, max_length=24)]
_HOURS = 24
_ROAD_NEED_VEH_PER_H, _RAIL_NEED_TRAINS = 20.0, 1.0


class PriceTakerSettings(Config):
    """What stations want, and what it is worth. On the road the stations are the limited ones, by rail all."""

    worth_usd: NotNegative = 25.0
    """Worth of a vehicle, by rail of a train that stands at a station for an hour, usd; where no other is given below."""
    worth_usd_by_hour: dict[str, Day] = Field(default_factory=dict)
    """The same by station: 24 values, for the hours of the day from 0."""
    worth_file: str = ""
    """The same as a CSV file with the column hour (0 to 23, each once) and one column a station; "" for none."""
    need: NotNegative | None = None
    """Most that is wanted at a station: vehicles an hour (default 20), by rail trains at a time (default 1)."""
    need_by_station: dict[str, NotNegative] = Field(default_factory=dict)
    """The same by station."""
    gate_s: NotNegative = 600.0
    """Road: time that a vehicle spends at a station, told at the gate, s."""
    spots: NotNegative = 20.0
    """Road: spots for vehicles at a station, told at the gate."""


def served_stations(session: RoadSession | RailSession) -> tuple[str, ...]:
    """Return the stations that worth and need are for."""
    return session.stations if isinstance(session, RailSession) else session.limited_stations


def needs(settings: PriceTakerSettings, session: RoadSession | RailSession) -> Array:
    """Return the need of a period by station, shape (S,) or (Q,): vehicles, by rail trains."""
    if isinstance(session, RailSession):
        default, factor = _RAIL_NEED_TRAINS, 1.0
    else:
        default, factor = _ROAD_NEED_VEH_PER_H, session.period_s / 3600.0
    usual = default if settings.need is None else settings.need
    return factor * np.array([settings.need_by_station.get(name, usual) for name in served_stations(session)])


def worth_by_hour(settings: PriceTakerSettings, folder: Path, session: RoadSession | RailSession) -> Array:
    """Return the worth by station and hour of the day, shape (S, 24) or (Q, 24), usd."""
    given: dict[str, tuple[float, ...]] = dict(settings.worth_usd_by_hour)
    if settings.worth_file:
        table = read_csv(folder, settings.worth_file, ("hour",))
        given |= {name: tuple(table.profile(name, "hour", _HOURS).tolist()) for name in table.columns if name != "hour"}
    everywhere = (settings.worth_usd,) * _HOURS
    return np.array([given.get(name, everywhere) for name in served_stations(session)])


def find_problems(settings: PriceTakerSettings, folder: Path, session: RoadSession | RailSession) -> list[Problem]:
    """Return names that are no stations, and what is wrong with the file."""
    known = served_stations(session)
    allowed = f"must be one of the {'' if isinstance(session, RailSession) else 'limited '}stations {', '.join(known)}"
    named = {"worth_usd_by_hour": [*settings.worth_usd_by_hour], "need_by_station": [*settings.need_by_station]}
    problems = [
        Problem("config.yaml", f"settings.{field}.{name}", name, allowed)
        for field, entries in named.items()
        for name in entries
        if name not in known
    ]
    if settings.worth_file:
        table = read_csv(folder, settings.worth_file, ("hour",))
        if not table.problems:
            _check_table(table, settings, known, allowed)
        problems += table.problems
    return problems


def _check_table(table: CsvTable, settings: PriceTakerSettings, known: tuple[str, ...], allowed: str) -> None:
    """Note hours that are missing or stand twice, columns that are no stations, and worth below 0."""
    for name in (name for name in table.columns if name != "hour"):
        if name not in known:
            table.add(name, name, allowed)
        elif name in settings.worth_usd_by_hour:
            table.add(name, "given twice", "stands in settings.worth_usd_by_hour too")
        else:
            table.profile(name, "hour", _HOURS, exactly=True)
