"""Checks of the wire: what an executable must do itself, and the runtime does for a class."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from federates.boundary.names import Role
from federates.boundary.roles import Commit
from federates.conformance.check import OPERATORS, Check
from federates.conformance.entries import Entries
from federates.conformance.errors import DoesNotApply
from federates.conformance.kit import SEED, Stage, kit_of
from federates.conformance.life import Notes
from federates.conformance.target import Target
from federates.conformance.through_helics.federation import Federation
from federates.conformance.through_helics.partners import idle_dispatch
from federates.conformance.through_helics.stand_ins import CoordinatorStandIn, ModelStandIn, OperatorStandIn, StandIn
from federates.conformance.through_helics.target import ExecutableTarget
from federates.conformance.through_helics.wire_log import WireBreach
from federates.runtime.coordinator_loop import _MOST_STEPS

__all__ = ["WIRE_BASICS", "wire_checks"]

_ALL = tuple(Role)
_PERIODS, _QUIET_STEPS, _PRICE_USD = 2, 3, 10.0
_REFUSAL_S = 2.0
"""A message is refused by an exit code other than 0 within this time, or by silence."""
WIRE_BASICS = ("wire.joins", "wire.answers", "wire.shape", "wire.stamp", "wire.passed_on", "wire.in_time", "wire.silence")
"""Without these nothing else can be said of an executable, so every other check needs them."""


@dataclass
class WireDay:
    """What was seen of an ordinary day, up to the first ``breach`` if there was one."""

    breach: WireBreach | None = None
    faults: list[str] = field(default_factory=list)
    """What is wrong with what it has registered with HELICS."""
    messages: int = 0
    waits_s: list[tuple[str, float]] = field(default_factory=list)
    """Each question, and how long its answer took."""
    quiet_steps: int = 0
    repeated: str = ""
    exit_code: int | None = None
    ended: str = ""


@contextlib.contextmanager
def _ready(target: ExecutableTarget) -> Iterator[Any]:
    """Start a life, wait until the executable is ready, and leave nothing behind."""
    plugin: Any = target.create(short=True)
    try:
        plugin.begin(plugin.session, Notes())
        yield plugin
    finally:
        target.discard(plugin)


def _ordinary_day(target: ExecutableTarget) -> WireDay:
    """Let the executable live through a day as in a run, from the start of its process to its end."""
    day = WireDay()
    try:
        with _ready(target) as plugin:
            try:
                day.faults = _deaf_inputs(plugin.line)
                day.exit_code = _lived(day, plugin)
                day.ended = plugin.line.process.how_it_ended()
            finally:
                day.messages, day.waits_s = plugin.line.log.messages, plugin.line.waits_s
    except WireBreach as breach:
        day.breach = breach
    return day


def _deaf_inputs(line: Federation) -> list[str]:
    """Return what the executable wants to hear and nobody says. What it may hear the run's own look at the wiring says."""
    federates = [f for core in line.graph().get("cores", ()) for f in core.get("federates", ())]
    own: Mapping[str, Any] = next((f for f in federates if f.get("attributes", {}).get("name") == line.subject.agent), {})
    deaf = [entry.get("key", "without a name") for entry in own.get("inputs", ()) if not entry.get("sources")]
    return [f"its input {name} hears no topic of its role" for name in deaf]


def _lived(day: WireDay, plugin: Any) -> int | None:
    if isinstance(plugin, OperatorStandIn):
        return _operator_day(day, plugin)
    if isinstance(plugin, ModelStandIn):
        for period in range(plugin.session.periods):
            plugin.run(period, _nothing(plugin))
            day.quiet_steps += 1
        return plugin.stop()
    return _coordinator_day(plugin)


def _nothing(plugin: ModelStandIn) -> Any:
    tellers = [message.sender for message in plugin.world.messages if plugin.subject.role in message.hearers]
    return idle_dispatch(plugin.session, tellers[0])


def _open(plugin: OperatorStandIn, stage: Stage, period: int, plan: dict[str, Any]) -> None:
    plugin.hear(stage.openings(period, plan))
    plugin.open_period(period, stage.observation(period))


def _prices(plugin: OperatorStandIn, number: int) -> dict[str, Any]:
    entries = Entries(plugin.view, plugin.subject.role, plugin.period)
    return entries.shaped(_PRICE_USD * np.random.default_rng((SEED, number)).uniform(0.4, 1.6, entries.sign.shape))


def _least(stage: Stage, plugin: OperatorStandIn) -> dict[str, Any]:
    """Return what everybody can carry out: nothing where it can be divided."""
    modest = stage.modest(plugin.period)
    whole = {e.name: e.whole for e in plugin.world.exchanges}
    return {name: values if whole[name] else 0.0 * values for name, values in modest.items()}


def _operator_day(day: WireDay, plugin: OperatorStandIn) -> int | None:
    stage, plan = kit_of(plugin.session).stage(plugin.view, plugin.subject.role), dict[str, Any]()
    periods = min(plugin.session.periods, _PERIODS)
    for period in range(periods):
        _open(plugin, stage, period, plan)
        plugin.rest(_QUIET_STEPS, f"open in period {period}")
        plugin.relax(_prices(plugin, 2), {})
        if period == 0:
            day.repeated = _repeat(plugin)
        plan = _least(stage, plugin)
        plugin.evaluate(plan, {})
        plugin.rest(_QUIET_STEPS, f"the answers of period {period}")
        day.quiet_steps += 2 * _QUIET_STEPS
        plugin.commit(stage.committed(plan))
    _open(plugin, stage, periods, plan)
    return plugin.stop()


def _repeat(plugin: OperatorStandIn) -> str:
    """Ask the same question twice, as if the first had been lost; say what came of it."""
    question, log = plugin.prices(_prices(plugin, 1)), plugin.line.log
    plugin.ask(question)
    keys = [(key, plugin.period, plugin.round) for key in plugin.answer_keys]
    first = {key: log.frames.pop(key) for key in keys}
    asked = f"solve in period {plugin.period}, round {plugin.round}, twice"
    with plugin.line.asking(asked):
        plugin.loop.ask(question, plugin.round)
        for _ in range(_MOST_STEPS):
            plugin.loop.step(plugin.loop.answer_limit_s, "a second answer")
            plugin.line.coordinator.updates()
    again = {key: log.frames[key] for key in keys if key in log.frames}
    differs = [key[0] for key, payload in again.items() if payload != first[key]]
    if differs:
        plugin.line.broken = True
        raise WireBreach("wire.repeated", f"the second answer differs in {', '.join(differs)}", asked)
    return "the same answer came again" if again else "no second answer came"


def _coordinator_day(plugin: CoordinatorStandIn) -> int | None:
    operators = kit_of(plugin.session).scripted(plugin.session)
    for period in range(plugin.session.periods):
        decision = plugin.start(period, operators.openings)
        while not isinstance(decision, Commit):
            if plugin.round > plugin.subject.broker.max_rounds + 1:
                seen = f"no commit after {plugin.subject.broker.max_rounds} rounds"
                raise WireBreach("wire.answers", seen, f"to commit period {period}")
            decision = plugin.next(operators.answer(decision))
        layout = operators.layout
        copies = {agent: layout.own(agent, decision.given[agent]) for agent in layout.agents}
        operators, _ = operators.following(layout.offered(copies))
    return plugin.stop()


# The checks.


def _day(target: Target, rule: str) -> WireDay:
    """Return the ordinary day; raise the breach that ended it, if it broke this rule."""
    assert isinstance(target, ExecutableTarget)
    if target.day is None:
        target.day = _ordinary_day(target)
    day: WireDay = target.day
    if day.breach is not None and day.breach.rule == rule:
        raise day.breach
    return day


def _heard(target: Target, rule: str) -> WireDay:
    """Return the ordinary day, if there is anything in it that this rule could have been broken by."""
    day = _day(target, rule)
    if day.breach is not None and not day.messages:
        raise DoesNotApply(f"no message came before {day.breach.rule} was broken")
    return day


def _joins(target: Target) -> str:
    _day(target, "wire.joins")
    return f"it joined as {target.agent} and got ready"


def _topics(target: Target) -> str:
    day = _day(target, "wire.topics")
    if day.faults:
        raise WireBreach("wire.topics", "; ".join(day.faults), "what it has registered with HELICS")
    return "it publishes all topics of its role, and hears no other than its own"


def _answers(target: Target) -> str:
    return f"{len(_day(target, 'wire.answers').waits_s)} questions were answered"


def _shape(target: Target) -> str:
    return f"{_heard(target, 'wire.shape').messages} messages fit the topic table"


def _stamp(target: Target) -> str:
    return f"{_heard(target, 'wire.stamp').messages} messages bear the period and round they belong to"


def _passed_on(target: Target) -> str:
    _heard(target, "wire.passed_on")
    return "each operator heard what the others had said"


def _in_time(target: Target) -> str:
    day = _day(target, "wire.in_time")
    if not day.waits_s:
        raise DoesNotApply(
            "nothing was asked" if day.breach is None else f"nothing was answered before {day.breach.rule} was broken"
        )
    asked, wall_s = max(day.waits_s, key=lambda item: item[1])
    if wall_s > target.limit_s:
        raise WireBreach("wire.in_time", f"it took {wall_s:.3g} s, may take {target.limit_s:g} s", asked)
    return f"the slowest of {len(day.waits_s)} answers took {wall_s:.2g} s ({asked})"


def _silence(target: Target) -> str:
    day = _heard(target, "wire.silence")
    if target.role == Role.COORDINATOR:
        return f"nothing came beside {day.messages} messages that belong to a command"
    return f"nothing came in {day.quiet_steps} steps in which nothing was asked"


def _repeated(target: Target) -> str:
    return _day(target, "wire.repeated").repeated


def _stop(target: Target) -> str:
    day = _day(target, "wire.stop")
    if day.exit_code != 0:
        raise WireBreach("wire.stop", day.ended, "stop" if target.role in OPERATORS else "to end after the last period")
    return "it ended with exit code 0"


def _late(target: Target) -> str:
    assert isinstance(target, ExecutableTarget)
    with _ready(target) as plugin:
        try:
            _come_late(plugin)
        except WireBreach as ended:
            # It may end without an answer, or keep silent; anything else that goes wrong is a breach.
            if ended.rule not in ("wire.answers", "wire.in_time"):
                raise
        plugin.line.expect_end()
        code = plugin.line.process.wait(_REFUSAL_S)
        if code == 0:
            raise WireBreach("wire.late", "it ended with exit code 0, as if all were well", "a message of an older round")
        return "it kept silent" if code is None else f"it refused it: {plugin.line.process.how_it_ended()}"


def _come_late(plugin: StandIn) -> None:
    """Let a message come late; raise the breach if it is taken for a new one, or whatever ends the executable."""
    result = _first_question(plugin)
    line = plugin.line
    if isinstance(plugin, OperatorStandIn):
        asked = f"solve in period {plugin.period}, round {plugin.round + 1}, with the prices of round {plugin.round}"
        line.log.overhear()
        plugin.round += 1
        with line.asking(asked):
            line.coordinator.stale = line.subject.agent
            plugin.loop.ask(plugin.prices(_prices(plugin, 3)), plugin.round)
            for _ in range(_MOST_STEPS):
                plugin.loop.step(plugin.loop.answer_limit_s, "an answer")
                line.coordinator.updates()
        came = [key for key in plugin.answer_keys if (key, plugin.period, plugin.round) in line.log.frames]
        if came:
            raise WireBreach("wire.late", f"{' and '.join(came)} came for round {plugin.round}", asked)
        return
    for partner in line.federates.values():
        partner.stale = line.subject.agent
    if isinstance(plugin, ModelStandIn):
        if plugin.session.periods < 2:
            raise DoesNotApply("the session has one period, so no dispatch can be late")
        plugin.run(1, _nothing(plugin))
        raise WireBreach("wire.late", "it ran the period", "to run period 1 with the dispatch of period 0")
    assert isinstance(plugin, CoordinatorStandIn)
    if result is None:
        raise DoesNotApply("it commits period 0 without a question, so no answer can be late")
    word = "committed" if isinstance(plugin.next(result), Commit) else "went on to the next round"
    raise WireBreach("wire.late", f"it {word}", "to decide after answers of an older round")


def _first_question(plugin: StandIn) -> Any:
    """Ask an ordinary first question in period 0; for a coordinator, return what the operators answer to its own."""
    if isinstance(plugin, ModelStandIn):
        plugin.run(0, _nothing(plugin))
    elif isinstance(plugin, OperatorStandIn):
        _open(plugin, kit_of(plugin.session).stage(plugin.view, plugin.subject.role), 0, {})
        plugin.ask(plugin.prices(_prices(plugin, 1)))
    elif isinstance(plugin, CoordinatorStandIn):
        operators = kit_of(plugin.session).scripted(plugin.session)
        decision = plugin.start(0, operators.openings)
        return None if isinstance(decision, Commit) else operators.answer(decision)
    return None


def _failure(target: Target) -> str:
    assert isinstance(target, ExecutableTarget)
    with _ready(target) as plugin:
        _first_question(plugin)
        code = plugin.line.fail("a partner fails, as the conformance check wants it")
        if code == 0:
            asked = "to notice that a partner has failed"
            raise WireBreach("wire.failure", "it ended with exit code 0, as if the run were complete", asked)
    return f"it ended with exit code {code}"


wire_checks: list[Check[Target]] = [
    Check(
        "wire.joins",
        "It joins the federation under its agent's name, with this version's topics, and gets ready.",
        _joins,
        _ALL,
    ),
    Check(
        "wire.topics",
        "It publishes all topics of its role and world and no other, and reads only what its role may read.",
        _topics,
        _ALL,
        needs=("wire.joins",),
    ),
    Check(
        "wire.answers",
        "Every question is answered with all topics of the answer, until the end of the run.",
        _answers,
        _ALL,
        needs=("wire.joins", "wire.topics"),
    ),
    Check("wire.shape", "Every message has the shape of the topic table and is finite.", _shape, _ALL, needs=("wire.joins",)),
    Check("wire.stamp", "Every message bears the period and round it belongs to.", _stamp, _ALL, needs=("wire.joins",)),
    Check(
        "wire.passed_on",
        "What one operator says when a period opens is passed on to the others unchanged.",
        _passed_on,
        (Role.COORDINATOR,),
        needs=("wire.joins",),
    ),
    Check("wire.in_time", "Every answer comes within the limit.", _in_time, _ALL, needs=("wire.joins",)),
    Check("wire.silence", "Nothing is sent that was not asked for.", _silence, _ALL, needs=("wire.joins",)),
    Check(
        "wire.repeated",
        "The same question asked again is answered the same, or not at all.",
        _repeated,
        OPERATORS,
        needs=WIRE_BASICS,
    ),
    Check(
        "wire.stop",
        "When the run is over it ends with exit code 0, within 10 s.",
        _stop,
        _ALL,
        needs=(*WIRE_BASICS, "wire.repeated"),
    ),
    Check(
        "wire.late",
        "A message of an older round is not taken for a new one: it keeps silent, or ends with another exit code than 0.",
        _late,
        _ALL,
        needs=WIRE_BASICS,
    ),
    Check(
        "wire.failure",
        "When a partner fails it ends within 10 s, with another exit code than 0.",
        _failure,
        _ALL,
        needs=WIRE_BASICS,
    ),
]
