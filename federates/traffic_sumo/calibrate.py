"""Calibrate the delay law and report how well the simulated day fits.

``python -m federates.traffic_sumo.calibrate --scenario scenarios/la_gcs``

writes ``data/link_times.csv`` (target time per link and hour, and what SUMO's own car interaction adds to it) and a report: csv,
Markdown. The report's day has another seed than those used to calibrate. Until every day has been simulated the old times stay:
those on trial stand in a file beside them.
"""

from __future__ import annotations

import argparse
import csv
import math
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from federates.boundary.config import load_config, parse_config, read_yaml
from federates.boundary.errors import ConfigError, PortageError, Problem
from federates.boundary.roles import Value
from federates.traffic_sumo.calibration_report import Fit, write_report
from federates.traffic_sumo.data import HOURS, Array, Road, load_road
from federates.traffic_sumo.settings import DelayLaw, Settings
from federates.traffic_sumo.sumo import SumoTraffic
from federates.traffic_sumo.targets import Target, check_targets, delay_shape, make_targets, morning_speeds_m_per_s
from federates.worlds.road.session import RoadSession

_DAMPING = 0.8
_CORRECTION_SHARE = 0.4
"""Largest correction, as a share of the target time."""


class _Quiet:
    """A recorder that keeps nothing but the last progress."""

    def __init__(self) -> None:
        self.last: dict[str, Value] = {}

    def record(self, table: str, **row: Value) -> None:
        """Drop the row."""

    def progress(self, **fields: Value) -> None:
        """Keep how it went."""
        self.last = fields


def simulate_day(settings: Settings, folder: Path, session: RoadSession) -> tuple[dict[str, Array], dict[str, Array], int, int]:
    """Simulate 24 h without mobile storages; return flow and time per link, each (24,), most vehicles waiting, teleports."""
    day = session.model_copy(update={"periods": HOURS, "period_s": 3600.0, "start_hour": 0})
    recorder = _Quiet()
    model = SumoTraffic(settings, folder)
    flows, times, waiting = [], [], 0
    try:
        model.begin(day, recorder)
        for period in range(HOURS):
            links = model.run(period, []).links
            flows.append(links.flow_veh_per_h)
            times.append(links.travel_time_s)
            waiting = max(waiting, int(recorder.last["waiting_to_enter"]))
    finally:
        model.close()
    flow, time = np.array(flows), np.array(times)
    by_link = {name: i for i, name in enumerate(day.links)}
    return (
        {name: flow[:, i] for name, i in by_link.items()},
        {name: time[:, i] for name, i in by_link.items()},
        waiting,
        int(recorder.last["teleports"]),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        _calibrate(options)
    except PortageError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _calibrate(options: argparse.Namespace) -> None:
    folder = options.scenario / "traffic_sumo"
    raw = read_yaml(folder / "config.yaml").get("settings", {})
    settings = parse_config(raw, Settings, "traffic_sumo/config.yaml")
    settings = settings.model_copy(update={"delay_law": DelayLaw.CALIBRATED, "demand_scale": 1.0})
    session = load_config(options.scenario / "scenario.yaml", RoadSession)
    road = load_road(settings, folder, with_times=False)
    session = session.model_copy(update={"links": tuple(road.links)})
    targets = _targets(options, settings, folder, road)
    trial = settings.model_copy(update={"times_file": f"{settings.times_file}.trial"})
    try:
        fit = _fit(options.iterations, trial, folder, session, road, targets)
        (folder / trial.times_file).replace(folder / settings.times_file)
    finally:
        (folder / trial.times_file).unlink(missing_ok=True)
    write_report(fit, options.report or folder / "calibration")


def _targets(options: argparse.Namespace, settings: Settings, folder: Path, road: Road) -> dict[str, list[Target]]:
    cap = options.afternoon_cap
    if math.isnan(cap) or cap < 0:
        raise ConfigError([Problem("command line", "--afternoon-cap", f"{cap:g}", "must be a number of at least 0")])
    speeds = morning_speeds_m_per_s(folder, options.segments_file, settings.shapes_file)
    shape = delay_shape(folder, options.shape_file, cap)
    targets = make_targets(road, speeds, shape, settings.free_speed_m_per_s)
    check_targets(targets)
    return targets


def _fit(
    iterations: int, settings: Settings, folder: Path, session: RoadSession, road: Road, targets: dict[str, list[Target]]
) -> Fit:
    """Find the corrections day by day, write them to the settings' file of times and simulate a day of another seed with them."""
    file = folder / settings.times_file
    correction = {name: np.zeros(HOURS) for name in road.links}
    for number in range(iterations):
        _write_times(file, targets, correction)
        _, times, waiting, _ = simulate_day(settings, folder, session.model_copy(update={"seed": session.seed + number}))
        error = {name: times[name] - np.array([t.time_s for t in targets[name]]) for name in road.links}
        worst = max(float(np.abs(error[n] / [t.time_s for t in targets[n]]).max()) for n in road.links)
        print(f"day {number + 1}: largest error of a link's time {100 * worst:.1f} %, most vehicles waiting to enter {waiting}")
        for name, values in targets.items():
            limit = _CORRECTION_SHARE * np.array([t.time_s for t in values])
            correction[name] = np.clip(correction[name] + _DAMPING * error[name], -limit, limit)
    _write_times(file, targets, correction)
    report_session = session.model_copy(update={"seed": session.seed + 1000})
    flows, times, waiting, teleports = simulate_day(settings, folder, report_session)
    return Fit(road, targets, flows, times, settings.free_speed_m_per_s, waiting, teleports, report_session.seed)


def _write_times(file: Path, targets: dict[str, list[Target]], correction: dict[str, Array]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["link", "hour", "target_s", "correction_s", "basis"])
        for name, values in targets.items():
            for hour, target in enumerate(values):
                writer.writerow([name, hour, f"{target.time_s:.1f}", f"{correction[name][hour]:.1f}", target.basis])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m federates.traffic_sumo.calibrate", description=__doc__.splitlines()[0])
    parser.add_argument("--scenario", type=Path, required=True, help="folder of the scenario, such as scenarios/la_gcs")
    parser.add_argument("--iterations", type=int, default=4, help="days simulated to find the corrections (default: %(default)s)")
    parser.add_argument(
        "--afternoon-cap",
        type=float,
        default=1.6,
        help="largest estimated delay as a multiple of the morning's (default: %(default)s)",
    )
    parser.add_argument("--segments-file", default="data/pems_d07_segments_on_links_2018_2008.csv", help="observed speeds")
    parser.add_argument("--shape-file", default="data/i5n_observed_hourly_speed_mph_oct2025_tue-thu.csv", help="hourly speeds")
    parser.add_argument("--report", type=Path, help="folder of the report (default: <scenario>/traffic_sumo/calibration)")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
