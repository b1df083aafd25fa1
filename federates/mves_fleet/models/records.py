"""Rows that fleets leave in their own folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from federates.boundary.roles import Recorder
from federates.mves_fleet.models.trips import Array, Whole
from federates.worlds.fleets.session import FleetSession


@dataclass(frozen=True, slots=True)
class Sent:
    """What leaves in the opened period, by pair (R, Q)."""

    vehicles: Whole
    driving_h: Array
    """Time on the road of all of them, there and back, h."""
    back_in: Whole
    """Period in which the last of them is expected back."""


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Vehicles near r in the opened period and what became of them at the last prices, each (R, Q)."""

    near: Whole
    accepted: Whole
    away: Whole
    energy: Whole
    """Too little charge, or no room in the battery, for one delivery."""
    elsewhere: Whole
    """Take another trip of the horizon."""
    time: Whole
    """Stay, since it earns less than it costs; the largest part of the cost is that of time."""
    traction: Whole
    """The same, of the energy for the drive."""
    wear: Whole
    """The same, of wear."""
    threshold: Whole
    """The same, of what the driver or the own business wants beyond that."""


def record_trips(recorder: Recorder, session: FleetSession, period: int, wanted: Whole, sent: Sent, kwh: Array) -> None:
    """Record a row for each pair (R, Q) for which vehicles were committed."""
    for r, origin in enumerate(session.resourceful_stations):
        for q, destination in enumerate(session.limited_stations):
            if wanted[r, q]:
                recorder.record(
                    "fleet_trips",
                    period=period,
                    origin=origin,
                    destination=destination,
                    vehicles=int(sent.vehicles[r, q]),
                    not_sent=int(wanted[r, q] - sent.vehicles[r, q]),
                    kwh=float(kwh[r, q]),
                    driving_h=float(sent.driving_h[r, q]),
                    expected_back_period=int(sent.back_in[r, q]),
                )


def record_acceptance(
    recorder: Recorder, session: FleetSession, period: int, prices: tuple[Array, Array], counts: Acceptance
) -> None:
    """Record a row for each pair: reward and toll of the opened period, vehicles near r, and what became of them."""
    reward, toll = prices
    for r, origin in enumerate(session.resourceful_stations):
        for q, destination in enumerate(session.limited_stations):
            recorder.record(
                "acceptance",
                period=period,
                origin=origin,
                destination=destination,
                reward_usd_per_kwh=float(reward[r, q, 0]),
                toll_usd_per_veh=float(toll[r, q, 0]),
                near_veh=int(counts.near[r, q]),
                accepted_veh=int(counts.accepted[r, q]),
                away_veh=int(counts.away[r, q]),
                refused_no_energy_veh=int(counts.energy[r, q]),
                elsewhere_veh=int(counts.elsewhere[r, q]),
                refused_time_veh=int(counts.time[r, q]),
                refused_traction_veh=int(counts.traction[r, q]),
                refused_wear_veh=int(counts.wear[r, q]),
                refused_threshold_veh=int(counts.threshold[r, q]),
            )


def record_state(recorder: Recorder, period: int, vehicles: dict[str, int]) -> None:
    """Record how many vehicles are where in a period."""
    for place, count in vehicles.items():
        recorder.record("fleet_state", period=period, place=place, vehicles=count)


COSTS = ("driver_usd", "time_usd", "energy_usd", "wear_usd", "opportunity_usd", "warranted_wear_usd", "full_cycles")


def record_costs(recorder: Recorder, period: int, vehicles: int, sums: Mapping[str, float]) -> None:
    """Record the own costs of ``vehicles`` that left up to ``period`` since the last row, by names of `COSTS`."""
    recorder.record("fleet_costs", period=period, vehicles=vehicles, **{name: float(sums.get(name, 0.0)) for name in COSTS})
