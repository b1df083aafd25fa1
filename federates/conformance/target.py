"""What is tested: a class in this process, or an executable behind HELICS, seen through the role's abstract class alike."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar

from federates.boundary.errors import ConfigError, Problem
from federates.boundary.names import Role
from federates.boundary.roles import Plugin
from federates.boundary.world import world_of

__all__ = ["MOST_REPORTED", "Target"]

MOST_REPORTED = 6
"""An agent that reports lives through at most so many periods."""


class Target(ABC):
    """Something that plays ``role`` in ``session``; `create` may be called as often as a check needs a fresh one.

    Parameters
    ----------
    agent : which agent of the session it is; empty: the first of the role.
    limit_s : longest time that one answer may take.
    folder : the agent's own.
    routes : models only: dispatches of an ordinary period that the model knows a way for.

    Raises
    ------
    ConfigError : the session has no agent of this role, or none of this name.
    """

    executable: ClassVar[bool]
    """Whether it is reached through HELICS, so that checks of the wire apply."""
    margin_s: ClassVar[float] = 0.0
    """So much longer is waited for an answer, s: who waits on the wire can say more of what is late."""

    def __init__(
        self, role: str, name: str, session: Any, limit_s: float, folder: Path | None, routes: tuple[Any, ...], agent: str = ""
    ) -> None:
        if role in world_of(session.world).reporters:  # Every period is alike to it.
            session = session.model_copy(update={"periods": min(session.periods, MOST_REPORTED)})
        self.role, self.name, self.session, self.limit_s = str(role), name, session, limit_s
        self.folder, self.routes = (folder or Path()).resolve(), routes
        names = [other.name for other in session.of_role(role)]
        if not names:
            raise ConfigError([Problem(name, "role", self.role, f"there is no {self.role} in the world {session.world}")])
        if agent and agent not in names:
            raise ConfigError([Problem(name, "agent", agent, f"must be one of role {self.role}: {', '.join(names)}")])
        self.agent = agent or names[0]
        self.view: Any = session if role == Role.COORDINATOR else session.view(self.agent)
        """The session as this agent sees it."""

    @abstractmethod
    def create(self) -> Plugin:
        """Return a fresh one, on which `begin` has not been called; for an executable a stand-in that derives from the role.

        A stand-in starts the process in its `begin`.
        """

    @abstractmethod
    def end(self, plugin: Plugin) -> None:
        """Bring ``plugin`` to its agreed end, from wherever it is; raise `ConformanceError` if it does not end cleanly."""
