"""What the live view shows of the road: the map with its vehicles, and the load of the feeders."""

from __future__ import annotations

from pathlib import Path

from federates.view.stage import Stage

STAGE = Stage(
    Path(__file__).parent / "live.js",
    {
        "link_geometry": ("link", "seq", "lat", "lon"),
        "station_sites": ("station", "lat", "lon"),
        "deliveries": ("period", "origin", "destination", "route", "depart_s", "arrive_s"),
        "feeder_load": ("time_s", "duration_s", "station", "load_without_kw", "load_with_kw", "limit_kw"),
    },
)
