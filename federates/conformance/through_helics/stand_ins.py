"""Executables behind HELICS, seen through the abstract class of their role: the kit's own side of the line.

Operators and models are asked by the coordinator's loop of the runtime. A coordinator asks operators in the loop of the runtime,
which hand its questions to this thread.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from federates.boundary.errors import FederationError
from federates.boundary.exchange import Message, Moment, cost_topic
from federates.boundary.layout import Layout
from federates.boundary.messages import Answer, Quantities, encode
from federates.boundary.names import Role
from federates.boundary.parts import cut
from federates.boundary.roles import (
    Commit,
    CoordinationAlgorithm,
    Decision,
    Evaluate,
    NoSettings,
    Openings,
    Operator,
    Recorder,
    RoundResult,
    Solve,
    WorldModel,
)
from federates.boundary.topics import Command
from federates.boundary.world import world_of
from federates.conformance.kit import kit_of
from federates.conformance.through_helics.federation import Federation, Subject
from federates.conformance.through_helics.partners import (
    Idle,
    QuietWriter,
    Relay,
    ScriptedModel,
    idle_dispatch,
    seen_in_part,
    told_in_part,
)
from federates.conformance.through_helics.wire_log import WireBreach
from federates.runtime.coordinator_loop import _NegotiationLoop

__all__ = ["CoordinatorStandIn", "ModelStandIn", "OperatorStandIn", "StandIn"]

_QUIET_STEPS = 2


class StandIn:
    """What all have in common. ``session`` is the whole public agreement, of which the agent sees its part."""

    def __init__(self, subject: Subject, session: Any) -> None:
        super().__init__(NoSettings(), subject.folder)  # type: ignore[call-arg]
        self.subject, self.session, self.world = subject, session, world_of(session.world)
        self.federation: Federation | None = None
        self.period = 0

    def join(self, partners: Mapping[str, Any]) -> Federation:
        """Start the executable and its partners."""
        self.federation = Federation(self.subject, self.session, dict(partners))
        self.session = self.federation.session
        return self.federation

    @property
    def line(self) -> Federation:
        """Return the federation; raise RuntimeError before `begin`."""
        if self.federation is None:
            raise RuntimeError("begin was not called")
        return self.federation

    def end(self) -> None:
        """Bring the executable to its agreed end."""
        if self.federation is not None and (code := self.stop()) is not None and code != 0:
            raise WireBreach("wire.stop", self.line.process.how_it_ended(), "to end after the run")

    def stop(self) -> int | None:
        """End the run and return the exit code; None where only a partner's failure ends the executable so early."""
        raise NotImplementedError

    def close(self) -> None:
        """Leave nothing behind."""
        if self.federation is not None:
            self.federation.close()

    def others(self, *roles: str) -> list[str]:
        """Return the names of the other agents that have one of the roles."""
        return [agent.name for agent in self.session.of_role(*roles) if agent.name != self.subject.agent]

    def models(self, *, wait: bool) -> dict[str, ScriptedModel]:
        """Return models to be partners."""
        return {name: ScriptedModel(self.session, waits=wait) for name in self.others(*self.world.models)}

    def idle(self) -> dict[str, Idle]:
        """Return operators to be partners, to whom nothing is given."""
        example = kit_of(self.session).scripted(self.session).openings
        found = {}
        for name in self.others(*self.world.operators):
            role = self.session.role_of(name)
            found[name] = idle = Idle(NoSettings(), self.subject.folder)
            idle.dispatch = idle_dispatch(self.session, role)
            if (message := self.world.said(role, Moment.OPENING)) is not None:
                whole = example[message.name]
                idle.opening = told_in_part(self.session, self.session, name, message, whole, whole)
        return found


class _Asked(StandIn):
    """One that the kit asks, in the place of the coordinator."""

    loop: _NegotiationLoop
    committed = False
    round = 0

    def get_ready(self, first_s: float) -> None:
        """Make the coordinator's loop, and wait until the executable is ready."""
        self.loop = _NegotiationLoop(self.line.coordinator, self.session, QuietWriter(), cast(Any, None))
        self.line.wait_until_ready(first_s)

    def open(self, period: int) -> None:
        """Open a period."""
        self.period, self.round, self.committed = period, 0, False
        self.loop.open(period)

    def stop(self) -> int | None:
        """Say that the run is over, from wherever it is."""
        line = self.line
        if self.committed:
            for partner in line.partners.values():
                if isinstance(partner, ScriptedModel):
                    partner.close()
            with line.asking("to go on to the next period"):
                self.loop.period, self.loop.steps = self.period + 1, 0
                line.coordinator.advance(self.loop.start_s, self.subject.answer_s, "the next period")
        line.log.overhear()
        line.expect_end()
        self.loop.command(Command.STOP, 0)
        # Who has not ended by then is told by the exit code, or still runs.
        with contextlib.suppress(FederationError):
            self.loop.step(self.subject.end_s, "the executable to stop")
        return self._ended()

    def _ended(self) -> int:
        return self.line.await_end("stop", "wire.stop")


class OperatorStandIn(_Asked, Operator):
    """An operator behind HELICS."""

    def begin(self, session: Any, recorder: Recorder) -> None:
        """Start the executable and wait until it is ready."""
        self.told: Mapping[str, Any] = {}
        self.join(self.idle() | self.models(wait=True))
        self.view = self.session.view(self.subject.agent)
        self.get_ready(self.subject.broker.round_step_s)

    def hear(self, told: Mapping[str, Any]) -> None:
        """Take in what partners will open the next period with."""
        self.told = told

    def open_period(self, period: int, observation: Any) -> Any:
        """Ask `open`, with partners that say what was heard ahead, and a model that has seen this."""
        partners, messages = self.line.partners, {m.name: m for m in self.world.told(self.subject.role, Moment.OPENING)}
        for name, content in self.told.items():
            example = kit_of(self.session).scripted(self.session).openings[name]
            for sender in self.others(messages[name].sender):
                opening = told_in_part(self.session, self.view, sender, messages[name], example, content)
                cast(Idle, partners[sender]).opening = opening
        seen = {message.name: observation for message in self.world.told(self.subject.role, Moment.OBSERVATION)}
        for name in self.others(*self.world.models) if period else ():
            cast(ScriptedModel, partners[name]).observations.put(seen_in_part(self.session, self.view, seen))
        said = self.world.said(self.subject.role, Moment.OPENING)
        keys = [] if said is None else [topic.key(self.subject.agent, "") for topic in said.sent()]
        self.line.log.expect(keys, period, 0)
        with self.line.asking(f"open in period {period}, round 0"):
            self.open(period)
        return None if said is None else self._said(said, period)

    def _said(self, message: Message, period: int) -> Any:
        """Return the executable's own opening."""
        sizes, arrays = self.view.sizes(period), []
        for topic in message.sent():
            shape = [sizes[d] if isinstance(d, str) else d for d in topic.shape]
            arrays.append(self.line.log.values(topic.key(self.subject.agent, ""), period, 0).reshape(shape))
        return message.unpacked(self.view, tuple(arrays))

    def solve(self, prices: Quantities, openings: Openings) -> Answer:  # noqa: D102
        return self.ask(self.prices(prices))

    def relax(self, prices: Quantities, openings: Openings) -> Answer:  # noqa: D102
        return self.ask(self.prices(prices, relaxed=True))

    def evaluate(self, given: Quantities, openings: Openings) -> Answer:  # noqa: D102
        return self.ask(Evaluate(self.given(given)))

    def commit(self, given: Quantities) -> Any:
        """Ask `commit`, and return what the model hears."""
        line, said = self.line, self.world.said(self.subject.role, Moment.DISPATCH)
        self.round += 1
        line.log.expect([] if said is None else [t.key(self.subject.agent, "") for t in said.sent()], self.period, self.round)
        with line.asking(f"commit in period {self.period}, round {self.round}"):
            self.loop.give(Command.COMMIT, self.round, self.given(given))
            self.loop.step(self.loop.answer_limit_s, "the commit")
            # Behind the dispatch: the executable requests a later time, so it has carried the commit out.
            after_s = self.loop.start_s + self.subject.broker.dispatch_offset_s + 2 * self.subject.broker.round_step_s
            line.coordinator.advance(after_s, self.loop.answer_limit_s, "the commit")
            dispatch = None
            for name in self.others(*self.world.models):
                model = cast(ScriptedModel, line.partners[name])
                dispatch = line.wait(lambda model=model: model.dispatches.get(timeout=0.05), self.subject.answer_s)  # type: ignore[misc]
        self.committed = True
        return None if said is None else dispatch

    def ask(self, decision: Solve | Evaluate, *, again: bool = False) -> Answer:
        """Ask in a new round, or ``again`` in the same one."""
        self.round += not again
        word = "evaluate" if isinstance(decision, Evaluate) else "relax" if decision.relaxed else "solve"
        self.line.log.expect(self.answer_keys, self.period, self.round)
        with self.line.asking(f"{word} in period {self.period}, round {self.round}"):
            self.loop.ask(decision, self.round)
            return self.loop._answers(self.round).answers[self.subject.agent]

    @property
    def answer_keys(self) -> list[str]:
        """Return the keys of an answer."""
        mine = [e for e in self.world.exchanges if self.subject.role in e.roles]
        return [t.key(self.subject.agent, "") for t in (cost_topic(""), *(t for e in mine for t in (e.quantity, e.slope)))]

    def prices(self, own: Quantities, *, relaxed: bool = False) -> Solve:
        """Return the question at these prices of the executable's part; all others are 0."""
        layout = Layout(self.session, self.period)
        vector = np.zeros(layout.size)
        vector[layout.entries[self.subject.agent]] = layout.own(self.subject.agent, own)
        return Solve(layout.shaped(vector), relaxed=relaxed)

    def given(self, own: Quantities) -> dict[str, Quantities]:
        """Return what all are given: nothing but the executable."""
        layout = Layout(self.session, self.period)
        nothing = {agent: layout.part(agent, np.zeros(layout.size)) for agent in layout.agents}
        return {**nothing, self.subject.agent: own}

    def rest(self, steps: int, after: str) -> None:
        """Take micro-steps in which nothing is asked, so that nothing may come."""
        self.line.log.expect((), self.period, self.round)
        with self.line.asking(f"nothing, after {after}", "wire.silence"):
            for _ in range(steps):
                self.loop.step(self.loop.answer_limit_s, "nothing")
                self.line.coordinator.updates()


class ModelStandIn(_Asked, WorldModel):
    """A model behind HELICS."""

    def begin(self, session: Any, recorder: Recorder) -> None:
        """Start the executable and wait until it is ready."""
        self.join(self.idle() | self.models(wait=False))
        self.get_ready(self.subject.broker.dispatch_offset_s)

    def run(self, period: int, dispatch: Any) -> Any:
        """Open the period, commit this dispatch, and return what operators hear of it in the next one."""
        line, messages = self.line, [m for m in self.world.messages if m.sender == self.subject.role]
        with line.asking(f"to run period {period}"):
            if period == 0:
                line.log.expect((), 0, 0)
                self.open(0)
            sends = self.world.told(self.subject.role, Moment.DISPATCH)
            operators = {name: cast(Idle, line.partners[name]) for name in self.others(*self.world.operators)}
            for name, operator in operators.items():
                if self.session.role_of(name) in [message.sender for message in sends]:
                    operator.dispatch = dispatch
                broker = self.subject.broker
                line.federates[name].look_s = self.loop.start_s + broker.dispatch_offset_s + _QUIET_STEPS * broker.round_step_s
            layout = Layout(self.session, period)
            nothing = {agent: layout.part(agent, np.zeros(layout.size)) for agent in layout.agents}
            self.loop.give(Command.COMMIT, 1, nothing)
            self.loop.step(self.loop.answer_limit_s, "the commit")
            self.committed = True
            after_s = self.loop.start_s + broker.dispatch_offset_s + 2 * _QUIET_STEPS * broker.round_step_s
            line.coordinator.advance(after_s, self.loop.answer_limit_s, "the dispatch")
            told = self.session.agents
            keys = [t.key(self.subject.agent, agent.name) for m in messages for t in m.sent() for agent in told]
            line.log.expect(keys, period, 0)
            self.open(period + 1)
            hearer = {m.name: next(n for n in operators if self.session.role_of(n) in m.hearers) for m in messages}
            return SimpleNamespace(**{m.name: operators[hearer[m.name]].seen for m in messages})

    def stop(self) -> int | None:
        """Let it end by itself after the last period; before that nothing but a partner's failure ends a model."""
        if self.period < self.session.periods:
            self.line.fail("the conformance check is over")
            return None
        return super().stop()

    def _ended(self) -> int:
        with contextlib.suppress(FederationError):
            self.line.coordinator.finish()
        return self.line.await_end("to end after the last period", "wire.stop")


class CoordinatorStandIn(StandIn, CoordinationAlgorithm):
    """A coordination algorithm behind HELICS. Whether a commit was agreed, and why, does not cross the boundary."""

    committed = False
    round = 0

    def begin(self, session: Any, recorder: Recorder) -> None:
        """Start the executable, hear the public agreement, and wait until it opens period 0."""
        self.relays = {
            name: Relay(idle_dispatch(self.session, self.session.role_of(name))) for name in self.others(*self.world.operators)
        }
        line = self.join(self.relays | self.models(wait=False))
        with line.asking("to open period 0", "wire.joins"):
            self._calls(self.subject.start_s)
        for name, relay in self.relays.items():
            wanted = self.session.view(name)
            differs = [key for key, value in wanted if key != "run_id" and getattr(relay.session, key, None) != value]
            if differs:
                line.broken = True
                seen = f"another one came; it differs in {', '.join(differs)}"
                raise WireBreach("wire.joins", seen, "to announce the public agreement that its file holds")

    def start(self, period: int, openings: Openings) -> Decision:
        """Open a period as operators do, and return what it decides first."""
        asked = f"to decide in period {period}, after all operators have opened it"
        self.openings = openings
        with self.line.asking(asked):
            if period > 0:
                self._calls(self.subject.answer_s)
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
            self.committed = True
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
                arrays = message.packed(self.session, openings[message.name])
                for topic, values in zip(message.heard(), arrays, strict=True):
                    key = topic.key(Role.COORDINATOR.value, name)
                    wanted = encode(topic, key, self.period, 0, cut(topic, self.session, view, np.asarray(values)), view)
                    came = self.line.log.frames.get((key, self.period, 0))
                    if came != wanted:
                        self.line.broken = True
                        seen = "nothing" if came is None else np.frombuffer(came)[2:].tolist()
                        raise WireBreach(
                            "wire.passed_on", f"{key}: {seen}", f"{asked}, and to pass on {np.ravel(values).tolist()}"
                        )

    def stop(self) -> int | None:
        """Let it end by itself after the last commit; before that nothing but a partner's failure ends a coordinator."""
        line = self.line
        if not (self.committed and self.period == self.session.periods - 1):
            line.fail("the conformance check is over")
            return None
        with line.asking("to close the day after the last period"):
            self._calls(self.subject.answer_s)
        line.expect_end()
        self._open(kit_of(self.session).scripted(self.session).openings | dict(self.closing_openings()))
        line.complete()
        return line.await_end("to end after its own stop", "wire.stop")

    def closing_openings(self) -> Openings:
        """Return what operators say when the period behind the last one opens."""
        return self.openings
