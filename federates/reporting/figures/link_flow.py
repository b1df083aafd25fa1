"""Flow, speed and mobile storage per link and period, as heat maps; and mobile storage by scheme."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure

from federates.reporting.figures.style import hour_axis, hour_edges, new_figure, paper_style, scheme_style
from federates.reporting.tables import RunTables
from federates.worlds.road.session import Scheme

__all__ = ["link_flow_by_scheme_figure", "link_flow_figure", "link_grid"]

KMH_PER_M_PER_S = 3.6


def link_grid(run: RunTables, name: str, column: str) -> np.ndarray:
    """Return a column of a table as an array of shape (L, T); NaN where the run has no row."""
    table = run.frame(name).pivot_table(index="link", columns="period", values=column, aggfunc="mean")
    return np.asarray(table.reindex(index=list(run.session.links), columns=range(run.session.periods)), float)


@paper_style
def link_flow_figure(run: RunTables) -> Figure:
    """Return heat maps over links and hours: traffic flow, speed, mobile storage; those that the run recorded."""
    wanted = [
        ("link_state", "flow_veh_per_h", 1.0, f"Traffic flow in {run.traffic_name}", "Flow (veh/h)", "Blues"),
        ("link_state", "speed_m_per_s", KMH_PER_M_PER_S, f"Mean speed in {run.traffic_name}", "Speed (km/h)", "viridis"),
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
def link_flow_by_scheme_figure(runs: Mapping[str, RunTables]) -> Figure:
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
        panel.set_title(scheme_style(scheme)["label"].capitalize(), loc="left")
    if rows > len(grids):
        change = pair[0] - pair[1]  # type: ignore[operator]
        reach = max(1.0, float(np.nanmax(np.abs(change), initial=0.0)))
        norm = TwoSlopeNorm(0.0, -reach, reach)
        _heat_map(panels[-1], first, change, "Flow (veh/h)", cmap="PuOr_r", norm=norm)
        panels[-1].set_title("Fastest route minus proposed", loc="left")
    hour_axis(panels[-1], first.session)
    return figure


def _panel_height_in(run: RunTables) -> float:
    return max(1.2, 0.35 + 0.19 * len(run.session.links))


def _heat_map(axes: Axes, run: RunTables, grid: np.ndarray, label: str, **look: Any) -> None:
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
