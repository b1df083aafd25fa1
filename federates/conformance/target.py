"""What is tested: a class in this process, or an executable behind HELICS, seen through the role's abstract class alike."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from federates.boundary.names import Role
from federates.boundary.roles import Plugin
from federates.worlds.rail.session import RailSession
from federates.worlds.road.session import RoadSession

__all__ = ["Target"]


class Target(ABC):
    """Something that plays ``role`` in ``session``; `create` may be called as often as a check needs a fresh one.

    Parameters
    ----------
    limit_s : longest time that one answer may take.
    """

    executable: ClassVar[bool]
    """Whether it is reached through HELICS, so that checks of the wire apply."""

    def __init__(self, role: Role, name: str, session: RoadSession | RailSession, limit_s: float) -> None:
        self.role, self.name, self.session, self.limit_s = role, name, session, limit_s

    @abstractmethod
    def create(self) -> Plugin:
        """Return a fresh one, on which `begin` has not been called; for an executable a stand-in that derives from the role.

        A stand-in starts the process in its `begin`.
        """

    @abstractmethod
    def end(self, plugin: Plugin) -> None:
        """Bring ``plugin`` to its agreed end, from wherever it is; raise `ConformanceError` if it does not end cleanly."""
