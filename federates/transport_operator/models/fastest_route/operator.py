"""Transport operator (RTSO) whose drivers follow a navigator: the route that is fastest by the last observed link times.

A vehicle from r to q costs, in usd, with times in s,

    c[r,q] = VOT (gate[r] + road[r,q] + gate[q]) / 3600 + c0         f_T(z) = sum c[r,q] z[r,q,t]

so cost is linear, every answer is exact, and there is no solver. Of each fleet everybody goes where the price exceeds the cost
most, or nobody goes. What a vehicle does to others on the road does not count: see `joint_graph` for that.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field

from federates.boundary.bound_kinds import BoundKind
from federates.boundary.config import Config
from federates.boundary.errors import ConfigError, ModelError, Problem
from federates.boundary.messages import Answer, Array, Quantities
from federates.boundary.names import ROAD
from federates.boundary.roles import Openings, Recorder, TransportOperator
from federates.boundary.units import S_PER_H, hours
from federates.lp.arithmetic import power
from federates.lp.safe_bound import lower_dot
from federates.transport_operator.models.joint_graph.data import read_road_data
from federates.transport_operator.models.joint_graph.delay import BPR_RISE
from federates.transport_operator.models.joint_graph.graph import DirectedGraph
from federates.transport_operator.models.joint_graph.routes import fastest_paths
from federates.transport_operator.models.joint_graph.settings import JointGraphSettings
from federates.transport_operator.models.joint_graph.settings import StationSettings as JointGraphStation
from federates.worlds.road.messages import MAX_ROUTE_LINKS, Departure, Gate, LinkObservation
from federates.worlds.road.session import RoadSession
from federates.worlds.road.world import DELIVERY

_POWER = 4


class StationSettings(Config):
    """A station as the transport operator knows it."""

    junction: str
    """Junction at which the station lies (column ``id`` of the junctions file)."""
    fleet_veh_per_h: Annotated[float, Field(ge=0, le=100_000)] = 400.0
    """Mobile storages that can set out from this station per hour, veh/h. Not used for a limited station."""


class FastestRouteSettings(Config):
    """Road network, fleets, and what a trip costs. The data files are those of `joint_graph`."""

    stations: dict[str, StationSettings]
    """Where each station of the session lies, and its fleet."""
    junctions_file: str = "data/junctions.csv"
    """Columns ``id``, ``lat``, ``lon``; relative to the operator's folder."""
    links_file: str = "data/links.csv"
    """Columns ``link``, ``from``, ``to``, ``length_km``, ``lanes``, ``hov_lanes``."""
    background_file: str = "data/background_hourly.csv"
    """Columns ``link``, ``hour`` (0..23), ``flow_veh_per_h``; for the first period, when nothing is observed yet."""
    free_speed_m_per_s: Annotated[float, Field(gt=0, le=70)] = 30.0
    """Speed on an empty road, m/s."""
    capacity_per_lane_veh_per_h: Annotated[float, Field(gt=0, le=4000)] = 1900.0
    """Capacity of a lane, veh/h/lane; for the first period too."""
    value_of_time_usd_per_h: Annotated[float, Field(ge=0, le=1000)] = 20.0
    """What an hour of a mobile storage and its driver is worth, at the gates and on the road, usd/h."""
    trip_cost_usd: Annotated[float, Field(ge=0, le=1000)] = 1.0
    """What a trip costs beside time, usd/veh."""

    def of_joint_graph(self) -> JointGraphSettings:
        """Return what the reader of the data files wants to know."""
        shared = ("junctions_file", "links_file", "background_file", "free_speed_m_per_s", "capacity_per_lane_veh_per_h")
        stations = {
            name: JointGraphStation(junction=station.junction, fleet_veh_per_h=station.fleet_veh_per_h)
            for name, station in self.stations.items()
        }
        return JointGraphSettings(stations=stations, **{key: getattr(self, key) for key in shared})


class FastestRouteOperator(TransportOperator):
    """Fastest routes now, at linear cost."""

    Settings = FastestRouteSettings
    worlds = (ROAD,)

    settings: FastestRouteSettings

    @classmethod
    def check(cls, settings: FastestRouteSettings, folder: Path, session: RoadSession) -> list[Problem]:
        """Return what is wrong with stations, data files and routes."""
        return read_road_data(settings.of_joint_graph(), folder, session)[1]

    def begin(self, session: RoadSession, recorder: Recorder) -> None:
        """Read the data.

        Raises
        ------
        ConfigError : `check` finds something wrong.
        """
        data, problems = read_road_data(self.settings.of_joint_graph(), self.folder, session)
        if data is None:
            raise ConfigError(problems)
        self._session, self._recorder, self._data = session, recorder, data
        road, stations = data.road, self.settings.stations
        self._graph = DirectedGraph(len(road.junctions), road.tail, road.head)
        origins, destinations = session.resourceful_stations, session.limited_stations
        self._pairs = [(r, q) for r in range(len(origins)) for q in range(len(destinations))]
        place = {name: road.junctions.index(stations[name].junction) for name in session.stations}
        self._from = np.array([place[origins[r]] for r, _ in self._pairs], dtype=np.intp)
        self._to = np.array([place[destinations[q]] for _, q in self._pairs], dtype=np.intp)
        fleets = np.array([stations[name].fleet_veh_per_h for name in origins])
        self._fleet_veh = (fleets * hours(session.period_s))[:, None]
        self._own_veh_per_h = np.zeros(len(session.links))
        self._gate: Gate | None = None

    def open_period(self, period: int, observation: LinkObservation | None) -> Array:
        """Take the observed link times as they are (before the first: BPR at the hour's history); find the fastest routes."""
        road, hour = self._data.road, int(self._session.hour_of_day(period))
        self._period, self._gate = period, None
        if observation is None:
            self._others_veh_per_h = self._data.hourly_veh_per_h[:, hour]
            loaded = 1.0 + BPR_RISE * power(self._others_veh_per_h / road.capacity_veh_per_h, _POWER)
            self._time_s = road.free_time_s * loaded
        else:
            self._others_veh_per_h = np.maximum(observation.flow_veh_per_h - self._own_veh_per_h, 0.0)
            # A traffic model may tell no time of a link that nobody drove.
            self._time_s = np.where(observation.travel_time_s > 0, observation.travel_time_s, road.free_time_s)
        self._own_veh_per_h = np.zeros(len(self._session.links))
        times_s, self._routes = self._fastest_routes()
        self._road_s = times_s.reshape(self._session.connection_shape[:2])
        return self._road_s.copy()

    def _fastest_routes(self) -> tuple[Array, list[tuple[int, ...]]]:
        """Return the time and the links of every pair's fastest route now, of those that the traffic model can be told."""
        times_s, routes = self._graph.shortest_paths(self._time_s, self._from, self._to)
        for pair, ends in enumerate(zip(self._from.tolist(), self._to.tolist(), strict=True)):
            if len(routes[pair]) > MAX_ROUTE_LINKS:
                # `check` has found a short enough route, so there is one.
                (routes[pair],) = fastest_paths(self._graph, self._time_s, ends, most_edges=MAX_ROUTE_LINKS, most_paths=1)
                times_s[pair] = self._time_s[list(routes[pair])].sum()
        return times_s, routes

    def solve(self, prices: Quantities, openings: Openings) -> Answer:
        """Return the whole fleet where the price exceeds the cost most, nothing where it nowhere does: exact."""
        cost = self._cost_usd(openings["gate"])[:, :, None]
        profit = prices[DELIVERY.name] - cost
        best = profit.argmax(axis=1)
        most = np.take_along_axis(profit, best[:, None, :], axis=1)
        pays = most > 0.0
        connection = np.zeros(self._session.connection_shape)
        np.put_along_axis(connection, best[:, None, :], np.where(pays, self._fleet_veh[:, :, None], 0.0), axis=1)
        own = float((cost * connection).sum())
        bound = lower_dot(-np.maximum(np.nextafter(most, np.inf), 0.0), self._fleet_veh[:, :, None])
        return Answer({DELIVERY.name: connection}, own, bound, None, BoundKind.EXACT)

    def evaluate(self, given: Quantities, openings: Openings) -> Answer:
        """Return what of the given vehicles the fleets suffice for, every q alike, and its cost."""
        wanted = np.maximum(given[DELIVERY.name], 0.0)
        total = wanted.sum(axis=1)
        part = np.minimum(1.0, self._fleet_veh / np.where(total > 0, total, 1.0))
        sent = wanted * part[:, None, :]
        own = float((self._cost_usd(openings["gate"])[:, :, None] * sent).sum())
        return Answer({DELIVERY.name: sent}, own, own, None, BoundKind.EXACT)

    def commit(self, given: Quantities) -> list[Departure]:
        """Send the first period's whole vehicles by their fastest routes and record the plan."""
        session, sent = self._session, []
        for (r, q), route in zip(self._pairs, self._routes, strict=True):
            vehicles = round(float(given[DELIVERY.name][r, q, 0]))
            if vehicles <= 0:
                continue
            links = tuple(session.links[link] for link in route)
            sent.append(Departure(session.resourceful_stations[r], session.limited_stations[q], vehicles, links))
            self._own_veh_per_h[list(route)] += vehicles / hours(session.period_s)
            self._record_pair(r, q, vehicles, links)
        self._record_links()
        vehicles = sum(departure.vehicles for departure in sent)
        self._recorder.progress(period=self._period, vehicles=vehicles, routes=len(sent))
        return sent

    def _cost_usd(self, gate: Gate) -> Array:
        """Return what one vehicle from r to q costs, shape (R, Q)."""
        self._gate = gate
        origins = len(self._session.resourceful_stations)
        gate_s = gate.time_s[:origins, None] + gate.time_s[None, origins:]
        time_h = (gate_s + self._road_s) / S_PER_H
        return np.asarray(self.settings.value_of_time_usd_per_h * time_h + self.settings.trip_cost_usd)

    def _record_pair(self, r: int, q: int, vehicles: int, links: tuple[str, ...]) -> None:
        ends = {"origin": self._session.resourceful_stations[r], "destination": self._session.limited_stations[q]}
        if self._gate is None:
            raise ModelError("commit: vehicles are to be sent, but no solve or evaluate told the gate times of this period")
        road_s, charging_s = float(self._road_s[r, q]), float(self._gate.time_s[r])
        discharging_s = float(self._gate.time_s[len(self._session.resourceful_stations) + q])
        route = "|".join(links)
        self._recorder.record("route_flow", period=self._period, **ends, route=route, vehicles=vehicles, road_time_s=road_s)
        self._recorder.record(
            "delivery_forecast",
            period=self._period,
            **ends,
            vehicles=vehicles,
            charging_s=charging_s,
            road_time_s=road_s,
            discharging_s=discharging_s,
            delivery_time_s=charging_s + road_s + discharging_s,
        )

    def _record_links(self) -> None:
        for number, link in enumerate(self._session.links):
            self._recorder.record(
                "link_plan",
                period=self._period,
                link=link,
                background_veh_per_h=float(self._others_veh_per_h[number]),
                mves_veh_per_h=float(self._own_veh_per_h[number]),
                capacity_veh_per_h=float(self._data.road.capacity_veh_per_h[number]),
                travel_time_s=float(self._time_s[number]),
                toll_usd=0.0,  # nobody pays for the delay of others
                capacity_toll_usd=0.0,
            )
