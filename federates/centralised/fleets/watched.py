"""Agents whose state somebody reads at every commitment. They answer and carry out as they would unobserved.

A class here is derived from an agent's, for the state is the agent's own: no message has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from federates.boundary.errors import ConfigError, Problem
from federates.boundary.messages import Quantities
from federates.boundary.names import Role
from federates.boundary.roles import Plugin
from federates.boundary.units import hours
from federates.centralised.fleets.parties import CompanyHour, DriversHour, Hour, OwnedHour, RoadHour, Route
from federates.mves_fleet.models.company.operator import CompanyFleet
from federates.mves_fleet.models.private.operator import PrivateFleet
from federates.mves_fleet.models.utility.operator import UtilityFleet
from federates.power_operator.models.station_reports.operator import StationReportsOperator
from federates.runs.scenario import shown
from federates.runtime.plugins import LoadedAgent
from federates.transport_operator.models.toll_road.operator import TollRoadOperator
from federates.worlds.fleets.session import FleetSession


class Watched:
    """What a watched agent has besides: its state by period, as it was when the period was committed."""

    def __init__(self, settings: Any, folder: Path) -> None:
        super().__init__(settings, folder)  # type: ignore[call-arg]
        self.seen: dict[int, Any] = {}


class WatchedCompany(Watched, StationReportsOperator):
    """A power company."""

    def commit(self, given: Quantities) -> None:  # noqa: D102
        self.seen[self._period] = self._data
        super().commit(given)


class WatchedUtility(Watched, UtilityFleet):
    """A utility-owned fleet."""

    def commit(self, given: Quantities) -> Any:  # noqa: D102
        self.seen[self._period] = OwnedHour(self._data)
        return super().commit(given)


class WatchedCompanyFleet(Watched, CompanyFleet):
    """A company's fleet."""

    def commit(self, given: Quantities) -> Any:  # noqa: D102
        self.seen[self._period] = OwnedHour(self._data)
        return super().commit(given)


class WatchedDrivers(Watched, PrivateFleet):
    """A fleet of private drivers."""

    def commit(self, given: Quantities) -> Any:  # noqa: D102
        self.seen[self._period] = DriversHour(self.kwh, self._usd.reshape(-1, *self._session.connection_shape))
        return super().commit(given)


class WatchedRoad(Watched, TollRoadOperator):
    """The road."""

    def commit(self, given: Quantities) -> Any:  # noqa: D102
        assert self._gate is not None  # it was asked, or there would be nothing to compare with
        self.seen[self._period] = RoadHour(
            costs=self._costs(self._gate, self._forecast),
            routes=tuple(Route(trip.origin, trip.destination, trip.edges) for trip in self._graph.trips),
            most_veh_per_h=self._most_veh_per_h,
            limit_veh_per_h=self._limit(self._forecast),
            length_h=hours(self._session.period_s),
        )
        return super().commit(given)


_CLASSES: dict[type[Plugin], type[Plugin]] = {
    StationReportsOperator: WatchedCompany,
    UtilityFleet: WatchedUtility,
    CompanyFleet: WatchedCompanyFleet,
    PrivateFleet: WatchedDrivers,
    TollRoadOperator: WatchedRoad,
}
_WATCHED_ROLES = (Role.POWER_OPERATOR, Role.TRANSPORT_OPERATOR, Role.MVES_FLEET)


@dataclass(frozen=True, slots=True)
class WatchedAgent(LoadedAgent):
    """A loaded agent that keeps what it makes."""

    made: list[Any] = field(default_factory=list)

    def create(self) -> Plugin:
        """Return a new instance."""
        plugin = self.cls(self.settings, self.folder)
        self.made.append(plugin)
        return plugin


def watch(loaded: Mapping[str, LoadedAgent], configs: Mapping[str, Path]) -> dict[str, LoadedAgent]:
    """Return the agents of a scenario, those with costs as watched ones.

    Raises
    ------
    ConfigError : one of them is of a class whose cost is not known here.
    """
    problems = [
        Problem(shown(configs[name]), "operator", agent.name, f"the reference is for {', '.join(c.__name__ for c in _CLASSES)}")
        for name, agent in loaded.items()
        if agent.role in _WATCHED_ROLES and agent.cls not in _CLASSES
    ]
    if problems:
        raise ConfigError(problems)
    return {name: _watched(agent) if agent.role in _WATCHED_ROLES else agent for name, agent in loaded.items()}


def _watched(agent: LoadedAgent) -> WatchedAgent:
    known = {f.name: getattr(agent, f.name) for f in fields(agent)}
    return WatchedAgent(**known | {"cls": _CLASSES[agent.cls]})


def hours_seen(agents: Mapping[str, LoadedAgent], session: FleetSession) -> dict[int, Hour]:
    """Return everybody's data of each period of a day that is over, by period."""
    seen = {name: agent.made[0].seen for name, agent in agents.items() if isinstance(agent, WatchedAgent)}
    (road,) = session.of_role(Role.TRANSPORT_OPERATOR)
    return {period: _hour(session, {name: of[period] for name, of in seen.items()}, road.name) for period in seen[road.name]}


def _hour(session: FleetSession, seen: Mapping[str, Any], road: str) -> Hour:
    fleets = [seen[agent.name] for agent in session.of_role(Role.MVES_FLEET)]
    companies = []
    for agent in session.of_role(Role.POWER_OPERATOR):
        view = session.view(agent.name)
        places = (
            tuple(every.index(name) for name in own)
            for every, own in (
                (session.resourceful_stations, view.resourceful_stations),
                (session.limited_stations, view.limited_stations),
            )
        )
        companies.append(CompanyHour(seen[agent.name], *places))
    return Hour(
        session.connection_shape,
        tuple(companies),
        tuple(fleet for fleet in fleets if isinstance(fleet, OwnedHour)),
        tuple(fleet for fleet in fleets if isinstance(fleet, DriversHour)),
        seen[road],
    )
