"""Turn your own PeMS download into the hourly flows of a scenario.

``python -m federates.traffic_sumo.import_pems --scenario scenarios/la_gcs d07_text_station_hour_2019_10.txt.gz``

Get the file at https://pems.dot.ca.gov (free account): Data Clearinghouse, type "Station Hour", district 7 (the types "Station
5-Minute" and "Station Day" have the same columns, and are refused by their times). It has no header; its
columns are timestamp (MM/DD/YYYY HH:MM:SS), station, district, freeway, direction, lane type, station length, samples,
% observed, total flow (veh/h), average occupancy, average speed (mph), further columns per lane. A link's flow in an hour is the
mean over weekdays and over the link's mainline stations with enough observed data (and samples, for a flow without samples is
imputed); an hour without any keeps the flow given so far and is reported.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import os
import sys
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, TextIO

from federates.boundary.config import parse_config, read_yaml
from federates.boundary.errors import ConfigError, PortageError, Problem
from federates.traffic_sumo.data import HOURS, Array, read_hourly, read_rows
from federates.traffic_sumo.settings import DelayLaw, RoadSettings

_TIME, _STATION, _SAMPLES, _OBSERVED, _FLOW = 0, 1, 7, 8, 9
_UNREADABLE = (OSError, UnicodeDecodeError, EOFError, zlib.error, csv.Error)
_WANTED = "must be a PeMS file of the type Station Hour"
_WEEKDAYS = {"weekdays": (0, 1, 2, 3, 4), "tue-thu": (1, 2, 3)}


@dataclass(slots=True)
class LinkHour:
    """Flows of one station in one hour of day; ``refused`` counts rows with too little observed."""

    flows: list[float] = field(default_factory=list)
    refused: int = 0


class _Row(NamedTuple):
    """What one row says: time, station, whether it was seen and not imputed, % observed, and flow."""

    when: datetime
    station: str
    has_samples: bool
    observed_percent: float
    flow_veh_per_h: float | None


def hourly_means(
    files: Sequence[Path], stations: dict[str, str], observed_percent: float, days: tuple[int, ...]
) -> tuple[dict[tuple[str, int], float], dict[tuple[str, int], int]]:
    """Return mean flow per (link, hour), and stations that it rests on.

    Parameters
    ----------
    files : PeMS station-hour files, .txt or .txt.gz
    stations : link of each station
    observed_percent : least share of a station-hour that was observed and not imputed, %
    days : weekdays used, Monday = 0

    Raises
    ------
    ConfigError : a file is unreadable or not of the type Station Hour, or an hour of a station stands twice.
    """
    seen: dict[tuple[str, int], LinkHour] = {}
    for row in _of_hours(files, stations):
        if row.when.weekday() not in days:
            continue
        cell = seen.setdefault((row.station, row.when.hour), LinkHour())
        if row.has_samples and row.observed_percent >= observed_percent and row.flow_veh_per_h is not None:
            cell.flows.append(row.flow_veh_per_h)
        else:
            cell.refused += 1
    by_link: dict[tuple[str, int], list[float]] = {}
    for (station, hour), cell in seen.items():
        if cell.flows:
            by_link.setdefault((stations[station], hour), []).append(sum(cell.flows) / len(cell.flows))
    return {key: sum(v) / len(v) for key, v in by_link.items()}, {key: len(v) for key, v in by_link.items()}


def _of_hours(files: Sequence[Path], stations: dict[str, str]) -> Iterator[_Row]:
    """Yield the rows of known stations, and see that they are those of hours: each once, and not those at midnight alone."""
    where: dict[tuple[str, datetime], str] = {}
    for file in files:
        hours = set()
        for number, row in _rows(file, stations):
            here, key = f"{file} line {number}", (row.station, row.when)
            if key in where:
                twice = f"station {row.station} at {row.when:%m/%d/%Y %H:%M} stands in {where[key]} too: give every hour once"
                raise ConfigError([Problem(str(file), f"line {number}", f"{row.when:%H:%M}", twice)])
            where[key] = here
            hours.add(row.when.hour)
            yield row
        if hours == {0}:
            allowed = f"{_WANTED}: with hour 0 alone it is one of days (Station Day)"
            raise ConfigError([Problem(str(file), "(file)", "hour 0 alone", allowed)])


def _rows(file: Path, stations: dict[str, str]) -> Iterator[tuple[int, _Row]]:
    """Yield line and content of the rows of known stations."""
    try:
        with _open(file) as stream:
            for number, row in enumerate(csv.reader(stream, strict=True), start=1):
                if not row:
                    continue
                if len(row) <= _FLOW:
                    raise ConfigError(
                        [Problem(str(file), f"line {number}", f"{len(row)} columns", "at least 10: a PeMS station-hour file")]
                    )
                if row[_STATION] in stations:
                    yield number, _parse(file, number, row)
    except _UNREADABLE as error:
        raise ConfigError([Problem(str(file), "(file)", str(error), "must be a readable .txt or .txt.gz file")]) from None


def _open(file: Path) -> TextIO:
    if file.suffix != ".gz":
        return file.open(encoding="utf-8", newline="")
    with gzip.open(file) as whole:
        # To the end first, where the check sum stands: a damaged file may read like a good one with other numbers.
        while whole.read(1 << 20):
            pass
    return gzip.open(file, "rt", encoding="utf-8", newline="")


def _parse(file: Path, number: int, row: list[str]) -> _Row:
    try:
        when = datetime.strptime(row[_TIME], "%m/%d/%Y %H:%M:%S")
        flow = float(row[_FLOW]) if row[_FLOW] else None
        observed = float(row[_OBSERVED]) if row[_OBSERVED] else 0.0
        samples = float(row[_SAMPLES]) if row[_SAMPLES] else 0.0
    except ValueError as error:
        raise ConfigError(
            [Problem(str(file), f"line {number}", str(error), "time as MM/DD/YYYY HH:MM:SS, numbers or nothing")]
        ) from None
    if (when.minute, when.second) != (0, 0):
        allowed = f"{_WANTED}: with a time between two hours it is one of five minutes (Station 5-Minute)"
        raise ConfigError([Problem(str(file), f"line {number}, timestamp", row[_TIME], allowed)])
    if flow is not None and not 0 <= flow < 50_000:
        raise ConfigError([Problem(str(file), f"line {number}, total flow", row[_FLOW], "from 0 to 50,000 veh/h")])
    return _Row(when, row[_STATION], samples > 0, observed, flow)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        _import(options)
    except PortageError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _import(options: argparse.Namespace) -> None:
    folder = options.scenario / "traffic_sumo"
    settings = _road_settings(folder / "config.yaml")
    out = options.out or folder / settings.flows_file
    if out.is_dir() or not out.parent.is_dir():
        allowed = "is a folder: name a file" if out.is_dir() else f"the folder {out.parent} must exist"
        raise ConfigError([Problem("command line", "--out", str(out), allowed)])
    problems: list[Problem] = []
    stations = {
        str(row["station"]): str(row["link"])
        for row in read_rows(folder, settings.shapes_file, ("link", "station"), (), problems)
    }
    links = [str(row["link"]) for row in read_rows(folder, settings.links_file, ("link",), (), problems)]
    before = read_hourly(folder, settings.flows_file, "flow_vph", links, problems)
    if problems:
        raise ConfigError(problems)
    means, used = hourly_means(options.files, stations, options.observed_percent, _WEEKDAYS[options.days])
    if not means:
        allowed = "rows of the stations in " + settings.shapes_file + " with enough observed data"
        raise ConfigError([Problem(", ".join(map(str, options.files)), "(file)", "nothing usable", allowed)])
    _write(out, links, before, means, used, f"PeMS {options.days}, stations >= {options.observed_percent:g} % observed")
    _report(links, means, out)


def _road_settings(config: Path) -> RoadSettings:
    """Return what every model of the road wants to know of its files, whichever model the scenario names."""
    given = read_yaml(config).get("settings") or {}
    files = {key: value for key, value in given.items() if key in RoadSettings.model_fields}
    return parse_config({"delay_law": DelayLaw.NONE.value} | files, RoadSettings, "traffic_sumo/config.yaml")


def _write(
    out: Path,
    links: list[str],
    before: dict[str, Array],
    means: dict[tuple[str, int], float],
    used: dict[tuple[str, int], int],
    basis: str,
) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["link", "hour", "flow_vph", "basis"])
    for link in links:
        for hour in range(HOURS):
            seen = means.get((link, hour))
            if seen is None:
                writer.writerow([link, hour, f"{before[link][hour]:.0f}", "kept: no PeMS data for this hour"])
            else:
                writer.writerow([link, hour, f"{seen:.0f}", f"observed: {basis}; {used[link, hour]} stations"])
    part = out.with_name(f"{out.name}.part")
    try:
        # In one step, for the file that is replaced is what the next run reads.
        part.write_text(text.getvalue(), encoding="utf-8")
        os.replace(part, out)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise ConfigError([Problem("command line", "--out", str(out), f"cannot be written: {error.strerror or error}")]) from None


def _report(links: list[str], means: dict[tuple[str, int], float], out: Path) -> None:
    for link in links:
        gaps = [hour for hour in range(HOURS) if (link, hour) not in means]
        if len(gaps) == HOURS:
            print(f"{link}: no observed data at all; the flows given so far stay")
        elif gaps:
            print(f"{link}: no observed data at hours {', '.join(map(str, gaps))}; their flows stay")
    print(f"wrote {out}: {len(means)} of {len(links) * HOURS} link-hours observed; now calibrate again")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m federates.traffic_sumo.import_pems", description=__doc__.splitlines()[0])
    parser.add_argument("files", type=Path, nargs="+", help="PeMS station-hour files, .txt or .txt.gz")
    parser.add_argument("--scenario", type=Path, required=True, help="folder of the scenario")
    parser.add_argument("--observed-percent", type=float, default=75.0, help="least share observed, %% (default: %(default)s)")
    parser.add_argument("--days", choices=sorted(_WEEKDAYS), default="weekdays", help="days used (default: %(default)s)")
    parser.add_argument("--out", type=Path, help="file to write (default: the scenario's flows_file)")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
