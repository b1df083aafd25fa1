"""A coordination algorithm behind HELICS: the partners play both operators and the traffic model."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np

from federates.boundary.messages import Array, Frame
from federates.boundary.names import Role
from federates.boundary.roles import Commit, CoordinationAlgorithm, Decision, Evaluate, NoSettings, Recorder, RoundResult, Solve
from federates.boundary.topics import Command, passed_on, roles_of, topic
from federates.conformance.through_helics.breach import WireBreach
from federates.conformance.through_helics.federation import Federation, Subject
from federates.worlds.rail.session import RailSession
from federates.worlds.road.session import RoadSession

__all__ = ["CoordinatorLine", "CoordinatorStandIn"]

_MOST_STEPS = 8
"""A coordinator that waits for an answer takes a few micro-steps; it may not take them for ever."""
_C, _P, _T, _X = Role.COORDINATOR, Role.POWER_OPERATOR, Role.TRANSPORT_OPERATOR, Role.TRAFFIC
_COMMAND = f"{_C}/command"
_MULTIPLIERS = f"{_C}/multipliers_usd_per_veh"
_POWER, _TRANSPORT = f"{_C}/power_connection_veh", f"{_C}/transport_connection_veh"
_GATE_TIME_S, _GATE_SPOTS, _TRAVEL_TIME_S = 600.0, 10.0, 900.0
_BOTH = {(_P, _COMMAND), (_T, _COMMAND)}
_PRICES, _CONNECTIONS = {(_P, _MULTIPLIERS), (_T, _MULTIPLIERS)}, {(_P, _POWER), (_T, _TRANSPORT)}
_BELONGS = {
    Command.OPEN: _BOTH,
    Command.STOP: _BOTH,
    Command.SOLVE: _BOTH | _PRICES,
    Command.RELAX: _BOTH | _PRICES,
    Command.EVALUATE: _BOTH | _CONNECTIONS,
    Command.COMMIT: _BOTH | _CONNECTIONS,
}
"""Who hears what with a command."""

Heard = dict[tuple[Role, str], Frame]


@dataclass
class CoordinatorLine:
    """Answers a coordinator under test as operators do, and checks every message of it."""

    subject: Subject
    agreed: RoadSession | RailSession
    period: int = 0
    round: int = 0
    committed: bool = False
    messages: int = 0
    waits_s: list[tuple[str, float]] = field(default_factory=list)
    _steps: int = 0

    def __post_init__(self) -> None:
        players = [role for role in roles_of(self.agreed.world) if role is not _C]
        self.federation = Federation(self.subject, self.agreed, players)
        self.session, self._partners = self.federation.session, self.federation.partners

    def get_ready(self) -> None:
        """Wait until it opens period 0."""
        if _X in self._partners:
            self._partners[_X].request(self.subject.broker.dispatch_offset_s)
        self._hear(Command.OPEN, "to open period 0", self.subject.start_s)

    def start(self, period: int, train_ready: Array | None) -> Decision:
        """Open ``period`` as operators do, and return the first decision."""
        if period > 0:
            self._next_period(period)
        said = self._say_opening(train_ready)
        asked = f"to decide in period {period}, after both operators have opened it"
        heard = self._hear(None, asked, self.subject.answer_s)
        for key, values in said.items():
            receiver = topic(key).receivers[0]
            frame = heard.pop((receiver, key), None)
            if frame is None or (frame.period, frame.round) != (period, 0) or not np.array_equal(frame.values, values):
                came = "nothing" if frame is None else f"{frame.values.tolist()} of period {frame.period}, round {frame.round}"
                raise self.federation.breach(
                    "wire.passed_on", f"{key}: {came}", f"to pass on {values.tolist()} in period {period}, round 0"
                )
        return self._decision(heard, asked)

    def next(self, result: RoundResult, stamp: int | None = None) -> Decision:
        """Answer the last decision and return the next one; ``stamp`` is another round for the answers, to be tried."""
        asked = f"to decide in period {self.period}, after the answers of round {self.round}"
        self.answer(result, self.round if stamp is None else stamp)
        return self._decision(self._hear(None, asked, self.subject.answer_s), asked)

    def answer(self, result: RoundResult, round_: int) -> None:
        """Send both answers."""
        asked, slope = result.asked, result.asked.slope_usd_per_veh
        rows = np.zeros((0, *self.session.connection_shape)) if slope is None else slope[np.newaxis]
        self._send(_P, "asked_connection_veh", round_, asked.connection_veh)
        self._send(_P, "power_cost_usd", round_, asked.cost_values)
        self._send(_P, "power_slope_usd_per_veh", round_, rows)
        offered = result.offered
        self._send(_T, "offered_connection_veh", round_, offered.connection_veh)
        self._send(_T, "transport_cost_usd", round_, offered.cost_values)

    def stop(self, train_ready: Array | None) -> int:
        """Let it close the day after the last period, hear `stop`, and return the exit code."""
        self._next_period(self.session.periods)
        self._say_opening(train_ready)
        self._hear(Command.STOP, "to say stop after the last observation", self.subject.answer_s)
        for role in (_P, _T):
            self._partners[role].leave()
        self.federation.complete()
        return self.federation.await_end("to end after its own stop", "wire.stop")

    @property
    def over(self) -> bool:
        """Whether the last period is committed."""
        return self.committed and self.period == self.session.periods - 1

    def _say_opening(self, train_ready: Array | None) -> dict[str, Array]:
        """Open the period for both operators; return what must be passed on, by the coordinator's keys."""
        stations = len(self.session.stations)
        values = {
            "gate_time_s": np.full(stations, _GATE_TIME_S),
            "gate_spots": np.full(stations, _GATE_SPOTS),
            "station_travel_time_s": np.full(self.session.connection_shape[:2], _TRAVEL_TIME_S),
            "train_ready": np.zeros((0, 3)) if train_ready is None else train_ready,
        }
        sources = passed_on(self.session.world)
        for sender, name in sources:
            self._send(sender, name, 0, values[name])
        return {f"{_C}/{name}": values[name] for _, name in sources}

    def _decision(self, heard: Heard, asked: str) -> Decision:
        command = Command(int(heard[_P, _COMMAND].values[0]))
        if command in (Command.SOLVE, Command.RELAX):
            return Solve(heard[_P, _MULTIPLIERS].values, relaxed=command is Command.RELAX)
        if command not in (Command.EVALUATE, Command.COMMIT):
            raise self.federation.breach("wire.answers", f"{command.name.lower()} came", asked)
        power, transport = heard[_P, _POWER].values, heard[_T, _TRANSPORT].values
        if command is Command.EVALUATE:
            return Evaluate(power, transport)
        if not np.array_equal(power, transport):
            raise self.federation.breach("wire.answers", "each operator was told to carry out another connection", asked)
        self.committed = True
        return Commit(power, agreed=False, reason="not on the wire")

    def _hear(self, wanted: Command | None, asked: str, limit_s: float) -> Heard:
        """Take micro-steps until a command comes; return it with all that came, checked. None: any decision of the next round."""
        heard: Heard = {}
        started = time.perf_counter()
        for _ in range(_MOST_STEPS):
            for role, updates in self._step(asked, limit_s).items():
                heard |= {(role, key): self.federation.decode(topic(key), payload, asked) for key, payload in updates.items()}
            if (_P, _COMMAND) in heard:
                break
        else:
            seen = self.federation.ended_or(f"no command within {_MOST_STEPS} micro-steps", 1.0)
            raise self.federation.breach("wire.answers", seen, asked)
        self.waits_s.append((asked, time.perf_counter() - started))
        self.messages += len(heard)
        self.round += wanted is None
        self._check(heard, wanted, asked)
        return heard

    def _check(self, heard: Heard, wanted: Command | None, asked: str) -> None:
        """Raise what is wrong with a command and what came with it."""
        code = heard[_P, _COMMAND].values[0]
        if code not in list(Command) or (wanted is not None and code != wanted):
            raise self.federation.breach("wire.answers", f"command {code:g} came", asked)
        belongs = _BELONGS[Command(int(code))]
        passed = {(receiver, f"{_C}/{name}") for _, name in passed_on(self.session.world) for receiver in _receivers(name)}
        missing = belongs - heard.keys()
        if missing:
            raise self.federation.breach("wire.answers", f"with the command, nothing came on {_listed(missing)}", asked)
        extra = heard.keys() - belongs - passed
        if extra:
            raise self.federation.breach(
                "wire.silence", f"{_listed(extra)} came, which {Command(int(code)).name.lower()} has no use for", asked
            )
        for role, key in sorted(belongs):
            frame = heard[role, key]
            if (frame.period, frame.round) != (self.period, self.round):
                seen = f"{key} is stamped period {frame.period}, round {frame.round}, not round {self.round}"
                raise self.federation.breach("wire.stamp", seen, asked)

    def _step(self, asked: str, limit_s: float) -> dict[Role, dict[str, bytes]]:
        """Take both operators one micro-step on, and return what each has heard."""
        self._steps += 1
        time_s = self.period * self.session.period_s + self._steps * self.subject.broker.round_step_s
        both = {role: self._partners[role] for role in (_P, _T)}
        for partner in both.values():
            if not partner.waits:
                partner.request(time_s)
        for partner in both.values():
            self.federation.arrive(partner, time_s, limit_s, asked)
        return {role: partner.updates() for role, partner in both.items()}

    def _next_period(self, period: int) -> None:
        if not self.committed or period != self.period + 1:
            raise RuntimeError(
                f"period {period} cannot be opened: period {self.period} was opened last, committed: {self.committed}"
            )
        asked = f"to go on to period {period}"
        self.period, self.round, self.committed, self._steps = period, 0, False, 0
        if _X in self._partners:
            self._drive(period, asked)
        self._hear(Command.OPEN, f"to open period {period}", self.subject.answer_s)

    def _drive(self, period: int, asked: str) -> None:
        """Take the traffic model through the period before: its dispatch, its end, and on to the next dispatch."""
        offset_s, length_s, traffic = self.subject.broker.dispatch_offset_s, self.session.period_s, self._partners[_X]
        for role in (_P, _T):
            self._partners[role].request(period * length_s + self.subject.broker.round_step_s)
        self.federation.arrive(traffic, (period - 1) * length_s + offset_s, self.subject.answer_s, asked)
        self.federation.advance(traffic, period * length_s, self.subject.answer_s, asked)
        traffic.request(period * length_s + offset_s)

    def _send(self, role: Role, name: str, round_: int, values: Array) -> None:
        self.federation.send(f"{role}/{name}", self.period, round_, values, self._partners[role])


class CoordinatorStandIn(CoordinationAlgorithm):
    """A coordination algorithm behind HELICS, seen through its abstract class.

    Whether a commit was agreed, and why, does not cross the boundary.
    """

    line: CoordinatorLine | None = None

    def __init__(self, subject: Subject) -> None:
        super().__init__(NoSettings(), subject.folder)
        self._subject = subject
        self._train_ready: Array | None = None

    def begin(self, session: RoadSession | RailSession, recorder: Recorder) -> None:
        """Start the executable, hear the public agreement, and wait until it opens period 0."""
        self.line = CoordinatorLine(self._subject, session)
        self.line.get_ready()

    def start(self, period: int, train_ready: Array | None = None) -> Decision:
        """Let both operators open a period, and return what it decides first."""
        self._train_ready = train_ready
        return self._line.start(period, train_ready)

    def next(self, result: RoundResult) -> Decision:
        """Send both answers, and return what it decides next."""
        return self._line.next(result)

    @property
    def _line(self) -> CoordinatorLine:
        if self.line is None:
            raise RuntimeError("begin was not called")
        return self.line

    def end(self) -> None:
        """Let it end by itself after the last commit; before that nothing but a partner's failure ends a coordinator."""
        if self.line is None:
            return
        if not self.line.over:
            self.line.federation.fail("the conformance check is over")
        elif self.line.stop(self._train_ready) != 0:
            raise WireBreach("wire.stop", self.line.federation.process.how_it_ended(), "to end after its own stop")

    def close(self) -> None:
        """Leave nothing behind."""
        if self.line is not None:
            self.line.federation.close()


def _receivers(name: str) -> tuple[Role, ...]:
    return topic(f"{_C}/{name}").receivers


def _listed(pairs: set[tuple[Role, str]]) -> str:
    return ", ".join(sorted({key for _, key in pairs}))
