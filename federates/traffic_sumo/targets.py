"""Target time of every link and hour: observed where speeds were observed, estimated elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from federates.boundary.errors import ConfigError, Problem
from federates.boundary.units import M_PER_S_PER_MPH
from federates.runtime.csv_table import CsvTable, read_csv
from federates.traffic_sumo.data import HOURS, Road, read_rows

Array: TypeAlias = NDArray[np.float64]

MORNING_HOURS = (7, 8)
"""Hours covered by the observation, Tuesday 2008-10-07, 07:11-08:41."""
NIGHT_HOURS = (22, 23, 0, 1, 2, 3, 4)
SHAPE_STATIONS = ("718081", "716985", "718371")
"""PM-leaning I-5 N stations, the same as behind the given flows."""
_MOST_TIME_S = 86_400.0
"""What `federates.traffic_sumo.data` takes as a time of a link."""
_ALIASES = {
    "US101S_I110-I10": "US101S_I110-ELA",
    "I10E_I110-I5": "I10E_I110-ELA",
    "I5S_I10-I710": "I5S_ELA-I710",
}
"""Names of links in the file of segments that differ from those in the file of links."""


@dataclass(frozen=True, slots=True)
class Target:
    """Target time of a link in an hour, with where it comes from."""

    time_s: float
    basis: str


def morning_speeds_m_per_s(folder: Path, file: str, detectors_file: str) -> dict[str, float]:
    """Return the length-weighted harmonic mean of the segments' speeds by link.

    A segment without a speed is left out; one whose detectors' postmiles are not both known gets the mean length of the
    link's known ones.

    Raises
    ------
    ConfigError : a file cannot be read, or a speed is no number above 0.
    """
    problems: list[Problem] = []
    places = {
        str(row["station"]): float(row["abs_pm"])
        for row in read_rows(folder, detectors_file, ("station",), ("abs_pm",), problems)
    }
    if problems:
        raise ConfigError(problems)
    segments: dict[str, list[tuple[float | None, float]]] = {}
    for name, start, end, mph in _observed(folder, file):
        link = _ALIASES.get(name, name)
        ends = [places.get(start), places.get(end)]
        length = abs(ends[0] - ends[1]) if ends[0] is not None and ends[1] is not None else None
        segments.setdefault(link, []).append((length, mph))
    return {link: M_PER_S_PER_MPH * _harmonic_mean(values) for link, values in segments.items()}


def _observed(folder: Path, file: str) -> list[tuple[str, str, str, float]]:
    """Return link, first and last detector and speed in mph of every segment that has one."""
    texts, speed = ("link", "sta_from", "sta_to"), "tue2008_mph"
    table = _read(folder, file, (*texts, speed))
    rows = [row for row, mph in enumerate(table.columns[speed]) if mph]
    table.lines = [table.lines[row] for row in rows]
    table.columns = {name: [table.columns[name][row] for row in rows] for name in (*texts, speed)}
    speeds_mph = table.numbers(speed, above_zero=True).tolist()
    if table.problems:
        raise ConfigError(table.problems)
    return list(zip(*(table.columns[name] for name in texts), speeds_mph, strict=True))


def _harmonic_mean(segments: list[tuple[float | None, float]]) -> float:
    known = [length for length, _ in segments if length]
    usual = sum(known) / len(known) if known else 1.0
    lengths = [length or usual for length, _ in segments]
    return sum(lengths) / sum(length / speed for length, (_, speed) in zip(lengths, segments, strict=True))


def delay_shape(folder: Path, file: str, cap: float) -> Array:
    """Return delay per hour of day relative to the morning's, shape (24,): mean of the PM-leaning stations, zero at night.

    Delay is time per distance above that of the hours 0 to 3. ``cap`` limits it, because the stations' afternoon exceeds
    their morning far more than the given flows of our links do.

    Raises
    ------
    ConfigError : the file cannot be read, a speed is not above 0, or the morning is no slower than the night.
    """
    table = _read(folder, file, ("h", *SHAPE_STATIONS))
    for station in SHAPE_STATIONS:
        table.numbers(station, above_zero=True)
    speed = np.array([table.profile(station, "h", HOURS, exactly=True) for station in SHAPE_STATIONS]).T
    if table.problems:
        raise ConfigError(table.problems)
    delay = np.maximum(0.0, 1.0 / speed - 1.0 / speed[:4].mean(axis=0)).mean(axis=1)
    morning = delay[list(MORNING_HOURS)].mean()
    if not morning > 0:
        hours = f"hours {' and '.join(map(str, MORNING_HOURS))}"
        allowed = (
            f"one of {', '.join(SHAPE_STATIONS)} must be slower then than in hours 0 to 3: delays are told as multiples of it"
        )
        raise ConfigError([Problem(file, hours, "no delay", allowed)])
    shape = np.minimum(delay / morning, cap)
    shape[list(NIGHT_HOURS)] = 0.0
    shape[list(MORNING_HOURS)] = 1.0
    return np.asarray(shape, dtype=np.float64)


def make_targets(
    road: Road, morning_m_per_s: dict[str, float], shape: Array, free_speed_m_per_s: float
) -> dict[str, list[Target]]:
    """Return 24 targets a link; a link without an observed speed is free at all hours."""
    targets = {}
    for link in road.links.values():
        free_s = 1000.0 * link.length_km / free_speed_m_per_s
        seen = morning_m_per_s.get(link.name)
        delay_s = max(0.0, 1000.0 * link.length_km / seen - free_s) if seen else 0.0
        targets[link.name] = [_target(hour, free_s, delay_s, float(shape[hour]), seen is not None) for hour in range(HOURS)]
    return targets


def check_targets(targets: dict[str, list[Target]]) -> None:
    """Raise a `ConfigError` that names each link with a time that the traffic model would not read from its file."""
    slowest = {link: max(day, key=lambda target: target.time_s).time_s for link, day in targets.items()}
    allowed = f"must be at most {_MOST_TIME_S:g} s: the observed speed is too low"
    problems = [
        Problem("target times", link, f"{time_s:g} s", allowed) for link, time_s in slowest.items() if time_s > _MOST_TIME_S
    ]
    if problems:
        raise ConfigError(problems)


def _target(hour: int, free_s: float, delay_s: float, share: float, observed: bool) -> Target:
    if not observed:
        return Target(free_s, "estimated: no speed observed, free flow")
    if hour in MORNING_HOURS:
        return Target(free_s + delay_s, "observed: PeMS Tue 2008-10-07, 07:11-08:41")
    if hour in NIGHT_HOURS:
        return Target(free_s, "estimated: free flow at night")
    return Target(free_s + share * delay_s, "estimated: morning delay x delay shape of I-5 N Oct 2025")


def _read(folder: Path, file: str, columns: tuple[str, ...]) -> CsvTable:
    table = read_csv(folder, file, columns)
    if table.problems:
        raise ConfigError(table.problems)
    return table
