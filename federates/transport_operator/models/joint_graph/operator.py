"""Transport operator (RTSO) that plans on the joint graph of roads and stations.

It offers the connection that costs everyone on the road least, given multipliers, and leads the committed vehicles:

    f_T(z) = sum over periods of  VOT_public x delay that mobile storages cause to others
                                + VOT_driver x time of the mobile storages (charge, road, discharge) + other cost of trips

All of it is in usd, by values of time, so no free weight is left. See ``docs/transport_operator.md``.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from federates.boundary.bound_kinds import BoundKind
from federates.boundary.config import Config
from federates.boundary.errors import ConfigError, ModelError, Problem
from federates.boundary.messages import Answer, Quantities
from federates.boundary.names import ROAD
from federates.boundary.roles import Openings, Recorder, TransportOperator
from federates.boundary.units import S_PER_H, hours
from federates.transport_operator.models.joint_graph.accounts import (
    RoadAccount,
    record_alternatives,
    record_cost,
    road_account,
)
from federates.transport_operator.models.joint_graph.background import Background
from federates.transport_operator.models.joint_graph.data import read_road_data
from federates.transport_operator.models.joint_graph.delay import BPR_RISE, Calibration, EdgeCosts, SocialCost, TimeCurve
from federates.transport_operator.models.joint_graph.dispatch import (
    departures,
    record_deliveries,
    record_links,
    record_routes,
    whole_trips,
)
from federates.transport_operator.models.joint_graph.graph import Array
from federates.transport_operator.models.joint_graph.joint_graph import Kind, build_joint_graph
from federates.transport_operator.models.joint_graph.planner import Planner, Routed
from federates.transport_operator.models.joint_graph.settings import ROUTING_RULES, JointGraphSettings, RoadPlanSettings
from federates.worlds.road.messages import Departure, Gate, LinkObservation
from federates.worlds.road.session import RoadSession, Scheme
from federates.worlds.road.world import DELIVERY

_LEAST_SPOTS = 0.5  # a station with no spot at all is a very slow one, not a division by zero


class JointGraphOperator(TransportOperator):
    """Elastic system optimum of mobile storages on the joint graph."""

    Settings: ClassVar[type[Config]] = JointGraphSettings
    worlds = (ROAD,)
    exchange: ClassVar[str] = DELIVERY.name
    """What it offers."""
    least_step: ClassVar[float] = 0.0
    """Of `assignment.assign`: above 0 where what is offered costs nothing of its own."""

    settings: Any

    @classmethod
    def check(cls, settings: RoadPlanSettings[Any], folder: Path, session: RoadSession) -> list[Problem]:
        """Return what is wrong with stations, data files and routes."""
        return read_road_data(settings, folder, session)[1]

    def begin(self, session: RoadSession, recorder: Recorder) -> None:
        """Read the data and build the joint graph.

        Raises
        ------
        ConfigError : `check` finds something wrong.
        """
        data, problems = read_road_data(self.settings, self.folder, session)
        if data is None:
            raise ConfigError(problems)
        s = self.settings
        self._session, self._recorder, self._road = session, recorder, data.road
        junction_of = {name: station.junction for name, station in s.stations.items()}
        ends = session.resourceful_stations, session.limited_stations
        self._graph = build_joint_graph(data.road, junction_of, *ends, most_detour=s.most_detour)
        self._planner = Planner(self._graph, s.gap_tolerance, least_step=self.least_step)
        self._background = Background(data.hourly_veh_per_h, session, s.background)
        self._calibration = Calibration(data.road.free_time_s, data.road.capacity_veh_per_h, s.calibration_memory)
        self._own_veh_per_h = np.zeros(len(session.links))
        self._period = 0
        self._gate: Gate | None = None
        self._most_veh_per_h = np.array([s.stations[r].most_veh_per_h for r in session.resourceful_stations])

    def open_period(self, period: int, observation: LinkObservation | None) -> Array:
        """Learn from the last period, forecast, and return the fastest road times without mobile storages."""
        self._period, self._gate = period, None
        self._planner.forget()
        if observation is not None:
            self._background.observe(period - 1, observation.flow_veh_per_h, self._own_veh_per_h)
            self._calibration.observe(observation.flow_veh_per_h, observation.travel_time_s)
        self._own_veh_per_h = np.zeros(len(self._session.links))
        self._curve = self._delay_curve()
        self._forecast = self._background.forecast(period, self._session.horizon_periods)
        expected = self._curve.time_s(self._forecast[0])
        seen = None if observation is None else observation.travel_time_s
        self._now_s = expected if seen is None else np.where(seen > 0, seen, expected)
        return self._fastest(expected)

    def _delay_curve(self) -> TimeCurve:
        if self.settings.delay_law == "calibrated":
            return self._calibration.curve()
        free = self._road.free_time_s
        return TimeCurve(free, BPR_RISE * free, self._road.capacity_veh_per_h)

    def _fastest(self, link_time_s: Array) -> Array:
        least = np.full(self._session.connection_shape[:2], np.inf)
        for trip in self._graph.trips:
            time = link_time_s[list(trip.links)].sum()
            least[trip.origin, trip.destination] = min(least[trip.origin, trip.destination], time)
        return least

    def outlook(self) -> dict[str, Any]:
        """Return road times without mobile storages by pair of stations, and the forecast of other traffic, over the horizon."""
        origins, destinations = self._session.resourceful_stations, self._session.limited_stations
        times = [self._fastest(self._curve.time_s(flow)) for flow in self._forecast]
        pairs = [(r, q) for r in range(len(origins)) for q in range(len(destinations))]
        return {
            "road_time_s": {f"{origins[r]} to {destinations[q]}": [float(time_s[r, q]) for time_s in times] for r, q in pairs},
            "other_traffic_veh_per_h": dict(zip(self._session.links, self._forecast.T.tolist(), strict=True)),
            "most_veh_per_h": dict(zip(origins, self._most_veh_per_h.tolist(), strict=True)),
        }

    def solve(self, prices: Quantities, openings: Openings) -> Answer:
        """Return the delivery that minimises f_T minus price times delivery, with a proven lower bound."""
        gate: Gate = openings["gate"]
        self._gate = gate
        costs, length_h = self._costs(gate, self._forecast), hours(self._session.period_s)
        offer = self._planner.offer(costs, prices[self.exchange], self._most_veh_per_h, self._limit(self._forecast))
        sent = {self.exchange: offer.connection * length_h}
        return Answer(sent, offer.cost * length_h, offer.bound * length_h, None, BoundKind.CONVEX)

    def evaluate(self, given: Quantities, openings: Openings) -> Answer:
        """Return what of the given vehicles fleets and capacities let through, and their f_T on the routes they would be led."""
        gate: Gate = openings["gate"]
        self._gate = gate
        costs, length_h = self._costs(gate, self._forecast), hours(self._session.period_s)
        routed = self._route(costs, self._within_most(given[self.exchange] / length_h))
        cost = float(SocialCost(costs).value(routed.edge_flow).sum()) * length_h
        sent = {self.exchange: routed.connection * length_h}
        return Answer(sent, cost, cost - routed.gap_usd_per_h * length_h, None, BoundKind.CONVEX)

    def commit(self, given: Quantities) -> list[Departure]:
        """Lead the first period's whole vehicles and record the plan."""
        vehicles = np.rint(given[self.exchange][:, :, 0]).astype(np.intp)
        if vehicles.any() and self._gate is None:
            raise ModelError("commit: vehicles are to be sent, but no solve or evaluate told the gate times of this period")
        stations = len(self._session.stations)
        gate = self._gate or Gate(np.zeros(stations), np.ones(stations))  # without vehicles the gates do not matter
        costs, length_h = self._costs(gate, self._forecast[:1]), hours(self._session.period_s)
        planned = self._route(costs, vehicles[:, :, None] / length_h)
        counts = whole_trips(self._graph, planned.trip_flow[0], vehicles)
        routed = self._planner.routed(counts[None, :] / length_h, planned.price)
        self._own_veh_per_h = routed.edge_flow[0, : len(self._session.links)]
        self._record(costs, routed, counts)
        self._record_accounts(costs, routed, vehicles)
        self._record_more(costs, routed, vehicles, gate)
        return departures(self._graph, counts, self._session)

    def _record(self, costs: EdgeCosts, routed: Routed, counts: np.ndarray) -> None:
        time_s = costs.time_s(routed.edge_flow)[0]
        record_routes(self._recorder, self._period, self._graph, counts, time_s, self._session)
        record_deliveries(self._recorder, self._period, self._graph, counts, time_s)
        record_links(self._recorder, self._period, self._session, costs, routed)
        used = int((counts > 0).sum())
        self._recorder.progress(period=self._period, vehicles=int(counts.sum()), routes=used)

    def _record_accounts(self, costs: EdgeCosts, driven: Routed, vehicles: np.ndarray) -> None:
        """Leave what the sent vehicles cost everybody, and what the same vehicles would under every routing rule.

        The alternatives are not rounded to whole vehicles: rounding would hide their differences.
        """
        length_h, count = hours(self._session.period_s), float(vehicles.sum())
        alternatives = {}
        for rule in ROUTING_RULES:
            routed = self._route_by(rule, costs, vehicles[:, :, None] / length_h)
            alternatives[rule] = road_account(costs, routed.edge_flow, count, length_h)
        self._record_cost(road_account(costs, driven.edge_flow, count, length_h))
        record_alternatives(self._recorder, self._period, alternatives)

    def _record_cost(self, driven: RoadAccount) -> None:
        record_cost(self._recorder, self._period, driven)

    def _record_more(self, costs: EdgeCosts, routed: Routed, vehicles: np.ndarray, gate: Gate) -> None:
        """Leave what a subclass has to say of ``vehicles`` (R, Q) beside that."""

    def _route(self, costs: EdgeCosts, connection_veh_per_h: Array) -> Routed:
        """Lead a connection (R, Q, B) as the settings or the scheme say."""
        rule = self.settings.routing
        if rule == "by_scheme":
            rule = "fastest_route" if self._session.scheme is Scheme.FASTEST_ROUTE else "system_optimum"
        return self._route_by(rule, costs, connection_veh_per_h)

    def _route_by(self, rule: str, costs: EdgeCosts, connection_veh_per_h: Array) -> Routed:
        """Lead a connection (R, Q, B) by a rule of `ROUTING_RULES`."""
        if rule == "fastest_route":
            return self._planner.cheapest(costs, connection_veh_per_h, self._now_s)
        limit = self._limit(self._forecast[: connection_veh_per_h.shape[2]])
        if rule == "user_equilibrium":
            return self._planner.equilibrium(costs, connection_veh_per_h, limit)
        if rule == "storage_optimum":
            costs = replace(costs, public_usd_per_h=0.0)
        return self._planner.optimum(costs, connection_veh_per_h, limit)

    def _within_most(self, connection_veh_per_h: Array) -> Array:
        """Scale down what an RCS cannot send; negative numbers count as zero."""
        wanted = np.maximum(connection_veh_per_h, 0.0)
        total = wanted.sum(axis=1, keepdims=True)
        part = np.minimum(1.0, self._most_veh_per_h[:, None, None] / np.where(total > 0, total, 1.0))
        return wanted * part

    def _limit(self, background: Array) -> Array | None:
        """Return what the links leave to mobile storages (B, E), inf off the road; None if capacities do not bind."""
        if not self.settings.respect_capacity:
            return None
        limit = np.full((len(background), len(self._graph.edges)), np.inf)
        usable = self.settings.capacity_use * self._road.capacity_veh_per_h
        limit[:, : self._graph.road_links] = np.maximum(usable - background, 0.0)
        return limit

    def _costs(self, gate: Gate, background: Array) -> EdgeCosts:
        """Return the costs of all edges for the periods of ``background`` (B, L)."""
        s, graph, (batch, links) = self.settings, self._graph, background.shape
        edges = len(graph.edges)
        base, rise, capacity = np.zeros(edges), np.zeros(edges), np.ones(edges)
        base[:links], rise[:links] = self._curve.base_s, self._curve.rise_s
        capacity[:links] = self._curve.capacity_veh_per_h
        for number, edge in enumerate(graph.edges):
            if edge.kind in (Kind.CHARGE, Kind.DISCHARGE):
                station, service_s = self._session.stations.index(edge.place), s.stations[edge.place].service_s
                base[number] = gate.time_s[station]
                rise[number] = s.station_wait_factor * service_s
                capacity[number] = max(float(gate.spots[station]), _LEAST_SPOTS) * S_PER_H / service_s
        others = np.zeros((batch, edges))
        others[:, :links] = background
        fixed, spread = self._trip_money(gate, batch)
        curve = TimeCurve(base, rise, capacity)
        values_of_time = s.public_value_of_time_usd_per_h, s.driver_value_of_time_usd_per_h
        return EdgeCosts(curve, others, fixed, spread, *values_of_time)

    def _trip_money(self, gate: Gate, periods: int) -> tuple[Array, Array]:
        """Return on the trip edges usd per trip (B, E), and its rise per veh/h (E,)."""
        s, graph = self.settings, self._graph
        fixed, spread = np.zeros((periods, len(graph.edges))), np.zeros(len(graph.edges))
        for edge in graph.of_kind(Kind.TRIP):
            fleet = s.stations[graph.edges[edge].place].fleet_veh_per_h
            fixed[:, edge] = s.trip_cost_usd
            spread[edge] = s.trip_cost_spread_usd / max(fleet, 1.0)
        return fixed, spread
