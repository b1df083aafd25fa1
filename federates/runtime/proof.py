"""What the answers of one negotiation prove, whatever the algorithm that asks for them says of it.

Two properties of the agents' costs, both part of what `federates.boundary.roles` asks of them, carry the upper bound:

- Who asks uses *at most* what it is given, so its cost never rises with that: an answer that uses u at cost a tells f(z) <= a for
  all z >= u.
- The cost of who offers never falls with what it sends: an answer that sends v at cost b tells f(z) <= b for all z <= v.

So answers whose asked quantities add up to no more than the offered ones are a plan at the sum of their costs, also if they are
of different rounds. Answers in the linear relaxation are no plans and do not count. The lower bound is (43) of Ding et al., JMPCE
2025, DOI 10.35833/MPCE.2023.000976, for any number of agents: the sum of all proven bounds at the same prices. It counts where no
price is below what the world says (`World.least_prices`: 0, but for trains whose routes all agents mean alike).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from federates.boundary.bounds import bounds_cross, proven_gap
from federates.boundary.layout import Layout
from federates.boundary.messages import Array, Quantities
from federates.boundary.roles import Commit, Evaluate, Openings, RoundResult, Solve
from federates.boundary.world import World, world_of

_SAME = 1e-6
"""Quantities no further apart than this are the same."""
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
    """One agent's whole answers and their costs. ``sign``: 1 where it asks, -1 where it offers."""

    sign: Array
    copies: list[Array] = field(default_factory=list)
    costs_usd: list[float] = field(default_factory=list)

    def add(self, copy: Array, cost_usd: float) -> None:
        self.copies.append(copy)
        self.costs_usd.append(cost_usd)

    def least_usd(self, target: Array, slack: Array | float = _SAME) -> float:
        """Return the least that the answers say of the cost at ``target``, ``slack`` more or less; infinite: nothing."""
        if not self.copies:
            return math.inf
        # Signed, what holds at the target is at most it: less is used, or more is sent.
        enough = (self.sign * np.array(self.copies) <= self.sign * target + slack).all(axis=1)
        return float(np.min(np.array(self.costs_usd)[enough], initial=math.inf))


class Proof:
    """Bounds of one negotiation, from the answers alone.

    Parameters
    ----------
    session : public agreement.
    period : the opened period.
    openings : the messages by which the operators have opened it.
    """

    def __init__(self, session: Any, period: int, openings: Openings) -> None:
        self._world: World = world_of(session.world)
        self._session, self._period = session, period
        self.layout = layout = Layout(session, period)
        self._least_price = layout.flat(self._world.least_prices(session, period, openings)) - _NO_PRICE_USD
        self._answers = {agent: _Answers(layout.sign[agent]) for agent in layout.agents}
        self._rounds: list[Mapping[str, Array]] = []
        self.lower_usd, self.upper_usd = -math.inf, math.inf
        self.prices: Quantities | None = None
        """Multipliers of the best lower bound, the shadow prices of the exchanges; None before there is one."""
        self.lower_kinds: tuple[str, ...] = ()
        """What the part of each agent in the best lower bound rests on."""

    def take(self, decision: Solve | Evaluate, result: RoundResult) -> dict[str, Array]:
        """Take in all answers to a decision; return every agent's z_i."""
        copies = self.layout.copies(result.answers)
        answers = [result.answers[agent] for agent in self.layout.agents]
        bound_usd = sum(answer.bound_usd for answer in answers)
        if self._is_bound(decision) and bound_usd > self.lower_usd:
            self.lower_usd = bound_usd
            self.lower_kinds = tuple(answer.bound_kind.word for answer in answers)
            self.prices = decision.prices if isinstance(decision, Solve) else None
        if isinstance(decision, Solve) and decision.relaxed:
            return copies
        self._rounds.append(copies)
        for agent, copy in copies.items():
            self._answers[agent].add(copy, result.answers[agent].cost_usd)
        # Balanced quantities that the answers suggest: all that is asked, if it can be had, and all that is offered.
        layout = self.layout
        all_asked = layout.shares(layout.asked(copies), copies, -1.0)
        all_offered = layout.shares(layout.offered(copies), copies, 1.0)
        self.upper_usd = min(self.upper_usd, self._cost_usd(all_asked), self._cost_usd(all_offered))
        return copies

    def _cost_usd(self, targets: Mapping[str, Array]) -> float:
        return sum(answers.least_usd(targets[agent]) for agent, answers in self._answers.items())

    def _is_bound(self, decision: Solve | Evaluate) -> bool:
        """Return whether the sum of all bounds is one of the joint problem."""
        if isinstance(decision, Evaluate):
            # Where nothing can be exchanged, there is one plan only, and its cost is the problem's.
            return self._world.moves_nothing(self._session)
        return bool((self.layout.flat(decision.prices) >= self._least_price).all())

    @property
    def gap(self) -> float:
        """Return (UB - LB) / |UB|, NaN while a bound is missing."""
        return relative_gap(self.lower_usd, self.upper_usd)

    def cost_usd(self, given: Mapping[str, Quantities]) -> float:
        """Return the least that the answers say of the cost of what is given to the agents, NaN if they do not tell it.

        Where the opened period is rounded it is the cost of a plan that lies at most so far away (`World.whole_slack`).
        """
        layout = self.layout
        plan = {agent: layout.own(agent, given[agent]) for agent in layout.agents}
        near = layout.flat(self._world.whole_slack(self._session, self._period)) + _SAME
        best = math.inf
        for copies in self._rounds:
            shares = layout.shares(layout.asked(copies), copies, -1.0)
            asks = {agent: sign > 0 for agent, sign in layout.sign.items()}
            most = {agent: plan[agent] + near[entries] for agent, entries in layout.entries.items()}
            if all((copies[agent] <= most[agent])[asks[agent]].all() for agent in layout.agents):
                # What this round asked is near the plan; what is sent must cover both.
                covers = {
                    agent: np.where(asks[agent], copies[agent], np.maximum(plan[agent] - near[entries], shares[agent]))
                    for agent, entries in layout.entries.items()
                }
                best = min(best, self._cost_usd(covers))
        return best if math.isfinite(best) else math.nan

    def verdict(self, commit: Commit, agreed_gap: float) -> Verdict:
        """Return what is proven of the plan that is committed; it is agreed if it is within ``agreed_gap`` of the best one."""
        cost_usd, claimed_usd = self.cost_usd(commit.given), max(self.lower_usd, commit.lower_bound_usd)
        gap, claimed_gap = relative_gap(self.lower_usd, cost_usd), relative_gap(claimed_usd, cost_usd)
        if not self._world.negotiates(self._session):
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


def relative_gap(lower_usd: float, upper_usd: float) -> float:
    """Return (UB - LB) / |UB|, at least 0; NaN while a bound is missing, and where they contradict each other."""
    gap = proven_gap(lower_usd, upper_usd)
    return gap if math.isfinite(gap) else math.nan


def _how(gap: float, claimed_gap: float) -> str:
    if math.isnan(gap) or claimed_gap < gap:
        return f"{claimed_gap:.2%} by the algorithm's own bound, {gap:.2%} by the answers alone"
    return f"proven to {gap:.2%}"
