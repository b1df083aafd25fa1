"""How near the formula model `bpr` comes to SUMO: link flows, link times and deliveries of a recorded run, driven again.

    python benchmarks/traffic.py scenarios/la_gcs/results/<run id>

`bpr` gets the vehicles and routes that the run's transport operator sent, hour by hour, and the run's own traffic data; each of
its two delay laws is compared with what SUMO published.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import pandas as pd

from federates.traffic_sumo.bpr import BprSettings, BprTraffic
from federates.worlds.road.messages import Departure
from federates.worlds.road.session import RoadSession


class Tables:
    """Recorder that keeps everything."""

    def __init__(self) -> None:
        self.rows: dict[str, list[dict]] = {}

    def record(self, table: str, **row: object) -> None:
        """Keep a row."""
        self.rows.setdefault(table, []).append(row)

    def progress(self, **fields: object) -> None:
        """Show nothing."""


def drive(run: Path, session: RoadSession, law: str) -> tuple[dict[str, pd.DataFrame], float]:
    """Return the tables of `bpr` for the vehicles of ``run``, and how long the day took, s."""
    agent = json.loads((run / "traffic_sumo/config.json").read_text())
    shared = {key: value for key, value in agent["settings"].items() if key in BprSettings.model_fields}
    settings = BprSettings.model_validate(shared | {"delay_law": law})
    routes = pd.read_parquet(run / "transport_operator/route_flow.parquet")
    model, tables, started = BprTraffic(settings, run.parents[1] / "traffic_sumo"), Tables(), time.perf_counter()
    model.begin(session, tables)
    for period in range(session.periods):
        rows = routes[routes.period == period].itertuples()
        model.run(period, [Departure(r.origin, r.destination, int(r.vehicles), tuple(r.route.split("|"))) for r in rows])
    took_s = time.perf_counter() - started
    return {name: pd.DataFrame(rows) for name, rows in tables.rows.items()}, took_s


def main() -> None:
    """Print one row per delay law and part of the day."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="results folder of a run with `model: sumo`")
    run = parser.parse_args().run.resolve()
    session = RoadSession.model_validate_json((run / "session.json").read_text())
    recorded = {name: pd.read_parquet(run / f"traffic_sumo/{name}.parquet") for name in ("link_state", "deliveries")}
    print("| delay law | hours | flow, mean difference | largest | time, mean difference | largest | road min | bpr | wall s |")
    print("|---|---|---|---|---|---|---|---|---|")
    for law in ("bpr", "calibrated"):
        tables, took_s = drive(run, session, law)
        for label, first, last in (("0-23", 0, 23), ("7-8", 7, 8), ("16-18", 16, 18)):
            both = recorded["link_state"].merge(tables["link_state"], on=["period", "link"], suffixes=("", "_bpr"))
            hour = np.array([session.hour_of_day(period) for period in both.period])
            both = both[(hour >= first) & (hour <= last)]
            part = [_difference(both[f"{key}_bpr"] / both[key] - 1) for key in ("flow_veh_per_h", "travel_time_s")]
            road = [_road_min(frame, session, first, last) for frame in (recorded["deliveries"], tables["deliveries"])]
            print(f"| `{law}` | {label} | {part[0]} | {part[1]} | {road[0]:.1f} | {road[1]:.1f} | {took_s:.2f} |")


def _difference(relative: pd.Series) -> str:
    largest = relative.iloc[int(np.abs(relative.to_numpy()).argmax())]
    return f"{relative.mean():+.1%} | {largest:+.1%}"


def _road_min(deliveries: pd.DataFrame, session: RoadSession, first: int, last: int) -> float:
    """Return the mean road time of the vehicles that left in these hours and arrived, min."""
    hour = np.array([session.hour_of_day(period) for period in deliveries.period])
    own = deliveries[(hour >= first) & (hour <= last) & (deliveries.arrive_s >= 0)]
    return float(own.road_time_s.mean()) / 60.0


if __name__ == "__main__":
    main()
