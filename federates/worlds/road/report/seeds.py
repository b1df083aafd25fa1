"""Delivery times of several seeds: means with intervals by scheme, and how much longer the fastest route takes, seed by seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from federates.reporting.figures import BLACK, hour_edges, hour_panels, legend_below, new_figure, paper_style, stack
from federates.reporting.formatting import minutes
from federates.reporting.seeds import LEVEL, Mean, interval_words, mean_of
from federates.reporting.world import Drawing
from federates.worlds.road.report.delivery import delivery_by_period
from federates.worlds.road.report.run import SCHEMES, RoadRun, traffic_name
from federates.worlds.road.session import Scheme

Repeated = Mapping[str, Sequence[RoadRun]]
_PAIR = (Scheme.PROPOSED.value, Scheme.FASTEST_ROUTE.value)


def times_min(runs: Sequence[RoadRun]) -> np.ndarray:
    """Return the mean delivery time in the traffic model, min, shape (seeds, T); NaN where no vehicle arrived."""
    return np.array([delivery_by_period(run)["traffic_s"].to_numpy(float) / 60.0 for run in runs])


def day_means_s(runs: Sequence[RoadRun]) -> np.ndarray:
    """Return the mean delivery time of all vehicles of a day in the traffic model, s, shape (seeds,)."""
    return np.array([float(run.summary.get("delivery_time_traffic_s", np.nan)) for run in runs])


def longer_percent(repeated: Repeated, times: Callable[[Sequence[RoadRun]], np.ndarray]) -> Mean:
    """Return by how much the fastest route takes longer than the proposed plan, %: the mean of the differences of every seed."""
    own, fast = (times(repeated[scheme]) for scheme in _PAIR)
    return mean_of(100.0 * (fast / own - 1.0))


@paper_style
def seeds_figure(repeated: Repeated) -> Figure:
    """Return mean delivery times with intervals, and, with both schemes that send vehicles, their difference."""
    first = next(iter(repeated.values()))[0]
    both = all(scheme in repeated for scheme in _PAIR)
    figure = new_figure(4.9 if both else 3.2, f"Mean energy delivery time over seeds: {first.session.name}")
    panels = stack(figure, 1 + both, [1.6, 1.0][: 1 + both])
    middles = (hour_edges(first.session)[:-1] + hour_edges(first.session)[1:]) / 2.0
    step = 0.16 * first.period_h
    for k, (scheme, runs) in enumerate(repeated.items()):
        look = SCHEMES[scheme]
        dash = "-" if k == 0 else (0, (4, 1.5))
        shift = step * (k - (len(repeated) - 1) / 2.0)
        _bars(panels[0], middles + shift, mean_of(times_min(runs)), look["label"], look["color"], look["marker"], dash)
    panels[0].set_ylabel("Delivery time (min)")
    if both:
        _bars(panels[1], middles, longer_percent(repeated, times_min), "difference", BLACK, "D", "")
        panels[1].axhline(0.0, color=BLACK, linewidth=0.7)
        panels[1].set_ylabel("Fastest route\nlonger by (%)")
    hour_panels(panels, first)
    legend_below(figure, 4, *panels[0].get_legend_handles_labels())
    figure.align_ylabels(list(panels))
    return figure


def _bars(axes: Axes, x: np.ndarray, mean: Mean, label: str, colour: str, marker: str, dash: object) -> None:
    known = np.isfinite(mean.value)
    error = np.nan_to_num(mean.half[known])
    axes.errorbar(
        x[known],
        mean.value[known],
        yerr=error,
        color=colour,
        marker=marker,
        linestyle=dash,
        capsize=2.0,
        linewidth=1.1,
        label=label,
    )


def figures(repeated: Repeated) -> Iterator[Drawing]:
    """Yield the delivery times over seeds of the schemes that send vehicles."""
    sending = {
        scheme: runs for scheme, runs in repeated.items() if scheme != Scheme.NO_MVES.value and np.isfinite(times_min(runs)).any()
    }
    if sending:
        yield Drawing("delivery_time_seeds", "Mean energy delivery time over seeds", seeds_figure(sending), _reading(sending))


def _reading(repeated: Repeated) -> str:
    first = next(iter(repeated.values()))
    days = "; ".join(
        f"{SCHEMES[scheme]['label']}: {minutes(float(mean.value[0]))} ± {minutes(float(mean.half[0]))}"
        for scheme, mean in ((scheme, mean_of(day_means_s(runs))) for scheme, runs in repeated.items())
    )
    text = (
        f"Means over {len(first)} seeds, in {traffic_name(first[0])}, with intervals of {100 * LEVEL:.0f} % by the t "
        f"distribution. A period with vehicles in one seed only has no bar. All vehicles of the day, {days}."
    )
    if all(scheme in repeated for scheme in _PAIR):
        longer = longer_percent(repeated, day_means_s)
        sure = abs(longer.value[0]) > longer.half[0]
        text += (
            " Bottom: how much longer the fastest route takes, as the mean of the differences of every seed; over the day "
            f"{interval_words(longer, digits=2, unit='%')}, so that chance alone {'does not explain' if sure else 'may explain'} "
            "it."
        )
    return text
