"""A station as built: sizes, chain, forecast, spots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from federates.boundary.units import hours
from federates.power_operator.models.charging_station.chain import ChargerChain
from federates.power_operator.models.charging_station.energy import StorageEnergy
from federates.power_operator.models.charging_station.forecast import PassingForecast, TypicalDay
from federates.power_operator.models.charging_station.queues import Array, stationary
from federates.power_operator.models.charging_station.settings import ChargingStationSettings, Station
from federates.power_operator.models.charging_station.sizing import chargers_for, greatest_flow_per_h, spots_for
from federates.worlds.road.session import RoadSession

_UNLIMITED_PLACES = 200


@dataclass(slots=True)
class StationModel:
    """One station of the session with everything the operator knows of it."""

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


def build_stations(settings: ChargingStationSettings, session: RoadSession, history: dict[str, Array]) -> list[StationModel]:
    """Return the stations in the session's order, sized for their design flows."""
    energy = StorageEnergy(settings.mves)
    chargers = {name: _chargers(settings, name) for name in session.stations}
    design = _design_flows(settings, session, chargers, energy)
    models = []
    for name in session.stations:
        station = settings.stations[name]
        kind: Literal["rcs", "lcs"] = "rcs" if name in session.resourceful_stations else "lcs"
        spot_h = (energy.charging_h if kind == "rcs" else energy.discharging_h)(station.mves_spot_kw)
        wait_h = hours(settings.mves.wait_target_s)
        spots = station.mves_spots if station.mves_spots != "auto" else spots_for(design[name], 1.0 / spot_h, wait_h)
        day = TypicalDay(history[station.shape])
        forecast = PassingForecast(day, station.daily_volume_veh, settings.forecast, session.start_hour, session.period_s)
        chain = _chain(settings, station, chargers[name])
        chain.settle(settings.demand.arrivals_per_passing * float(forecast.flow_veh_per_h(0, 1, 1)[0, 0]))
        flow = greatest_flow_per_h(spots, 1.0 / spot_h, wait_h)
        models.append(StationModel(name, kind, station, chargers[name], spots, 1.0 / spot_h, flow, chain, forecast))
    return models


def _service_per_h(settings: ChargingStationSettings, station: Station) -> float:
    return station.charger_kw / settings.demand.energy_per_charge_kwh


def _capacity(settings: ChargingStationSettings, chargers: int) -> int:
    return chargers + (_UNLIMITED_PLACES if settings.waiting_places == "unlimited" else settings.waiting_places)


def _chargers(settings: ChargingStationSettings, name: str) -> int:
    station = settings.stations[name]
    if station.chargers != "auto":
        return station.chargers
    arrivals_per_h = settings.demand.arrivals_per_passing * station.design_flow_veh_per_h
    offered = arrivals_per_h / _service_per_h(settings, station)
    return chargers_for(offered, settings.blocking_target, settings.chargers_sized_by)


def _chain(settings: ChargingStationSettings, station: Station, chargers: int) -> ChargerChain:
    return ChargerChain(
        chargers, _capacity(settings, chargers), station.charger_kw, _service_per_h(settings, station), settings.queue
    )


def _design_load_kw(settings: ChargingStationSettings, name: str, chargers: int) -> float:
    """Return the mean load at the design flow, kW."""
    station = settings.stations[name]
    arrivals_per_h = settings.demand.arrivals_per_passing * station.design_flow_veh_per_h
    service_per_h = _service_per_h(settings, station)
    probability = stationary(arrivals_per_h, service_per_h, chargers, _capacity(settings, chargers))
    occupied = sum(p * min(n, chargers) for n, p in enumerate(probability))
    return float(station.charger_kw * occupied)


def _design_flows(
    settings: ChargingStationSettings, session: RoadSession, chargers: dict[str, int], energy: StorageEnergy
) -> dict[str, float]:
    """Return the mobile storages per hour for which each station's spots are sized.

    A limited station must take all that its design load asks for, margins included; a resourceful one gives what its
    feeder has left at its design flow, at most what the group asks for.
    """
    room = 1.0 + settings.margins.margin_share + settings.margins.error_limit
    delivered = float(energy.delivered_kwh(settings.mves.assumed_road_time_s, energy.counts_traction))
    load = {name: _design_load_kw(settings, name, chargers[name]) for name in session.stations}
    limit = {name: settings.stations[name].feeder_limit_kw for name in session.stations}
    wanted = {q: room * max(0.0, load[q] - limit[q]) / delivered for q in session.limited_stations}
    spare = {r: max(0.0, limit[r] - load[r]) / energy.drawn_kwh for r in session.resourceful_stations}
    group = sum(wanted.values())
    return {**{r: max(1.0, min(spare[r], group)) for r in spare}, **{q: max(1.0, flow) for q, flow in wanted.items()}}
