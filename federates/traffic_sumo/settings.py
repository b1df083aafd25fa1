"""Settings of SUMO, and of every model that reads the road's data files: ``settings`` of ``traffic_sumo/config.yaml``."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from federates.boundary.config import Config, unfit


class Engine(StrEnum):
    """How Python talks to SUMO; both give the same tables."""

    TRACI = "traci"
    """SUMO is a process of its own, reached over a loopback socket."""
    LIBSUMO = "libsumo"
    """SUMO is a library inside this process: faster, but one simulation per process and no `sumo-gui`."""


class Resolution(StrEnum):
    """How vehicles move."""

    MESOSCOPIC = "mesoscopic"
    """Queues on road segments: a day takes about half a minute."""
    MICROSCOPIC = "microscopic"
    """Car following and lane changing of every vehicle: a day takes about 40 minutes."""


class DelayLaw(StrEnum):
    """What keeps a link at the speeds that were observed."""

    CALIBRATED = "calibrated"
    """Link time by the fourth power of its measured flow, through the observed point of the hour."""
    NONE = "none"
    """No law: link speeds are what SUMO's own car interaction makes of the flows (free flow nearly always)."""


class StationSite(Config):
    """Where a charging station lies."""

    junction: Annotated[str, Field(min_length=1)]
    """Junction of the network (a row of `junctions_file`) at which its ramps meet the road."""
    passing_link: Annotated[str, Field(min_length=1)]
    """Link whose vehicles count as passing the station: the road that its detector watches."""


class RoadSettings(Config):
    """What the readers of the data files want to know, whatever moves the vehicles."""

    stations: Annotated[dict[str, StationSite], Field(min_length=1)]
    """Site of every station of the session, by name."""

    links_file: str = "data/la_links.csv"
    """Links: link, frm, to, length_km, lanes_ml_mean, hov_stations."""
    junctions_file: str = "data/la_junctions.csv"
    """Junctions: id, lat, lon."""
    shapes_file: str = "data/la_links_stations.csv"
    """Detectors along a link in driving order: link, station, lat, lon. They draw the map; lengths come from `links_file`."""
    flows_file: str = "data/la_links_hourly.csv"
    """Flow per link and hour of day: link, hour, flow_vph."""
    times_file: str = "data/link_times.csv"
    """Target time per link and hour, for `delay_law: calibrated`: link, hour, target_s, correction_s. Written by
    `federates.traffic_sumo.calibrate`."""

    demand_scale: Annotated[float, Field(gt=0, le=3)] = 1.0
    """Factor on all flows. A calibrated delay law still refers to the unscaled flows, so a larger demand slows the road down."""
    free_speed_m_per_s: Annotated[float, Field(ge=10, le=45)] = 30.0
    """Speed on an empty link, m/s (PeMS I-5 N medians: 66.5-69.4 mph)."""
    lane_flow_veh_per_h: Annotated[float, Field(ge=1000, le=2200)] = 1700.0
    """A link gets as many lanes as its largest hourly flow needs at this flow per lane (PeMS 99th percentile 1,520-1,716)."""
    delay_law: str
    """`calibrated`, through the target times of `times_file`, or what else the model knows."""

    @property
    def needs_times(self) -> bool:
        """Whether the law goes by the target times of `times_file`."""
        return self.delay_law == DelayLaw.CALIBRATED


class Settings(RoadSettings):
    """Settings of `SumoTraffic`."""

    engine: Engine = Engine.TRACI
    """`traci` or `libsumo`."""
    resolution: Resolution = Resolution.MESOSCOPIC
    """`mesoscopic` or `microscopic`."""

    truck_share: Annotated[float, Field(ge=0, le=0.5)] = 0.07
    """Share of trucks among background vehicles; an assumption (Caltrans' truck counts were not at hand)."""
    warm_up_s: Annotated[float, Field(ge=0, le=7200)] = 1800.0
    """Time simulated before period 0 so that the road is full when it starts, s."""

    speed_deviation: Annotated[float, Field(ge=0, le=0.3)] = 0.05
    """Standard deviation of drivers' speed factor (1 = as the limit)."""

    delay_law: DelayLaw = DelayLaw.CALIBRATED
    """`calibrated` or `none`."""
    delay_power: Annotated[float, Field(ge=0, le=10)] = 4.0
    """Power of flow in the delay law (BPR: 4); 0 makes times independent of flow."""
    control_s: Annotated[float, Field(ge=60, le=1800)] = 300.0
    """Interval at which the delay law sets link speeds, s."""
    smoothing_s: Annotated[float, Field(ge=60, le=7200)] = 900.0
    """Time constant of the measured flow that enters the delay law, s."""

    step_s: Annotated[float, Field(ge=0.1, le=5)] = 1.0
    """Step of the simulation, s (microscopic: at most 1)."""
    poll_s: Annotated[float, Field(ge=5, le=60)] = 60.0
    """Interval at which vehicles on the links are counted, s. Must be shorter than the drive over any link."""
    segment_m: Annotated[float, Field(ge=50, le=2000)] = 500.0
    """Length of a mesoscopic segment, m."""
    period_states: bool = False
    """Whether every period begins from a state that SUMO has saved and loaded. A run that was interrupted then goes on at once,
    with the same tables; without, SUMO simulates again what was. Counts differ a little from those without: SUMO's loaded state
    is not all of what it saved."""
    start_timeout_s: Annotated[float, Field(ge=5, le=600)] = 60.0
    """Longest wait for SUMO to start, s."""

    @model_validator(mode="after")
    def _steps_fit(self) -> Self:
        if self.resolution is Resolution.MICROSCOPIC and self.step_s > 1:
            raise unfit("step_s", self.step_s, "a microscopic simulation needs a step of at most 1 s")
        if self.poll_s < self.step_s:
            raise unfit("poll_s", self.poll_s, f"must not be below step_s = {self.step_s:g}")
        return self
