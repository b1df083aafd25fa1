"""Checks of the wire: what an executable must do itself, and the runtime does for a class."""

from __future__ import annotations

from federates.boundary.names import Role
from federates.boundary.roles import Commit
from federates.conformance.check import OPERATORS, Check
from federates.conformance.errors import DoesNotApply
from federates.conformance.target import Target
from federates.conformance.through_helics.breach import WireBreach
from federates.conformance.through_helics.day import (
    NO_DEPARTURES,
    AnyLine,
    WireDay,
    first_question,
    late_question,
    ready_line,
)
from federates.conformance.through_helics.operator_line import OperatorLine
from federates.conformance.through_helics.target import ExecutableTarget
from federates.conformance.through_helics.traffic import TrafficLine

__all__ = ["WIRE_BASICS", "wire_checks"]

_ALL = tuple(Role)
_REFUSAL_S = 2.0
"""A message is refused by an exit code other than 0 within this time, or by silence."""
WIRE_BASICS = ("wire.joins", "wire.answers", "wire.shape", "wire.stamp", "wire.passed_on", "wire.in_time", "wire.silence")
"""Without these nothing else can be said of an executable, so every other check needs them."""


def _day(target: Target, rule: str) -> WireDay:
    """Return the ordinary day; raise the breach that ended it, if it broke this rule."""
    assert isinstance(target, ExecutableTarget)
    if target.day.breach is not None and target.day.breach.rule == rule:
        raise target.day.breach
    return target.day


def _heard(target: Target, rule: str) -> WireDay:
    """Return the ordinary day, if there is anything in it that this rule could have been broken by."""
    day = _day(target, rule)
    if day.breach is not None and not day.messages:
        raise DoesNotApply(f"no message came before {day.breach.rule} was broken")
    return day


def _joins(target: Target) -> str:
    _day(target, "wire.joins")
    return f"it joined as {target.role} and got ready"


def _topics(target: Target) -> str:
    day = _day(target, "wire.topics")
    if day.interface_faults:
        raise WireBreach("wire.topics", "; ".join(day.interface_faults), "what it has registered with HELICS")
    assert day.interface is not None
    return f"it publishes {len(day.interface.publications)} topics and reads {len(day.interface.reads)}, all of its role"


def _answers(target: Target) -> str:
    return f"{len(_day(target, 'wire.answers').waits_s)} questions were answered"


def _shape(target: Target) -> str:
    return f"{_heard(target, 'wire.shape').messages} messages fit the topic table"


def _stamp(target: Target) -> str:
    return f"{_heard(target, 'wire.stamp').messages} messages bear the period and round they belong to"


def _passed_on(target: Target) -> str:
    _heard(target, "wire.passed_on")
    return "each operator heard what the other had said"


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
        raise WireBreach("wire.stop", day.ended, "to end after the last period" if _by_itself(target.role) else "stop")
    return "it ended with exit code 0"


def _late(target: Target) -> str:
    assert isinstance(target, ExecutableTarget)
    with ready_line(target.subject, target.session) as line:
        try:
            _come_late(line)
        except WireBreach as ended:
            # It may end without an answer; anything else that goes wrong is a breach.
            if ended.rule != "wire.answers":
                raise
        code = line.federation.process.wait(_REFUSAL_S)
        if code == 0:
            raise WireBreach("wire.late", "it ended with exit code 0, as if all were well", "a message of an older round")
        return "it kept silent" if code is None else f"it refused it: {line.federation.process.how_it_ended()}"


def _come_late(line: AnyLine) -> None:
    """Let a message come late; raise the breach if it is taken for a new one, or whatever ends the executable."""
    result = first_question(line)
    if isinstance(line, OperatorLine):
        question = late_question(line)
        asked = f"{question}, with the prices of round {question.round - 1}"
        line.send(question)
        came = [key for key, period, round_ in line.overhear(asked) if (period, round_) == (question.period, question.round)]
        if came:
            seen = f"{' and '.join(sorted(set(came)))} came for round {question.round}"
            raise line.federation.breach("wire.late", seen, asked)
        return
    if isinstance(line, TrafficLine):
        if line.session.periods < 2:
            raise DoesNotApply("the session has one period, so no departures can be late")
        line.run(1, NO_DEPARTURES, stamp=0)
        raise line.federation.breach("wire.late", "it ran the period", "to run period 1 with the departures of period 0")
    if result is None:
        raise DoesNotApply("it commits period 0 without a question, so no answer can be late")
    decision = line.next(result, stamp=line.round - 1)
    word = "committed" if isinstance(decision, Commit) else "went on to the next round"
    raise line.federation.breach("wire.late", f"it {word}", "to decide after answers of an older round")


def _failure(target: Target) -> str:
    assert isinstance(target, ExecutableTarget)
    with ready_line(target.subject, target.session) as line:
        first_question(line)
        code = line.federation.fail("a partner fails, as the conformance check wants it")
        if code == 0:
            asked = "to notice that a partner has failed"
            raise WireBreach("wire.failure", "it ended with exit code 0, as if the run were complete", asked)
    return f"it ended with exit code {code}"


def _by_itself(role: Role) -> bool:
    return role in (Role.TRAFFIC, Role.COORDINATOR)


wire_checks: list[Check[Target]] = [
    Check(
        "wire.joins",
        "It joins the federation under its role's name, with this version's topics, and gets ready.",
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
        "What one operator says when a period opens is passed on to the other unchanged.",
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
