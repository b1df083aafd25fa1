"""What the answers of one negotiation prove, whatever the algorithm that asks for them says of it.

Two properties of the operators' costs, both part of what `federates.boundary.roles` asks of them, carry the upper bound:

- f_P never rises with what the power operator is offered, since it uses *at most* that: an answer that uses u at cost a tells
  f_P(z) <= a for every connection z >= u.
- f_T never falls with what the transport operator sends: an answer that sends v at cost b tells f_T(z) <= b for every z <= v.

Where u <= v, a + b is therefore the cost of a plan, also if the two answers are of different rounds. Answers in the linear
relaxation are no plans and do not count. The lower bound is (43) of Ding et al., JMPCE 2025, DOI 10.35833/MPCE.2023.000976: the
sum of both proven bounds at the same prices. It counts where no price is negative; a train whose end is announced and in reach by
the public timetable may have prices of any sign, for there both operators mean the same routes (docs/decisions/0010, 0016, 0208).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from federates.boundary.bounds import bounds_cross, proven_gap
from federates.boundary.messages import Array
from federates.boundary.roles import Commit, Evaluate, RoundResult, Solve
from federates.boundary.session import RailScheme, RailSession, RoadSession, Scheme, Session
from federates.boundary.trains import at_home, end_is_certain

__all__ = ["Proof", "Verdict", "moves_nothing", "relative_gap"]

_SAME_VEH = 1e-6
_WHOLE_VEH = 0.5
"""On the road the opened period is committed in whole vehicles, so it lies this near to a plan that was costed."""
_NO_PRICE_USD = 1e-9


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is proven of a committed plan.

    ``cost_usd`` is what both operators said that it costs (NaN: they did not), ``gap`` its distance from the proven lower bound,
    ``claimed_gap`` from the better of that and the algorithm's own bound, both relative to the cost (NaN: not known, or the
    bounds contradict each other).
    """

    agreed: bool
    words: str
    cost_usd: float
    gap: float
    claimed_gap: float


@dataclass(slots=True)
class _Answers:
    """One operator's whole answers: connections, open periods only, flat, and their costs."""

    connections: list[Array] = field(default_factory=list)
    costs_usd: list[float] = field(default_factory=list)

    def add(self, connection: Array, cost_usd: float) -> None:
        self.connections.append(connection)
        self.costs_usd.append(cost_usd)

    def least_usd(self, chosen: NDArray[np.bool_]) -> float:
        """Return the least cost of the ``chosen`` answers, infinite if there is none."""
        return float(np.min(np.array(self.costs_usd)[chosen], initial=math.inf))

    def between(self, low: Array, high: Array) -> NDArray[np.bool_]:
        """Return which answers lie in a box."""
        if not self.connections:
            return np.zeros(0, dtype=bool)
        stacked = np.array(self.connections)
        return np.asarray(((stacked >= low) & (stacked <= high)).all(axis=1))


class Proof:
    """Bounds of one negotiation, from the answers alone.

    Parameters
    ----------
    session : public agreement.
    period : the opened period.
    train_ready : where the trains are and end, shape (K, 3) (rail).
    """

    def __init__(self, session: Session, period: int, train_ready: Array | None = None) -> None:
        self._session = session
        self._first = period if isinstance(session, RailSession) else 0
        self._least_price = np.where(_free(session, period, train_ready), -math.inf, -_NO_PRICE_USD)[:, None, None]
        self._power, self._transport = _Answers(), _Answers()
        self.lower_usd, self.upper_usd = -math.inf, math.inf
        self.prices_usd_per_veh: Array | None = None
        """Multipliers of the best lower bound, the shadow prices of the connection; None before there is one."""
        self.lower_kinds: tuple[str, ...] = ()  # what the power operator's part of it rests on, and the transport operator's

    def take(self, decision: Solve | Evaluate, result: RoundResult) -> None:
        """Take in both answers to a decision."""
        asked, offered = result.asked, result.offered
        if self._is_bound(decision) and asked.bound_usd + offered.bound_usd > self.lower_usd:
            self.lower_usd = asked.bound_usd + offered.bound_usd
            self.lower_kinds = asked.bound_kind.word, offered.bound_kind.word
            self.prices_usd_per_veh = decision.multipliers_usd_per_veh if isinstance(decision, Solve) else None
        if isinstance(decision, Solve) and decision.relaxed:
            return
        used, sent = self.open_part(asked.connection_veh), self.open_part(offered.connection_veh)
        self._power.add(used, asked.cost_usd)
        self._transport.add(sent, offered.cost_usd)
        self.upper_usd = min(
            self.upper_usd,
            asked.cost_usd + self._transport.least_usd(self._transport.between(used - _SAME_VEH, math.inf * np.ones_like(used))),
            offered.cost_usd + self._power.least_usd(self._power.between(-math.inf * np.ones_like(sent), sent + _SAME_VEH)),
        )

    def open_part(self, connection: Array) -> Array:
        """Return the entries that are still open, flat."""
        return np.array(connection[:, :, self._first :], dtype=np.float64).ravel()

    def _is_bound(self, decision: Solve | Evaluate) -> bool:
        """Return whether the sum of both bounds is one of the joint problem."""
        if isinstance(decision, Evaluate):
            # Where no vehicle can go anywhere, there is one connection only, and its cost is the problem's.
            return moves_nothing(self._session)
        prices = decision.multipliers_usd_per_veh[:, :, self._first :]
        return bool((prices >= self._least_price).all())

    @property
    def gap(self) -> float:
        """Return (UB - LB) / |UB|, NaN while a bound is missing."""
        return relative_gap(self.lower_usd, self.upper_usd)

    def cost_usd(self, plan: Array) -> float:
        """Return the least that both operators' answers say of the cost of ``plan``, NaN if they do not tell it.

        On the road it is the cost of a plan whose opened period is at most half a vehicle a pair away from ``plan``.
        """
        slack = np.full(plan.shape, _SAME_VEH)
        if isinstance(self._session, RoadSession):
            slack[:, :, 0] += _WHOLE_VEH
        open_plan, near = self.open_part(plan), self.open_part(slack)
        most = math.inf * np.ones_like(open_plan)
        best, enough = math.inf, self._transport.between(open_plan - near, most)
        for i in np.flatnonzero(self._power.between(-most, open_plan + near)):
            covers = enough & self._transport.between(self._power.connections[i] - _SAME_VEH, most)
            best = min(best, self._power.costs_usd[i] + self._transport.least_usd(covers))
        return best if math.isfinite(best) else math.nan

    def verdict(self, commit: Commit, agreed_gap: float) -> Verdict:
        """Return what is proven of the plan that is committed; it is agreed if it is within ``agreed_gap`` of the best one."""
        cost_usd, claimed_usd = self.cost_usd(commit.connection_veh), max(self.lower_usd, commit.lower_bound_usd)
        gap, claimed_gap = relative_gap(self.lower_usd, cost_usd), relative_gap(claimed_usd, cost_usd)
        if not _negotiates(self._session):
            words, agreed = "nothing is negotiated in this scheme", commit.agreed
        else:
            words = self._objection(commit, claimed_usd, claimed_gap, agreed_gap)
            agreed = not words
        return Verdict(agreed, words or _how(gap, claimed_gap), cost_usd, gap, claimed_gap)

    def _objection(self, commit: Commit, lower_usd: float, gap: float, agreed_gap: float) -> str:
        """Return why the plan is not agreed, empty if it is."""
        if bounds_cross(lower_usd, self.upper_usd):
            whose = "an operator's" if lower_usd == self.lower_usd else "the algorithm's"
            crossed = f"a lower bound of {lower_usd:.6g} usd lies above the cost of a plan, {self.upper_usd:.6g} usd"
            return f"{crossed}: {whose} bound is wrong"
        if not commit.agreed:
            return "the algorithm does not say so"
        if math.isnan(gap):
            missing = "a lower bound" if not math.isfinite(lower_usd) else "what the committed plan costs"
            return f"the answers do not tell {missing}"
        if gap > agreed_gap:
            return f"proven to {gap:.2%} only, agreed means {agreed_gap:.2%} (agreed_gap in broker.yaml)"
        return ""


def moves_nothing(session: Session) -> bool:
    """Return whether the scheme has one connection only: nothing stands or goes anywhere."""
    if isinstance(session, RailSession):
        return session.scheme is not RailScheme.MOBILE or not session.trains
    return isinstance(session, RoadSession) and session.scheme is Scheme.NO_MVES


def relative_gap(lower_usd: float, upper_usd: float) -> float:
    """Return (UB - LB) / |UB|, at least 0; NaN while a bound is missing, and where they contradict each other."""
    gap = proven_gap(lower_usd, upper_usd)
    return gap if math.isfinite(gap) else math.nan


def _negotiates(session: Session) -> bool:
    if isinstance(session, RoadSession):
        return session.scheme is Scheme.PROPOSED
    return not moves_nothing(session)


def _how(gap: float, claimed_gap: float) -> str:
    if math.isnan(gap) or claimed_gap < gap:
        return f"{claimed_gap:.2%} by the algorithm's own bound, {gap:.2%} by the answers alone"
    return f"proven to {gap:.2%}"


def _free(session: Session, period: int, train_ready: Array | None) -> NDArray[np.bool_]:
    """Return which rows of a connection may have prices of any sign, (N,)."""
    if not isinstance(session, RailSession):
        return np.zeros(session.connection_shape[0], dtype=bool)
    places = np.round(at_home(session) if train_ready is None else train_ready).astype(int).tolist()
    return np.array([end_is_certain(session, at, max(since, period), end) for at, since, end in places], dtype=bool)
