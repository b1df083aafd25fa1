"""The tables that every traffic model of this package leaves: `federates.boundary.tables`, and `recording` of its own."""

from __future__ import annotations

from collections.abc import Mapping

from federates.boundary.roles import Recorder
from federates.traffic_sumo.data import Road
from federates.traffic_sumo.trips import Trip
from federates.worlds.road.messages import TrafficObservation
from federates.worlds.road.session import RoadSession


def record_clock(recorder: Recorder, session: RoadSession) -> None:
    """Record in one row what the numbers of periods and bins mean, so that the tables can be replayed by themselves."""
    recorder.record(
        "recording",
        start_hour=session.start_hour,
        period_s=float(session.period_s),
        periods=session.periods,
        bins_per_period=session.bins_per_period,
    )


def record_map(recorder: Recorder, session: RoadSession, road: Road, station_junction: Mapping[str, str]) -> None:
    """Record the course of the links and the places of the stations."""
    for name in session.links:
        link = road.links[name]
        first, last = road.junctions[link.start], road.junctions[link.end]
        points = [(first.lat_deg, first.lon_deg), *link.points, (last.lat_deg, last.lon_deg)]
        for number, (lat, lon) in enumerate(points):
            recorder.record("link_geometry", link=name, seq=number, lat=lat, lon=lon)
    for name in session.stations:
        site = road.junctions[station_junction[name]]
        recorder.record("station_sites", station=name, lat=site.lat_deg, lon=site.lon_deg)


def record_observation(recorder: Recorder, session: RoadSession, period: int, observation: TrafficObservation) -> None:
    """Record what is published of a period."""
    links, stations = observation.links, observation.stations
    for i, name in enumerate(session.links):
        recorder.record(
            "link_state",
            period=period,
            link=name,
            flow_veh_per_h=float(links.flow_veh_per_h[i]),
            density_veh_per_km=float(links.density_veh_per_km[i]),
            speed_m_per_s=float(links.speed_m_per_s[i]),
            travel_time_s=float(links.travel_time_s[i]),
        )
    for number in range(session.bins_per_period):
        for i, name in enumerate(session.stations):
            recorder.record(
                "station_state",
                period=period,
                bin=number,
                station=name,
                passing_veh=float(stations.passing_veh[i, number]),
                arrivals_veh=float(stations.arrivals_veh[i, number]),
            )


def record_trip(recorder: Recorder, trip: Trip) -> None:
    """Record a mobile storage that has arrived, or that is still on the road when the run ends."""
    arrived = trip.arrive_s >= 0
    recorder.record(
        "deliveries",
        vehicle=trip.name,
        period=trip.period,
        origin=trip.origin,
        destination=trip.destination,
        route="|".join(trip.route),
        depart_s=float(trip.depart_s if arrived else trip.planned_s),
        arrive_s=trip.arrive_s,
        road_time_s=round(trip.arrive_s - trip.depart_s, 2) if arrived else -1.0,
    )
