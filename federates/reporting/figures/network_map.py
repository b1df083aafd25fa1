"""Map of the network in the busiest period: traffic with its speed, and mobile storage."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from federates.reporting.figures.link_flow import KMH_PER_M_PER_S, link_grid
from federates.reporting.figures.style import BLUE, new_figure, paper_style
from federates.reporting.geometry import Geometry
from federates.reporting.metrics import vehicles_by_period
from federates.reporting.tables import RunTables

__all__ = ["network_map_figure", "shown_period"]

_KM_PER_DEGREE_LATITUDE = 111.2
_WIDEST_PT = 7.0


def shown_period(run: RunTables) -> int:
    """Return the period of the map: most vehicles sent, or else most traffic."""
    sent = vehicles_by_period(run)
    if sent.max(initial=0.0) > 0:
        return int(sent.argmax())
    return int(np.nansum(link_grid(run, "link_state", "flow_veh_per_h"), axis=0).argmax())


@paper_style
def network_map_figure(run: RunTables, geometry: Geometry) -> Figure:
    """Return two maps: width = traffic flow and colour = speed; width = mobile storage."""
    period = shown_period(run)
    flow, speed, mves = (
        dict(zip(run.session.links, np.nan_to_num(link_grid(run, table, column)[:, period]), strict=True))
        for table, column in (
            ("link_state", "flow_veh_per_h"),
            ("link_state", "speed_m_per_s"),
            ("link_plan", "mves_veh_per_h"),
        )
    )
    start = run.session.hour_of_day(period)
    figure = new_figure(4.9, f"Network from {start:g} to {start + run.period_h:g} h: {run.title}")
    left, right = figure.subplots(1, 2, sharex=True, sharey=True)
    kmh = {name: KMH_PER_M_PER_S * value for name, value in speed.items()}
    norm = Normalize(0.0, max(100.0, *kmh.values()))
    colours = ScalarMappable(norm, "viridis")
    _links(left, geometry, flow, {name: colours.to_rgba(value) for name, value in kmh.items()}, "veh/h")
    left.set_title("Traffic: width = flow, colour = speed", loc="left")
    # The upper right of the map is empty: stations lie on a diagonal from Downtown to Norwalk.
    inset = left.inset_axes((0.5, 0.93, 0.46, 0.028))
    figure.colorbar(colours, cax=inset, orientation="horizontal", label="Mean speed (km/h)")
    _links(right, geometry, mves, dict.fromkeys(mves, BLUE), "veh/h")
    right.set_title("Mobile storage: width = flow", loc="left")
    for axes in (left, right):
        _dress(axes, geometry, run)
    _names(right, geometry)
    left.set_ylabel("Latitude (°)")
    return figure


def _links(axes: Axes, geometry: Geometry, flow: dict[str, float], colours: dict[str, object], unit: str) -> None:
    names = [name for name in geometry.links if name in flow]
    lines = [geometry.links[name] for name in names]
    axes.add_collection(LineCollection(list(geometry.links.values()), colors="#bbbbbb", linewidths=0.8))
    top = max((flow[name] for name in names), default=0.0)
    widths = [_WIDEST_PT * flow[name] / top if top > 0 else 0.0 for name in names]
    axes.add_collection(LineCollection(lines, colors=[colours[name] for name in names], linewidths=widths, capstyle="round"))
    if top > 0:
        reference = float(f"{top:.1g}")
        width = _WIDEST_PT * reference / top
        axes.plot([], [], color="#777777", linewidth=width, solid_capstyle="butt", label=f"{reference:,.0f} {unit}")
        axes.legend(loc="lower left", bbox_to_anchor=(0.0, 0.07), handlelength=2.5)


def _dress(axes: Axes, geometry: Geometry, run: RunTables) -> None:
    for name, (lon, lat) in geometry.stations.items():
        marker = "o" if name in run.session.resourceful_stations else "s"
        axes.plot(lon, lat, marker=marker, color="white", markeredgecolor="black", markersize=12, markeredgewidth=1.2, zorder=5)
        axes.annotate(name, (lon, lat), ha="center", va="center", fontsize=7.5, fontweight="bold", zorder=6)
    points = np.concatenate(list(geometry.links.values()))
    margin = 0.12 * np.ptp(points, axis=0).max()
    axes.set_xlim(points[:, 0].min() - margin, points[:, 0].max() + margin)
    axes.set_ylim(points[:, 1].min() - margin, points[:, 1].max() + margin)
    shrink = float(np.cos(np.deg2rad(geometry.mean_latitude_deg)))
    axes.set_aspect(1.0 / shrink)
    axes.set_xlabel("Longitude (°)")
    axes.locator_params(nbins=5)
    _scale_bar(axes, _KM_PER_DEGREE_LATITUDE * shrink)


def _scale_bar(axes: Axes, km_per_degree: float) -> None:
    (low, high), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    length_km = float(f"{0.25 * (high - low) * km_per_degree:.1g}")
    x, y = low + 0.04 * (high - low), bottom + 0.035 * (top - bottom)
    axes.plot([x, x + length_km / km_per_degree], [y, y], color="black", linewidth=2.0, solid_capstyle="butt")
    axes.annotate(
        f"{length_km:g} km",
        (x + length_km / km_per_degree, y),
        xytext=(4, 0),
        textcoords="offset points",
        va="center",
        fontsize=7.5,
    )


def _names(axes: Axes, geometry: Geometry) -> None:
    for name, points in geometry.links.items():
        middle = _half_way(points)
        box = {"boxstyle": "round,pad=0.12", "facecolor": "white", "edgecolor": "none", "alpha": 0.8}
        axes.annotate(name.split("_")[0], (middle[0], middle[1]), fontsize=6.5, ha="center", va="center", bbox=box, zorder=4)


def _half_way(points: np.ndarray) -> np.ndarray:
    """Return the point half-way along a polyline."""
    along = np.concatenate([[0.0], np.hypot(*np.diff(points, axis=0).T).cumsum()])
    return np.array([np.interp(along[-1] / 2.0, along, points[:, axis]) for axis in (0, 1)])
