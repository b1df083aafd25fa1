"""An executable as what is tested."""

from __future__ import annotations

import atexit
import shlex
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from federates.boundary.errors import ConfigError, Problem
from federates.boundary.names import RAIL, Role
from federates.boundary.roles import Plugin
from federates.conformance.target import Target
from federates.conformance.through_helics.coordinator import CoordinatorStandIn
from federates.conformance.through_helics.day import WireDay, ordinary_day
from federates.conformance.through_helics.federation import Subject
from federates.conformance.through_helics.operators import PowerStandIn, TransportStandIn
from federates.conformance.through_helics.traffic import TrafficStandIn
from federates.runtime.broker_config import BrokerConfig
from federates.worlds.rail.session import RailSession
from federates.worlds.road.messages import Departure
from federates.worlds.road.session import RoadSession

__all__ = ["ExecutableTarget"]

AnyStandIn = PowerStandIn | TransportStandIn | TrafficStandIn | CoordinatorStandIn

_STAND_IN: dict[Role, type[AnyStandIn]] = {
    Role.POWER_OPERATOR: PowerStandIn,
    Role.TRANSPORT_OPERATOR: TransportStandIn,
    Role.TRAFFIC: TrafficStandIn,
    Role.COORDINATOR: CoordinatorStandIn,
}


class ExecutableTarget(Target):
    """An executable that plays ``role`` behind HELICS; a context manager, at whose end no process of it is left.

    Parameters
    ----------
    command : the program and its arguments, as behind the dashes of ``python -m federates.executable ROLE -- ...``.
    session : the public agreement. A coordinator reads it from a file, which the wrapper is given with ``--session``.
    limit_s : longest time that one answer may take, s.
    folder : the agent's own; the program works there.
    broker : how HELICS is to be set up; by default as ``broker.yaml`` without optional keys says.
    routes : traffic models only: departures that the model knows a road for, as of a `ClassTarget`.

    Raises
    ------
    ConfigError : there is no command, or a traffic model is to be tested by rail, where there is none.
    """

    executable: ClassVar[bool] = True

    def __init__(
        self,
        role: Role | str,
        command: Sequence[str],
        session: RoadSession | RailSession,
        limit_s: float = 10.0,
        folder: Path | None = None,
        broker: BrokerConfig | None = None,
        routes: tuple[Departure, ...] = (),
    ) -> None:
        super().__init__(Role(role), shlex.join(command), session, limit_s)
        if not command:
            raise ConfigError([Problem("command line", "target", "''", "must be a program and its arguments")])
        if self.role == Role.TRAFFIC and session.world == RAIL:
            raise ConfigError([Problem(self.name, "role", self.role.value, "there is no traffic model by rail")])
        self.folder, self.routes = (folder or Path()).resolve(), routes
        self.subject = Subject(self.role, tuple(command), self.folder, broker or BrokerConfig(schema_version=1), limit_s)
        self._lives: list[AnyStandIn] = []
        atexit.register(self.close)

    def create(self) -> Plugin:
        """Return a stand-in of the role, whose `begin` starts the process."""
        plugin = _STAND_IN[self.role](self.subject)
        self._lives.append(plugin)
        return plugin

    def end(self, plugin: Plugin) -> None:
        """Bring the executable to its agreed end and leave nothing behind; after a breach, only the latter.

        Operators are told to stop. A coordinator or traffic model that is not through its last period is ended by the failure of
        a partner, for nothing else ends it.
        """
        assert isinstance(plugin, AnyStandIn)
        try:
            if plugin.line is not None and not plugin.line.federation.broken:
                plugin.end()
        finally:
            plugin.close()
            self._lives.remove(plugin)

    def close(self) -> None:
        """End every life that is still open."""
        atexit.unregister(self.close)
        while self._lives:
            self._lives.pop().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @cached_property
    def day(self) -> WireDay:
        """An ordinary day on the wire, lived once for all the checks that look at it."""
        return ordinary_day(self.subject, self.session)
