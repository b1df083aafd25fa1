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
from federates.boundary.messages import Array, ConnectionAnswer, Gate, StationObservation
from federates.boundary.roles import PowerOperator, Recorder
from federates.boundary.session import RoadSession, Scheme, World
from federates.boundary.units import S_PER_H, hours
from federates.power_operator.models.charging_station.checks import find_problems
from federates.power_operator.models.charging_station.delivery import Fleet
from federates.power_operator.models.charging_station.forecast import read_history
from federates.power_operator.models.charging_station.planning import Planner
from federates.power_operator.models.charging_station.programme import Plan, PlanData
from federates.power_operator.models.charging_station.realised import Realised
from federates.power_operator.models.charging_station.settings import ChargingStationSettings
from federates.power_operator.models.charging_station.sizing import expected_wait_h
from federates.power_operator.models.charging_station.station import build_stations

__all__ = ["ChargingStationOperator"]

_MISSING_SHARE = 0.01
"""A need counts as met up to this share; also the vehicles are whole, and half of one may be missing."""
_REACHED_SHARE = 0.5
"""A period counts as reached by vehicles that leave now if they deliver this share until its end."""


class ChargingStationOperator(PowerOperator):
    """See the module's text; settings: `settings.ChargingStationSettings`."""

    Settings: ClassVar[type[Config]] = ChargingStationSettings
    worlds = (World.ROAD,)

    def __init__(self, settings: Any, folder: Path) -> None:
        super().__init__(settings, folder)
        self.settings: ChargingStationSettings = settings

    @classmethod
    def check(cls, settings: Any, folder: Path, session: RoadSession) -> list[Problem]:
        """Return everything wrong with the stations' settings and the history file."""
        return find_problems(settings, folder, session)

    def begin(self, session: RoadSession, recorder: Recorder) -> None:
        """Size the stations and record them."""
        self._session = session
        self._recorder = recorder
        columns = read_history(self.folder / self.settings.forecast.history_file)
        self._stations = build_stations(self.settings, session, {k: np.array(v) for k, v in columns.items()})
        self._count_r = len(session.resourceful_stations)
        lost_after = int(np.ceil(self.settings.mves.lost_after_s / session.period_s))
        self._fleets = {q: Fleet(lost_after) for q in session.limited_stations}
        self._realised = Realised(self.settings, session, self._stations, recorder)
        self._planner = Planner(self.settings, session, self._stations, self._fleets)
        self._road_time_s = np.full(session.connection_shape[:2], self.settings.mves.assumed_road_time_s)
        self._service_s = np.array([S_PER_H / s.spot_service_per_h for s in self._stations])
        self._gate = Gate(self._service_s, np.array([float(s.spots) for s in self._stations]))
        self._short: dict[int, bool] = {}
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
        remaining = np.array([self._realised.remaining_kwh(q, period) for q in self._session.limited_stations])
        self._planner.open(period, remaining, self._gate.time_s - 0.5 * self._at_limited(self._service_s), self._gate.time_s)
        flow = self._planned_flow_per_h()
        wait_h = [expected_wait_h(float(f), s.spot_service_per_h, s.spots) for f, s in zip(flow, self._stations, strict=True)]
        time_s = self._service_s + S_PER_H * np.array(wait_h)
        self._gate = Gate(time_s, self._gate.spots)
        self._planner.open(period, remaining, time_s - 0.5 * self._at_limited(self._service_s), time_s)
        return self._gate

    def solve(self, multipliers_usd_per_veh: Array, travel_time_s: Array) -> ConnectionAnswer:
        """Return the cheapest plan at these multipliers and the proven bound of its value."""
        self._road_time_s = np.array(travel_time_s, dtype=np.float64)
        return _answer(self._planner.programme(self._road_time_s).solve(multipliers_usd_per_veh))

    def evaluate(self, connection_veh: Array, travel_time_s: Array) -> ConnectionAnswer:
        """Return the cheapest use of at most ``connection_veh``; what it does not cover is unmet, at a price."""
        self._road_time_s = np.array(travel_time_s, dtype=np.float64)
        programme = self._planner.programme(self._road_time_s)
        return _answer(programme.solve(np.zeros(self._session.connection_shape), connection_veh))

    def commit(self, connection_veh: Array) -> None:
        """Send the first period's vehicles and record what they are planned to bring."""
        data = self._planner.data(self._road_time_s)
        self._note_shortage(self._planner.programme(self._road_time_s).least_unmet(), data)
        vehicles = np.maximum(connection_veh[:, :, 0], 0.0)
        traction_kwh = self._planner.energy.traction_kwh(self._road_time_s)
        for q, name in enumerate(self._session.limited_stations):
            for r in range(self._count_r):
                kwh, traction = float(data.kwh_per_vehicle[r, q]), float(traction_kwh[r, q])
                self._fleets[name].send(self._period, float(vehicles[r, q]), kwh, traction, data.share[r, q])
        planned_kwh = data.due_kwh[:, 0] + (vehicles * data.kwh_per_vehicle * data.share[:, :, 0]).sum(axis=0)
        self._record_plan(data.need_kwh[:, 0], planned_kwh)

    def _record_plan(self, need_kwh: Array, planned_kwh: Array) -> None:
        for q, name in enumerate(self._session.limited_stations):
            unmet_kwh = max(0.0, float(need_kwh[q] - planned_kwh[q]))
            missing = unmet_kwh > _MISSING_SHARE * need_kwh[q]
            self._recorder.record(
                "energy_plan",
                period=self._period,
                station=name,
                forecast_passing_veh_per_h=float(self._planner.outlook.flow_veh_per_h[q, 0]),
                need_kwh=float(need_kwh[q]),
                delivered_kwh=float(planned_kwh[q]),
                unmet_kwh=unmet_kwh,
                supply_limited=bool(missing and self._short.get(self._period, False)),
            )

    def _note_shortage(self, least_unmet_kwh: Array, data: PlanData) -> None:
        """Remember for which periods the group cannot bring enough however much it wants to.

        The last two looks at a period while vehicles can still reach it must agree: the one before the last sees what
        could have been sent a period earlier. So vehicles that were not sent do not make a plan supply limited.
        """
        until_end = np.cumsum(data.share, axis=2).max(axis=0).min(axis=0)
        last = int(np.flatnonzero(until_end >= _REACHED_SHARE)[0])
        short = least_unmet_kwh.sum(axis=0) > _MISSING_SHARE * data.need_kwh.sum(axis=0)
        self._short[self._period + last] = bool(short[last]) and self._short.get(self._period + last, True)
        if last + 1 < self._session.horizon_periods:
            self._short[self._period + last + 1] = bool(short[last + 1])

    def _take_in(self, period: int, seen: StationObservation) -> None:
        for i, station in enumerate(self._stations):
            if station.kind == "lcs":
                self._fleets[station.name].arrive(period, float(seen.arrivals_veh[i].sum()))
        self._realised.take_in(period, seen, self._fleets)
        for i, station in enumerate(self._stations):
            station.forecast.observe(period, float(seen.passing_veh[i].sum()))

    def _planned_flow_per_h(self) -> Array:
        """Return the vehicles per hour that the operator expects at its stations if it gets what it wants at no price."""
        flow = np.zeros(len(self._stations))
        if self._session.scheme is Scheme.NO_MVES:
            return flow
        plan = self._planner.programme(self._road_time_s).solve(np.zeros(self._session.connection_shape))
        period_h = hours(self._session.period_s)
        share = self._planner.data(self._road_time_s).share[:, :, 0]
        flow[: self._count_r] = plan.connection_veh[:, :, 0].sum(axis=1) / period_h
        due_veh = np.array([self._fleets[q].due(self._period, 1)[1][0] for q in self._session.limited_stations])
        flow[self._count_r :] = (due_veh + (plan.connection_veh[:, :, 0] * share).sum(axis=0)) / period_h
        return flow

    def _at_limited(self, values: Array) -> Array:
        """Return ``values`` at the limited stations and 0 at the others."""
        kept = np.array(values)
        kept[: self._count_r] = 0.0
        return kept


def _answer(plan: Plan) -> ConnectionAnswer:
    return ConnectionAnswer(plan.connection_veh, plan.cost_usd, plan.bound_usd, None, BoundKind.LINEAR)
