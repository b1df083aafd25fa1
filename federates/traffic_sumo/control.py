"""The delay law: what time a link takes at the flow that is measured on it."""

from __future__ import annotations

import math
from collections.abc import Mapping

from federates.boundary.canonical import canonical
from federates.traffic_sumo.data import HOURS, Road
from federates.traffic_sumo.settings import Settings

_RATIO_MAX = 1.5
"""Largest measured flow, as a share of the given one, that enters the law: beyond it the fourth power means nothing."""
_SPEED_MIN_M_PER_S = 2.0


def law_time_s(free_s: float, target_s: float, ratio: float, power: float) -> float:
    """Return the time over a link at ``ratio`` times the given flow of the hour.

    t = t0 + (t_target - t0) (v / F)^power: the BPR form, put through the observed point (F, t_target) instead of a capacity.

    Parameters
    ----------
    free_s : s, time over the empty link, t0
    target_s : s, time at the given flow of the hour
    ratio : measured flow over given flow, v / F
    power : exponent; 4 in BPR (1964)
    """
    return free_s + max(0.0, target_s - free_s) * float(canonical(min(ratio, _RATIO_MAX) ** power))


class DelayController:
    """Turns counted vehicles into link speeds.

    The ratio v / F compares vehicles that entered a link with those that the given flows would have sent in the same time, both
    with the same exponential memory of ``smoothing_s``. Both count mobile storages and other traffic alike, so every
    vehicle more slows everyone down.
    """

    def __init__(self, road: Road, settings: Settings, start_hour: int) -> None:
        self._road = road
        self._settings = settings
        self._start_hour = start_hour
        self._measured: dict[str, float] = {}
        self._given: dict[str, float] = {}

    def state(self) -> dict[str, dict[str, float]]:
        """Return what was counted."""
        return {"measured": dict(self._measured), "given": dict(self._given)}

    def restore(self, state: Mapping[str, dict[str, float]]) -> None:
        """Go on with what `state` has returned."""
        self._measured, self._given = dict(state["measured"]), dict(state["given"])

    def hour(self, time_s: float) -> int:
        """Return the hour of day, 0 to 23, at ``time_s`` of the run."""
        return math.floor(self._start_hour + time_s / 3600.0) % HOURS

    def count(self, link: str, entered: int, begin_s: float, end_s: float) -> None:
        """Take in that ``entered`` vehicles came onto ``link`` between two times of the run."""
        flow = float(self._road.flow_veh_per_h[link][self.hour((begin_s + end_s) / 2)]) / 3600.0
        memory_s = self._settings.smoothing_s
        # At the start the road counts as loaded as given; the warm-up replaces this by what is measured.
        measured = self._measured.get(link, flow * memory_s * self._settings.demand_scale)
        given = self._given.get(link, flow * memory_s)
        keep = float(canonical(math.exp(-(end_s - begin_s) / memory_s)))
        self._measured[link] = measured * keep + entered
        self._given[link] = given * keep + flow * (end_s - begin_s)

    def ratio(self, link: str) -> float:
        """Return measured over given flow: 1 before anything is counted, 0 where no flow is given, for such a link is empty."""
        if link not in self._given:
            return 1.0
        given = self._given[link]
        return self._measured[link] / given if given > 0 else 0.0

    def speed_m_per_s(self, link: str, time_s: float) -> float:
        """Return the speed to set on ``link`` now."""
        length_m = 1000.0 * self._road.links[link].length_km
        free = self._settings.free_speed_m_per_s
        hour = self.hour(time_s)
        wanted_s = law_time_s(
            length_m / free, float(self._road.target_s[link][hour]), self.ratio(link), self._settings.delay_power
        )
        set_s = wanted_s - float(self._road.correction_s[link][hour])
        return min(free * 1.15, max(_SPEED_MIN_M_PER_S, length_m / max(set_s, 1.0)))
