"""The stations of a group as built: the resourceful ones have spots for what the group asks for, not more."""

from __future__ import annotations

from federates.power_operator.models.charging_station.settings import ChargingStationSettings
from federates.station.queues import Array
from federates.station.station import StationModel, build_station, chargers_of, design_spot_flow_per_h, kind_of
from federates.worlds.road.session import RoadSession


def build_stations(settings: ChargingStationSettings, session: RoadSession, history: dict[str, Array]) -> list[StationModel]:
    """Return the stations in the session's order, sized for their design flows; ``history`` has the typical days by shape."""
    chargers = {name: chargers_of(settings.stations[name], settings) for name in session.stations}
    design = spot_flows_per_h(settings, session, chargers)
    return [
        build_station(
            name,
            settings.stations[name],
            settings,
            history[settings.stations[name].shape],
            session,
            chargers=chargers[name],
            spot_flow_per_h=design[name],
        )
        for name in session.stations
    ]


def spot_flows_per_h(settings: ChargingStationSettings, session: RoadSession, chargers: dict[str, int]) -> dict[str, float]:
    """Return the mobile storages per hour for which each station's spots are sized: at resourceful ones at most the group's."""
    flow: dict[str, float] = {}
    for name in session.stations:
        flow[name] = design_spot_flow_per_h(kind_of(name, session), settings.stations[name], settings, chargers[name])
    group = sum(flow[q] for q in session.limited_stations)
    return {name: max(1.0, min(own, group) if name in session.resourceful_stations else own) for name, own in flow.items()}
