"""The traffic model `replay`: a recorded day once more. Links and stations show what they showed then, whatever drives.

The recording is the folder that a run with `sumo` (or `bpr`) left, copied into this agent's own folder::

    cp -r results/<run id>/traffic_sumo traffic_sumo/data/recorded_day

Mobile storages arrive after the recorded link travel times. They change nothing on the road: a recording holds the storages of
its own run, and no others. For those who want a day without SUMO, or the very same road for two schemes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow.parquet as pq

from federates.boundary.config import Config
from federates.boundary.errors import ConfigError, Problem
from federates.boundary.messages import Array
from federates.boundary.roles import Recorder
from federates.boundary.units import S_PER_H
from federates.traffic_sumo.data import HOURS
from federates.traffic_sumo.link_times import LinkTimeTraffic
from federates.traffic_sumo.tables import record_clock
from federates.worlds.road.messages import LinkObservation
from federates.worlds.road.session import RoadSession

_LINK_VALUES = ("flow_veh_per_h", "density_veh_per_km", "speed_m_per_s", "travel_time_s")
_COLUMNS: dict[str, tuple[str, ...]] = {
    "recording": ("start_hour", "period_s", "periods", "bins_per_period"),
    "link_state": ("period", "link", *_LINK_VALUES),
    "station_state": ("period", "bin", "station", "passing_veh"),
    "link_geometry": ("link", "seq", "lat", "lon"),
    "station_sites": ("station", "lat", "lon"),
}
Rows = list[dict[str, Any]]


class ReplaySettings(Config):
    """Settings of `ReplayTraffic`."""

    recording: str = "data/recorded_day"
    """Folder `traffic_sumo` of a recorded run, copied into the agent's own folder."""


@dataclass(frozen=True, slots=True)
class _Day:
    """The part of a recording that a session replays, in the session's order: (4, L, T) by `_LINK_VALUES`, and (S, B, T)."""

    links: Array
    passing_veh: Array
    tables: dict[str, Rows]


class ReplayTraffic(LinkTimeTraffic):
    """A recorded day; the session may begin later and be shorter than it."""

    Settings: ClassVar[type[Config]] = ReplaySettings

    @classmethod
    def check(cls, settings: ReplaySettings, folder: Path, session: RoadSession) -> list[Problem]:
        """Return everything that the recording lacks."""
        return _load(settings, folder, session)[1]

    def begin(self, session: RoadSession, recorder: Recorder) -> None:
        """Read the recording and record its map again."""
        day, problems = _load(self.settings, self.folder, session)
        if day is None:
            raise ConfigError(problems)
        self._day = day
        ends = {}
        for name in session.links:
            points = sorted((row["seq"], _place(row)) for row in day.tables["link_geometry"] if row["link"] == name)
            ends[name] = (points[0][1], points[-1][1])
        sites = {row["station"]: _place(row) for row in day.tables["station_sites"]}
        self.prepare(session, recorder, ends, sites)
        record_clock(recorder, session)
        for table in ("link_geometry", "station_sites"):
            for row in day.tables[table]:
                recorder.record(table, **row)

    def observe_links(self, period: int) -> LinkObservation:
        """Return what was recorded."""
        return LinkObservation(*self._day.links[:, :, period].copy())

    def passing_veh(self, period: int) -> Array:
        """Return what was recorded."""
        return self._day.passing_veh[:, :, period].copy()


def _place(row: dict[str, Any]) -> str:
    """Return the place of a row as a name: links that meet have it in common."""
    return f"{row['lat']:.6f}, {row['lon']:.6f}"


def _load(settings: ReplaySettings, folder: Path, session: RoadSession) -> tuple[_Day | None, list[Problem]]:
    problems: list[Problem] = []
    where = Path(settings.recording)
    tables = {name: _read(folder, where / f"{name}.parquet", columns, problems) for name, columns in _COLUMNS.items()}
    if problems:
        return None, problems
    first = _first_period(tables["recording"][0], session, str(where / "recording.parquet"), problems)
    if problems:
        return None, problems
    links = np.full((len(_LINK_VALUES), len(session.links), session.periods), np.nan)
    for row in tables["link_state"]:
        if row["link"] in session.links and 0 <= row["period"] - first < session.periods:
            links[:, session.links.index(row["link"]), row["period"] - first] = [row[name] for name in _LINK_VALUES]
    passing = np.full((len(session.stations), session.bins_per_period, session.periods), np.nan)
    for row in tables["station_state"]:
        if row["station"] in session.stations and 0 <= row["period"] - first < session.periods:
            passing[session.stations.index(row["station"]), row["bin"], row["period"] - first] = row["passing_veh"]
    problems += _unusable(links, session.links, str(where / "link_state.parquet"), "link", first)
    problems += _unusable(passing, session.stations, str(where / "station_state.parquet"), "station", first)
    problems += _without_place(tables, session, where)
    return (None if problems else _Day(links, passing, tables)), problems


def _read(folder: Path, file: Path, columns: tuple[str, ...], problems: list[Problem]) -> Rows:
    try:
        table = pq.read_table(folder / file)
    except Exception as error:  # pyarrow raises many kinds for a damaged file
        reason = "missing" if isinstance(error, FileNotFoundError) else f"unreadable ({error})"
        allowed = (
            "copy the folder traffic_sumo of a finished run to settings.recording; runs of an older version lack some tables"
        )
        problems.append(Problem(str(file), "(file)", reason, allowed))
        return []
    absent = [name for name in columns if name not in table.column_names]
    if absent or not table.num_rows:
        problems.append(Problem(str(file), ", ".join(absent) or "(file)", "missing", f"rows with {', '.join(columns)}"))
        return []
    rows: Rows = table.select(list(columns)).to_pylist()
    return rows


def _first_period(clock: dict[str, Any], session: RoadSession, file: str, problems: list[Problem]) -> int:
    """Return the recorded period with which the session begins."""
    for key in ("period_s", "bins_per_period"):
        if clock[key] != getattr(session, key):
            allowed = f"must be {getattr(session, key):g}, as in the session: record a run with it"
            problems.append(Problem(file, key, f"{clock[key]:g}", allowed))
    skipped = (session.start_hour - clock["start_hour"]) % HOURS * S_PER_H / session.period_s
    recorded = f"{clock['periods']} periods from {clock['start_hour']} h"
    if not skipped.is_integer() or skipped + session.periods > clock["periods"]:
        allowed = f"must hold the session's {session.periods} periods from {session.start_hour} h"
        problems.append(Problem(file, "periods", recorded, allowed))
    return int(skipped)


def _unusable(values: Array, names: tuple[str, ...], file: str, what: str, first: int) -> Iterator[Problem]:
    """Yield a problem for every link or station with a missing, infinite or negative value; times and speeds must be positive."""
    for number, name in enumerate(names):
        own = np.take(values, number, axis=1 if what == "link" else 0)
        bad = ~np.isfinite(own) | (own < 0)
        if what == "link":
            bad[2:] |= own[2:] == 0
        if bad.any():
            periods = ", ".join(str(first + p) for p in np.flatnonzero(bad.any(axis=0)))
            yield Problem(file, f"{what} {name}", f"missing or unusable in period {periods}", "a number in every period")


def _without_place(tables: dict[str, Rows], session: RoadSession, where: Path) -> Iterator[Problem]:
    for table, key, names in (("link_geometry", "link", session.links), ("station_sites", "station", session.stations)):
        known = {row[key] for row in tables[table]}
        for name in names:
            if name not in known:
                yield Problem(
                    str(where / f"{table}.parquet"), f"{key} {name}", "missing", "every link and station of the session"
                )
