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
from federates.reporting.figures import BLUE, Panels, beside, hour_edges, hour_panels, new_figure, paper_style, rows_beside
from federates.reporting.formatting import clock, number
from federates.reporting.media import medium, pt
from federates.reporting.world import RunFigure
from federates.worlds.road.report.negotiation import vehicles_by_period
from federates.worlds.road.report.run import SCHEMES, RoadRun, traffic_name
from federates.worlds.road.session import Scheme

KMH_PER_M_PER_S = 3.6
_LEAST_CHANGE = 0.02
"""A difference of a smaller share of the largest one has no mark."""


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
    panels = _maps(figure, len(wanted))
    for panel, (table, column, factor, title, label, colours) in zip(panels, wanted, strict=True):
        _heat_map(panel, run, factor * link_grid(run, table, column), label, cmap=colours)
        panel.set_title(title, loc="left")
    _label_outside(panels, run)
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
    panels = _maps(figure, rows)
    for panel, (scheme, grid) in zip(panels, grids.items(), strict=False):
        _heat_map(panel, runs[scheme], grid, "Flow (veh/h)", cmap="Blues", vmin=0.0, vmax=top)
        panel.set_title(SCHEMES[scheme]["label"].capitalize(), loc="left")
    if rows > len(grids):
        change = pair[0] - pair[1]  # type: ignore[operator]
        reach = max(1.0, float(np.nanmax(np.abs(change), initial=0.0)))
        norm = TwoSlopeNorm(0.0, -reach, reach)
        _heat_map(panels[-1], first, change, "Flow (veh/h)", cmap="PuOr_r", norm=norm)
        panels[-1].set_title("Fastest route minus proposed", loc="left")
        _mark_fewer(panels[-1], first, change)
    _label_outside(panels, first)
    return figure


def _maps(figure: Figure, maps: int) -> Panels:
    """Return panels for maps of the same links: below each other, on a slide beside each other."""
    if medium().height_in is None:
        return np.asarray(figure.subplots(maps, 1, sharex=True, squeeze=False))[:, 0]
    return np.asarray(figure.subplots(1, maps, sharex=True, sharey=True, squeeze=False))[0]


def _label_outside(panels: Panels, run: RoadRun) -> None:
    hour_panels(panels, run)
    for panel in panels:
        panel.label_outer()


def _mark_fewer(axes: Axes, run: RoadRun, change: np.ndarray) -> None:
    """Put a dash where a difference is negative: in grey both ends of the colours are dark."""
    edges = hour_edges(run.session)
    links, periods = np.nonzero(change < -_LEAST_CHANGE * np.nanmax(np.abs(change), initial=1.0))
    middles = (edges[:-1] + edges[1:]) / 2.0
    axes.plot(middles[periods], links, linestyle="", marker="_", color="black", markersize=4.0)


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
    axes.set_yticks(range(len(names)), names, fontsize=pt(7.5))
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.grid(visible=False)
    axes.set_ylabel("Link")
    place = {"pad": 0.01, "aspect": 12} if medium().height_in is None else {"location": "bottom", "aspect": 16}
    axes.figure.colorbar(mesh, ax=axes, label=label, **place)


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
    figure = new_figure(4.9 if rows_beside(2) == 1 else 7.8, f"Network from {start:g} to {start + run.period_h:g} h: {run.title}")
    left, right = panels = beside(figure, 2, shared=True)
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
    for axes in panels:
        _dress(axes, geometry, run)
        axes.set_ylabel("Latitude (°)")
        axes.label_outer()
    _names(right, geometry)
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
        shape = "circle" if name in run.session.resourceful_stations else "square"
        look = {"boxstyle": f"{shape},pad=0.25", "facecolor": "white", "edgecolor": "black", "linewidth": 1.2}
        axes.annotate(
            name, (lon, lat), ha="center", va="center", fontsize=pt(7.5), fontweight="bold", bbox=look, zorder=6, clip_on=True
        )
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
        fontsize=pt(7.5),
    )


def _names(axes: Axes, geometry: Geometry) -> None:
    """Write the links' names half-way along them, or where they do not lie on another name or a station."""
    wide, high = _letter_size(axes, geometry)
    taken = [_around(np.array(place), wide * (len(name) + 1), 1.6 * high) for name, place in geometry.stations.items()]
    for name, points in geometry.links.items():
        words = name.split("_")[0]
        boxes = [(at, _around(at, wide * len(words), high)) for at in (_along(points, share) for share in _SHARES)]
        middle, box = min(boxes, key=lambda entry: sum(_lie_on(entry[1], other) for other in taken))
        taken.append(box)
        ground = {"boxstyle": "round,pad=0.12", "facecolor": "white", "edgecolor": "none", "alpha": 0.8}
        axes.annotate(words, (middle[0], middle[1]), fontsize=pt(6.5), ha="center", va="center", bbox=ground, zorder=4)


_SHARES = (0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8, 0.1, 0.9)
"""Where along a link its name may stand, the first that is free."""


def _letter_size(axes: Axes, geometry: Geometry) -> tuple[float, float]:
    """Return about how wide and high a letter is in the map, degrees; the map's size is not known yet."""
    low, high = axes.get_xlim()
    columns = axes.get_subplotspec().get_gridspec().ncols  # type: ignore[union-attr]
    degrees_per_pt = (high - low) / (0.75 * 72.0 * medium().width_in / columns)
    shrink = float(np.cos(np.deg2rad(geometry.mean_latitude_deg)))
    return 0.68 * pt(6.5) * degrees_per_pt, 1.5 * pt(6.5) * degrees_per_pt * shrink


def _around(middle: np.ndarray, wide: float, high: float) -> np.ndarray:
    half = np.array([wide / 2.0, high / 2.0])
    return np.array([middle - half, middle + half])


def _lie_on(one: np.ndarray, other: np.ndarray) -> float:
    """Return the area that two boxes share."""
    sides = np.minimum(one[1], other[1]) - np.maximum(one[0], other[0])
    return float(np.prod(np.maximum(sides, 0.0)))


def _along(points: np.ndarray, share: float) -> np.ndarray:
    """Return the point at a share of the length of a polyline."""
    along = np.concatenate([[0.0], np.hypot(*np.diff(points, axis=0).T).cumsum()])
    return np.array([np.interp(share * along[-1], along, points[:, axis]) for axis in (0, 1)])


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
