"""Whether the routes of a day can lie on one road network, as far as names and other routes tell.

The public agreement does not say which link joins which. But a route leads from its origin over one link after the other to its
destination: so what all routes say of the ends of links must not put two stations, or both ends of a link, into one place. Where
links are named ``from-to``, as in the built-in session, their names say the places.
"""

from __future__ import annotations

from collections.abc import Iterable

from federates.worlds.road.messages import Departure
from federates.worlds.road.session import RoadSession

__all__ = ["order_fault"]

End = tuple[str, str]


class _Places:
    """Ends of links and stations, those that must be in one place together."""

    def __init__(self) -> None:
        self._parent: dict[End, End] = {}

    def find(self, end: End) -> End:
        parent = self._parent.setdefault(end, end)
        if parent != end:
            self._parent[end] = self.find(parent)
        return self._parent[end]

    def join(self, first: End, second: End) -> None:
        self._parent[self.find(first)] = self.find(second)


def order_fault(session: RoadSession, departures: Iterable[Departure]) -> str | None:
    """Return which route cannot lie on the road that the others, and the names of links, tell of; None if all can."""
    places, apart = _Places(), [("station", name) for name in session.stations]
    named = [link.split("-", 1) for link in session.links if link.count("-") == 1]
    if set(session.stations) <= {name for ends in named for name in ends}:
        for start, end in named:
            places.join(("start", f"{start}-{end}"), ("station", start))
            places.join(("end", f"{start}-{end}"), ("station", end))
        apart = sorted({("station", name) for ends in named for name in ends})
    used: set[str] = set()
    for departure in departures:
        used.update(departure.links)
        _lead(places, departure)
        fault = _merged(places, apart, used)
        if fault is not None:
            way = " ".join(departure.links)
            return f"departure {departure.origin} to {departure.destination} by {way}: {fault}"
    return None


def _lead(places: _Places, departure: Departure) -> None:
    before: End = ("station", departure.origin)
    for link in departure.links:
        places.join(before, ("start", link))
        before = ("end", link)
    places.join(before, ("station", departure.destination))


def _merged(places: _Places, apart: list[End], used: set[str]) -> str | None:
    at: dict[End, str] = {}
    for station in apart:
        other = at.setdefault(places.find(station), station[1])
        if other != station[1]:
            return f"by this and other routes {other} and {station[1]} would be one place, so the links are in another order"
    for link in sorted(used):
        if places.find(("start", link)) == places.find(("end", link)):
            return f"{link} would begin and end in one place, so the links are in another order"
    return None
