"""A whole run of a coordinator algorithm under test with scripted operators, the kit in the coordinator's chair."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np

from federates.boundary.messages import Answer, Array
from federates.boundary.roles import Commit, Evaluate, RoundResult, Solve
from federates.conformance.life import Failure, Kind, Life, LifeOverError
from federates.conformance.scripted.pair import ScriptedPair
from federates.conformance.scripted.rail import RailPair
from federates.conformance.scripted.road import RoadPair
from federates.conformance.target import Target
from federates.conformance.trains import next_places
from federates.conformance.values import array_fault
from federates.worlds.rail.session import RailSession
from federates.worlds.road.session import RoadSession

__all__ = ["MOST_ROUNDS", "Committed", "Negotiated", "decision_fault", "negotiate"]

MOST_ROUNDS = 400
"""Most rounds of one negotiation; as ``max_rounds`` of broker.yaml has it."""


_UNPROVEN_SHARE, _UNPROVEN_USD, _UNPROVEN_PERIODS = 0.1, 1.0, 1


@dataclass(frozen=True)
class Committed:
    """How one period ended."""

    period: int
    rounds: int
    commit: Commit
    pair: ScriptedPair
    disturbed: bool


@dataclass
class Negotiated:
    """What an algorithm did, as far as it got."""

    life: Life
    decisions: list[tuple[str, Any]] = field(default_factory=list)
    periods: list[Committed] = field(default_factory=list)
    failure: Failure | None = None
    malformed: str | None = None
    endless: str | None = None
    """Which negotiation had no end."""
    late_period: int | None = None


class _Stop(Exception):  # noqa: N818
    pass


def negotiate(target: Target, *, stubborn: bool = False, late: bool = False, unproven: bool = False) -> Negotiated:
    """Let an algorithm negotiate every period of the session with scripted operators.

    Parameters
    ----------
    stubborn : the transport operator never offers what is asked.
    late : by rail, the first train that moves comes a period late.
    unproven : the operators' bounds lie below the best by a tenth, so that no gap can be closed.
    """
    life = Life(target)
    found = Negotiated(life)
    chair = _RoadChair if isinstance(target.session, RoadSession) else _RailChair
    with life:
        try:
            life.begin()
            chair(found, stubborn=stubborn, late=late, unproven=unproven).hold()
        except LifeOverError as end:
            found.failure = end.failure
        except _Stop:
            pass
    return found


class _Chair:
    """The coordinator's place: carries decisions to the operators and answers back."""

    def __init__(self, found: Negotiated, *, stubborn: bool, late: bool, unproven: bool) -> None:
        self.found, self.life, self.session = found, found.life, found.life.session
        self.stubborn, self.late, self.unproven = stubborn, late, unproven
        self.disturbed = False

    def hold(self) -> None:
        for period in range(_UNPROVEN_PERIODS if self.unproven else self.session.periods):
            self.life.period = period
            pair, places = self.open(period)
            commit, rounds = self.negotiate(period, pair, places)
            self.found.periods.append(Committed(period, rounds, commit, pair, self.disturbed))
            self.take(commit, period)

    def open(self, period: int) -> tuple[ScriptedPair, Array | None]:
        raise NotImplementedError

    def take(self, commit: Commit, period: int) -> None:
        """Carry out the period."""

    def negotiate(self, period: int, pair: ScriptedPair, places: Array | None) -> tuple[Commit, int]:
        decision = self._checked(self.life.ask(Kind.START, "start", period, places), "start")
        rounds = 0
        while not isinstance(decision, Commit):
            rounds += 1
            if rounds > MOST_ROUNDS:
                self.found.endless = f"no commit in period {period} after {MOST_ROUNDS} rounds"
                raise _Stop
            result = pair.answer(decision)
            if self.unproven:
                result = RoundResult(_unproven(result.asked), _unproven(result.offered))
            words = f"next (round {rounds})"
            decision = self._checked(self.life.ask(Kind.NEXT, words, result), words)
        return decision, rounds

    def _checked(self, decision: Any, words: str) -> Any:
        words = f"{words} in period {self.life.period}"
        self.found.decisions.append((words, decision))
        fault = decision_fault(self.session, self.life.period, decision)
        if fault is not None:
            self.found.malformed = f"{words}: {fault}"
            raise _Stop
        return decision


class _RoadChair(_Chair):
    def open(self, period: int) -> tuple[ScriptedPair, Array | None]:
        return RoadPair(cast(RoadSession, self.session), stubborn=self.stubborn), None


class _RailChair(_Chair):
    def __init__(self, found: Negotiated, *, stubborn: bool, late: bool, unproven: bool) -> None:
        super().__init__(found, stubborn=stubborn, late=late, unproven=unproven)
        self.day = np.zeros(self.session.connection_shape)
        self.places: Array | None = None

    def open(self, period: int) -> tuple[ScriptedPair, Array | None]:
        session = cast(RailSession, self.session)
        pair = RailPair(session, period, self.places, self.day, stubborn=self.stubborn)
        return pair, pair.places.copy()

    def take(self, commit: Commit, period: int) -> None:
        """Move the trains: the day so far is what was committed, and their next places follow from the plan."""
        session = cast(RailSession, self.session)
        plan = np.rint(commit.connection_veh)
        self.day[:, :, period] = plan[:, :, period]
        places = next_places(session, plan, period + 1)
        self.disturbed = False
        if self.late and self.found.late_period is None:
            moving = np.flatnonzero(~(plan[:, :, period] > 0.5).any(axis=1) & (places[:, 1] == period + 1))
            if len(moving) and period + 1 < session.periods:
                places[moving[0], 1] += 1
                self.found.late_period, self.disturbed = period + 1, True
        self.places = places


def _unproven(answer: Answer) -> Answer:
    """Return the answer of an operator that proves less than it could."""
    return dataclasses.replace(answer, bound_usd=answer.bound_usd - _UNPROVEN_SHARE * abs(answer.bound_usd) - _UNPROVEN_USD)


def decision_fault(session: RoadSession | RailSession, period: int, decision: Any) -> str | None:
    """Return why a decision cannot be carried out."""
    shape = session.connection_shape
    if isinstance(decision, Solve):
        parts = [("multipliers_usd_per_veh", decision.multipliers_usd_per_veh)]
    elif isinstance(decision, Evaluate):
        parts = [(name, getattr(decision, name)) for name in ("power_connection_veh", "transport_connection_veh")]
    elif isinstance(decision, Commit):
        parts = [("connection_veh", decision.connection_veh)]
    else:
        return f"the decision is a {type(decision).__name__}, must be Solve, Evaluate or Commit"
    for name, value in parts:
        fault = array_fault(name, value, shape)
        if fault is not None:
            return fault
        if not np.isfinite(value).all():
            return f"{name} has {int((~np.isfinite(value)).sum())} values that are not finite"
    if isinstance(decision, Commit) and not decision.lower_bound_usd < np.inf:
        return f"lower_bound_usd is {decision.lower_bound_usd!r}, must be a number, or -inf where none is known"
    return None
