"""Operators and models behind HELICS, which the coordinator's loop of the runtime asks."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from federates.boundary.errors import FederationError
from federates.boundary.exchange import Message, Moment, cost_topic
from federates.boundary.layout import Layout
from federates.boundary.messages import Answer, Quantities
from federates.boundary.parts import places
from federates.boundary.roles import (
    Evaluate,
    Openings,
    Operator,
    Recorder,
    Solve,
    WorldModel,
)
from federates.boundary.topics import Command
from federates.conformance.entries import Entries
from federates.conformance.kit import kit_of
from federates.conformance.through_helics.partner_stubs import (
    IdleOperator,
    IdleReporter,
    QuietWriter,
    ScriptedModel,
    seen_in_part,
    told_in_part,
)
from federates.conformance.through_helics.stand_in import StandIn
from federates.runtime.coordinator_loop import MOST_STEPS, NegotiationLoop

__all__ = ["Asked", "ModelStandIn", "OperatorStandIn"]

_QUIET_STEPS, _REST_STEPS = 2, 3
_MILD_USD = 10.0


class Asked(StandIn):
    """One that the kit asks, in the place of the coordinator."""

    loop: NegotiationLoop
    committed = False
    round = 0

    def get_ready(self) -> None:
        """Make the coordinator's loop, and wait until the executable is ready."""
        self.loop = NegotiationLoop(self.line.coordinator, self.session, QuietWriter(), cast(Any, None))
        self.line.wait_until_ready()

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


class OperatorStandIn(Asked, Operator):
    """An operator behind HELICS; if `thorough`, it is also listened to where nothing is asked, and asked one question twice."""

    thorough = False
    repeated = ""
    """What came of the question that was asked twice."""
    quiet_steps = 0

    def begin(self, session: Any, recorder: Recorder) -> None:
        """Start the executable and wait until it is ready."""
        self.told: Mapping[str, Any] = {}
        self.join(self.idle() | self.reporters() | self.models(wait=True))
        self.view = self.session.view(self.subject.agent)
        self.get_ready()

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
                partner = partners[sender]
                if isinstance(partner, IdleReporter):
                    partner.open({name: opening})
                else:
                    cast(IdleOperator, partner).opening = opening
        seen = {message.name: observation for message in self.world.told(self.subject.role, Moment.OBSERVATION)}
        for name in self.others(*self.world.models) if period else ():
            cast(ScriptedModel, partners[name]).observations.put(seen_in_part(self.session, self.view, seen))
        said = self.world.said(self.subject.role, Moment.OPENING)
        keys = [] if said is None else [topic.key(self.subject.agent, "") for topic in said.sent()]
        self.line.log.expect(keys, period, 0)
        with self.line.asking(f"open in period {period}, round 0"):
            self.open(period)
        self._rest(f"open in period {period}")
        return None if said is None else self._said(said, period)

    def _said(self, message: Message, period: int) -> Any:
        """Return the executable's own opening."""
        sizes, arrays = self.view.sizes(period), []
        for topic in message.sent():
            shape = [sizes[d] if isinstance(d, str) else d for d in topic.shape]
            arrays.append(self.line.log.values(topic.key(self.subject.agent, ""), period, 0).reshape(shape))
        return message.unpacked(self.view, tuple(arrays))

    def solve(self, prices: Quantities, openings: Openings) -> Answer:  # noqa: D102
        question = self.prices(prices)
        answer = self.ask(question)
        if self.thorough and not self.repeated:
            self.repeated = self._repeat(question)
        return answer

    def relax(self, prices: Quantities, openings: Openings) -> Answer:  # noqa: D102
        return self.ask(self.prices(prices, relaxed=True))

    def evaluate(self, given: Quantities, openings: Openings) -> Answer:  # noqa: D102
        return self.ask(Evaluate(self.given(given)))

    def commit(self, given: Quantities) -> Any:
        """Ask `commit`, and return what the model hears."""
        line, said = self.line, self.world.said(self.subject.role, Moment.DISPATCH)
        self._rest(f"the answers of period {self.period}")
        self.round += 1
        line.log.expect([] if said is None else [t.key(self.subject.agent, "") for t in said.sent()], self.period, self.round)
        with line.asking(f"commit in period {self.period}, round {self.round}"):
            self.loop.commit(self.given(given), self.round)
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

    def ask(self, decision: Solve | Evaluate) -> Answer:
        """Ask in a new round."""
        self.round += 1
        word = "evaluate" if isinstance(decision, Evaluate) else "relax" if decision.relaxed else "solve"
        self.line.log.expect(self.answer_keys, self.period, self.round)
        with self.line.asking(f"{word} in period {self.period}, round {self.round}"):
            self.loop.ask(decision, self.round)
            return self.loop.answers(self.round, decision).answers[self.subject.agent]

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

    def mild_prices(self) -> dict[str, Any]:
        """Return ordinary prices of the executable's part."""
        entries = Entries(self.view, self.subject.role, self.period)
        return entries.shaped(np.full_like(entries.sign, _MILD_USD))

    def given(self, own: Quantities) -> dict[str, Quantities]:
        """Return what all are given: nothing but the executable."""
        layout = Layout(self.session, self.period)
        nothing = {agent: layout.part(agent, np.zeros(layout.size)) for agent in layout.agents}
        return {**nothing, self.subject.agent: own}

    def overhear(self, decision: Solve | Evaluate, asked: str) -> dict[str, bytes]:
        """Ask and wait as for an answer, and return the payload of whatever comes with its stamp, by key."""
        frames = self.line.log.frames
        keys = {(key, self.period, self.round): frames.pop((key, self.period, self.round), b"") for key in self.answer_keys}
        with self.line.asking(asked, timed=False):
            self.loop.ask(decision, self.round)
            self._steps(MOST_STEPS)
        return {key[0]: frames[key] for key in keys if key in frames}

    def _repeat(self, question: Solve) -> str:
        """Ask the same question again, as if the first had been lost; say what came of it."""
        asked = f"solve in period {self.period}, round {self.round}, twice"
        first = {key: self.line.log.frames[key, self.period, self.round] for key in self.answer_keys}
        again = self.overhear(question, asked)
        differs = [key for key, payload in again.items() if payload != first[key]]
        if differs:
            raise self.line.refuse("wire.repeated", f"the second answer differs in {', '.join(differs)}", asked)
        return "the same answer came again" if again else "no second answer came"

    def _rest(self, after: str) -> None:
        """Take micro-steps in which nothing is asked, so that nothing may come."""
        if self.thorough:
            self.line.log.expect((), self.period, self.round)
            with self.line.asking(f"nothing, after {after}", timed=False):
                self._steps(_REST_STEPS)
            self.quiet_steps += _REST_STEPS

    def _steps(self, count: int) -> None:
        for _ in range(count):
            self.loop.step(self.loop.answer_limit_s, "nothing")
            self.line.coordinator.updates()


class ModelStandIn(Asked, WorldModel):
    """A model behind HELICS."""

    def begin(self, session: Any, recorder: Recorder) -> None:
        """Start the executable and wait until it is ready."""
        self.join(self.idle() | self.reporters() | self.models(wait=False))
        self.get_ready()

    def run(self, period: int, dispatch: Any) -> Any:
        """Open the period, commit this dispatch, and return what operators hear of it in the next one."""
        line, messages = self.line, [m for m in self.world.messages if m.sender == self.subject.role]
        with line.asking(f"to run period {period}"):
            if period == 0:
                line.log.expect((), 0, 0)
                self.open(0)
            sends = self.world.told(self.subject.role, Moment.DISPATCH)
            operators = {name: cast(IdleOperator, line.partners[name]) for name in self.others(*self.world.operators)}
            for name, operator in operators.items():
                if self.session.role_of(name) in [message.sender for message in sends]:
                    operator.dispatch = dispatch
                broker = self.subject.broker
                line.federates[name].look_s = self.loop.start_s + broker.dispatch_offset_s + _QUIET_STEPS * broker.round_step_s
            layout = Layout(self.session, period)
            nothing = {agent: layout.part(agent, np.zeros(layout.size)) for agent in layout.agents}
            self.loop.commit(nothing, 1)
            self.loop.step(self.loop.answer_limit_s, "the commit")
            self.committed = True
            after_s = self.loop.start_s + broker.dispatch_offset_s + 2 * _QUIET_STEPS * broker.round_step_s
            line.coordinator.advance(after_s, self.loop.answer_limit_s, "the dispatch")
            told = self.session.agents
            keys = [t.key(self.subject.agent, agent.name) for m in messages for t in m.sent() for agent in told]
            line.log.expect(keys, period, 0)
            self.open(period + 1)
            seen = {name: dict.fromkeys((m.name for m in messages), operator.seen) for name, operator in operators.items()}
            for name in self.others(*self.world.reporters):
                heard = cast(IdleReporter, line.partners[name]).heard
                while (told := line.wait(lambda heard=heard: heard.get(timeout=0.05), self.subject.answer_s)) is None:  # type: ignore[misc]
                    continue  # of the first opening
                seen[name] = told
            return SimpleNamespace(**{message.name: self._gathered(message, seen) for message in messages})

    def _gathered(self, message: Message, seen: Mapping[str, Mapping[str, Any]]) -> Any:
        """Return what the executable told, of which every agent hears what is of its part."""
        heard = {name: told[message.name] for name, told in seen.items() if self.session.role_of(name) in message.hearers}
        views = {name: self.session.view(name) for name in heard}
        packed = {name: message.packed(views[name], seen) for name, seen in heard.items()}
        sizes, arrays = self.session.sizes(self.period), []
        for number, topic in enumerate(message.rows):
            whole = np.zeros([sizes[d] if isinstance(d, str) else d for d in topic.shape])
            for name, parts in packed.items():
                whole[places(topic.shape, whole.shape, self.session, views[name])] = parts[number]
            arrays.append(whole)
        return message.unpacked(self.session, tuple(arrays))

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
