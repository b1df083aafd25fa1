"""A class in this process as what is tested."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from federates.boundary.config import Config, parse_config
from federates.boundary.errors import ConfigError, Problem
from federates.boundary.names import ROAD
from federates.boundary.roles import NoSettings, Plugin, WorldModel
from federates.boundary.world import shipped_worlds, world_names, world_of
from federates.conformance.kit import small_session
from federates.conformance.target import Target

__all__ = ["ClassTarget", "first_world"]


class ClassTarget(Target):
    """A class that plays ``role``.

    Parameters
    ----------
    role : the role, or its name, such as ``"power_operator"``.
    cls : the class.
    settings : an instance of its ``Settings``, or the ``settings`` of a ``config.yaml`` as a mapping; without, its defaults.
    folder : the agent's own folder; without, the working folder.
    session : the public agreement; without, a small one of the first world that the class can work in, and has the role.
    limit_s : longest time that one answer may take, s.
    name : how reports call it; without, the class's own name.
    routes : models only: dispatches of an ordinary period that the model knows a way for. Without, ways are made from names.
    agent : which agent of the session it is; empty: the first of the role.

    Raises
    ------
    ConfigError : the settings, or the data in the folder, cannot be used with this session.
    """

    executable: ClassVar[bool] = False

    def __init__(
        self,
        role: str,
        cls: type[Plugin],
        settings: Config | Mapping[str, Any] | None = None,
        folder: Path | None = None,
        session: Any = None,
        limit_s: float = 10.0,
        name: str | None = None,
        routes: tuple[Any, ...] = (),
        agent: str = "",
    ) -> None:
        shown = name or cls.__name__
        super().__init__(role, shown, session or small_session(first_world(cls, role)), limit_s, folder, routes, agent)
        self.cls = cls
        self.settings = _settings(cls, settings)
        self._refuse_unusable()

    def create(self) -> Plugin:
        """Return a new instance."""
        return self.cls(self.settings, self.folder)

    def end(self, plugin: Plugin) -> None:
        """Close a model; operators and algorithms have nothing to close."""
        if isinstance(plugin, WorldModel):
            plugin.close()

    def _refuse_unusable(self) -> None:
        if not issubclass(self.cls, Plugin):
            return  # The check of the interface says it.
        if not self.cls.works_in(self.session.world):
            worlds = ", ".join(self.cls.worlds)
            raise ConfigError([Problem(self.name, "worlds", worlds, f"the session is of the world {self.session.world}")])
        problems = self.cls.check(self.settings, self.folder, self.view)
        if problems:
            raise ConfigError(problems)


def first_world(cls: type[Plugin] | None, role: str) -> str:
    """Return the first world in which ``cls`` (None: a program) can work and that has ``role``; the road if there is none.

    Who can work in all is tried in the first of those that ship, so of a role of the road on the road.
    """
    named = [name for name in getattr(cls, "worlds", ()) if name in world_names()]
    known = named or [world.name for world in shipped_worlds()]
    return next((name for name in known if role in world_of(name).roles), named[0] if named else ROAD)


def _settings(cls: type[Plugin], given: Config | Mapping[str, Any] | None) -> Config:
    if isinstance(given, Config):
        return given
    model: type[Config] = getattr(cls, "Settings", NoSettings)
    try:
        return parse_config(dict(given or {}), model, "settings")
    except ConfigError as error:
        problems = [Problem(cls.__name__, f"settings.{p.field}", p.value, p.allowed) for p in error.problems]
        raise ConfigError(problems) from None
