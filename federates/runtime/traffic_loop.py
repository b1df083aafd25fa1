"""The traffic model's loop: woken twice a period, at dispatch and at the period's end, never in a negotiation."""

from __future__ import annotations

import time

from federates.boundary.errors import BoundaryError
from federates.boundary.messages import Array, Departure, TrafficObservation
from federates.boundary.roles import TrafficModel
from federates.boundary.session import RoadSession
from federates.boundary.topics import MAX_ROUTE_LINKS, Role
from federates.runtime.federate import Federate
from federates.runtime.inbox import Inbox
from federates.runtime.results import ResultWriter
from federates.runtime.road_times import told_road_time

__all__ = ["rows_to_departures", "run_traffic"]

_DEPARTURES = f"{Role.TRANSPORT_OPERATOR}/departures"


def run_traffic(federate: Federate, session: RoadSession, model: TrafficModel, writer: ResultWriter) -> None:
    """Move the model through every period of the session."""
    broker = federate.identity.broker
    patience_s = broker.limits.begin_s + broker.max_rounds * broker.limits.answer_s
    inbox = Inbox(federate.role)
    for period in range(session.periods):
        begin_s = period * session.period_s
        federate.advance(begin_s + broker.dispatch_offset_s, patience_s, f"the departures of period {period}")
        inbox.add(federate.updates())
        departures = rows_to_departures(inbox.take(_DEPARTURES, period), session)
        started = time.perf_counter()
        with federate.watchdog.limit(broker.limits.period_s, f"{federate.role}: moving through period {period}"):
            seen = model.run(period, departures)
        federate.advance(begin_s + session.period_s, patience_s, f"the end of period {period}")
        _publish(federate, period, seen)
        writer.record("timings", period=period, round=0, activity="run", wall_s=time.perf_counter() - started)
        writer.flush()
    # The last observation needs a grant behind it to reach the operators before this federate leaves.
    federate.advance(session.periods * session.period_s + broker.dispatch_offset_s, patience_s, "the end of the run")


def _publish(federate: Federate, period: int, seen: TrafficObservation) -> None:
    links, stations = seen.links, seen.stations
    federate.publish("link_flow_veh_per_h", period, 0, links.flow_veh_per_h)
    federate.publish("link_density_veh_per_km", period, 0, links.density_veh_per_km)
    federate.publish("link_speed_m_per_s", period, 0, links.speed_m_per_s)
    told = told_road_time(links.travel_time_s, federate.role, "a link's travel time")
    federate.publish("link_travel_time_s", period, 0, told)
    federate.publish("station_passing_veh", period, 0, stations.passing_veh)
    federate.publish("station_arrivals_veh", period, 0, stations.arrivals_veh)


def rows_to_departures(rows: Array, session: RoadSession) -> list[Departure]:
    """Return the departures in the wire form of topic `departures`; raise `BoundaryError` for an unknown index."""
    departures = []
    for row in rows:
        numbers = [int(value) for value in row]
        if any(number != value for number, value in zip(numbers, row, strict=True)) or min(numbers[:2]) < 0 or numbers[2] < 1:
            raise BoundaryError(
                f"{_DEPARTURES}: indices must be whole numbers, and every row must have a vehicle, got {row.tolist()}"
            )
        links = [index for index in numbers[3:] if index >= 0]
        # What stands behind the last link could carry anything, so nothing may.
        if numbers[3 + len(links) :] != [-1] * (MAX_ROUTE_LINKS - len(links)):
            raise BoundaryError(f"{_DEPARTURES}: behind the last link every number must be -1, got {row.tolist()}")
        try:
            departures.append(
                Departure(
                    session.resourceful_stations[numbers[0]],
                    session.limited_stations[numbers[1]],
                    numbers[2],
                    tuple(session.links[index] for index in links),
                )
            )
        except IndexError:
            raise BoundaryError(f"{_DEPARTURES}: an index is outside the session's names: {numbers}") from None
    return departures
