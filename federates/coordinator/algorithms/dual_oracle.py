"""What is asked of the agents where quantities are whole, and what is taken from each answer: bounds, plans, and planes.

The connection is taken as *equal* on both sides, J = I, instead of (38), J <= I. Nothing is lost by that: to stand connected
costs the power operator nothing, so its copy may be the transport operator's whole route. What is won is the sign: the
multipliers of an equation may be negative. Then they pay a train for standing, which is how a price per stand can say what a
trip costs; with lambda >= 0 it cannot, because idle trains would not feel it.

A train whose end is open keeps lambda >= 0: its two operators need not mean the same routes.
"""

from __future__ import annotations

from typing import Protocol

from federates.boundary.canonical import to_grid
from federates.boundary.messages import Answer, Array
from federates.boundary.negotiation import Copies, Problem, Rounds, bound_usd
from federates.boundary.roles import Evaluate, RoundResult
from federates.coordinator.algorithms.bounds import Bounds

_SAME = 1e-6


class Cutting(Protocol):
    """A master problem that takes every answer as cuts."""

    def add_prices(self, prices: Array, result: RoundResult) -> None:
        """Take the answers to ``prices`` (m,)."""

    def add_evaluation(self, connection: Array, result: RoundResult, *, possible: bool) -> None:
        """Take what all said of ``connection`` (n,); ``possible``: it can be carried out."""

    def forbid(self, connection: Array) -> None:
        """Cut off everything that has all of ``connection`` (n,)."""

    def conflicts(self, wanted: Array, sent: Array) -> list[Array]:
        """Return parts of ``wanted`` (n,) that may be what is impossible in it, where ``sent`` is sent instead."""


class DualOracle:
    """The rounds of one negotiation.

    Parameters
    ----------
    problem : what is negotiated.
    bounds : where bounds and plan are kept; its prices are those of the problem, (m,).
    max_rounds : most rounds; `left` tells how many are left.
    master : takes every answer as cuts, if there is one.
    """

    def __init__(self, problem: Problem, bounds: Bounds, max_rounds: int, master: Cutting | None = None) -> None:
        self.problem, self.bounds, self.master = problem, bounds, master
        self.left = max_rounds
        self._decimals = problem.layout.exchanges[0].price.decimals
        self._seen: set[bytes] = set()
        self._pairs: set[bytes] = set()
        """Pairs of which was asked whether both can be had; what they cost is not known by that."""
        self.plans: list[tuple[str, Array, float]] = []
        """What each agent can do as a whole, and at which cost: name, its quantities, usd."""

    def asked(self, result: RoundResult) -> Array:
        """Return all that is asked, (n,)."""
        return self.problem.layout.asked(self.problem.copies(result))

    def offered(self, result: RoundResult) -> Array:
        """Return all that is offered, (n,)."""
        return self.problem.layout.offered(self.problem.copies(result))

    def relax(self, prices: Array) -> Rounds[RoundResult]:
        """Ask for the linear relaxations at ``prices`` (m,)."""
        return (yield from self._ask(prices, relaxed=True))

    def solve(self, prices: Array) -> Rounds[RoundResult]:
        """Ask for whole quantities at ``prices`` (m,)."""
        result = yield from self._ask(prices, relaxed=False)
        self._keep_plans(self.problem.copies(result), result)
        return result

    def _ask(self, prices: Array, *, relaxed: bool) -> Rounds[RoundResult]:
        self.left -= 1
        prices = to_grid(prices, self._decimals)  # a cut's slope is the price that was heard
        result = yield self.problem.ask(prices, relaxed=relaxed)
        self.bounds.update_lower(bound_usd(result.answers), prices)
        for agent, question, answer in result.late:
            if isinstance(question, Evaluate) or not question.relaxed:
                self.plans.append((agent, self.problem.layout.own(agent, answer.quantities), answer.cost_usd))
        if self.master is not None:
            self.master.add_prices(prices, result)
        return result

    def offer(self, connection: Array) -> Rounds[RoundResult | None]:
        """Ask all what ``connection`` (n,) costs, and what would be sent instead, if that may be a better plan.

        Return the answers to ``connection``, None if they are known already.
        """
        connection = self.problem.ordered(connection)
        if self.known(connection):
            return None
        self.left -= 1
        self._seen.add(connection.tobytes())
        result = yield self.problem.evaluate(self.problem.everyone(connection))
        self._take_evaluation(connection, result)
        sent = self.problem.carried_out(self.offered(result))
        if self.master is not None:
            yield from self._find_conflicts(connection, sent, self.master)
        if self.left > 0 and self._may_be_better(connection, result):
            yield from self.offer(sent)
        return result

    def _may_be_better(self, connection: Array, result: RoundResult) -> bool:
        """Return whether, by the planes of those who ask, what is sent instead of ``connection`` may be the best plan."""
        layout, change = self.problem.layout, self.offered(result) - connection
        least_usd = 0.0
        for agent, answer in result.answers.items():
            if layout.only_offers(agent):
                least_usd += answer.cost_usd
            elif answer.slopes is None:
                return True
            else:
                slope = layout.own(agent, answer.slopes)
                least_usd += answer.bound_usd + float((slope * change[layout.entries[agent]]).sum())
        return least_usd < self.bounds.upper_usd - _SAME

    def _find_conflicts(self, wanted: Array, sent: Array, master: Cutting) -> Rounds[None]:
        """Ask which two parts of ``wanted`` cannot both be had, where ``sent`` lacks one of them; they are cut off for good."""
        for pair in master.conflicts(wanted, sent):
            if self.left <= 0 or self.bounds.plan is None:
                return
            if (key := self.problem.ordered(pair).tobytes()) in self._pairs:
                continue
            self._pairs.add(key)
            self.left -= 1
            # Who asks is given what it has planned already: this round is of those who offer.
            result = yield self._evaluate_offers(self.bounds.plan, pair)
            if (self.offered(result) < pair - _SAME).any():
                master.forbid(pair)

    def _evaluate_offers(self, plan: Copies, vector: Array) -> Evaluate:
        layout = self.problem.layout
        return self.problem.evaluate(
            {agent: vector[layout.entries[agent]] if layout.only_offers(agent) else plan[agent] for agent in layout.agents}
        )

    def known(self, connection: Array) -> bool:
        """Return whether the cost of ``connection`` is known, alike entries being exchanged at will."""
        return self.problem.ordered(connection).tobytes() in self._seen

    def _take_evaluation(self, connection: Array, result: RoundResult) -> None:
        layout, copies = self.problem.layout, self.problem.copies(result)
        sent = layout.offered(copies)
        possible = bool((sent >= connection - _SAME).all())
        if possible:
            # The cost of who asks never rises with what is offered, so that of the smaller connection holds for the plan.
            plan = self.problem.everyone(self.problem.carried_out(sent), copies)
            self.bounds.update_upper(plan, sum(answer.cost_usd for answer in result.answers.values()))
        if self.master is not None:
            self.master.add_evaluation(connection, result, possible=possible)
        given = {agent: connection[entries] for agent, entries in layout.entries.items()}
        self._keep_plans({agent: copies[agent] if layout.only_offers(agent) else given[agent] for agent in copies}, result)
        self._keep_plans(copies, result)

    def _keep_plans(self, copies: Copies, result: RoundResult) -> None:
        answers: dict[str, Answer] = dict(result.answers)
        self.plans += [(agent, copy, answers[agent].cost_usd) for agent, copy in copies.items()]
