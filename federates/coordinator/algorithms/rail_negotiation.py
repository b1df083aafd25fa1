"""What every negotiation by rail has in common: when it is held, what it remembers, what it leaves in the tables.

At period 0 the whole day is negotiated. Later periods carry it out, unless a train can no longer follow what was agreed: then
the rest of the day is negotiated anew, and the past stays as it was.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from federates.boundary.messages import Array
from federates.boundary.roles import Commit, CoordinationAlgorithm, Decision, Evaluate, Recorder, RoundResult
from federates.boundary.session import RailScheme, RailSession

__all__ = ["RailNegotiation", "Standing", "interchangeable"]

_SAME = 1e-6


@dataclass(slots=True)
class Standing:
    """Where a negotiation stands: best bounds, the best plan, rounds held."""

    cause: str
    lower_usd: float = -math.inf
    upper_usd: float = math.inf
    plan: Array | None = None
    rounds: int = 0

    @property
    def gap(self) -> float:
        """Return (UB - LB) / |UB|; infinite while a bound is missing."""
        if not (math.isfinite(self.lower_usd) and math.isfinite(self.upper_usd)):
            return math.inf
        return max(0.0, self.upper_usd - self.lower_usd) / max(abs(self.upper_usd), 1e-9)

    @property
    def contradicted(self) -> bool:
        """Whether the lower bound lies above the upper one by more than rounding."""
        return self.lower_usd - self.upper_usd > 1e-6 * max(1.0, abs(self.upper_usd))


class RailNegotiation(CoordinationAlgorithm):
    """Base of the rail algorithms; a subclass says what to ask first (`open_talks`) and next (`continue_talks`)."""

    @abstractmethod
    def open_talks(self) -> Decision:
        """Return the first decision of a negotiation."""

    @abstractmethod
    def continue_talks(self, result: RoundResult) -> Decision:
        """Return the next decision."""

    def begin(self, session: RailSession, recorder: Recorder) -> None:  # noqa: D102
        self._session, self._recorder = session, recorder
        self._agreed: Array | None = None
        self._was_agreed = True
        self._period = 0
        self._standing = Standing("day ahead")

    def start(self, period: int, train_ready: Array | None = None) -> Decision:  # noqa: D102
        self._period = period
        ready = np.zeros((0, 2)) if train_ready is None else train_ready
        late = self._broken(ready) if self._agreed is not None and self._moving else []
        if self._agreed is not None and not late:
            return Commit(self._agreed, agreed=self._was_agreed, reason="as negotiated before")
        self._standing = Standing("day ahead" if self._agreed is None else f"{', '.join(late)} cannot follow the plan")
        if not self._moving:
            zero = np.zeros(self._session.connection_shape)
            return Evaluate(zero, zero)
        return self.open_talks()

    def next(self, result: RoundResult) -> Decision:  # noqa: D102
        self._standing.rounds += 1
        if not self._moving:
            return self._without_trains(result)
        return self.continue_talks(result)

    @property
    def _moving(self) -> bool:
        return self._session.scheme is RailScheme.MOBILE and bool(self._session.trains)

    def _without_trains(self, result: RoundResult) -> Decision:
        standing = self._standing
        standing.lower_usd = result.asked.bound_usd + result.offered.bound_usd
        self.keep(np.zeros(self._session.connection_shape), result.asked.cost_usd + result.offered.cost_usd)
        self.record("evaluate", result)
        return self.commit(agreed=True, reason="no train runs in this scheme")

    def keep(self, plan: Array, cost_usd: float) -> bool:
        """Take a plan that both can carry out, if it is cheaper than all before."""
        better = cost_usd < self._standing.upper_usd
        if better:
            self._standing.upper_usd, self._standing.plan = cost_usd, plan
        return better

    def bound(self, lower_usd: float) -> None:
        """Take a proven lower bound, if it is better than all before."""
        self._standing.lower_usd = max(self._standing.lower_usd, lower_usd)

    def keep_evaluated(self, result: RoundResult) -> bool:
        """Take the plan that an evaluation found: what transport offers covers what power uses."""
        offered, used = result.offered.connection_veh, result.asked.connection_veh
        if (used > offered + _SAME).any():
            return False
        return self.keep(np.round(offered), result.asked.cost_usd + result.offered.cost_usd)

    def commit(self, *, agreed: bool, reason: str) -> Decision:
        """Return the commit of the best plan, and leave it in the tables."""
        standing = self._standing
        assert standing.plan is not None
        self._agreed, self._was_agreed = standing.plan, agreed
        self._recorder.record(
            "negotiations",
            period=self._period,
            cause=standing.cause,
            rounds=standing.rounds,
            agreed=agreed,
            reason=reason,
            lower_bound_usd=float(standing.lower_usd),
            upper_bound_usd=float(standing.upper_usd),
            gap=float(standing.gap),
        )
        session = self._session
        for k, s, t in np.argwhere(standing.plan > 0.5):
            if t >= self._period:
                self._recorder.record(
                    "connections",
                    negotiated_in=self._period,
                    train=session.trains[k].name,
                    station=session.stations[s],
                    period=int(t),
                )
        return Commit(standing.plan, agreed=agreed, reason=reason)

    def record(self, command: str, result: RoundResult) -> None:
        """Write one row of `rounds`, and tell whoever watches."""
        standing = self._standing
        difference = result.asked.connection_veh - result.offered.connection_veh
        gap = float(standing.gap) if math.isfinite(standing.gap) else -1.0
        self._recorder.record(
            "rounds",
            period=self._period,
            round=standing.rounds,
            command=command,
            lower_bound_usd=float(standing.lower_usd) if math.isfinite(standing.lower_usd) else -1.0,
            upper_bound_usd=float(standing.upper_usd) if math.isfinite(standing.upper_usd) else -1.0,
            gap=gap,
            residual_veh=float(np.abs(difference).sum()),
            shortfall_veh=float(np.maximum(difference, 0.0).sum()),
        )
        self._recorder.progress(period=self._period, round=standing.rounds, gap=round(gap, 6))

    def _broken(self, train_ready: Array) -> list[str]:
        """Return the trains that can no longer stand where and when it was agreed."""
        assert self._agreed is not None
        trip = np.asarray(self._session.trip_periods)
        late = []
        for k, train in enumerate(self._session.trains):
            station, ready = int(train_ready[k, 0]), int(train_ready[k, 1])
            stands = np.argwhere(self._agreed[k, :, self._period :].T > 0.5)
            if not len(stands):
                continue
            first, where = int(stands[0, 0]) + self._period, int(stands[0, 1])
            if ready + trip[station, where] > first:
                late.append(train.name)
        return late


def interchangeable(session: RailSession, train_ready: Array | None = None) -> list[list[int]]:
    """Return the groups of trains that nobody can tell apart: one kind, one home, and ready at one place and time."""
    groups: dict[tuple[object, ...], list[int]] = {}
    for k, train in enumerate(session.trains):
        place: Sequence[float] = () if train_ready is None else tuple(train_ready[k])
        groups.setdefault((train.kind, train.home, *place), []).append(k)
    return list(groups.values())
