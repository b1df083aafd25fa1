"""An ordinary day of an executable, watched on the wire: what the checks of the wire look at."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from federates.boundary.messages import Array
from federates.boundary.names import Role
from federates.boundary.roles import Commit, RoundResult
from federates.boundary.topics import Command
from federates.conformance.partners import gate, link_observation, price_pattern, road_times_s, station_observation
from federates.conformance.scripted.pair import ScriptedPair
from federates.conformance.scripted.rail import RailPair
from federates.conformance.scripted.road import RoadPair
from federates.conformance.through_helics.breach import WireBreach
from federates.conformance.through_helics.coordinator import CoordinatorLine
from federates.conformance.through_helics.federation import Subject
from federates.conformance.through_helics.interface import Interface, read_interface, wrong_with
from federates.conformance.through_helics.operator_line import OperatorLine, Question
from federates.conformance.through_helics.operators import links_seen, stations_seen
from federates.conformance.through_helics.traffic import TrafficLine
from federates.conformance.trains import home_all_day, next_places
from federates.worlds.rail.session import RailSession
from federates.worlds.road.messages import MAX_ROUTE_LINKS
from federates.worlds.road.session import RoadSession

__all__ = ["NO_DEPARTURES", "AnyLine", "WireDay", "first_question", "late_question", "ordinary_day", "ready_line"]

AnyLine = OperatorLine | TrafficLine | CoordinatorLine

_PERIODS = 2
_QUIET_STEPS = 3
_PRICE_USD = 10.0
_RELAXED, _FIRST, _OTHER = 2, 1, 3
"""Numbers of price patterns."""
NO_DEPARTURES = np.zeros((0, 3 + MAX_ROUTE_LINKS))


@dataclass
class WireDay:
    """What was seen, up to the first ``breach`` if there was one. ``waits_s``: each question, and how long its answer took."""

    breach: WireBreach | None = None
    interface: Interface | None = None
    interface_faults: list[str] = field(default_factory=list)
    messages: int = 0
    waits_s: list[tuple[str, float]] = field(default_factory=list)
    quiet_steps: int = 0
    repeated: str = ""
    exit_code: int | None = None
    ended: str = ""


def _line_of(subject: Subject, session: RoadSession | RailSession) -> AnyLine:
    """Start a life of the executable and return the line to it."""
    if subject.role == Role.COORDINATOR:
        return CoordinatorLine(subject, session)
    if subject.role == Role.TRAFFIC:
        assert isinstance(session, RoadSession)
        return TrafficLine(subject, session)
    return OperatorLine(subject, session)


@contextlib.contextmanager
def ready_line(subject: Subject, session: RoadSession | RailSession) -> Iterator[AnyLine]:
    """Start a life, wait until the executable is ready, and leave nothing behind."""
    line = _line_of(subject, _short(session) if _ends_by_itself(subject.role) else session)
    with contextlib.closing(line.federation):
        line.get_ready()
        yield line


def ordinary_day(subject: Subject, session: RoadSession | RailSession) -> WireDay:
    """Let the executable live through a day as in a run, from the start of its process to its end."""
    day = WireDay()
    try:
        with ready_line(subject, session) as line:
            _watch(day, line)
    except WireBreach as breach:
        day.breach = breach
    return day


def first_question(line: AnyLine) -> RoundResult | None:
    """Ask an ordinary first question in period 0; for a coordinator, return what the operators answer to its own."""
    if isinstance(line, TrafficLine):
        line.run(0, NO_DEPARTURES)
    elif isinstance(line, OperatorLine):
        _open(line, 0)
        line.ask(Command.SOLVE, _prices(line, _FIRST))
    else:
        pair, places = _pair(line, 0)
        decision = line.start(0, places)
        return None if isinstance(decision, Commit) else pair.answer(decision)
    return None


def late_question(line: OperatorLine) -> Question:
    """Return the question of a new round whose prices bear the stamp of the round before: they have come late."""
    stamp = (line.period, line.round)
    return dataclasses.replace(line.question(Command.SOLVE, _prices(line, _OTHER)), stamp=stamp)


def _watch(day: WireDay, line: AnyLine) -> None:
    try:
        day.interface = read_interface(line.federation)
        day.interface_faults = wrong_with(day.interface, line.federation)
        if isinstance(line, OperatorLine):
            day.exit_code = _operator_day(day, line)
        elif isinstance(line, TrafficLine):
            for period in range(line.session.periods):
                line.run(period, NO_DEPARTURES)
                day.quiet_steps += 1
            day.exit_code = line.stop()
        else:
            day.exit_code = _coordinator_day(line)
        day.ended = line.federation.process.how_it_ended()
    finally:
        day.messages, day.waits_s = line.messages, line.waits_s


def _operator_day(day: WireDay, line: OperatorLine) -> int:
    periods = min(line.session.periods, _PERIODS)
    for period in range(periods):
        _open(line, period)
        line.idle(_QUIET_STEPS, f"open in period {period}")
        line.ask(Command.RELAX, _prices(line, _RELAXED))
        if period == 0:
            day.repeated = _repeat(line)
        line.ask(Command.EVALUATE, _connection(line))
        line.idle(_QUIET_STEPS, f"the answers of period {period}")
        day.quiet_steps += 2 * _QUIET_STEPS
        line.commit(_connection(line))
    _open(line, periods)
    return line.stop()


def _repeat(line: OperatorLine) -> str:
    """Ask the same question twice, as if the first had been lost; say what came of it."""
    question = line.question(Command.SOLVE, _prices(line, _FIRST))
    first = line.put(question)
    line.send(question)
    again = {key.partition("/")[2]: frame.values for key, frame in line.collect(question).items()}
    differs = [name for name, values in again.items() if not np.array_equal(values, first[name])]
    if differs:
        raise line.federation.breach("wire.repeated", f"the second answer differs in {', '.join(differs)}", f"{question}, twice")
    return "the same answer came again" if again else "no second answer came"


def _coordinator_day(line: CoordinatorLine) -> int:
    places = None
    past = np.zeros(line.session.connection_shape)
    for period in range(line.session.periods):
        pair, places = _pair(line, period, places, past)
        decision = line.start(period, places)
        while not isinstance(decision, Commit):
            decision = line.next(pair.answer(decision))
            if line.round > line.subject.broker.max_rounds + 1:
                seen = f"no commit after {line.subject.broker.max_rounds} rounds"
                raise line.federation.breach("wire.answers", seen, f"to commit period {period}")
        if isinstance(line.session, RailSession):
            past[:, :, period] = decision.connection_veh[:, :, period]
            places = next_places(line.session, decision.connection_veh, period + 1)
    return line.stop(places)


def _pair(
    line: CoordinatorLine, period: int, places: Array | None = None, past: Array | None = None
) -> tuple[ScriptedPair, Array | None]:
    """Return scripted operators for ``period``, and where the trains are."""
    if isinstance(line.session, RoadSession):
        return RoadPair(line.session), None
    pair = RailPair(line.session, period, places, past)
    return pair, pair.places.copy()


def _open(line: OperatorLine, period: int) -> None:
    """Open a period, and pass on what the other operator says."""
    session, seen = line.session, dict[str, Array]()
    if isinstance(session, RoadSession):
        if period > 0 and line.role == Role.TRANSPORT_OPERATOR:
            seen = links_seen(link_observation(session, period - 1))
        elif period > 0:
            seen = stations_seen(station_observation(session, period - 1, np.zeros(session.connection_shape[:2])))
    line.open(period, seen)
    for name, values in _other_opening(session, line.role, period).items():
        line.pass_on(name, values)


def _other_opening(session: RoadSession | RailSession, role: Role, period: int) -> dict[str, Array]:
    if isinstance(session, RailSession):
        return {} if role == Role.TRANSPORT_OPERATOR else {"train_ready": next_places(session, home_all_day(session), period)}
    if role == Role.POWER_OPERATOR:
        return {"station_travel_time_s": road_times_s(session, period)}
    gates = gate(session, period)
    return {"gate_time_s": gates.time_s, "gate_spots": gates.spots}


def _prices(line: OperatorLine, number: int) -> Array:
    return _PRICE_USD * price_pattern(line.session, number)


def _connection(line: OperatorLine) -> Array:
    """Return a connection that everybody can carry out: nothing on the road, every train at home by rail."""
    session = line.session
    return home_all_day(session) if isinstance(session, RailSession) else np.zeros(session.connection_shape)


def _ends_by_itself(role: Role) -> bool:
    return role in (Role.TRAFFIC, Role.COORDINATOR)


def _short(session: RoadSession | RailSession) -> RoadSession | RailSession:
    """Return a run of few periods for an agent that ends only after the last one; by rail the day is the negotiation's."""
    if isinstance(session, RailSession):
        return session
    return session.model_copy(update={"periods": min(session.periods, _PERIODS)})
