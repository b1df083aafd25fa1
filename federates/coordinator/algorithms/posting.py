"""Posting of rewards in one negotiation: what is learned from every answer, and what comes of rewards that are posted.

Leaders are the agents that only ask. All others are followers: they answer the rewards of what leaders ask for, and tolls for
what they ask of each other. What they accept at these prices is their own answer. Leaders use of it what they want and pay that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from federates.boundary.messages import Answer, Array
from federates.boundary.negotiation import Copies, Problem, Rounds, T, bound_usd
from federates.boundary.roles import Evaluate, RoundResult, Solve
from federates.coordinator.algorithms.acceptance import Acceptance, Curve
from federates.coordinator.algorithms.bounds import Bounds
from federates.coordinator.algorithms.followers import Followers, Own
from federates.coordinator.algorithms.leader_model import LeaderModel, Proposal

_SAME = 1e-6
_MOST_CORRECTIONS = 6
_UNSETTLED = 0.5
"""Distance that an answer has for the acceptance curves where the tolls were not yet those of its rewards."""
_TOLL_BOX, _GROW, _SHRINK = 0.5, 1.5, 0.5
_TOLL_GAP = 1e-5
_LONGER = 5
"""In the end so many times as many rounds are for the tolls."""


Entries: TypeAlias = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Posting:
    """Prices that were posted, (n,), and what came of them.

    ``predicted`` and ``accepted`` are of all followers together, (n,), ``own`` is what each accepts; of it leaders take
    ``most`` (n,) at most. ``plan`` is in balance and costs what ``answers`` say.
    """

    prices: Array
    predicted: Array
    accepted: Array
    most: Array
    own: Mapping[str, Own]
    plan: Copies
    answers: Mapping[str, Answer]
    toll_gap_usd: float
    """How much more better tolls may give the followers together, by all that is known near these."""


class Settled(NamedTuple):
    """The followers' market at some rewards: prices with its tolls, (n,), the last answers, what each does, and its gap."""

    prices: Array
    result: RoundResult
    own: dict[str, Own]
    gap_usd: float


class Posts:
    """The rounds in which rewards are posted.

    Parameters
    ----------
    problem : what is negotiated.
    acceptance : what followers have accepted so far, in periods before too.
    bounds : where the best lower bound of the joint cost is kept.
    toll_rounds : most rounds in which tolls are sought for one set of rewards.
    """

    def __init__(self, problem: Problem, acceptance: Acceptance, bounds: Bounds, toll_rounds: int) -> None:
        layout = problem.layout
        self.problem, self._acceptance, self._bounds, self._toll_rounds = problem, acceptance, bounds, toll_rounds
        self.leaders = leaders_of(problem)
        self.followers = tuple(agent for agent in layout.agents if agent not in self.leaders)
        self.entries: dict[str, Entries] = {leader: layout.entries[leader] for leader in self.leaders}
        self.rewarded = rewarded(problem)
        self.model = LeaderModel(self.entries, layout.size)
        self.learned = Followers(layout, self.followers, np.nonzero(~self.rewarded)[0])
        self.scale = np.ones(layout.size)
        """A usual price of every entry, (n,)."""
        self.rounds = 0

    def heard(self, rounds: Rounds[T]) -> Rounds[T]:
        """Return what ``rounds`` return; everything is learned from every answer on the way."""
        try:
            decision = next(rounds)
            while True:
                result = yield decision
                self._take(decision, result)
                decision = rounds.send(result)
        except StopIteration as end:
            found: T = end.value
            return found

    def _take(self, decision: Solve | Evaluate, result: RoundResult) -> None:
        self.rounds += 1
        copies, layout = self.problem.copies(result), self.problem.layout
        self.model.add(copies, result.answers)
        self.learned.add(copies, result.answers)
        if isinstance(decision, Solve):
            prices = layout.flat(decision.prices)
            self._bounds.update_lower(bound_usd(result.answers), prices)
            self.model.add_bounds(prices, result.answers)
            self._acceptance.add(prices, layout.offered(copies), _UNSETTLED if self.learned.tolled.size else 0.0)

    def curves(self, entries: Entries, centre: Array) -> dict[int, Curve]:
        """Return the acceptance curves of ``entries`` near the prices ``centre``."""
        return {int(entry): self._acceptance.curve(int(entry), centre, self.scale) for entry in entries}

    def first(self, prices: Array) -> Rounds[Posting]:
        """Post rewards of which leaders take no more than they then ask for."""
        predicted = np.zeros(prices.size)
        for entry, curve in self.curves(np.nonzero(self.rewarded)[0], prices).items():
            predicted[entry] = curve.at(prices[entry])
        return (yield from self._posted(prices, predicted, None, {}))

    def post(self, last: Posting, proposal: Proposal, entries: Entries, wanted: Copies) -> Rounds[Posting]:
        """Post the rewards of a proposal for ``entries``; its tolls are where the search for tolls begins.

        Leaders take all that is accepted, but where they have proposed to use less than they expect; they share it as ``wanted``.
        At other entries all goes on as at the last posting.
        """
        predicted, most = last.accepted.copy(), last.most.copy()
        predicted[entries] = proposal.accepted[entries]
        less = proposal.used[entries] < proposal.accepted[entries] - _SAME
        most[entries] = np.where(less, proposal.used[entries], np.inf)
        others = {leader: last.plan[leader] for leader in self.leaders if leader not in wanted}
        return (yield from self._posted(proposal.prices, predicted, most, {**others, **wanted}))

    def to_the_end(self, last: Posting) -> Rounds[Posting]:
        """Post the same rewards again, if there are tolls, and seek these for longer."""
        if not self.learned.tolled.size:
            return last
        self._toll_rounds *= _LONGER
        return (yield from self._posted(last.prices, last.predicted, last.most, {each: last.plan[each] for each in self.leaders}))

    def _posted(self, prices: Array, predicted: Array, most: Array | None, wanted: Copies) -> Rounds[Posting]:
        market = yield from self.settled(prices)
        layout, own = self.problem.layout, market.own
        copies = {**self.problem.copies(market.result), **{agent: each.copy for agent, each in own.items()}}
        accepted = layout.offered(copies)
        most = layout.asked(copies) if most is None else most
        plan, answers = yield from self._balanced({**copies, **wanted}, most)
        return Posting(market.prices, predicted, accepted, most, own, plan, answers, market.gap_usd)

    def settled(self, prices: Array) -> Rounds[Settled]:
        """Return what followers do at the rewards in ``prices`` and the tolls that they find; its tolls are the first ones."""
        tolled = self.learned.tolled
        if not tolled.size:
            result = yield self.problem.ask(prices)
            copies = self.problem.copies(result)
            own = {agent: Own(copies[agent], result.answers[agent].cost_usd) for agent in self.followers}
            return Settled(prices, result, own, 0.0)
        box, best_usd = _TOLL_BOX * self.scale[tolled], -np.inf
        tolls, promised_usd, own = self.learned.tolls(prices, box)
        for _ in range(self._toll_rounds):
            now = prices.copy()
            now[tolled] = tolls
            result = yield self.problem.ask(now)
            usd = sum(result.answers[agent].bound_usd for agent in self.followers)
            box = box * (_GROW if usd > best_usd else _SHRINK)
            if usd > best_usd:
                prices, best_usd = now, usd
            tolls, promised_usd, own = self.learned.tolls(prices, box)
            if promised_usd - best_usd <= _TOLL_GAP * max(1.0, abs(best_usd)):
                break
        copies = {**self.problem.copies(result), **{agent: each.copy for agent, each in own.items()}}
        self._acceptance.add(prices, self.problem.layout.offered(copies))
        return Settled(prices, result, own, promised_usd - best_usd)

    def _balanced(self, copies: Copies, most: Array) -> Rounds[tuple[Copies, Mapping[str, Answer]]]:
        """Return what of the followers' answer can be carried out and is used, ``most`` (n,) at most, in balance, and its cost.

        Leaders are given what is accepted, who is asked for passages what is asked; then all get the smaller of both sides, until
        nothing changes any more. Where that takes too long nothing is exchanged.
        """
        problem, layout = self.problem, self.problem.layout
        total = np.where(self.rewarded, np.minimum(layout.offered(copies), most), layout.asked(copies))
        given = problem.everyone(total, copies)
        for left in reversed(range(_MOST_CORRECTIONS)):
            result = yield problem.evaluate(given)
            after = problem.copies(result)
            total = np.minimum(layout.asked(after), layout.offered(after))
            less = problem.everyone(total if left > 1 else np.zeros_like(total), after)
            if all(np.allclose(given[agent], less[agent], rtol=0.0, atol=_SAME) for agent in given):
                break
            given = less
        return given, result.answers


def leaders_of(problem: Problem) -> tuple[str, ...]:
    """Return the agents that only ask."""
    return tuple(agent for agent in problem.agents if problem.layout.only_asks(agent))


def rewarded(problem: Problem) -> NDArray[np.bool_]:
    """Return which entries leaders ask for, (n,)."""
    found = np.zeros(problem.layout.size, dtype=bool)
    for leader in leaders_of(problem):
        found[problem.layout.entries[leader]] = True
    return found
