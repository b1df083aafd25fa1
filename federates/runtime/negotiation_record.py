"""Tables of a negotiation, written by the loop that sees every question and every answer, never by the algorithm it runs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from federates.boundary.messages import Array
from federates.boundary.roles import Commit, Decision, Evaluate, RoundResult, Solve, Value
from federates.boundary.session import RailSession, RoadSession, Session
from federates.boundary.timetable import broken_plan
from federates.boundary.topics import Role
from federates.runtime.proof import Proof, Verdict, moves_nothing

__all__ = ["AGREED_GAP", "NegotiationRecord", "TableWriter", "word"]

AGREED_GAP = 0.01
"""Operators have agreed on a plan that is proven to cost at most this share more than the best one."""
_PRICE_DIGITS = 9


class TableWriter(Protocol):
    """Where the loop leaves rows, one by one or many at once."""

    def record(self, table: str, **row: Value) -> None:
        """Append one row."""

    def record_many(self, table: str, columns: Mapping[str, Sequence[Any]]) -> None:
        """Append rows, given as columns of equal length."""

    def progress(self, **fields: Value) -> None:
        """Tell the person who watches the run how it goes."""


class NegotiationRecord:
    """What is written of every period of a run: `open` it, tell it each round by `answered`, and end it by `committed`."""

    def __init__(self, session: Session, writer: TableWriter, agreed_gap: float = AGREED_GAP) -> None:
        self._session, self._writer, self._agreed_gap = session, writer, agreed_gap
        self._plan: Array | None = None
        self._by_rail = isinstance(session, RailSession)
        rows = [train.name for train in session.trains] if isinstance(session, RailSession) else _origins(session)
        stations = session.stations if isinstance(session, RailSession) else _destinations(session)
        self._names = np.array(rows, dtype=object), np.array(stations, dtype=object)

    def open(self, period: int, train_ready: Array | None) -> None:
        """Begin a period."""
        self._period, self._ready, self._round = period, train_ready, 0
        self.proof = Proof(self._session, period, train_ready)

    def answered(self, decision: Solve | Evaluate, result: RoundResult) -> None:
        """Write one round: what was asked, what both answered, and what is proven by now."""
        self._round += 1
        proof = self.proof
        proof.take(decision, result)
        asked, offered = result.asked, result.offered
        difference = proof.open_part(asked.connection_veh) - proof.open_part(offered.connection_veh)
        is_price = isinstance(decision, Solve)
        self._writer.record(
            "rounds",
            period=self._period,
            round=self._round,
            command=word(decision),
            bound_usd=float(asked.bound_usd + offered.bound_usd) if is_price else math.nan,
            lower_bound_usd=_known(proof.lower_usd),
            upper_bound_usd=_known(proof.upper_usd),
            gap=proof.gap,
            residual_veh=float(np.abs(difference).sum()),
            shortfall_veh=float(np.maximum(difference, 0.0).sum()),
            power_bound_kind=asked.bound_kind.word,
            transport_bound_kind=offered.bound_kind.word,
            lower_bound_kinds=" + ".join(proof.lower_kinds),
        )
        if isinstance(decision, Solve):
            self._entries("prices", "price_usd_per_veh", decision.multipliers_usd_per_veh)
        for agent, answer in ((Role.POWER_OPERATOR, asked), (Role.TRANSPORT_OPERATOR, offered)):
            self._writer.record(
                "answer_costs",
                period=self._period,
                round=self._round,
                agent=agent.value,
                cost_usd=float(answer.cost_usd),
                bound_usd=float(answer.bound_usd),
                bound_kind=answer.bound_kind.word,
            )
            self._entries("answers", "connection_veh", answer.connection_veh, agent=agent.value)
        gap = -1.0 if math.isnan(proof.gap) else round(proof.gap, 5)
        self._writer.progress(period=self._period, round=self._round, gap=gap)

    def committed(self, commit: Commit) -> Verdict | None:
        """Write what is carried out and what is proven of it; return that, None where an earlier plan goes on (rail)."""
        plan = np.array(commit.connection_veh, dtype=np.float64)
        if self._by_rail and self._goes_on(plan):
            return None
        verdict = self.proof.verdict(commit, self._agreed_gap)
        self._writer.record(
            "negotiations",
            period=self._period,
            cause=self._cause(),
            rounds=self._round,
            agreed=verdict.agreed,
            verdict=verdict.words,
            lower_bound_usd=_known(self.proof.lower_usd),
            upper_bound_usd=verdict.cost_usd,
            gap=verdict.gap,
            claimed_agreed=bool(commit.agreed),
            reason=commit.reason,
            claimed_lower_bound_usd=_known(commit.lower_bound_usd),
            claimed_gap=verdict.claimed_gap,
            ended_by_time=bool(commit.ended_by_time),
        )
        if self._by_rail:
            self._connections(plan)
        else:
            self._schedule(plan, verdict.agreed, commit.reason)
        self._plan = plan
        return verdict

    def _goes_on(self, plan: Array) -> bool:
        """Return whether nobody was asked and the open periods are as they were agreed."""
        if self._plan is None or self._round:
            return False
        return bool((self._plan[:, :, self._period :] == plan[:, :, self._period :]).all())

    def _cause(self) -> str:
        session = self._session
        if not isinstance(session, RailSession):
            return "a new period"
        if self._plan is None or moves_nothing(session):
            return "day ahead"
        broken = None if self._ready is None else broken_plan(session, self._period, self._ready, self._plan)
        return broken or "the algorithm asked again, though every train can follow the plan"

    def _connections(self, plan: Array) -> None:
        rows, stations = self._names
        k, s, t = np.nonzero(plan > 0.5)
        if len(k):
            columns = {"train": rows[k].tolist(), "station": stations[s].tolist(), "period": t.tolist()}
            self._writer.record_many("connections", {"negotiated_in": [self._period] * len(k), **columns})

    def _schedule(self, plan: Array, agreed: bool, reason: str) -> None:
        rows, stations = self._names
        prices = self.proof.prices_usd_per_veh
        for (r, q), vehicles in np.ndenumerate(plan[:, :, 0]):
            self._writer.record(
                "schedule",
                period=self._period,
                origin=str(rows[r]),
                destination=str(stations[q]),
                vehicles=round(float(vehicles)),
                price_usd_per_veh=math.nan if prices is None else round(float(prices[r, q, 0]), _PRICE_DIGITS),
                agreed=agreed,
                reason=reason,
            )

    def _entries(self, table: str, quantity: str, values: Array, **constant: Value) -> None:
        """Write the entries of open periods that are not zero, one row each."""
        first = self._period if self._by_rail else 0
        rounded = np.round(np.asarray(values, dtype=np.float64), _PRICE_DIGITS) + 0.0
        rounded[:, :, :first] = 0.0
        index = np.nonzero(rounded)
        count = len(index[0])
        if not count:
            return
        columns = self._columns(index) | {quantity: rounded[index].tolist()}
        fixed = {"period": self._period, "round": self._round, **constant}
        self._writer.record_many(table, {name: [value] * count for name, value in fixed.items()} | columns)

    def _columns(self, index: tuple[NDArray[np.int64], ...]) -> dict[str, list[Any]]:
        rows, stations = self._names
        shift = 0 if self._by_rail else self._period
        return {
            "source": rows[index[0]].tolist(),
            "station": stations[index[1]].tolist(),
            "for_period": (index[2] + shift).tolist(),
        }


def word(decision: Decision) -> str:
    """Return what a decision is called in the tables."""
    if isinstance(decision, Evaluate):
        return "evaluate"
    return "relax" if isinstance(decision, Solve) and decision.relaxed else "solve"


def _known(value: float) -> float:
    """Return ``value``, or NaN while it is infinite."""
    return float(value) if math.isfinite(value) else math.nan


def _origins(session: Session) -> tuple[str, ...]:
    assert isinstance(session, RoadSession)
    return session.resourceful_stations


def _destinations(session: Session) -> tuple[str, ...]:
    assert isinstance(session, RoadSession)
    return session.limited_stations
