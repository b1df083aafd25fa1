"""From what stations and the transport operator tell to the numbers of a programme; a unit of delivery is 1 kWh in batteries."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from federates.boundary.roles import Openings
from federates.boundary.units import hours
from federates.power_operator.delivery_programme import PlanData, reach
from federates.power_operator.models.station_reports.settings import StationReportsSettings
from federates.station.charging import chargeable
from federates.station.delivery import arrival_shares
from federates.station.queues import Array
from federates.worlds.fleets.session import FleetSession


@dataclass(frozen=True, slots=True)
class Told:
    """What a period was opened with, as the company hears it. S counts its stations, the R resourceful ones first."""

    need_kwh: Array
    """(Q, H, B)."""
    surplus_kwh: Array
    """(R, H, B)."""
    due_kwh: Array
    """(Q, H, B)."""
    gate_s: Array
    """(S,)."""
    spots: Array
    """(S,)."""
    road_time_s: Array
    """(R, Q)."""

    @classmethod
    def of(cls, session: FleetSession, openings: Openings) -> Told:
        """Return copies of what is in ``openings``."""
        count = len(session.resourceful_stations)
        balance, gate = openings["balance"], openings["gate"]
        parts = balance.need_kwh[count:], balance.surplus_kwh[:count], balance.due_kwh[count:]
        return cls(*(np.array(part, dtype=np.float64) for part in (*parts, gate.time_s, gate.spots, openings["road_time_s"])))

    def equals(self, other: Told | None) -> bool:
        """Return whether another period was opened with the same."""
        names = self.__slots__
        return other is not None and all(np.array_equal(getattr(self, name), getattr(other, name)) for name in names)


def plan_data(settings: StationReportsSettings, session: FleetSession, period: int, told: Told) -> PlanData:
    """Return the numbers of the programme of ``period``."""
    s, (resourceful, limited, horizon) = settings, session.connection_shape
    bins, bin_h = session.bins_per_period, hours(session.period_s) / session.bins_per_period
    delay_s = told.road_time_s + 0.5 * told.gate_s[None, resourceful:] + s.lead_time_s
    share = arrival_shares(delay_s, session.period_s, bins)
    reached = (horizon - 1) * bins + share.shape[2]
    brought = s.retention * s.discharge_efficiency
    due = np.zeros((limited, reached))
    due[:, : horizon * bins] = told.due_kwh.reshape(limited, -1)
    spot_use = s.spot_use_share * told.spots
    charging = spot_use[:resourceful] * s.charging_spot_kw * hours(session.period_s)
    discharging = spot_use[resourceful:] * s.discharging_spot_kw * s.discharge_efficiency * bin_h
    price = np.array([s.energy_usd_per_kwh(session.hour_of_day(period + t)) for t in range(horizon)])
    lead_usd = s.waiting_usd_per_kwh_h * hours(s.lead_time_s)
    return PlanData(
        period=period,
        cost_usd=np.broadcast_to(lead_usd + price[None, None, :] / s.charge_efficiency, session.connection_shape),
        kwh_per_vehicle=np.full((resourceful, limited), brought),
        share=share,
        need_kwh=_ahead(told.need_kwh, reached) * reach(delay_s, session, reached),
        due_kwh=due,
        stock_kwh=np.zeros(limited),
        holdable_kwh=np.zeros((limited, reached)),
        surplus_veh=s.charge_efficiency * chargeable(told.surplus_kwh),
        charging_veh=np.repeat(charging[:, None], horizon, axis=1),
        discharging_kwh=discharging,
        waiting_usd_per_kwh=np.full(limited, s.waiting_usd_per_kwh_h * bin_h),
        wait_bins=max(1, math.floor(hours(s.most_wait_s - s.lead_time_s) / bin_h + 1e-9)),
        bins=bins,
        unmet_usd_per_kwh=s.unmet_usd_per_kwh,
    )


def _ahead(need_kwh: Array, bins: int) -> Array:
    """Return the need by bin, (Q, bins): as told, and behind the horizon as in its last period."""
    limited, horizon, per_period = need_kwh.shape
    behind = np.tile(need_kwh[:, -1], (1, bins // per_period - horizon))
    return np.concatenate([need_kwh.reshape(limited, -1), behind], axis=1)
