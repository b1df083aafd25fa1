"""Geometry of the network for the map: polylines of the links and places of the stations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from federates.boundary.names import Role
from federates.reporting.tables import RunTables

__all__ = ["Geometry", "load_geometry"]


@dataclass(frozen=True, slots=True)
class Geometry:
    """Where links and stations lie; arrays have shape (points, 2): longitude and latitude, degrees (WGS 84)."""

    links: dict[str, np.ndarray]
    stations: dict[str, tuple[float, float]]

    @property
    def mean_latitude_deg(self) -> float:
        """Return the mean latitude of all link points, degrees; it sets the map's aspect."""
        return float(np.mean(np.concatenate([points[:, 1] for points in self.links.values()])))


def load_geometry(run: RunTables) -> Geometry | None:
    """Return the geometry that the traffic model left in a run, or None if there is none.

    Reads the tables ``link_geometry`` and ``station_sites``; a traffic model that does not record them may leave
    ``geometry.csv`` (link, seq, lat, lon) and ``sites.csv`` (station, lat, lon) in its folder instead.
    """
    points = _read(run, "link_geometry", "geometry.csv")
    ordered = points.sort_values(["link", "seq"], kind="stable")
    links = {str(name): part[["lon", "lat"]].to_numpy(float) for name, part in ordered.groupby("link", sort=False)}
    links = {name: part for name, part in links.items() if len(part) > 1}
    if not links:
        return None
    sites = _read(run, "station_sites", "sites.csv")
    rows = zip(sites["station"], sites["lon"], sites["lat"], strict=True)
    return Geometry(links, {str(name): (float(lon), float(lat)) for name, lon, lat in rows})


def _read(run: RunTables, name: str, csv: str) -> pd.DataFrame:
    """Return the table, or the file in its place; without rows if there is neither."""
    frame, path = run.frame(name), run.folder / Role.TRAFFIC.value / csv
    if len(frame) == 0 and path.is_file():
        try:
            found = pd.read_csv(path)
        except (OSError, ValueError):
            # The map is an extra: a damaged geometry leaves it out, as a missing one does.
            return frame
        frame = found if set(frame.columns) <= set(found.columns) else frame
    return frame.dropna()
