"""Use of the batteries in several models over the day (the paper's Fig. 5)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from federates.reporting.figures.style import new_figure, paper_style, scheme_style
from federates.reporting.rail.figures.common import DASHES, draw_stairs, hour_panels
from federates.reporting.rail.metrics import batteries, energy_limit_mwh, total_capacity_mw
from federates.reporting.tables import RailRun

__all__ = ["utilisation_figure"]


@paper_style
def utilisation_figure(runs: Mapping[str, RailRun], labels: Mapping[str, str]) -> Figure:
    """Return planned stored energy and planned charging or discharging power over the day, each as a share of all batteries.

    ``runs`` are runs with batteries by scheme, ``labels`` their names in the legend. Where a run does not say how much energy its
    batteries can hold, energy is drawn in MWh.
    """
    first = next(iter(runs.values()))
    shares = all(np.isfinite(energy_limit_mwh(run)) for run in runs.values())
    figure = new_figure(4.4, f"Use of the batteries, day-ahead plans: {first.session.name}")
    panels = figure.subplots(2, 1, sharex=True)
    for scheme, run in runs.items():
        table = batteries(run, "planned").reindex(range(run.session.periods))
        look = {"color": scheme_style(scheme)["color"], "linewidth": 1.6, "label": labels[scheme], "linestyle": DASHES[scheme]}
        energy = table["energy_mwh"].to_numpy(float) * (100.0 / energy_limit_mwh(run) if shares else 1.0)
        draw_stairs(panels[0], run, energy, **look)
        draw_stairs(panels[1], run, 100.0 * table["throughput_mw"].to_numpy(float) / total_capacity_mw(run), **look)
    panels[0].set_ylabel("Stored energy\n(% of the most)" if shares else "Stored energy\n(MWh)")
    panels[1].set_ylabel("Charging + discharging\n(% of power)")
    for panel in panels:
        panel.set_ylim(bottom=0.0)
    hour_panels(panels, first)
    figure.align_ylabels(panels)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure
