"""The traffic model `bpr`: link times by formula from hourly flows, and nothing simulated. A day takes well under a second.

Same data files and sites as `sumo`. A link carries the given flow of the hour (as SUMO's demand does, exactly) plus the mobile
storages that enter it, and takes, with t0 = length / free speed,

    bpr          t = t0 (1 + alpha (v / c)^beta)                alpha = 0.15, beta = 4, c = lanes x capacity of a lane   [1]
    calibrated   t = t0 + (t_target(h) - t0) (v / F_h)^beta     through the target time of the hour at its given flow F_h
    point_queue  t = t0 + Q / c(h),  dQ/dt = v - c(h)           a bottleneck with a queue, see `point_queue`

Density is flow / speed. But for `point_queue` there are no queues: what enters a link leaves it, whatever the flow.

References
----------
.. [1] Bureau of Public Roads, "Traffic Assignment Manual", US Department of Commerce, 1964.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from federates.boundary.canonical import canonical
from federates.boundary.config import Config
from federates.boundary.errors import ConfigError, Problem
from federates.boundary.messages import Array
from federates.boundary.roles import Recorder
from federates.boundary.units import S_PER_H, free_flow_time_s, hours
from federates.lp.arithmetic import product
from federates.traffic_sumo.checks import find_road_problems
from federates.traffic_sumo.control import law_time_s
from federates.traffic_sumo.data import HOURS, Road, load_road
from federates.traffic_sumo.link_times import LinkTimeTraffic
from federates.traffic_sumo.point_queue import PointQueues, bottleneck_capacity
from federates.traffic_sumo.settings import RoadSettings
from federates.traffic_sumo.tables import record_clock, record_map
from federates.worlds.road.messages import LinkObservation
from federates.worlds.road.session import RoadSession
from federates.worlds.road.times import MOST_ROAD_TIME_S

_MOST_PASSES = 20
"""Times depend on which storages enter a link, and these on times; a few passes settle it."""


class BprSettings(RoadSettings):
    """Settings of `BprTraffic`; those that `sumo` has too mean the same."""

    capacity_per_lane_veh_per_h: Annotated[float, Field(gt=0, le=4000)] = 1900.0
    """`delay_law: bpr` only: c per lane, veh/h (largest 5-min flow observed on I-5 N: 1,750-1,905)."""
    delay_law: Annotated[str, Field(pattern="^(bpr|calibrated|point_queue)$")] = "bpr"
    """`bpr`; `calibrated`: through the target times of `times_file`, as `sumo` has it; `point_queue`: its queues."""
    delay_factor: Annotated[float, Field(ge=0, le=10)] = 0.15
    """`delay_law: bpr` only: alpha (1964: 0.15)."""
    delay_power: Annotated[float, Field(ge=0, le=10)] = 4.0
    """beta (1964: 4); `point_queue` has no power."""

    @property
    def needs_times(self) -> bool:
        """Whether the law goes by the target times of `times_file`."""
        return self.delay_law != "bpr"


class BprTraffic(LinkTimeTraffic):
    """Link times by formula."""

    Settings: ClassVar[type[Config]] = BprSettings

    def __init__(self, settings: BprSettings, folder: Path) -> None:
        super().__init__(settings, folder)
        self.settings: BprSettings = settings

    @classmethod
    def check(cls, settings: BprSettings, folder: Path, session: RoadSession) -> list[Problem]:
        """Return everything wrong with settings and data files."""
        problems, road = find_road_problems(settings, folder, session)
        return problems if problems or road is None else _slow_links(settings, road, session)

    def begin(self, session: RoadSession, recorder: Recorder) -> None:
        """Read the data files and record the map."""
        problems = self.check(self.settings, self.folder, session)
        if problems:
            raise ConfigError(problems)
        road = load_road(self.settings, self.folder)
        junctions = {name: site.junction for name, site in self.settings.stations.items()}
        self.prepare(session, recorder, {link.name: (link.start, link.end) for link in road.links.values()}, junctions)
        record_clock(recorder, session)
        record_map(recorder, session, road, junctions)
        self._keep(road, session.links)

    def _keep(self, road: Road, links: tuple[str, ...]) -> None:
        """Keep what the formulas need as arrays (L,) or (L, 24)."""
        s = self.settings
        self._length_km = np.array([road.links[name].length_km for name in links])
        self._free_s = np.array([free_flow_time_s(km, s.free_speed_m_per_s) for km in self._length_km])
        self._capacity_veh_per_h = s.capacity_per_lane_veh_per_h * np.array([road.links[name].lanes for name in links])
        self._given_veh_per_h = np.array([road.flow_veh_per_h[name] for name in links])
        if s.needs_times:
            self._target_s = np.array([road.target_s[name] for name in links])
        self._queues = PointQueues(np.zeros(len(links)))
        if s.delay_law == "point_queue":
            delay_s = np.maximum(self._target_s - self._free_s[:, None], 0.0)
            known = zip(self._given_veh_per_h, delay_s, self._capacity_veh_per_h, strict=True)
            self._bottleneck_veh_per_h, queue_veh = np.stack([bottleneck_capacity(*link) for link in known], axis=1)
            self._queues = PointQueues(queue_veh[:, self._session.start_hour - 1])
        watched = [road.flow_veh_per_h[s.stations[name].passing_link] for name in self._session.stations]
        self._passing_veh_per_h = np.rint(np.array(watched) * s.demand_scale)

    def observe_links(self, period: int) -> LinkObservation:
        """Return the means of ``period``; the storages that enter a link slow it down for all."""
        period_h = hours(self._session.period_s)
        share = self._hours(period * self._session.period_s, self._session.period_s)
        background = product(np.rint(self._given_veh_per_h * self.settings.demand_scale), share)
        storages = np.zeros(len(background))
        for _ in range(_MOST_PASSES):
            time_s, queue_veh = self._time_s(background + storages / period_h, share, period_h)
            before, storages = storages, self.entering(period, time_s)
            if np.array_equal(before, storages):
                break
        self._queues = PointQueues(queue_veh)
        flow = background + storages / period_h
        speed = 1000.0 * self._length_km / time_s
        return LinkObservation(flow, flow / (3.6 * speed), speed, time_s)

    def passing_veh(self, period: int) -> Array:
        """Return the flow of the link beside each station over each bin, without mobile storages."""
        bins, period_s = self._session.bins_per_period, self._session.period_s
        bin_s = period_s / bins
        shares = [self._hours(period * period_s + number * bin_s, bin_s) for number in range(bins)]
        return product(self._passing_veh_per_h, np.array(shares).T) * hours(bin_s)

    def _time_s(self, flow_veh_per_h: Array, share: Array, period_h: float) -> tuple[Array, Array]:
        """Return the mean time over every link at this flow, and the queues at the end of the period, both (L,)."""
        if self.settings.delay_law == "point_queue":
            capacity = product(self._bottleneck_veh_per_h, share)
            queue_veh, waited_h = self._queues.after(flow_veh_per_h, capacity, period_h)
            return self._free_s + S_PER_H * waited_h / (capacity * period_h), queue_veh
        return self._power_law_s(flow_veh_per_h, share), self._queues.queue_veh

    def _power_law_s(self, flow_veh_per_h: Array, share: Array) -> Array:
        s = self.settings
        if s.delay_law == "bpr":
            use = flow_veh_per_h / self._capacity_veh_per_h
            return canonical(self._free_s * (1.0 + s.delay_factor * use**s.delay_power))
        given, target = product(self._given_veh_per_h, share), product(self._target_s, share)
        # Without a given flow nothing is known of a delay: the link is empty.
        ratio = np.divide(flow_veh_per_h, given, out=np.zeros_like(given), where=given > 0)
        times = zip(self._free_s, target, ratio, strict=True)
        return np.array([law_time_s(float(free), float(aim), float(part), s.delay_power) for free, aim, part in times])

    def _hours(self, begin_s: float, length_s: float) -> Array:
        """Return which part of ``length_s`` from ``begin_s`` of the run lies in each hour of day, shape (24,), sum 1."""
        share = np.zeros(HOURS)
        at_s, end_s = begin_s, begin_s + length_s
        while at_s < end_s - 1e-9:
            hour = int(at_s // S_PER_H)
            next_s = min(end_s, (hour + 1) * S_PER_H)
            share[(self._session.start_hour + hour) % HOURS] += (next_s - at_s) / length_s
            at_s = next_s
        return share


def _slow_links(settings: BprSettings, road: Road, session: RoadSession) -> list[Problem]:
    """Return the link that takes longest at the largest given flow by the law of 1964, if that is over a day."""
    if settings.delay_law != "bpr":
        return []
    time_s = {}
    for name in session.links:
        link = road.links[name]
        use = float(road.flow_veh_per_h[name].max()) * settings.demand_scale
        use /= settings.capacity_per_lane_veh_per_h * link.lanes
        free_s = free_flow_time_s(link.length_km, settings.free_speed_m_per_s)
        time_s[name] = free_s * (1.0 + settings.delay_factor * use**settings.delay_power)
    slowest = max(time_s, key=lambda name: time_s[name])
    if time_s[slowest] <= MOST_ROAD_TIME_S:
        return []
    allowed = f"link {slowest} takes {time_s[slowest]:.3g} s at its largest given flow, over a day"
    return [Problem("config.yaml", "settings.capacity_per_lane_veh_per_h", f"{settings.capacity_per_lane_veh_per_h:g}", allowed)]
