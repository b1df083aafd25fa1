"""What all executables behind HELICS have in common, seen through the abstract class of their role."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from federates.boundary.exchange import Moment
from federates.boundary.roles import NoSettings
from federates.boundary.world import world_of
from federates.conformance.kit import kit_of
from federates.conformance.through_helics.federation import Federation, Subject
from federates.conformance.through_helics.partner_stubs import (
    IdleOperator,
    IdleReporter,
    ScriptedModel,
    idle_dispatch,
    told_in_part,
)
from federates.conformance.through_helics.wire_log import WireBreach

__all__ = ["StandIn"]


class StandIn(ABC):
    """What all have in common. ``session`` is the whole public agreement, of which the agent sees its part."""

    def __init__(self, subject: Subject, session: Any) -> None:
        super().__init__(NoSettings(), subject.folder)  # type: ignore[call-arg]
        self.subject, self.session, self.world = subject, session, world_of(session.world)
        self.federation: Federation | None = None
        self.breach: WireBreach | None = None
        """The first rule of the wire that was broken."""
        self.period = 0
        self.exit_code: int | None = None
        self.deaf: list[str] = []
        """What the executable wants to hear and nobody says."""

    def join(self, partners: Mapping[str, Any]) -> Federation:
        """Start the executable and its partners."""
        try:
            self.federation = Federation(self.subject, self.session, dict(partners))
        except WireBreach as breach:
            self.breach = breach
            raise
        self.session, self.deaf = self.federation.session, self.federation.deaf_inputs()
        return self.federation

    @property
    def line(self) -> Federation:
        """Return the federation; raise RuntimeError before `begin`."""
        if self.federation is None:
            raise RuntimeError("begin was not called")
        return self.federation

    def end(self) -> None:
        """Bring the executable to its agreed end."""
        if self.federation is not None and self.federation.breach is None:
            self.exit_code = self.stop()
            if self.exit_code not in (None, 0):
                raise self.line.refuse("wire.stop", self.line.process.how_it_ended(), "to end after the run")

    @abstractmethod
    def stop(self) -> int | None:
        """End the run and return the exit code; None where only a partner's failure ends the executable so early."""

    def close(self) -> None:
        """Leave nothing behind."""
        if self.federation is not None:
            self.federation.close()
            self.breach = self.breach or self.federation.breach

    def others(self, *roles: str) -> list[str]:
        """Return the names of the other agents that have one of the roles."""
        return [agent.name for agent in self.session.of_role(*roles) if agent.name != self.subject.agent]

    def models(self, *, wait: bool) -> dict[str, ScriptedModel]:
        """Return models to be partners."""
        return {name: ScriptedModel(self.session, waits=wait) for name in self.others(*self.world.models)}

    def reporters(self, *, wait: bool = False) -> dict[str, IdleReporter]:
        """Return agents that report to be partners."""
        example, found = kit_of(self.session).scripted(self.session).openings, {}
        for name in self.others(*self.world.reporters):
            said = self.world.says(self.session.role_of(name), Moment.OPENING)
            opening = {m.name: told_in_part(self.session, self.session, name, m, example[m.name], example[m.name]) for m in said}
            found[name] = IdleReporter(opening, waits=wait)
        return found

    def idle(self) -> dict[str, IdleOperator]:
        """Return operators to be partners, to whom nothing is given."""
        example = kit_of(self.session).scripted(self.session).openings
        found = {}
        for name in self.others(*self.world.operators):
            role = self.session.role_of(name)
            found[name] = idle = IdleOperator(NoSettings(), self.subject.folder)
            idle.dispatch = idle_dispatch(self.session, role)
            if (message := self.world.said(role, Moment.OPENING)) is not None:
                whole = example[message.name]
                idle.opening = told_in_part(self.session, self.session, name, message, whole, whole)
        return found
