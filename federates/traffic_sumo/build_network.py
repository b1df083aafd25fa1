"""Build the SUMO network of a scenario into a folder, to look at it in ``sumo-gui`` or ``netedit``.

``python -m federates.traffic_sumo.build_network --scenario scenarios/la_gcs --out la_network``

A run builds its own network in a folder of its own; nothing needs this command.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from federates.boundary.config import load_config, parse_config, read_yaml
from federates.boundary.errors import PortageError
from federates.traffic_sumo.data import load_road
from federates.traffic_sumo.demand import count_paths, enumerate_paths, movement_peaks
from federates.traffic_sumo.network import plan_network
from federates.traffic_sumo.programs import netconvert
from federates.traffic_sumo.settings import Settings
from federates.worlds.road.session import RoadSession


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m federates.traffic_sumo.build_network", description=__doc__.splitlines()[0])
    parser.add_argument("--scenario", type=Path, required=True, help="folder of the scenario")
    parser.add_argument("--out", type=Path, required=True, help="folder for the network; created if missing")
    options = parser.parse_args(arguments)
    try:
        print(_build(options.scenario, options.out))
    except PortageError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _build(scenario: Path, out: Path) -> Path:
    folder = scenario / "traffic_sumo"
    session = load_config(scenario / "scenario.yaml", RoadSession)
    settings = parse_config(read_yaml(folder / "config.yaml").get("settings", {}), Settings, "traffic_sumo/config.yaml")
    road = load_road(settings, folder, with_times=False)
    paths = enumerate_paths(road)
    peaks = movement_peaks(paths, count_paths(road, paths, settings.demand_scale))
    out.mkdir(parents=True, exist_ok=True)
    sources, sinks = list(session.resourceful_stations), list(session.limited_stations)
    return netconvert(plan_network(road, settings, peaks, sources, sinks), out)


if __name__ == "__main__":
    raise SystemExit(main())
