"""The report of a calibration: every link-hour as csv, and a summary as Markdown (figures: studies/make_traffic.py)."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from federates.boundary.units import M_PER_S_PER_MPH
from federates.traffic_sumo.data import Array, Road
from federates.traffic_sumo.targets import MORNING_HOURS, Target

__all__ = ["Fit", "geh", "write_report"]

_ROUTES = {
    "I-5 S + I-605 S": ("I5S_ELA-I710", "I5S_I710-I605", "I605S_I5-I105"),
    "I-5 S + I-710 S + I-105 E": ("I5S_ELA-I710", "I710S_I5-I105", "I105E_I710-I605"),
}
"""Both routes from East Los Angeles to Norwalk, reported where the road has these links."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A simulated day and what it should be. ``flow_veh_per_h`` and ``time_s`` hold arrays of shape (24,) by link."""

    road: Road
    targets: dict[str, list[Target]]
    flow_veh_per_h: dict[str, Array]
    time_s: dict[str, Array]
    free_speed_m_per_s: float
    waiting_veh: int
    teleports: int
    seed: int

    def target_s(self, link: str) -> Array:
        """Return the target times of a link, shape (24,)."""
        return np.array([target.time_s for target in self.targets[link]])

    def geh(self) -> Array:
        """Return GEH of all links and hours, shape (L, 24)."""
        return np.array([geh(self.flow_veh_per_h[name], self.road.flow_veh_per_h[name]) for name in self.road.links])


def geh(simulated: Array, given: Array) -> Array:
    """Return the GEH statistic, sqrt(2 (m - c)^2 / (m + c)), of hourly flows in veh/h; below 5 is held to be a good fit."""
    total = simulated + given
    return np.sqrt(np.divide(2.0 * (simulated - given) ** 2, total, out=np.zeros_like(total), where=total > 0))


def write_report(fit: Fit, folder: Path) -> None:
    """Write calibration.csv and calibration.md to ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    _write_csv(fit, folder / "calibration.csv")
    text = _markdown(fit)
    (folder / "calibration.md").write_text(text, encoding="utf-8")
    print(text)


def _write_csv(fit: Fit, file: Path) -> None:
    with file.open("w", encoding="utf-8", newline="") as stream:
        out = csv.writer(stream, lineterminator="\n")
        out.writerow(
            [
                "link",
                "hour",
                "given_veh_per_h",
                "simulated_veh_per_h",
                "geh",
                "target_s",
                "simulated_s",
                "simulated_mph",
                "target_basis",
            ]
        )
        for name, link in fit.road.links.items():
            given, flow, time = fit.road.flow_veh_per_h[name], fit.flow_veh_per_h[name], fit.time_s[name]
            for hour, value in enumerate(geh(flow, given)):
                mph = 1000.0 * link.length_km / time[hour] / M_PER_S_PER_MPH
                row = [name, hour, f"{given[hour]:.0f}", f"{flow[hour]:.0f}", f"{value:.2f}", f"{fit.target_s(name)[hour]:.1f}"]
                out.writerow([*row, f"{time[hour]:.1f}", f"{mph:.1f}", fit.targets[name][hour].basis])


def _markdown(fit: Fit) -> str:
    values = fit.geh()
    share = 100.0 * float((values < 5).mean())
    lines = [
        f"Simulated day, seed {fit.seed}: GEH < 5 on {share:.1f} % of {values.size} link-hours (largest {values.max():.1f}); "
        f"most vehicles waiting to enter {fit.waiting_veh}; teleports {fit.teleports}.",
        "",
        "| link | largest GEH | day given veh (estimated) | day simulated veh | 07-09 h target mph (observed 2008) "
        "| 07-09 h simulated mph | 17 h target mph (estimated) | 17 h simulated mph | 02 h simulated mph |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for i, (name, link) in enumerate(fit.road.links.items()):
        target, time = fit.target_s(name), fit.time_s[name]
        morning = list(MORNING_HOURS)
        speeds = [target[morning].mean(), time[morning].mean(), target[17], time[17], time[2]]
        shown = " | ".join(f"{1000.0 * link.length_km / s / M_PER_S_PER_MPH:.1f}" for s in speeds)
        given, flow = fit.road.flow_veh_per_h[name].sum(), fit.flow_veh_per_h[name].sum()
        lines.append(f"| {name} | {values[i].max():.1f} | {given:,.0f} | {flow:,.0f} | {shown} |")
    return "\n".join([*lines, "", *_route_lines(fit)]) + "\n"


def _route_lines(fit: Fit) -> list[str]:
    routes = {name: links for name, links in _ROUTES.items() if all(link in fit.road.links for link in links)}
    if not routes:
        return []
    lines = [
        "| route r2 -> q2 | free flow min | 07-09 h target min (observed 2008) | 07-09 h simulated min "
        "| 17 h target min (estimated) | 17 h simulated min |",
        "|---|---|---|---|---|---|",
    ]
    morning = list(MORNING_HOURS)
    for name, links in routes.items():
        free = sum(1000.0 * fit.road.links[link].length_km / fit.free_speed_m_per_s for link in links)
        target = np.sum([fit.target_s(link) for link in links], axis=0)
        time = np.sum([fit.time_s[link] for link in links], axis=0)
        shown = [free, target[morning].mean(), time[morning].mean(), target[17], time[17]]
        lines.append(f"| {name} | " + " | ".join(f"{value / 60:.1f}" for value in shown) + " |")
    return lines
