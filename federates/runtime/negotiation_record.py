"""Tables of a negotiation, written by the loop that sees every question and every answer, never by the algorithm it runs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from federates.boundary.exchange import Exchange
from federates.boundary.messages import Array, Quantities
from federates.boundary.names import Role
from federates.boundary.roles import Commit, Decision, Evaluate, Openings, RoundResult, Solve, Value
from federates.boundary.world import Committed, World, world_of
from federates.runtime.proof import Proof, Verdict

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

    def __init__(self, session: Any, writer: TableWriter, agreed_gap: float = AGREED_GAP) -> None:
        self._session, self._writer, self._agreed_gap = session, writer, agreed_gap
        self._world: World = world_of(session.world)
        self._views = {agent.name: session.view(agent.name) for agent in session.agents if agent.role != Role.COORDINATOR}
        self._plan: dict[str, Array] | None = None
        self._since = 0
        """What was committed last, for period ``_since`` and later."""

    def state(self) -> dict[str, Any]:
        """Return what crosses periods, as plain values and arrays."""
        return {"plan": self._plan, "since": self._since}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on with what `state` has returned."""
        self._plan, self._since = state["plan"], state["since"]

    def open(self, period: int, openings: Openings) -> None:
        """Begin a period."""
        self._period, self._openings, self._round = period, openings, 0
        self.proof = Proof(self._session, period, openings)

    def answered(self, decision: Solve | Evaluate, result: RoundResult) -> None:
        """Write one round: what was asked, what all answered, and what is proven by now."""
        self._round += 1
        proof, layout = self.proof, self.proof.layout
        difference = layout.residual(proof.take(decision, result))
        answers = [(agent, result.answers[agent]) for agent in layout.agents]
        is_price = isinstance(decision, Solve)
        self._writer.record(
            "rounds",
            period=self._period,
            round=self._round,
            command=word(decision),
            bound_usd=_known(sum(answer.bound_usd for _, answer in answers)) if is_price else math.nan,
            lower_bound_usd=_known(proof.lower_usd),
            upper_bound_usd=_known(proof.upper_usd),
            gap=proof.gap,
            residual_veh=float(np.abs(difference).sum()),
            shortfall_veh=float(np.maximum(difference, 0.0).sum()),
            lower_bound_kinds=" + ".join(proof.lower_kinds),
        )
        if isinstance(decision, Solve):
            for exchange in self._world.exchanges:
                self._entries("prices", "price_usd_per_veh", exchange, self._session, decision.prices[exchange.name])
        for agent, answer in answers:
            if agent in result.missing:
                continue  # it has said nothing in this round
            self._writer.record(
                "answer_costs",
                period=self._period,
                round=self._round,
                agent=agent,
                cost_usd=float(answer.cost_usd),
                bound_usd=float(answer.bound_usd),
                bound_kind=answer.bound_kind.word,
            )
            for exchange in self._world.exchanges:
                if exchange.name in answer.quantities:
                    values = answer.quantities[exchange.name]
                    self._entries("answers", "connection_veh", exchange, self._views[agent], values, agent=agent)
        gap = -1.0 if math.isnan(proof.gap) else round(proof.gap, 5)
        bounds = {"lower_usd": proof.lower_usd, "upper_usd": proof.upper_usd}
        proven = {name: round(float(value), 6) for name, value in bounds.items() if math.isfinite(value)}
        self._writer.progress(period=self._period, round=self._round, gap=gap, **proven)

    def repeated(self) -> None:
        """Count a round that has no row: the network lost answers, and the question was asked again."""
        self._round += 1

    def committed(self, commit: Commit) -> Verdict | None:
        """Write what is carried out and what is proven of it; return that, None where an earlier plan goes on."""
        layout = self.proof.layout
        copies = {agent: layout.own(agent, commit.given[agent]) for agent in layout.agents}
        plan = layout.shaped(layout.offered(copies))
        if self._goes_on(plan):
            return None
        verdict = self.proof.verdict(commit, self._agreed_gap)
        self._writer.record(
            "negotiations",
            period=self._period,
            cause=self._world.cause(self._session, self._period, self._openings, self._open_plan()),
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
        prices = self.proof.prices if commit.prices is None else commit.prices
        committed = Committed(commit.given, plan, prices, commit.reason, verdict.agreed)
        for table, columns in self._world.committed_rows(self._session, self._period, committed).items():
            if any(columns.values()):
                self._writer.record_many(table, columns)
        self._plan, self._since = plan, self._period
        return verdict

    def _open_plan(self) -> dict[str, Array] | None:
        """Return what is still open of what was committed last, None if nothing was."""
        if self._plan is None:
            return None
        return {name: values[..., self._period - self._since :] for name, values in self._plan.items()}

    def _goes_on(self, plan: Quantities) -> bool:
        """Return whether plans last, nobody was asked and the open periods are as they were agreed."""
        before = self._open_plan()
        if before is None or self._round or not self._world.plan_lasts(self._session):
            return False
        return all(bool((values == before[name]).all()) for name, values in plan.items())

    def _entries(self, table: str, quantity: str, exchange: Exchange, view: Any, values: Array, **constant: Value) -> None:
        """Write the entries that are not zero, one row each."""
        rounded = np.round(np.asarray(values, dtype=np.float64), _PRICE_DIGITS) + 0.0
        index = np.nonzero(rounded)
        count = len(index[0])
        if not count:
            return
        names = [
            np.array(view.index_names(axis), dtype=object)[i].tolist() for axis, i in zip(exchange.axes[:-1], index, strict=False)
        ]
        columns = {
            "exchange": [exchange.name] * count,
            "source": names[0] if names else [""] * count,
            "station": names[1] if len(names) > 1 else [""] * count,
            "for_period": (index[-1] + self._period).tolist(),
            quantity: rounded[index].tolist(),
        }
        fixed = {"period": self._period, "round": self._round, **constant}
        self._writer.record_many(table, {name: [value] * count for name, value in fixed.items()} | columns)


def word(decision: Decision) -> str:
    """Return what a decision is called in the tables."""
    if isinstance(decision, Evaluate):
        return "evaluate"
    return "relax" if isinstance(decision, Solve) and decision.relaxed else "solve"


def _known(value: float) -> float:
    """Return ``value``, or NaN while it is infinite."""
    return float(value) if math.isfinite(value) else math.nan
