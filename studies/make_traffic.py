"""Draw the figures of docs/traffic.md from the calibration's table: ``python studies/make_traffic.py``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.colors import BoundaryNorm
from matplotlib.figure import Figure

from federates.boundary.units import M_PER_S_PER_MPH
from federates.reporting.figures import BLACK, BLUE, ORANGE, new_figure, paper_style, save_figure

DOCS = Path(__file__).parents[1] / "docs"
TABLE = DOCS.parent / "scenarios/la_gcs/traffic_sumo/calibration/calibration.csv"
LEVELS = (0, 1, 2, 3, 4, 5, 10)
KMH_PER_MPH = M_PER_S_PER_MPH * 3.6
HOURS = "Time of day (h)"


@paper_style
def geh_figure(table: pd.DataFrame) -> Figure:
    """Return GEH of every link (rows) and hour (columns)."""
    grid = table.pivot(index="link", columns="hour", values="geh").reindex(index=table["link"].unique())
    figure = new_figure(3.0, "Simulated against given flow")
    axes = figure.subplots()
    mesh = axes.pcolormesh(np.arange(25), np.arange(len(grid) + 1) - 0.5, grid, cmap="cividis", norm=BoundaryNorm(LEVELS, 256))
    axes.set_yticks(range(len(grid)), list(grid.index))
    axes.set_ylim(len(grid) - 0.5, -0.5)
    axes.set_xticks(range(0, 25, 2))
    axes.set_xlabel(HOURS)
    axes.set_ylabel("Link")
    axes.grid(False)
    figure.colorbar(mesh, ax=axes, label="GEH of the hour's flow (1)", ticks=LEVELS)
    return figure


@paper_style
def speeds_figure(table: pd.DataFrame) -> Figure:
    """Return one panel a link: target, simulated and, where there are, observed mean speeds."""
    names = list(table["link"].unique())
    rows = -(-len(names) // 3)
    figure = new_figure(0.8 + 1.5 * rows, "Mean speed of the links")
    panels = figure.subplots(rows, 3, sharex=True, sharey=True, squeeze=False).ravel()
    for axes, name in zip(panels, names, strict=False):
        link = table[table["link"] == name].sort_values("hour")
        hour, simulated = link["hour"].to_numpy() + 0.5, link["simulated_mph"].to_numpy() * KMH_PER_MPH
        target = simulated * (link["simulated_s"] / link["target_s"]).to_numpy()
        axes.step(hour, target, where="mid", color=ORANGE, linestyle=(0, (4, 1.5)), label="target (estimated)")
        axes.plot(hour, simulated, color=BLUE, label="simulated")
        seen = link["target_basis"].str.startswith("observed").to_numpy()
        if seen.any():
            axes.plot(hour[seen], target[seen], "o", color=BLACK, label="observed, Tuesday 2008-10-07")
        axes.set_title(name, loc="left")
        axes.set_ylim(0, 120)
    for axes in panels[len(names) :]:
        axes.set_visible(False)
    for axes in panels[-3:]:
        axes.set_xlabel(HOURS)
    for axes in panels[::3]:
        axes.set_ylabel("Speed (km/h)")
    panels[0].set_xlim(0, 24)
    panels[0].set_xticks(range(0, 25, 6))
    found = {label: handle for axes in panels for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend(found.values(), found.keys(), loc="outside lower center", ncols=3)
    return figure


def main() -> None:
    """Write both figures."""
    table = pd.read_csv(TABLE)
    save_figure(geh_figure(table), DOCS / "figures", "traffic_geh", ("png",))
    save_figure(speeds_figure(table), DOCS / "figures", "traffic_speeds", ("png",))


if __name__ == "__main__":
    main()
