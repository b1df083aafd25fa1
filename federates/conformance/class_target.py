"""A class in this process as what is tested."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from federates.boundary.config import Config, parse_config
from federates.boundary.errors import ConfigError, Problem
from federates.boundary.names import Role
from federates.boundary.roles import NoSettings, Plugin, TrafficModel
from federates.conformance.sessions import builtin_session, world_of
from federates.conformance.target import Target
from federates.worlds.rail.session import RailSession
from federates.worlds.road.messages import Departure
from federates.worlds.road.session import RoadSession

__all__ = ["ClassTarget"]


class ClassTarget(Target):
    """A class that plays ``role``.

    Parameters
    ----------
    role : the role, or its name, such as ``"power_operator"``.
    cls : the class.
    settings : an instance of its ``Settings``, or the ``settings`` of a ``config.yaml`` as a mapping; without, its defaults.
    folder : the agent's own folder; without, the working folder.
    session : the public agreement; without, a small one of the first world that the class can work in.
    limit_s : longest time that one answer may take, s.
    name : how reports call it; without, the class's own name.
    routes : traffic models only: departures that the model knows a road for, the vehicles being those of an ordinary period.
        Without, routes are made from the names of the links.

    Raises
    ------
    ConfigError : the settings, or the data in the folder, cannot be used with this session.
    """

    executable: ClassVar[bool] = False

    def __init__(
        self,
        role: Role | str,
        cls: type[Plugin],
        settings: Config | Mapping[str, Any] | None = None,
        folder: Path | None = None,
        session: RoadSession | RailSession | None = None,
        limit_s: float = 10.0,
        name: str | None = None,
        routes: tuple[Departure, ...] = (),
    ) -> None:
        super().__init__(Role(role), name or cls.__name__, session or builtin_session(world_of(cls)), limit_s)
        self.cls, self.routes = cls, routes
        self.folder = (folder or Path()).resolve()
        self.settings = _settings(cls, settings)
        self._refuse_unusable()

    def create(self) -> Plugin:
        """Return a new instance."""
        return self.cls(self.settings, self.folder)

    def end(self, plugin: Plugin) -> None:
        """Close a traffic model; operators and algorithms have nothing to close."""
        if isinstance(plugin, TrafficModel):
            plugin.close()

    def _refuse_unusable(self) -> None:
        if not issubclass(self.cls, Plugin):
            return  # The check of the interface says it.
        if self.session.world not in self.cls.worlds:
            worlds = ", ".join(self.cls.worlds)
            raise ConfigError([Problem(self.name, "worlds", worlds, f"the session is of the world {self.session.world}")])
        problems = self.cls.check(self.settings, self.folder, self.session)
        if problems:
            raise ConfigError(problems)


def _settings(cls: type[Plugin], given: Config | Mapping[str, Any] | None) -> Config:
    if isinstance(given, Config):
        return given
    model: type[Config] = getattr(cls, "Settings", NoSettings)
    try:
        return parse_config(dict(given or {}), model, "settings")
    except ConfigError as error:
        problems = [Problem(cls.__name__, f"settings.{p.field}", p.value, p.allowed) for p in error.problems]
        raise ConfigError(problems) from None
