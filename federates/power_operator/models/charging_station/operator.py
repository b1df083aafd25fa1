"""Power operator of a group of charging stations (Chen et al., IEEE Network 33(6), 2019).

Every period it forecasts the load of its feeders, asks for vehicles that bring the energy above the limits of the
limited stations, and keeps account of what arrived. Formulas and choices: docs/power_operator.md.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from federates.boundary.bound_kinds import BoundKind
from federates.boundary.config import Config
from federates.boundary.errors import Problem
from federates.boundary.messages import Answer, Array, Quantities
from federates.boundary.names import ROAD
from federates.boundary.roles import Openings, PowerOperator, Recorder
from federates.boundary.units import S_PER_H, hours
from federates.power_operator.delivery_programme import Plan, given_kwh
from federates.power_operator.models.charging_station.checks import find_problems
from federates.power_operator.models.charging_station.group import build_stations
from federates.power_operator.models.charging_station.planning import Planner
from federates.power_operator.models.charging_station.realised import Realised
from federates.power_operator.models.charging_station.settings import ChargingStationSettings
from federates.power_operator.shortage import MISSING_SHARE, Shortage
from federates.station.delivery import Fleet
from federates.station.energy import StorageEnergy
from federates.station.forecast import read_history
from federates.station.sizing import expected_wait_h
from federates.worlds.road.messages import Gate, StationObservation
from federates.worlds.road.session import RoadSession, Scheme
from federates.worlds.road.world import DELIVERY


class ChargingStationOperator(PowerOperator):
    """See the module's text; settings: `settings.ChargingStationSettings`."""

    Settings: ClassVar[type[Config]] = ChargingStationSettings
    worlds = (ROAD,)

    settings: ChargingStationSettings

    @classmethod
    def check(cls, settings: Any, folder: Path, session: RoadSession) -> list[Problem]:
        """Return everything wrong with the stations' settings and the history file."""
        return find_problems(settings, folder, session)

    def begin(self, session: RoadSession, recorder: Recorder) -> None:
        """Size the stations and record them."""
        self._session = session
        self._recorder = recorder
        shapes = {station.shape for station in self.settings.stations.values()}
        _, columns = read_history(self.folder, self.settings.forecast.history_file, shapes)
        self._stations = build_stations(self.settings, session, columns)
        self._count_r = len(session.resourceful_stations)
        lost_after = int(np.ceil(self.settings.mves.lost_after_s / session.period_s))
        road_time_s = self.settings.mves.assumed_road_time_s
        energy = StorageEnergy(self.settings.mves)
        usual_kwh = float(energy.arrived_kwh(road_time_s, energy.counts_traction))
        self._fleets = {q: Fleet(lost_after, session.bins_per_period, usual_kwh) for q in session.limited_stations}
        self._realised = Realised(self.settings, session, self._stations, recorder)
        self._planner = Planner(self.settings, session, self._stations, self._fleets, self._realised.parked)
        self._road_time_s = np.full(session.connection_shape[:2], road_time_s)
        self._service_s = np.array([S_PER_H / s.spot_service_per_h for s in self._stations])
        self._wait_s = np.zeros(len(self._stations))
        self._gate = Gate(self._service_s, np.array([float(s.spots) for s in self._stations]))
        self._shortage = Shortage(session.horizon_periods)
        for station in self._stations:
            recorder.record(
                "stations",
                station=station.name,
                kind=station.kind,
                feeder_limit_kw=station.settings.feeder_limit_kw,
                chargers=station.chargers,
                charger_kw=station.settings.charger_kw,
                spots=station.spots,
            )

    def open_period(self, period: int, observation: StationObservation | None) -> Gate:
        """Account for ``period - 1``, learn from it, and tell time and spots at the gates."""
        self._period = period
        if observation is not None:
            self._take_in(period - 1, observation)
        if period >= self._session.periods:
            return self._gate
        self._planner.open(period, self._wait_s, self._service_s)
        flow = self._planned_flow_per_h()
        wait_h = [expected_wait_h(float(f), s.spot_service_per_h, s.spots) for f, s in zip(flow, self._stations, strict=True)]
        self._wait_s = S_PER_H * np.array(wait_h)
        # Not the time for which the operator holds parked vehicles: that is in its own cost, not in the other's.
        self._gate = Gate(self._service_s + self._wait_s, self._gate.spots)
        self._planner.open(period, self._wait_s, self._service_s)
        return self._gate

    def outlook(self) -> dict[str, Any]:
        """Return what limited stations need above their feeders' limits and resourceful ones have to spare, over the horizon."""
        data, session = self._planner.data(self._road_time_s), self._session
        need_kwh = data.by_period(data.need_kwh)[:, : session.horizon_periods]
        return {
            "need_kwh": dict(zip(session.limited_stations, need_kwh.tolist(), strict=True)),
            "room_kwh": dict(zip(session.resourceful_stations, self._planner.outlook.room_kwh.tolist(), strict=True)),
            "kwh_per_veh": data.kwh_per_vehicle.tolist(),
        }

    def solve(self, prices: Quantities, openings: Openings) -> Answer:
        """Return the cheapest plan at these prices and the proven bound of its value."""
        self._road_time_s = np.array(openings["road_time_s"], dtype=np.float64)
        return _answer(self._planner.programme(self._road_time_s).solve(prices[DELIVERY.name]))

    def evaluate(self, given: Quantities, openings: Openings) -> Answer:
        """Return the cheapest use of at most what is given; what it does not cover is unmet, at a price."""
        self._road_time_s = np.array(openings["road_time_s"], dtype=np.float64)
        programme = self._planner.programme(self._road_time_s)
        return _answer(programme.solve(np.zeros(self._session.connection_shape), given[DELIVERY.name]))

    def commit(self, given: Quantities) -> None:
        """Send the first period's vehicles and record what they are planned to bring."""
        data = self._planner.data(self._road_time_s)
        least_unmet_kwh = data.by_period(self._planner.programme(self._road_time_s).least_unmet())
        self._shortage.note(self._period, least_unmet_kwh, data)
        vehicles = np.maximum(given[DELIVERY.name][:, :, 0], 0.0)
        energy = self._planner.energy
        traction_kwh = energy.traction_kwh(self._road_time_s)
        arrived_kwh = energy.arrived_kwh(self._road_time_s, energy.counts_traction)
        for r, origin in enumerate(self._session.resourceful_stations):
            for q, name in enumerate(self._session.limited_stations):
                known = float(arrived_kwh[r, q]), float(traction_kwh[r, q]), data.share[r, q]
                self._fleets[name].send(self._period, origin, float(vehicles[r, q]), *known)
            self._realised.expect(origin, float(vehicles[r].sum()), self._planner.outlook.room_kwh[r, 0])
        delivered = given_kwh(data, data.arriving_kwh(vehicles[:, :, None]))
        self._record_plan(data.by_period(data.need_kwh)[:, 0], data.by_period(delivered)[:, 0])

    def _record_plan(self, need_kwh: Array, planned_kwh: Array) -> None:
        for q, name in enumerate(self._session.limited_stations):
            unmet_kwh = max(0.0, float(need_kwh[q] - planned_kwh[q]))
            missing = unmet_kwh > MISSING_SHARE * need_kwh[q]
            self._recorder.record(
                "energy_plan",
                period=self._period,
                station=name,
                forecast_passing_veh_per_h=float(self._planner.outlook.flow_veh_per_h[q, 0]),
                need_kwh=float(need_kwh[q]),
                delivered_kwh=float(planned_kwh[q]),
                unmet_kwh=unmet_kwh,
                supply_limited=bool(missing and self._shortage.limits(self._period)),
            )

    def _take_in(self, period: int, seen: StationObservation) -> None:
        self._realised.take_in(period, seen, self._fleets)
        for i, station in enumerate(self._stations):
            station.forecast.observe(period, float(seen.passing_veh[i].sum()))

    def _planned_flow_per_h(self) -> Array:
        """Return the vehicles per hour that the operator expects at its stations if it gets what it wants at no price."""
        flow = np.zeros(len(self._stations))
        if self._session.scheme is Scheme.NO_MVES:
            return flow
        plan = self._planner.programme(self._road_time_s).solve(np.zeros(self._session.connection_shape))
        data, bins, count = self._planner.data(self._road_time_s), self._session.bins_per_period, self._count_r
        period_h = hours(self._session.period_s)
        first = plan.connection_veh[:, :, 0]
        due_veh = np.array([self._fleets[q].due(self._period, bins)[1].sum() for q in self._session.limited_stations])
        coming_veh = due_veh + (first * data.by_period(data.share)[:, :, 0]).sum(axis=0)
        flow[:count], flow[count:] = first.sum(axis=1) / period_h, coming_veh / period_h
        return flow


def _answer(plan: Plan) -> Answer:
    return Answer({DELIVERY.name: plan.connection_veh}, plan.cost_usd, plan.bound_usd, None, BoundKind.LINEAR)
