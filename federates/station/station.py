"""A station as built: sizes, chain, forecast, spots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from federates.boundary.units import hours
from federates.station.chain import ChargerChain
from federates.station.energy import StorageEnergy
from federates.station.forecast import PassingForecast, TypicalDay
from federates.station.queues import Array, stationary
from federates.station.settings import Station, StationRules
from federates.station.sizing import chargers_for, greatest_flow_per_h, spots_for
from federates.worlds.road.session import RoadSession

_UNLIMITED_PLACES = 200


@dataclass(slots=True)
class StationModel:
    """One station of the session with everything that is known of it."""

    name: str
    kind: Literal["rcs", "lcs"]
    settings: Station
    chargers: int
    spots: int
    spot_service_per_h: float
    """Vehicles that one spot serves in an hour."""
    spot_flow_per_h: float
    """Most vehicles per hour that keep the wait target."""
    chain: ChargerChain
    forecast: PassingForecast


def build_station(
    name: str,
    station: Station,
    rules: StationRules,
    hourly_share: Array,
    session: RoadSession,
    *,
    chargers: int,
    spot_flow_per_h: float,
) -> StationModel:
    """Return a station of ``session`` with so many chargers, and spots for ``spot_flow_per_h`` mobile storages.

    ``hourly_share``, (24,), is the typical day's share by hour.
    """
    kind = kind_of(name, session)
    spots, spot_service_per_h = spots_of(kind, station, rules, spot_flow_per_h), _spot_service_per_h(kind, station, rules)
    day = TypicalDay(hourly_share)
    forecast = PassingForecast(day, station.daily_volume_veh, rules.forecast, session.start_hour, session.period_s)
    capacity, service_per_h = _capacity(rules, chargers), _service_per_h(station, rules)
    chain = ChargerChain(chargers, capacity, station.charger_kw, service_per_h, rules.queue)
    chain.settle(rules.demand.arrivals_per_passing * float(forecast.flow_veh_per_h(0, 1, 1)[0, 0]))
    flow = greatest_flow_per_h(spots, spot_service_per_h, hours(rules.mves.wait_target_s))
    return StationModel(name, kind, station, chargers, spots, spot_service_per_h, flow, chain, forecast)


def kind_of(name: str, session: RoadSession) -> Literal["rcs", "lcs"]:
    """Return whether a station is resourceful (rcs) or limited (lcs)."""
    return "rcs" if name in session.resourceful_stations else "lcs"


def chargers_of(station: Station, rules: StationRules) -> int:
    """Return the number of chargers: as given, or as the blocking target asks for at the design flow.

    Raises
    ------
    ModelError : no number of chargers is enough.
    """
    if station.chargers != "auto":
        return station.chargers
    offered = _design_arrivals_per_h(station, rules) / _service_per_h(station, rules)
    return chargers_for(offered, rules.blocking_target, rules.chargers_sized_by)


def spots_of(kind: Literal["rcs", "lcs"], station: Station, rules: StationRules, spot_flow_per_h: float) -> int:
    """Return the number of spots: as given, or as the wait target asks for at ``spot_flow_per_h`` mobile storages.

    Raises
    ------
    ModelError : no number of spots is enough.
    """
    if station.mves_spots != "auto":
        return station.mves_spots
    return spots_for(spot_flow_per_h, _spot_service_per_h(kind, station, rules), hours(rules.mves.wait_target_s))


def _spot_service_per_h(kind: Literal["rcs", "lcs"], station: Station, rules: StationRules) -> float:
    energy = StorageEnergy(rules.mves)
    return 1.0 / (energy.charging_h if kind == "rcs" else energy.discharging_h)(station.mves_spot_kw)


def design_spot_flow_per_h(kind: Literal["rcs", "lcs"], station: Station, rules: StationRules, chargers: int) -> float:
    """Return the mobile storages per hour for which a station's spots are sized, with nothing known of other stations.

    A limited station must take all that its design load asks for, margins included; a resourceful one gives what its
    feeder has left at its design flow.
    """
    energy = StorageEnergy(rules.mves)
    load_kw, limit_kw = _design_load_kw(station, rules, chargers), station.feeder_limit_kw
    if kind == "rcs":
        return max(0.0, limit_kw - load_kw) / energy.drawn_kwh
    room = 1.0 + rules.margins.margin_share + rules.margins.error_limit
    delivered_kwh = float(energy.delivered_kwh(rules.mves.assumed_road_time_s, energy.counts_traction))
    return room * max(0.0, load_kw - limit_kw) / delivered_kwh


def _design_arrivals_per_h(station: Station, rules: StationRules) -> float:
    return rules.demand.arrivals_per_passing * station.design_flow_veh_per_h


def _service_per_h(station: Station, rules: StationRules) -> float:
    return station.charger_kw / rules.demand.energy_per_charge_kwh


def _capacity(rules: StationRules, chargers: int) -> int:
    return chargers + (_UNLIMITED_PLACES if rules.waiting_places == "unlimited" else rules.waiting_places)


def _design_load_kw(station: Station, rules: StationRules, chargers: int) -> float:
    """Return the mean load at the design flow, kW."""
    capacity, service_per_h = _capacity(rules, chargers), _service_per_h(station, rules)
    probability = stationary(_design_arrivals_per_h(station, rules), service_per_h, chargers, capacity)
    occupied = sum(p * min(n, chargers) for n, p in enumerate(probability))
    return float(station.charger_kw * occupied)
