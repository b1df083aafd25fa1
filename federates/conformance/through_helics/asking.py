"""A coordination algorithm behind HELICS: operators in the loop of the runtime hand its questions to this thread."""

from __future__ import annotations

from typing import Any

import numpy as np

from federates.boundary.canonical import to_grid
from federates.boundary.exchange import Moment
from federates.boundary.layout import Layout
from federates.boundary.messages import Quantities, encode
from federates.boundary.names import Role
from federates.boundary.parts import cut
from federates.boundary.roles import (
    Commit,
    CoordinationAlgorithm,
    Decision,
    Evaluate,
    Openings,
    Recorder,
    RoundResult,
    Solve,
)
from federates.conformance.through_helics.partner_stubs import (
    RelayOperator,
    idle_dispatch,
    told_in_part,
)
from federates.conformance.through_helics.stand_in import StandIn

__all__ = ["CoordinatorStandIn"]


class CoordinatorStandIn(StandIn, CoordinationAlgorithm):
    """A coordination algorithm behind HELICS. Whether a commit was agreed, and why, does not cross the boundary."""

    committed = False
    round = 0

    def begin(self, session: Any, recorder: Recorder) -> None:
        """Start the executable, hear the public agreement, and wait until it opens period 0."""
        self.relays = {
            name: RelayOperator(idle_dispatch(self.session, self.session.role_of(name)))
            for name in self.others(*self.world.operators)
        }
        self.told = self.reporters(wait=True)
        line = self.join(self.relays | self.told | self.models(wait=False))
        with line.asking("to open period 0", "wire.joins"):
            self._calls(self.subject.start_s)
        for name, relay in self.relays.items():
            wanted = self.session.view(name)
            differs = [key for key, value in wanted if key != "run_id" and getattr(relay.session, key, None) != value]
            if differs:
                seen = f"another one came; it differs in {', '.join(differs)}"
                raise line.refuse("wire.joins", seen, "to announce the public agreement that its file holds")

    def start(self, period: int, openings: Openings) -> Decision:
        """Open a period as operators do, and return what it decides first."""
        asked = f"to decide in period {period}, after all operators have opened it"
        self.openings = openings
        with self.line.asking(asked):
            if period > 0:
                self._calls(self.subject.answer_s)
            self._hear_told(period)
            self.period, self.round, self.committed = period, 0, False
            self._open(openings)
            decision = self._decision()
        self._refuse_altered(openings, asked)
        return decision

    def next(self, result: RoundResult) -> Decision:
        """Send all answers, and return what it decides next."""
        with self.line.asking(f"to decide in period {self.period}, after the answers of round {self.round}"):
            for name, relay in self.relays.items():
                relay.answers.put(result.answers[name])
            return self._decision()

    def _open(self, openings: Openings) -> None:
        for name, relay in self.relays.items():
            message = self.world.said(self.session.role_of(name), Moment.OPENING)
            whole = None if message is None else openings[message.name]
            relay.answers.put(None if message is None else told_in_part(self.session, self.session, name, message, whole, whole))
        for name, reporter in self.told.items():
            said = [m for m in self.world.says(self.session.role_of(name), Moment.OPENING) if m.passed_on]
            parts = {m.name: told_in_part(self.session, self.session, name, m, openings[m.name], openings[m.name]) for m in said}
            reporter.open(parts)

    def _hear_told(self, period: int) -> None:
        """Wait until who reports has been woken; raise a breach if it has heard something else than was committed."""
        for name, reporter in self.told.items():
            heard = self.line.wait(lambda r=reporter: r.heard.get(timeout=0.02), self.subject.answer_s)  # type: ignore[misc]
            for message in self.world.says(Role.COORDINATOR, Moment.DISPATCH) if period else ():
                wanted = message.packed(self.session, self.world.dispatch(self.session, message, self.given))
                view, came = self.session.view(name), message.packed(self.session, heard[message.name])
                for topic, own, values in zip(message.sent(), came, wanted, strict=True):
                    part = to_grid(cut(topic, self.session, view, values), topic.decimals)
                    if not np.array_equal(part, own):
                        seen = f"{topic.key(Role.COORDINATOR.value, name)}: {np.ravel(own).tolist()}"
                        wish = f"to tell what it has committed in period {period - 1}, {part.ravel().tolist()}"
                        raise self.line.refuse("wire.passed_on", seen, wish)

    def _calls(self, limit_s: float) -> dict[str, tuple[str, Any]]:
        """Return what every operator is asked."""
        get = {name: relay.calls for name, relay in self.relays.items()}
        return {name: self.line.wait(lambda calls=calls: calls.get(timeout=0.02), limit_s) for name, calls in get.items()}  # type: ignore[misc]

    def _decision(self) -> Decision:
        calls = self._calls(self.subject.answer_s)
        self.round += 1
        (what,) = {word for word, _ in calls.values()}
        given: dict[str, Quantities] = {name: about for name, (_, about) in calls.items()}
        if what == "commit":
            self.committed, self.given = True, given
            return Commit(given, agreed=False, reason="why does not cross the wire")
        if what == "evaluate":
            return Evaluate(given)
        layout = Layout(self.session, self.period)
        vector = np.zeros(layout.size)
        for name in given:
            vector[layout.entries[name]] = layout.own(name, given[name])
        return Solve(layout.shaped(vector), relaxed=what == "relax")

    def _refuse_altered(self, openings: Openings, asked: str) -> None:
        """Raise a breach if what an operator said was not passed on as it is."""
        for name in self.relays:
            view = self.session.view(name)
            for message in self.world.told(self.session.role_of(name), Moment.OPENING):
                if not message.passed_on:
                    continue
                arrays = message.packed(self.session, openings[message.name])
                for topic, values in zip(message.heard(), arrays, strict=True):
                    key = topic.key(Role.COORDINATOR.value, name)
                    wanted = encode(topic, key, self.period, 0, cut(topic, self.session, view, np.asarray(values)), view)
                    came = self.line.log.frames.get((key, self.period, 0))
                    if came != wanted:
                        seen = "nothing" if came is None else np.frombuffer(came)[2:].tolist()
                        wish = f"{asked}, and to pass on {np.ravel(values).tolist()}"
                        raise self.line.refuse("wire.passed_on", f"{key}: {seen}", wish)

    def stop(self) -> int | None:
        """Let it end by itself after the last commit; before that nothing but a partner's failure ends a coordinator."""
        line = self.line
        if not (self.committed and self.period == self.session.periods - 1):
            line.fail("the conformance check is over")
            return None
        with line.asking("to close the day after the last period"):
            self._calls(self.subject.answer_s)
            self._hear_told(self.session.periods)
        line.expect_end()
        self._open(self.openings)
        line.complete()
        return line.await_end("to end after its own stop", "wire.stop")
