"""Time that a delivery takes, as the traffic model saw it and as the formula predicted it; and the paper's Fig. 6.

A delivery is: wait and charge at r, drive, wait and discharge at q. The road part is measured in the traffic model; the two
parts inside stations always come from the transport operator's forecast, since the traffic model ends at the gate.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from federates.reporting.figures import (
    BLACK,
    hour_edges,
    hour_panels,
    legend_below,
    legend_inside,
    new_figure,
    paper_style,
    stack,
)
from federates.reporting.formatting import clock, minutes, number
from federates.reporting.world import Grid, RunFigure
from federates.worlds.road.report.negotiation import vehicles_by_period
from federates.worlds.road.report.run import SCHEMES, RoadRun, traffic_name
from federates.worlds.road.session import Scheme

_PAIR = ["period", "origin", "destination"]


def vehicle_deliveries(run: RoadRun) -> pd.DataFrame:
    """Return one row per arrived vehicle.

    Returns
    -------
    DataFrame : period of departure, origin, destination, road_time_s, gate_s (charging plus discharging) and
        delivery_time_s, all s. ``gate_s`` and ``delivery_time_s`` are NaN where the forecast lacks the pair.
    """
    trips = run.frame("deliveries")
    trips = trips[(trips["arrive_s"] >= 0) & (trips["road_time_s"] >= 0)]
    forecast = run.frame("delivery_forecast").drop_duplicates(_PAIR, keep="last")
    forecast["gate_s"] = forecast["charging_s"] + forecast["discharging_s"]
    merged = _keyed(trips)[[*_PAIR, "road_time_s"]].merge(_keyed(forecast)[[*_PAIR, "gate_s"]], on=_PAIR, how="left")
    merged["delivery_time_s"] = merged["road_time_s"] + merged["gate_s"]
    return merged


def delivery_by_period(run: RoadRun) -> pd.DataFrame:
    """Return the mean delivery time of every period.

    Returns
    -------
    DataFrame, one row per period of the run: period, hour (of the day, h), traffic_s and formula_s (mean delivery time, s; NaN
        without a vehicle), traffic_veh and formula_veh (vehicles behind the mean); traffic: as the traffic model drove it.
    """
    out = pd.DataFrame({"period": np.arange(run.session.periods)})
    out["hour"] = [run.session.hour_of_day(int(period)) for period in out["period"]]
    pairs = _pairs(run)
    for kind in ("traffic", "formula"):
        part = pairs[pairs[f"{kind}_veh"] > 0].copy()
        part["weighted"] = part[f"{kind}_s"] * part[f"{kind}_veh"]
        sums = part.groupby("period")[["weighted", f"{kind}_veh"]].sum()
        sums[f"{kind}_s"] = sums["weighted"] / sums[f"{kind}_veh"]
        out = out.merge(sums[[f"{kind}_s", f"{kind}_veh"]], left_on="period", right_index=True, how="left")
        out[f"{kind}_veh"] = out[f"{kind}_veh"].fillna(0).astype(int)
    return out


def same_pairs_by_period(base: RoadRun, other: RoadRun) -> pd.DataFrame:
    """Return how much longer ``other`` takes than ``base`` if both served the same pairs.

    Two schemes may send their vehicles between different stations; the mean then differs for that reason alone. Here every
    pair (r, q) that both serve counts with the vehicles of ``base``.

    Returns
    -------
    DataFrame, one row per period: period, traffic_percent, formula_percent (NaN where no pair is served in both).
    """
    merged = _pairs(base).merge(_pairs(other), on=_PAIR, suffixes=("_base", "_other"))
    out = pd.DataFrame({"period": np.arange(base.session.periods)})
    for kind in ("traffic", "formula"):
        both = merged[(merged[f"{kind}_veh_base"] > 0) & (merged[f"{kind}_veh_other"] > 0)].copy()
        for side in ("base", "other"):
            both[side] = both[f"{kind}_s_{side}"] * both[f"{kind}_veh_base"]
        sums = both.groupby("period")[["base", "other"]].sum()
        percent = (100.0 * (sums["other"] / sums["base"] - 1.0)).rename(f"{kind}_percent")
        out = out.merge(percent, left_on="period", right_index=True, how="left")
    return out


def _pairs(run: RoadRun) -> pd.DataFrame:
    """Return mean time and vehicles per period and pair, for both kinds."""
    trips = _keyed(vehicle_deliveries(run).dropna(subset=["delivery_time_s"]))
    driven = trips.groupby(_PAIR, as_index=False).agg(
        traffic_s=("delivery_time_s", "mean"), traffic_veh=("delivery_time_s", "size")
    )
    forecast = _keyed(run.frame("delivery_forecast").drop_duplicates(_PAIR, keep="last"))
    forecast = forecast[forecast["vehicles"] > 0]
    formula = forecast.rename(columns={"delivery_time_s": "formula_s", "vehicles": "formula_veh"})
    merged = formula[[*_PAIR, "formula_s", "formula_veh"]].merge(_keyed(driven), on=_PAIR, how="outer")
    return merged.fillna({"formula_veh": 0, "traffic_veh": 0})


def _keyed(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with keys of one type, so that an empty table merges with a full one."""
    return frame.astype({"period": "int64", "origin": "object", "destination": "object"})


_KINDS = (("traffic", "-", True), ("formula", (0, (4, 1.5)), False))


@paper_style
def delivery_time_figure(runs: Mapping[str, RoadRun]) -> Figure:
    """Return mean delivery time, difference between the schemes (if both are given) and vehicles sent.

    Parameters
    ----------
    runs : mapping of scheme to RoadRun
        At least one. With ``proposed`` and ``fastest_route`` a panel shows how much longer the latter takes.
    """
    first = next(iter(runs.values()))
    pair = [runs.get(scheme.value) for scheme in (Scheme.PROPOSED, Scheme.FASTEST_ROUTE)]
    compared = all(run is not None for run in pair)
    ratios = [2.4, 1.3, 1.0] if compared else [2.4, 1.0]
    figure = new_figure(6.3 if compared else 4.4, _title(runs, first))
    panels = stack(figure, len(ratios), ratios)
    _times(panels[0], runs)
    if compared:
        _difference(panels[1], pair[0], pair[1])  # type: ignore[arg-type]
    _vehicles(panels[-1], runs)
    hour_panels(panels, first)
    legend_below(figure, 4, *panels[0].get_legend_handles_labels())
    figure.align_ylabels(panels)
    return figure


def _title(runs: Mapping[str, RoadRun], first: RoadRun) -> str:
    if len(runs) == 1:
        return f"Mean energy delivery time: {first.title}"
    seeds = {run.session.seed for run in runs.values()}
    note = f"common random numbers, seed {first.session.seed}" if len(seeds) == 1 else "different seeds"
    return f"Mean energy delivery time by scheme: {first.session.name} ({note})"


def _name(kind: str, run: RoadRun) -> str:
    return traffic_name(run) if kind == "traffic" else kind


def _middles(run: RoadRun) -> np.ndarray:
    edges = hour_edges(run.session)
    return np.asarray((edges[:-1] + edges[1:]) / 2.0)


def _times(axes: Axes, runs: Mapping[str, RoadRun]) -> None:
    for scheme, run in runs.items():
        look, table = SCHEMES[scheme], delivery_by_period(run)
        for kind, line, filled in _KINDS:
            if not (table[f"{kind}_veh"] > 0).any():
                continue
            axes.plot(
                _middles(run),
                table[f"{kind}_s"] / 60.0,
                color=look["color"],
                linestyle=line,
                linewidth=1.6 if filled else 1.1,
                marker=look["marker"],
                markerfacecolor=look["color"] if filled else "white",
                label=f"{look['label']}, {_name(kind, run)}",
            )
    axes.yaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 10]))
    axes.set_ylabel("Delivery time (min)")


def _difference(axes: Axes, base: RoadRun, other: RoadRun) -> None:
    own, fast = delivery_by_period(base), delivery_by_period(other)
    same = same_pairs_by_period(base, other)
    width = 0.4 * base.period_h
    for (kind, _, filled), shift in zip(_KINDS, (-0.5, 0.5), strict=True):
        percent = 100.0 * (fast[f"{kind}_s"] / own[f"{kind}_s"] - 1.0)
        look: dict[str, Any] = {"color": "#444444"} if filled else {"color": "white", "edgecolor": "#444444", "hatch": "////"}
        place = _middles(base) + shift * width
        axes.bar(place, percent, width, linewidth=0.6, label=_name(kind, base), **look)
        axes.plot(place, same[f"{kind}_percent"], linestyle="", marker="_", markersize=5, color="#E69F00", markeredgewidth=1.4)
    axes.plot([], [], linestyle="", marker="_", markersize=5, color="#E69F00", markeredgewidth=1.4, label="same station pairs")
    axes.axhline(0.0, color=BLACK, linewidth=0.7)
    axes.set_ylabel("Fastest route\nlonger by (%)")
    legend_inside(axes, 3, loc="upper left")
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.3 * (high - low))  # room for the legend


def _vehicles(axes: Axes, runs: Mapping[str, RoadRun]) -> None:
    width = 0.8 * next(iter(runs.values())).period_h / len(runs)
    for k, (scheme, run) in enumerate(runs.items()):
        look = SCHEMES[scheme]
        place = _middles(run) + (k - (len(runs) - 1) / 2.0) * width
        face = look["color"] if not look["hatch"] else "white"
        axes.bar(place, vehicles_by_period(run), width, color=face, edgecolor=look["color"], hatch=look["hatch"], linewidth=0.6)
    axes.set_ylabel("Vehicles sent\n(veh/period)")
    axes.set_ylim(bottom=0.0)


def has_times(run: RoadRun) -> bool:
    """Return whether a vehicle of the run has a delivery time."""
    return bool((delivery_by_period(run)[["traffic_veh", "formula_veh"]] > 0).any(axis=None))


def _reading(run: RoadRun) -> str:
    table, text = delivery_by_period(run), ""
    for kind, name in (("traffic", traffic_name(run)), ("formula", "the formula")):
        part = table[table[f"{kind}_veh"] > 0]
        if len(part):
            low, high = (part.loc[getattr(part[f"{kind}_s"], pick)()] for pick in ("idxmin", "idxmax"))
            text += (
                f" By {name} it lies between {minutes(low[f'{kind}_s'])} ({clock(run, int(low['period']))}) and "
                f"{minutes(high[f'{kind}_s'])} ({clock(run, int(high['period']))})."
            )
    return (
        "Time from arriving at the resourceful station to leaving the limited one, averaged over the vehicles that depart in a "
        f"period. {traffic_name(run)} measures the drive; waiting, charging and discharging come from the operators' forecast in "
        "both curves. Periods without a vehicle have no point." + text
    )


DELIVERY_TIME = RunFigure(
    "fig6_delivery_time",
    "Mean energy delivery time",
    lambda run: "" if has_times(run) else run.lacks("delivery_forecast") or "no vehicle was sent",
    lambda run: delivery_time_figure({run.scheme: run}),
    _reading,
)


def grid(run: RoadRun) -> Grid:
    """Return the mean delivery time of every period with a vehicle."""
    table, traffic = delivery_by_period(run), traffic_name(run)
    return Grid.of(
        "Mean energy delivery time of the vehicles that depart in a period (periods without a vehicle are not listed).",
        table[(table["traffic_veh"] > 0) | (table["formula_veh"] > 0)].to_dict("records"),
        ("Departure", functools.partial(clock, run), "period"),
        ("Vehicles sent", number, "formula_veh"),
        ("By formula", minutes, "formula_s"),
        (f"Vehicles arrived in {traffic}", number, "traffic_veh"),
        (f"In {traffic}", minutes, "traffic_s"),
    )
