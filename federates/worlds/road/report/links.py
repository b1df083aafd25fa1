"""Flow, speed and mobile storage on the links of the road, as heat maps and as a map of the busiest period."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize, TwoSlopeNorm
from matplotlib.figure import Figure

from federates.boundary.names import Role
from federates.reporting.figures import BLUE, hour_axis, hour_edges, new_figure, paper_style
from federates.reporting.formatting import clock, number
from federates.reporting.world import RunFigure
from federates.worlds.road.report.negotiation import vehicles_by_period
from federates.worlds.road.report.run import SCHEMES, RoadRun, traffic_name
from federates.worlds.road.session import Scheme

KMH_PER_M_PER_S = 3.6


def link_grid(run: RoadRun, name: str, column: str) -> np.ndarray:
    """Return a column of a table as an array of shape (L, T); NaN where the run has no row."""
    table = run.frame(name).pivot_table(index="link", columns="period", values=column, aggfunc="mean")
    return np.asarray(table.reindex(index=list(run.session.links), columns=range(run.session.periods)), float)


@paper_style
def link_flow_figure(run: RoadRun) -> Figure:
    """Return heat maps over links and hours: traffic flow, speed, mobile storage; those that the run recorded."""
    wanted = [
        ("link_state", "flow_veh_per_h", 1.0, f"Traffic flow in {traffic_name(run)}", "Flow (veh/h)", "Blues"),
        ("link_state", "speed_m_per_s", KMH_PER_M_PER_S, f"Mean speed in {traffic_name(run)}", "Speed (km/h)", "viridis"),
        ("link_plan", "mves_veh_per_h", 1.0, "Mobile storage, committed", "Flow (veh/h)", "Blues"),
    ]
    wanted = [entry for entry in wanted if entry[0] not in run.missing]
    figure = new_figure(0.9 + len(wanted) * _panel_height_in(run), f"Links: {run.title}")
    panels = figure.subplots(len(wanted), 1, sharex=True, squeeze=False)[:, 0]
    for panel, (table, column, factor, title, label, colours) in zip(panels, wanted, strict=True):
        _heat_map(panel, run, factor * link_grid(run, table, column), label, cmap=colours)
        panel.set_title(title, loc="left")
    hour_axis(panels[-1], run.session)
    return figure


@paper_style
def link_flow_by_scheme_figure(runs: Mapping[str, RoadRun]) -> Figure:
    """Return committed mobile storage per link and hour for each scheme, and the difference of the two schemes with vehicles."""
    grids = {scheme: link_grid(run, "link_plan", "mves_veh_per_h") for scheme, run in runs.items()}
    first = next(iter(runs.values()))
    top = max(1.0, *(float(np.nanmax(grid, initial=0.0)) for grid in grids.values()))
    pair = [grids.get(scheme.value) for scheme in (Scheme.FASTEST_ROUTE, Scheme.PROPOSED)]
    rows = len(grids) + all(grid is not None for grid in pair)
    figure = new_figure(0.9 + rows * _panel_height_in(first), f"Mobile storage per link by scheme: {first.session.name}")
    panels = figure.subplots(rows, 1, sharex=True, squeeze=False)[:, 0]
    for panel, (scheme, grid) in zip(panels, grids.items(), strict=False):
        _heat_map(panel, runs[scheme], grid, "Flow (veh/h)", cmap="Blues", vmin=0.0, vmax=top)
        panel.set_title(SCHEMES[scheme]["label"].capitalize(), loc="left")
    if rows > len(grids):
        change = pair[0] - pair[1]  # type: ignore[operator]
        reach = max(1.0, float(np.nanmax(np.abs(change), initial=0.0)))
        norm = TwoSlopeNorm(0.0, -reach, reach)
        _heat_map(panels[-1], first, change, "Flow (veh/h)", cmap="PuOr_r", norm=norm)
        panels[-1].set_title("Fastest route minus proposed", loc="left")
    hour_axis(panels[-1], first.session)
    return figure


def _panel_height_in(run: RoadRun) -> float:
    return max(1.2, 0.35 + 0.19 * len(run.session.links))


def _heat_map(axes: Axes, run: RoadRun, grid: np.ndarray, label: str, **look: Any) -> None:
    names = run.session.links
    # NaN is drawn as grey ground: a link without a value is not a link without traffic.
    axes.set_facecolor("#cccccc")
    rows = np.arange(len(names) + 1) - 0.5
    # From zero, so that colours of two figures mean the same; a grid without a value has no range of its own.
    limits = {"vmin": 0.0} if "norm" not in look else {}
    if limits and not np.any(grid > 0.0):
        limits["vmax"] = 1.0
    mesh = axes.pcolormesh(hour_edges(run.session), rows, np.ma.masked_invalid(grid), rasterized=True, **(look | limits))
    axes.set_yticks(range(len(names)), names, fontsize=7.5)
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.set_ylabel("Link")
    hour_axis(axes, run.session, label=False)
    axes.figure.colorbar(mesh, ax=axes, label=label, pad=0.01, aspect=12)


def no_links(run: RoadRun) -> str:
    """Return why nothing of the links can be drawn."""
    both = "link_state" in run.missing and "link_plan" in run.missing
    return run.lacks("link_state", "link_plan") if both else ""


def _reading(run: RoadRun) -> str:
    text = "One row a link, one column a period; grey where the run has no value."
    if "link_state" not in run.missing:
        flow, speed = link_grid(run, "link_state", "flow_veh_per_h"), link_grid(run, "link_state", "speed_m_per_s")
        text += f" The largest flow is {_peak(run, flow, 1.0, 'veh/h')}; the lowest mean speed is"
        text += f" {_peak(run, -speed, -KMH_PER_M_PER_S, 'km/h')}."
    if "link_plan" not in run.missing:
        mves = link_grid(run, "link_plan", "mves_veh_per_h")
        if np.nanmax(mves, initial=0.0) > 0:
            text += f" Mobile storage is densest with {_peak(run, mves, 1.0, 'veh/h')}."
    return text


def _peak(run: RoadRun, grid: np.ndarray, factor: float, unit: str) -> str:
    """Return the largest value of a grid (L, T) with its unit, link and period."""
    if not np.isfinite(grid).any():
        return "–"
    link, period = np.unravel_index(np.nanargmax(grid), grid.shape)
    return f"{number(factor * grid[link, period])} {unit} ({run.session.links[link]}, {clock(run, int(period))})"


LINK_FLOW = RunFigure("link_flow", "Flow and speed of the links", no_links, link_flow_figure, _reading)

_KM_PER_DEGREE_LATITUDE = 111.2
_WIDEST_PT = 7.0


@dataclass(frozen=True, slots=True)
class Geometry:
    """Where links and stations lie; arrays have shape (points, 2): longitude and latitude, degrees (WGS 84)."""

    links: dict[str, np.ndarray]
    stations: dict[str, tuple[float, float]]

    @property
    def mean_latitude_deg(self) -> float:
        """Return the mean latitude of all link points, degrees; it sets the map's aspect."""
        return float(np.mean(np.concatenate([points[:, 1] for points in self.links.values()])))


def shown_period(run: RoadRun) -> int:
    """Return the period of the map: most vehicles sent, or else most traffic."""
    sent = vehicles_by_period(run)
    if sent.max(initial=0.0) > 0:
        return int(sent.argmax())
    return int(np.nansum(link_grid(run, "link_state", "flow_veh_per_h"), axis=0).argmax())


@paper_style
def network_map_figure(run: RoadRun) -> Figure:
    """Return two maps: width = traffic flow and colour = speed; width = mobile storage."""
    period, geometry = shown_period(run), load_geometry(run)
    assert geometry is not None
    flow, speed, mves = (
        dict(zip(run.session.links, np.nan_to_num(link_grid(run, table, column)[:, period]), strict=True))
        for table, column in (("link_state", "flow_veh_per_h"), ("link_state", "speed_m_per_s"), ("link_plan", "mves_veh_per_h"))
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


def _dress(axes: Axes, geometry: Geometry, run: RoadRun) -> None:
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


def load_geometry(run: RoadRun) -> Geometry | None:
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
    order = {name: k for k, name in enumerate(run.session.stations)}
    sites = _read(run, "station_sites", "sites.csv").sort_values("station", key=lambda names: names.map(order), kind="stable")
    rows = zip(sites["station"], sites["lon"], sites["lat"], strict=True)
    return Geometry(links, {str(name): (float(lon), float(lat)) for name, lon, lat in rows})


def _read(run: RoadRun, name: str, csv: str) -> pd.DataFrame:
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


def _network_map_reading(run: RoadRun) -> str:
    period = shown_period(run)
    sent = vehicles_by_period(run)[period]
    why = f"most vehicles are sent ({number(sent)})" if sent > 0 else "traffic is largest"
    return (
        f"The period {clock(run, period)}, in which {why}. Left: all traffic, wide where its flow is large and dark where it "
        "is slow. Right: mobile storage alone. Circles are stations with energy to spare, squares those whose feeder "
        "overloads. Each map has a width scale of its own."
    )


NETWORK_MAP = RunFigure(
    "network_map",
    "The network in its busiest period",
    lambda run: no_links(run) if load_geometry(run) else "the run holds no geometry of the network",
    network_map_figure,
    _network_map_reading,
)
