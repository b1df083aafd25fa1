"""Load of the feeders: without and with mobile storage, what of it lies above the limits, and the paper's Fig. 5.

Energy above a limit is counted by bins, the intervals in which the stations count and the operators control. Means over a period
hide what swings inside it; they stand beside it, named as such.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from federates.reporting.figures import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    hour_axis,
    legend_below,
    legend_inside,
    new_figure,
    paper_style,
    stack,
)
from federates.reporting.formatting import number, percent, ratio
from federates.reporting.media import medium, pt
from federates.reporting.world import Grid, RunFigure
from federates.worlds.road.report.run import RoadRun, bins_name

_WITHOUT, _WITH = "load_without_kw", "load_with_kw"
_LOADS = [_WITHOUT, _WITH]
_ROUNDING = 1e-6
"""A load counts as above its limit from this share of it on: whoever holds it there may miss it by rounding."""


def bin_load(run: RoadRun) -> pd.DataFrame:
    """Return ``feeder_load`` in order of time, with ``hours`` (length of the bin, h) and ``clock_h`` (its start, h)."""
    load = _of_all_writers(run.frame("feeder_load")).sort_values(["station", "time_s"], kind="stable")
    load["hours"] = load["duration_s"] / 3600.0
    load["clock_h"] = run.session.start_hour + load["time_s"] / 3600.0
    return load


def _of_all_writers(load: pd.DataFrame) -> pd.DataFrame:
    """Return one row per station and bin: where several companies share a station, each has written its own vehicles alone."""
    by = ["station", "time_s"]
    if not load.duplicated(by).any():
        return load
    shared = load.duplicated(by, keep=False)
    whole = load.assign(mves_kw=load.groupby(by)["mves_kw"].transform("sum"))
    whole.loc[shared, _WITH] = whole[_WITHOUT] - whole["mves_kw"]
    whole.loc[shared, "overload_probability_with"] = math.nan  # it does not follow from those of each alone
    return whole.drop_duplicates(by)


def period_load(run: RoadRun) -> pd.DataFrame:
    """Return the mean load of every station and period, weighted by the length of the bins.

    Returns
    -------
    DataFrame : station, period, hour (of the day, h), clock_h (start, h after the first midnight), hours (length, h),
        load_without_kw, load_with_kw, mves_kw, limit_kw.
    """
    load = bin_load(run)
    columns = [*_LOADS, "mves_kw", "limit_kw"]
    load[columns] = load[columns].mul(load["hours"], axis=0)
    means = load.groupby(["station", "period"], as_index=False)[[*columns, "hours"]].sum()
    means[columns] = means[columns].div(means["hours"], axis=0)
    means["hour"] = [run.session.hour_of_day(int(period)) for period in means["period"]]
    means["clock_h"] = run.clock_h(means["period"])
    return means


def energy_above_kwh(load: pd.DataFrame, column: str) -> float:
    """Return the energy of ``column`` above ``limit_kw`` over rows of length ``hours``, kWh."""
    return float(((load[column] - load["limit_kw"]).clip(lower=0.0) * load["hours"]).sum())


def overload(run: RoadRun) -> pd.DataFrame:
    """Return one row per limited station with a recorded load.

    Returns
    -------
    DataFrame : station; limit_kw; energy above it in kWh without and with mobile storage from bins (``bin_*_kwh``) and from
        period means (``period_*_kwh``) with their ratios (NaN if nothing lies above it without); bins, those above it, and
        the peak of a bin; energy received, need and unmet, kWh; supply-limited periods.
    """
    bins, means, plan = bin_load(run), period_load(run), run.frame("energy_plan")
    rows = []
    for name in run.session.limited_stations:
        fine, mean, planned = (frame[frame["station"] == name] for frame in (bins, means, plan))
        if len(fine) == 0:
            continue
        row: dict[str, object] = {"station": name, "limit_kw": float(mean["limit_kw"].max())}
        for kind, part in (("period", mean), ("bin", fine)):
            without, with_ = (energy_above_kwh(part, column) for column in _LOADS)
            row |= {f"{kind}_without_kwh": without, f"{kind}_with_kwh": with_, f"{kind}_ratio": ratio(with_, without)}
        row |= {
            "bins": len(fine),
            "bins_above_without": int(_above(fine, "load_without_kw").sum()),
            "bins_above_with": int(_above(fine, "load_with_kw").sum()),
            "peak_without_kw": float(fine["load_without_kw"].max()),
            "peak_with_kw": float(fine["load_with_kw"].max()),
            "received_kwh": float((fine["mves_kw"].clip(lower=0.0) * fine["hours"]).sum()),
            "need_kwh": float(planned["need_kwh"].sum()),
            "unmet_kwh": float(planned["unmet_kwh"].sum()),
            "supply_limited_periods": int(planned["supply_limited"].astype(bool).sum()),
        }
        rows.append(row)
    return pd.DataFrame(rows)


def pushed_over(run: RoadRun) -> pd.DataFrame:
    """Return one row per resourceful station with a recorded load: what charging mobile storage adds above its limit.

    Returns
    -------
    DataFrame : station; limit_kw; bins; bins_pushed, in which its load is above the limit while storages charge; pushed_kwh, the
        energy that charging puts above the limit (not what lies there without); peak_with_kw, the peak of a bin.
    """
    rows = []
    load = bin_load(run)
    for name in run.session.resourceful_stations:
        own = load[load["station"] == name]
        if len(own):
            level = own[["limit_kw", "load_without_kw"]].max(axis=1)
            pushed = _above(own, "load_with_kw") & (own["load_with_kw"] - level > _ROUNDING * own["limit_kw"])
            kwh = ((own["load_with_kw"] - level)[pushed] * own["hours"][pushed]).sum()
            row = {"station": name, "limit_kw": float(own["limit_kw"].max()), "bins": len(own), "bins_pushed": int(pushed.sum())}
            rows.append(row | {"pushed_kwh": float(kwh), "peak_with_kw": float(own["load_with_kw"].max())})
    return pd.DataFrame(rows)


def _above(load: pd.DataFrame, column: str) -> pd.Series:
    return load[column] - load["limit_kw"] > _ROUNDING * load["limit_kw"]


_COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILLION, BLACK)
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_MARK_EVERY = 16
_SEEN = 0.005
"""A station whose probability of overload never reaches this has no line of its own."""


@paper_style
def feeder_load_figure(run: RoadRun, without: RoadRun | None = None) -> Figure:
    """Return a panel per station, the limited ones first, and below them the probability of overload of all.

    Parameters
    ----------
    run : RoadRun
        Run that gives the load with mobile storage.
    without : RoadRun, optional
        Run that gives the load without; the same run if left out.
    """
    base = without or run
    recorded = set(run.frame("feeder_load")["station"])
    groups = [[n for n in names if n in recorded] for names in (run.session.limited_stations, run.session.resourceful_stations)]
    title = f"Feeder load: {run.title}"
    if without is not None:
        title += f"\nload without mobile storage: scheme {without.session.scheme.value}, run {without.run_id}"
    figure, panels, below = _station_panels(groups, title)
    own, other = bin_load(run), bin_load(base)
    for name, panel in panels:
        _panel(panel, own[own["station"] == name], other[other["station"] == name], run)
        helps = ", gives energy" if name in groups[1] else ""
        panel.set_title(f"{name}{helps}", loc="left")
        panel.set_ylabel("Feeder load (kW)")
    _probability(below, own, other, [*groups[0], *groups[1]], run)
    legend_below(figure, 3, *panels[0][1].get_legend_handles_labels())
    return figure


def _station_panels(groups: list[list[str]], title: str) -> tuple[Figure, list[tuple[str, Axes]], Axes]:
    """Return a figure with a panel for every station, each group in rows of its own, and one below for all."""
    columns, names = medium().beside, [*groups[0], *groups[1]]
    rows = [group[i : i + columns] for group in groups for i in range(0, len(group), columns)]
    figure = new_figure(1.2 + (1.5 if columns == 1 else 2.05) * (len(rows) + 1), title)
    if medium().height_in is not None:
        *panels, below = stack(figure, len(names) + 1, sharex=False)
        return figure, list(zip(names, panels, strict=True)), below
    grid = figure.add_gridspec(len(rows) + 1, columns)
    places = [(name, grid[i, j:] if name == row[-1] else grid[i, j]) for i, row in enumerate(rows) for j, name in enumerate(row)]
    return figure, [(name, figure.add_subplot(place)) for name, place in places], figure.add_subplot(grid[-1, :])


def _panel(axes: Axes, own: pd.DataFrame, base: pd.DataFrame, run: RoadRun) -> None:
    axes.plot(*_steps(own, "limit_kw"), color=BLACK, linestyle="-.", linewidth=1.2, label="feeder limit")
    axes.plot(*_steps(base, _WITHOUT), color=VERMILLION, linestyle=(0, (5, 1.5)), label="without mobile storage")
    axes.plot(*_steps(own, _WITH), color=BLUE, label="with mobile storage")
    hours, load = _steps(base, _WITHOUT)
    level = _steps(base, "limit_kw")[1]
    above: dict[str, Any] = {"where": load > level, "facecolor": "#fbe3d3", "edgecolor": VERMILLION, "linewidth": 0.0}
    axes.fill_between(hours, level, load, hatch="////", label="overload without", **above)
    hours, load = _steps(own, _WITH)
    level = _steps(own, "limit_kw")[1]
    axes.fill_between(hours, level, load, where=load > level, facecolor=VERMILLION, linewidth=0.0, label="overload with")
    hour_axis(axes, run.session, label=False)
    top = pd.concat([base[_WITHOUT], own[_WITH], own["limit_kw"]]).max()
    axes.set_ylim(min(0.0, 1.05 * float(own[_WITH].min())), 1.08 * top)


def _probability(axes: Axes, own: pd.DataFrame, base: pd.DataFrame, names: list[str], run: RoadRun) -> None:
    """Draw P(load > limit) of every station that comes near its limit: dashed without, solid with mobile storage.

    A station has a colour and a marker, so that the lines can be told apart in grey.
    """
    for at, (name, colour, marker) in enumerate(zip(names, _COLOURS, _MARKERS, strict=False)):
        for frame, side, line in ((base, "without", (0, (5, 1.5))), (own, "with", "-")):
            part = frame[frame["station"] == name]
            if part[f"overload_probability_{side}"].max() >= _SEEN:
                steps = _steps(part, f"overload_probability_{side}")
                look: dict[str, Any] = {"color": colour, "linestyle": line, "marker": marker, "markevery": (4 * at, _MARK_EVERY)}
                axes.plot(*steps, linewidth=1.1, markersize=3.4, label=f"{name} {side}", **look)
    axes.set_title("probability of overload", loc="left")
    axes.set_ylabel("P(load > limit) (1)")
    axes.set_ylim(0.0, 1.5)  # room for the legend above 1
    axes.set_yticks(np.linspace(0.0, 1.0, 6))
    hour_axis(axes, run.session)
    if axes.get_lines():
        legend_inside(axes, 4, loc="upper left", fontsize=pt(7.0))


def _steps(frame: pd.DataFrame, column: str) -> tuple[np.ndarray, np.ndarray]:
    """Return corners of the step curve, two per interval, so that lines and shading agree."""
    hours = np.column_stack([frame["clock_h"], frame["clock_h"] + frame["hours"]]).ravel()
    return hours, np.repeat(frame[column].to_numpy(float), 2)


def _no_load(run: RoadRun) -> str:
    stations = set(bin_load(run)["station"])
    recorded = stations & set(run.session.limited_stations)
    return run.lacks("feeder_load") or ("" if recorded else "table feeder_load has no limited station")


def _reading(run: RoadRun) -> str:
    name = bins_name(run)
    text = (
        f"Means over {name}. The hatched area is what would lie above the feeder's limit without mobile storage, the filled area "
        "what lies above it all the same. Resourceful stations charge the storages."
    )
    for row in overload(run).to_dict("records"):
        text += (
            f" {row['station']}: above {number(row['limit_kw'])} kW in {row['bins_above_without']} of {row['bins']} "
            f"{name} without and in {row['bins_above_with']} with mobile storage; the peak is "
            f"{number(row['peak_without_kw'])} kW without and {number(row['peak_with_kw'])} kW with."
        )
    for row in pushed_over(run).to_dict("records"):
        text += f" {row['station']}: at most {number(row['peak_with_kw'])} of {number(row['limit_kw'])} kW."
    return (
        f"{text} Bottom: probability that the load is above the limit at a moment; it swings as vehicles come and go, also where "
        "storages hold its mean at the limit."
    )


FEEDER_LOAD = RunFigure("fig5_feeder_load", "Feeder load without and with mobile storage", _no_load, feeder_load_figure, _reading)


def grid(run: RoadRun) -> Grid:
    """Return what lies above the limits, a row per limited station."""
    bins = bins_name(run)
    return Grid.of(
        f"Energy above the feeder limit per limited station. Counted by {bins}; from means over a period, which hide what swings "
        "inside it, beside it.",
        overload(run).to_dict("records"),
        ("Station", str, "station"),
        ("Limit (kW)", number, "limit_kw"),
        (f"By {bins}: without (kWh)", number, "bin_without_kwh"),
        ("with (kWh)", number, "bin_with_kwh"),
        ("ratio", percent, "bin_ratio"),
        ("Period means: without (kWh)", number, "period_without_kwh"),
        ("with (kWh)", number, "period_with_kwh"),
        ("ratio", percent, "period_ratio"),
        (f"{bins} above, without / with", "{} / {}".format, "bins_above_without", "bins_above_with"),
        ("Received (kWh)", number, "received_kwh"),
        ("Unmet in plan (kWh)", number, "unmet_kwh"),
        ("Supply-limited periods", number, "supply_limited_periods"),
    )
