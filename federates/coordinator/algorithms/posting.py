"""Posting of rewards in one negotiation: what is learned from every answer, and what comes of rewards that are posted.

Leaders are the agents that only ask. All others are followers: they answer the rewards of what leaders ask for, and tolls for
what they ask of each other. What they accept at these prices is their own answer. Leaders use of it what they want and pay that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from federates.boundary.messages import Answer, Array
from federates.boundary.negotiation import Copies, Problem, Rounds, T, bound_usd
from federates.boundary.roles import Evaluate, RoundResult, Solve
from federates.coordinator.algorithms.acceptance import Acceptance, Curve
from federates.coordinator.algorithms.bounds import Bounds
from federates.coordinator.algorithms.leader_model import LeaderModel, Proposal
from federates.coordinator.algorithms.tolls import Tolls

_SAME = 1e-6
_MOST_CORRECTIONS = 6
_UNSETTLED = 0.5
"""Distance that an answer has for the acceptance curves where the tolls were not yet those of its rewards."""
_TOLL_BOX, _GROW, _SHRINK = 0.5, 1.5, 0.5
_TOLL_GAP = 1e-4


@dataclass(frozen=True, slots=True)
class Posting:
    """Prices that were posted, (n,), and what came of them.

    ``predicted`` and ``accepted`` are of all followers together, (n,); ``plan`` is in balance and costs what ``answers`` say.
    """

    prices: Array
    predicted: Array
    accepted: Array
    plan: Copies
    answers: Mapping[str, Answer]


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
        self.entries: dict[str, NDArray[np.intp]] = {leader: layout.entries[leader] for leader in self.leaders}
        self.rewarded = rewarded(problem)
        self.model = LeaderModel(self.entries, layout.size)
        self._tolls = Tolls(layout, self.followers, np.nonzero(~self.rewarded)[0])
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
        self._tolls.add(copies, result.answers)
        if isinstance(decision, Solve):
            prices = layout.flat(decision.prices)
            self._bounds.bound(bound_usd(result.answers), prices)
            self.model.add_bounds(prices, result.answers)
            self._acceptance.add(prices, layout.offered(copies), _UNSETTLED if self._tolls.tolled.size else 0.0)

    def curves(self, entries: NDArray[np.intp], centre: Array) -> dict[int, Curve]:
        """Return the acceptance curves of ``entries`` near the prices ``centre``."""
        return {int(entry): self._acceptance.curve(int(entry), centre, self.scale) for entry in entries}

    def first(self, prices: Array) -> Rounds[Posting]:
        """Post rewards of which leaders take no more than they then ask for."""
        entries = np.nonzero(self.rewarded)[0]
        predicted = np.zeros(prices.size)
        for entry, curve in self.curves(entries, prices).items():
            predicted[entry] = curve.at(prices[entry])
        prices, copies = yield from self._settled(prices)
        return (yield from self._outcome(prices, predicted, copies, self.problem.layout.asked(copies)))

    def post(self, proposal: Proposal, wanted: Copies) -> Rounds[Posting]:
        """Post the rewards of a proposal; its tolls are where the search for tolls begins.

        Leaders take all that is accepted, but where they have proposed to use less than they expect; they share it as ``wanted``.
        """
        prices, copies = yield from self._settled(proposal.prices)
        less = proposal.used < proposal.accepted - _SAME
        most = np.where(less, proposal.used, np.inf)
        return (yield from self._outcome(prices, proposal.accepted, {**copies, **wanted}, most))

    def _outcome(self, prices: Array, predicted: Array, copies: Copies, most: Array) -> Rounds[Posting]:
        accepted = self.problem.layout.offered(copies)
        plan, answers = yield from self._balanced(copies, most)
        return Posting(prices, predicted, accepted, plan, answers)

    def _settled(self, prices: Array) -> Rounds[tuple[Array, dict[str, Array]]]:
        """Return the prices with the followers' own tolls, and what all answer to them."""
        tolls, best_usd = self._tolls, -np.inf
        box = _TOLL_BOX * self.scale[tolls.tolled]
        for _ in range(self._toll_rounds):
            now = prices.copy()
            if tolls.tolled.size:
                now[tolls.tolled] = tolls.best(prices, box)[0]
            result = yield self.problem.ask(now)
            copies = self.problem.copies(result)
            if not tolls.tolled.size:
                return prices, copies
            usd = sum(result.answers[agent].bound_usd for agent in self.followers)
            box = box * (_GROW if usd > best_usd else _SHRINK)
            if usd > best_usd:
                prices, best_usd = now, usd
            _, promised_usd, mixed = tolls.best(prices, box)
            copies |= mixed
            if promised_usd - best_usd <= _TOLL_GAP * max(1.0, abs(best_usd)):
                break
        self._acceptance.add(prices, self.problem.layout.offered(copies))
        return prices, copies

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
