"""Power operator that knows of its stations only what they tell: need, surplus, what is due, gates (world `fleets`).

It asks for energy by a linear programme over the horizon, and has no forecast, no queue and no count of its own. Formulas and
choices: docs/power_operator.md.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from federates.boundary.bound_kinds import BoundKind
from federates.boundary.config import Config
from federates.boundary.errors import Problem
from federates.boundary.messages import Answer, Array, Quantities
from federates.boundary.names import FLEETS
from federates.boundary.roles import Openings, PowerOperator, Recorder
from federates.boundary.units import hours
from federates.power_operator.delivery_programme import PlanData, Programme, given_kwh
from federates.power_operator.models.station_reports.planning import Told, plan_data
from federates.power_operator.models.station_reports.settings import StationReportsSettings
from federates.power_operator.shortage import MISSING_SHARE, Shortage
from federates.worlds.fleets.session import FleetSession

_DELIVERY = "delivery"


class StationReportsOperator(PowerOperator):
    """See the module's text; settings: `settings.StationReportsSettings`."""

    Settings: ClassVar[type[Config]] = StationReportsSettings
    worlds = (FLEETS,)

    def __init__(self, settings: Any, folder: Path) -> None:
        super().__init__(settings, folder)
        self.settings: StationReportsSettings = settings

    @classmethod
    def check(cls, settings: Any, folder: Path, session: FleetSession) -> list[Problem]:
        """Return what the company cannot plan with."""
        kinds = {"resourceful": session.resourceful_stations, "limited": session.limited_stations}
        problems = [
            Problem(
                "config.yaml", "operator", f"no {kind} station", "deliveries are between the company's own: it needs one of each"
            )
            for kind, names in kinds.items()
            if not names
        ]
        if settings.most_wait_s <= settings.lead_time_s:
            allowed = f"must be more than lead_time_s = {settings.lead_time_s:g}: vehicles come that long before they are needed"
            problems.append(Problem("config.yaml", "settings.most_wait_s", f"{settings.most_wait_s:g}", allowed))
        return problems

    def begin(self, session: FleetSession, recorder: Recorder) -> None:  # noqa: D102
        self._session, self._recorder = session, recorder
        self._shortage = Shortage(session.horizon_periods)
        self._told: Told | None = None

    def open_period(self, period: int, observation: Any) -> None:
        """Begin ``period``; what stations tell comes with the first question."""
        self._period = period
        self._told = None

    def outlook(self) -> dict[str, Any]:
        """Return what limited stations need over the horizon; nothing before the first question of a period."""
        if self._told is None:
            return {}
        need_kwh = self._data.by_period(self._data.need_kwh)[:, : self._session.horizon_periods]
        return {"need_kwh": dict(zip(self._session.limited_stations, need_kwh.tolist(), strict=True))}

    def solve(self, prices: Quantities, openings: Openings) -> Answer:
        """Return the cheapest plan at these rewards and the proven bound of its value."""
        plan = self._prepared(openings).solve(prices[_DELIVERY])
        return Answer({_DELIVERY: plan.connection_veh}, plan.cost_usd, plan.bound_usd, None, BoundKind.LINEAR)

    def evaluate(self, given: Quantities, openings: Openings) -> Answer:
        """Return the cheapest use of at most what is given, and a plane below that cost; what it does not cover is unmet."""
        plan = self._prepared(openings).plane(np.asarray(given[_DELIVERY]))
        slopes = {_DELIVERY: plan.slope_usd_per_veh}
        return Answer({_DELIVERY: plan.connection_veh}, plan.cost_usd, plan.bound_usd, slopes, BoundKind.LINEAR)

    def commit(self, given: Quantities) -> None:
        """Record what the committed period is planned to bring and to cost, and what the last one brought."""
        if self._told is None:
            return  # nobody has asked in this period: there is no plan
        data, kwh = self._data, np.maximum(given[_DELIVERY][:, :, 0], 0.0)
        self._shortage.note(self._period, data.by_period(self._programme.least_unmet()), data)
        arriving = data.arriving_kwh(kwh[:, :, None])
        delivered = given_kwh(data, arriving)
        unmet = self._record_plan(data.by_period(data.need_kwh)[:, 0], data.by_period(delivered)[:, 0])
        waiting = np.cumsum(arriving - delivered, axis=1)[:, : self._session.bins_per_period]
        self._record_costs(kwh, unmet, float(waiting.sum()))
        self._record_receipts()

    def _prepared(self, openings: Openings) -> Programme:
        told = Told.of(self._session, openings)
        self._receipts = np.array(openings["receipts"], dtype=np.float64)
        if not told.equals(self._told):
            self._told = told
            self._data: PlanData = plan_data(self.settings, self._session, self._period, told)
            self._programme = Programme(self._data)
        return self._programme

    def _record_plan(self, need_kwh: Array, delivered_kwh: Array) -> float:
        """Return the unmet energy of the period."""
        unmet_kwh = np.maximum(need_kwh - delivered_kwh, 0.0)
        for q, name in enumerate(self._session.limited_stations):
            missing = unmet_kwh[q] > MISSING_SHARE * need_kwh[q]
            self._recorder.record(
                "energy_plan",
                period=self._period,
                station=name,
                need_kwh=float(need_kwh[q]),
                delivered_kwh=float(delivered_kwh[q]),
                unmet_kwh=float(unmet_kwh[q]),
                supply_limited=bool(missing and self._shortage.limits(self._period)),
            )
        return float(unmet_kwh.sum())

    def _record_costs(self, kwh: Array, unmet_kwh: float, stock_kwh: float) -> None:
        """Record what the committed period costs by the plan; ``stock_kwh`` sums what is parked at the ends of its bins."""
        s, session = self.settings, self._session
        drawn_kwh = float(kwh.sum()) / s.charge_efficiency
        bin_h = hours(session.period_s) / session.bins_per_period
        waiting_kwh_h = stock_kwh * bin_h + float(kwh.sum()) * hours(s.lead_time_s)
        energy_usd = s.energy_usd_per_kwh(session.hour_of_day(self._period)) * drawn_kwh
        waiting_usd, unmet_usd = s.waiting_usd_per_kwh_h * waiting_kwh_h, s.unmet_usd_per_kwh * unmet_kwh
        self._recorder.record(
            "power_costs",
            period=self._period,
            drawn_kwh=drawn_kwh,
            waiting_kwh_h=waiting_kwh_h,
            unmet_kwh=unmet_kwh,
            energy_usd=energy_usd,
            waiting_usd=waiting_usd,
            unmet_usd=unmet_usd,
            total_usd=energy_usd + waiting_usd + unmet_usd,
        )

    def _record_receipts(self) -> None:
        """Record what the stations have told of the last period."""
        if self._period == 0:
            return
        count = len(self._session.resourceful_stations)
        for i, name in enumerate(self._session.stations):
            vehicles, battery_kwh, feeder_kwh = self._receipts[i].sum(axis=0).tolist()
            self._recorder.record(
                "power_receipts",
                period=self._period - 1,
                station=name,
                kind="rcs" if i < count else "lcs",
                vehicles=vehicles,
                battery_kwh=battery_kwh,
                feeder_kwh=feeder_kwh,
            )
