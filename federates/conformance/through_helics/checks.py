"""Checks of the wire: what an executable must do itself, and the runtime does for a class.

Most look at the main life, in which the executable is asked what a class is asked; two have lives of their own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from federates.boundary.roles import Commit
from federates.conformance.call_recorder import Notes
from federates.conformance.check import EVERYONE, OPERATORS, Check, Does, rules
from federates.conformance.errors import DoesNotApply
from federates.conformance.fixtures import Fixtures
from federates.conformance.kit import kit_of, reporter_kit_of
from federates.conformance.through_helics.asked import ModelStandIn, OperatorStandIn
from federates.conformance.through_helics.asking import CoordinatorStandIn
from federates.conformance.through_helics.partner_stubs import PartnerFederate, idle_dispatch
from federates.conformance.through_helics.reporting import ReporterStandIn
from federates.conformance.through_helics.stand_in import StandIn
from federates.conformance.through_helics.target import ExecutableTarget
from federates.conformance.through_helics.wire_log import WireBreach

__all__ = ["WIRE_BASICS", "wire_checks"]

_FEWEST_TOLD = 2
_REFUSAL_S = 2.0
"""A message is refused by an exit code other than 0 within this time, or by silence."""
WIRE_BASICS = (
    "wire.joins",
    "wire.answers",
    "wire.signed",
    "wire.shape",
    "wire.stamp",
    "wire.passed_on",
    "wire.in_time",
    "wire.silence",
)
"""Without these nothing else can be said of an executable, so every other check needs them."""


wire_checks: list[Check] = []
_rule = rules(wire_checks, of=EVERYONE)


def _lived(fixtures: Fixtures, rule: str) -> Any:
    """Return the main life; raise the breach that ended it, if it broke this rule."""
    fixtures.main_caller()
    assert isinstance(fixtures.target, ExecutableTarget)
    plugin = fixtures.target.first
    assert plugin is not None
    if plugin.breach is not None and plugin.breach.rule == rule:
        raise plugin.breach
    return plugin


def _heard(fixtures: Fixtures, rule: str) -> Any:
    """Return the main life, if there is anything in it that this rule could have been broken by."""
    plugin = _lived(fixtures, rule)
    if plugin.federation is None or (plugin.breach is not None and not plugin.line.log.messages):
        raise DoesNotApply(f"no message came before {plugin.breach.rule} was broken")
    return plugin


@_rule("wire.joins")
def _joins(fixtures: Fixtures) -> str:
    """It joins the federation under its agent's name, with this version's topics, and gets ready."""
    _lived(fixtures, "wire.joins")
    return f"it joined as {fixtures.target.agent} and got ready"


@_rule("wire.topics", "wire.joins")
def _topics(fixtures: Fixtures) -> str:
    """It publishes all topics of its role and world and no other, and reads only what its role may read."""
    plugin = _lived(fixtures, "wire.topics")
    if plugin.deaf:
        raise WireBreach("wire.topics", "; ".join(plugin.deaf), "what it has registered with HELICS")
    return "it publishes all topics of its role, and hears no other than its own"


@_rule("wire.answers", "wire.joins", "wire.topics")
def _answers(fixtures: Fixtures) -> str:
    """Every question is answered with all topics of the answer, until the end of the run."""
    return f"{len(_lived(fixtures, 'wire.answers').line.waits_s)} questions were answered"


@_rule("wire.shape", "wire.joins")
def _shape(fixtures: Fixtures) -> str:
    """Every message has the shape of the topic table and is finite."""
    return f"{_heard(fixtures, 'wire.shape').line.log.messages} messages fit the topic table"


@_rule("wire.signed", "wire.joins")
def _signed(fixtures: Fixtures) -> str:
    """Every message bears the signature of the agent, for its receiver, and a number above all before it."""
    plugin = _heard(fixtures, "wire.signed")
    if plugin.federation is not None and not plugin.line.identity.roster_key:
        raise DoesNotApply("messages are not signed here (`signatures` of broker.yaml)")
    return f"{plugin.line.log.messages} messages are signed as they must be"


@_rule("wire.stamp", "wire.joins")
def _stamp(fixtures: Fixtures) -> str:
    """Every message bears the period and round it belongs to."""
    return f"{_heard(fixtures, 'wire.stamp').line.log.messages} messages bear the period and round they belong to"


@_rule("wire.passed_on", "wire.joins", of=(Does.COORDINATE,))
def _passed_on(fixtures: Fixtures) -> str:
    """What one agent says when a period opens is passed on to the others unchanged, and who reports hears what is committed."""
    _heard(fixtures, "wire.passed_on")
    return "each agent heard what the others had said"


@_rule("wire.in_time", "wire.joins")
def _in_time(fixtures: Fixtures) -> str:
    """Every answer comes within the limit."""
    plugin = _lived(fixtures, "wire.in_time")
    waits_s = plugin.line.waits_s if plugin.federation is not None else []
    if not waits_s:
        raise DoesNotApply("nothing was answered" + (f" before {plugin.breach.rule} was broken" if plugin.breach else ""))
    asked, wall_s = max(waits_s, key=lambda item: item[1])
    if wall_s > fixtures.target.limit_s:
        raise WireBreach("wire.in_time", f"it took {wall_s:.3g} s, may take {fixtures.target.limit_s:g} s", asked)
    return f"the slowest of {len(waits_s)} answers took {wall_s:.2g} s ({asked})"


@_rule("wire.silence", "wire.joins")
def _silence(fixtures: Fixtures) -> str:
    """Nothing is sent that was not asked for."""
    plugin = _heard(fixtures, "wire.silence")
    if isinstance(plugin, OperatorStandIn):
        return f"nothing came in {plugin.quiet_steps} steps in which nothing was asked"
    return f"nothing came beside {plugin.line.log.messages} messages that belong to what was asked"


@_rule("wire.repeated", *WIRE_BASICS, of=OPERATORS)
def _repeated(fixtures: Fixtures) -> str:
    """The same question asked again is answered the same, or not at all."""
    found: str = _lived(fixtures, "wire.repeated").repeated
    return found


@_rule("wire.stop", *WIRE_BASICS, "wire.repeated")
def _stop(fixtures: Fixtures) -> str:
    """When the run is over it ends with exit code 0, within 10 s."""
    plugin = _lived(fixtures, "wire.stop")
    if plugin.exit_code is None:
        raise DoesNotApply("it was not led to the end of its run")
    return f"it ended with exit code {plugin.exit_code}"


@contextlib.contextmanager
def _ready(fixtures: Fixtures) -> Iterator[Any]:
    """Start a life, wait until the executable is ready, and leave nothing behind."""
    assert isinstance(fixtures.target, ExecutableTarget)
    plugin = fixtures.target.create()
    try:
        plugin.begin(fixtures.session, Notes())
        yield plugin
    finally:
        fixtures.target.discard(plugin)


@_rule("wire.late", *WIRE_BASICS)
def _late(fixtures: Fixtures) -> str:
    """A message of an older round is not taken for a new one: it keeps silent, or ends with another exit code than 0."""

    def stamp_with_the_one_before(partner: PartnerFederate, agent: str) -> None:
        partner.stale = agent

    return _refused(fixtures, "wire.late", "a message of an older round", stamp_with_the_one_before)


@_rule("wire.tampered", *WIRE_BASICS)
def _tampered(fixtures: Fixtures) -> str:
    """A message with a wrong signature is not taken: it keeps silent, or ends with another exit code than 0."""

    def sign_wrongly(partner: PartnerFederate, agent: str) -> None:
        if partner.seal is None:
            raise DoesNotApply("messages are not signed here (`signatures` of broker.yaml)")
        partner.tampers = agent

    return _refused(fixtures, "wire.tampered", "a message with a wrong signature", sign_wrongly)


def _refused(fixtures: Fixtures, rule: str, what: str, spoil: Callable[[PartnerFederate, str], None]) -> str:
    """Return how the executable refuses what partners say after they are spoilt; raise a breach of ``rule`` if it takes it."""
    with _ready(fixtures) as plugin:
        try:
            _ask_spoilt(plugin, rule, what, spoil)
        except WireBreach as ended:
            # It may end without an answer, or keep silent; anything else that goes wrong is a breach.
            if ended.rule not in ("wire.answers", "wire.in_time"):
                raise
        plugin.line.expect_end()
        code = plugin.line.process.wait(_REFUSAL_S)
        if code == 0:
            raise WireBreach(rule, "it ended with exit code 0, as if all were well", what)
        return "it kept silent" if code is None else f"it refused it: {plugin.line.process.how_it_ended()}"


def _ask_spoilt(plugin: StandIn, rule: str, what: str, spoil: Callable[[PartnerFederate, str], None]) -> None:
    """Let spoilt messages come; raise the breach if they are taken for good ones, or whatever ends the executable."""
    result = _first_question(plugin)
    line = plugin.line
    for partner in line.federates.values():
        spoil(partner, line.subject.agent)
    if isinstance(plugin, OperatorStandIn):
        line.log.overhear()
        plugin.round += 1
        asked = f"solve in period {plugin.period}, round {plugin.round}, with {what}"
        if came := plugin.overhear(plugin.prices(plugin.mild_prices()), asked):
            raise WireBreach(rule, f"{' and '.join(came)} came for round {plugin.round}", asked)
    elif isinstance(plugin, ModelStandIn):
        if plugin.session.periods < 2:
            raise DoesNotApply("the session has one period, so no dispatch can be spoilt")
        plugin.run(1, _nothing(plugin))
        raise WireBreach(rule, "it ran the period", f"to run period 1 with {what}")
    elif isinstance(plugin, ReporterStandIn):
        heard = _told(plugin)
        if len(heard) < _FEWEST_TOLD:
            raise DoesNotApply("the session has one period, so nothing that was told can be spoilt")
        line.log.overhear()
        plugin.open_period(2, heard[1])
        raise WireBreach(rule, "it opened the period", f"to open period 2 with {what}")
    elif isinstance(plugin, CoordinatorStandIn):
        if result is None:
            raise DoesNotApply("it commits period 0 without a question, so no answer can be spoilt")
        word = "committed" if isinstance(plugin.next(result), Commit) else "went on to the next round"
        raise WireBreach(rule, f"it {word}", f"to decide after {what}")


def _nothing(plugin: ModelStandIn) -> Any:
    tellers = [message.sender for message in plugin.world.messages if plugin.subject.role in message.hearers]
    return idle_dispatch(plugin.session, tellers[0])


def _told(plugin: ReporterStandIn) -> Any:
    """Return what an agent that reports hears of each period."""
    kit = reporter_kit_of(plugin.session)
    return kit.heard(plugin.view, plugin.subject.role, plugin.session.periods, flooded=False)


def _first_question(plugin: StandIn) -> Any:
    """Ask an ordinary first question in period 0; for a coordinator, return what the operators answer to its own."""
    if isinstance(plugin, ModelStandIn):
        plugin.run(0, _nothing(plugin))
    elif isinstance(plugin, ReporterStandIn):
        plugin.open_period(0, None)
        plugin.open_period(1, _told(plugin)[0])
    elif isinstance(plugin, OperatorStandIn):
        plugin.hear(kit_of(plugin.session).stage(plugin.view, plugin.subject.role).openings(0, {}))
        plugin.open_period(0, None)
        plugin.ask(plugin.prices(plugin.mild_prices()))
    elif isinstance(plugin, CoordinatorStandIn):
        operators = kit_of(plugin.session).scripted(plugin.session)
        decision = plugin.start(0, operators.openings)
        return None if isinstance(decision, Commit) else operators.answer(decision)
    return None


@_rule("wire.failure", *WIRE_BASICS)
def _failure(fixtures: Fixtures) -> str:
    """When a partner fails it ends within 10 s, with another exit code than 0."""
    with _ready(fixtures) as plugin:
        _first_question(plugin)
        code = plugin.line.fail("a partner fails, as the conformance check wants it")
        if code == 0:
            asked = "to notice that a partner has failed"
            raise WireBreach("wire.failure", "it ended with exit code 0, as if the run were complete", asked)
    return f"it ended with exit code {code}"
