"""An executable as what is tested."""

from __future__ import annotations

import atexit
import shlex
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

from federates.boundary.errors import ConfigError, Problem
from federates.boundary.names import Role
from federates.boundary.roles import Plugin
from federates.boundary.world import world_of
from federates.conformance.model_day import MOST_PERIODS
from federates.conformance.target import Target
from federates.conformance.through_helics.asked import ModelStandIn, OperatorStandIn
from federates.conformance.through_helics.asking import CoordinatorStandIn
from federates.conformance.through_helics.federation import Subject
from federates.conformance.through_helics.reporting import ReporterStandIn
from federates.conformance.through_helics.stand_in import StandIn
from federates.runtime.broker_config import BrokerConfig

__all__ = ["ExecutableTarget"]


class ExecutableTarget(Target):
    """An executable that plays ``role`` behind HELICS; a context manager, at whose end no process of it is left.

    Parameters
    ----------
    command : the program and its arguments, as behind the dashes of ``python -m federates.executable ROLE -- ...``.
    session : the public agreement. A coordinator reads it from a file, which the wrapper is given with ``--session``.
    limit_s : longest time that one answer may take, s.
    folder : the agent's own; the program works there.
    broker : how HELICS is to be set up; by default as ``broker.yaml`` without optional keys says.
    routes : models only: dispatches that the model knows a way for, as of a `ClassTarget`.
    agent : which agent of the session it is; empty: the first of the role.

    Raises
    ------
    ConfigError : there is no command, or no agent of this role.
    """

    executable: ClassVar[bool] = True
    margin_s: ClassVar[float] = 5.0

    def __init__(
        self,
        role: str,
        command: Sequence[str],
        session: Any,
        limit_s: float = 10.0,
        folder: Path | None = None,
        broker: BrokerConfig | None = None,
        routes: tuple[Any, ...] = (),
        agent: str = "",
    ) -> None:
        if role in world_of(session.world).models:  # It ends by itself only after the last period.
            session = session.model_copy(update={"periods": min(session.periods, MOST_PERIODS)})
        super().__init__(role, shlex.join(command), session, limit_s, folder, routes, agent)
        if not command:
            raise ConfigError([Problem("command line", "target", "''", "must be a program and its arguments")])
        config = broker or BrokerConfig(schema_version=1)
        self.subject = Subject(self.role, self.agent, tuple(command), self.folder, config, limit_s)
        self.first: StandIn | None = None
        """The main life, which all the checks look at that need none of their own."""
        self._callers: list[StandIn] = []
        atexit.register(self.close)

    def create(self) -> Any:
        """Return a stand-in of the role, whose `begin` starts the process."""
        plugin: StandIn
        if self.role in world_of(self.session.world).operators:
            plugin = OperatorStandIn(self.subject, self.session)
            plugin.thorough = self.first is None
        elif self.role == Role.COORDINATOR:
            plugin = CoordinatorStandIn(self.subject, self.session)
        elif self.role in world_of(self.session.world).reporters:
            plugin = ReporterStandIn(self.subject, self.session)
        else:
            plugin = ModelStandIn(self.subject, self.session)
        self.first = self.first or plugin
        self._callers.append(plugin)
        return plugin

    def end(self, plugin: Plugin) -> None:
        """Bring the executable to its agreed end and leave nothing behind; after a breach, only the latter.

        Operators are told to stop. A coordinator, a model or one that reports is ended by the failure of a partner, if it is not
        through its last period, for nothing else ends it.
        """
        assert isinstance(plugin, StandIn)
        try:
            plugin.end()
        finally:
            self.discard(plugin)

    def discard(self, plugin: StandIn) -> None:
        """Leave nothing of a life behind, from wherever it is."""
        plugin.close()
        self._callers.remove(plugin)

    def close(self) -> None:
        """End every life that is still open."""
        atexit.unregister(self.close)
        while self._callers:
            self._callers.pop().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
