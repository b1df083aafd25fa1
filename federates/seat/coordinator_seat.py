"""A coordinator whose questions a person asks; its algorithm proposes each one, and asks it where the person does not."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from federates.boundary.messages import Array, Quantities
from federates.boundary.negotiation import Agreement, Negotiate, Problem, Rounds
from federates.boundary.roles import (
    Commit,
    CoordinationAlgorithm,
    Decision,
    Evaluate,
    Openings,
    Recorder,
    RoundResult,
    Solve,
)
from federates.boundary.world import World, world_of
from federates.runtime.proof import Proof
from federates.seat.asking import Refused, hear
from federates.seat.entries import fields, plain, read_prices, read_quantities
from federates.seat.mailbox import Mailbox
from federates.seat.sheet import Loaded, sheet

MOST_OWN_ROUNDS = 50
"""Questions of a person's own in one period; from then on the algorithm goes on."""
_MOST_PLANS = 5
_HOLD_POLL_S = 0.1
_REASON = "the person in the coordinator's seat committed this plan"


class CoordinatorSeat(CoordinationAlgorithm):
    """The person asks at prices, asks what a plan costs, or commits one that the answers have shown to be possible.

    The algorithm is always in step: it is sent the answers to its own questions only, and its next question waits while the
    person asks others. Whoever asks, the loop that carries the questions out proves what the answers prove.

    Parameters
    ----------
    algorithm : proposes, and decides where the person does not.
    seconds : for one decision; 0: the person is never asked, and only the lecturer's `hold` is looked at.
    agreed_gap : of ``broker.yaml``: a plan proven to cost at most this share more than the best one is agreed.
    most_hold_s : longest that the lecturer may hold one decision.
    """

    def __init__(
        self,
        algorithm: CoordinationAlgorithm,
        mailbox: Mailbox,
        seconds: float,
        loaded: Loaded,
        agreed_gap: float,
        most_hold_s: float,
    ) -> None:
        super().__init__(algorithm.settings, algorithm.folder)
        self._algorithm, self._mailbox, self._seconds, self._loaded = algorithm, mailbox, seconds, loaded
        self._agreed_gap, self._most_hold_s = agreed_gap, most_hold_s
        self._own_day: Any = None
        """The world's day, where the plan that goes on is the person's and the algorithm does not know it."""
        self._ending: Rounds[Commit] | None = None
        """What the world's day still asks, once the person has committed a plan."""

    def begin(self, session: Any, recorder: Recorder) -> None:
        """Let the algorithm begin, and write what the person may know."""
        self._algorithm.begin(session, recorder)
        self._session = session
        self._world: World = world_of(session.world)
        self._mailbox.sheet(sheet(self._loaded, self.folder, session, self._seconds))

    def start(self, period: int, openings: Openings) -> Decision:
        """Open a period: a plan of the person's own goes on where the world says so, else the algorithm proposes."""
        self._hold(period)
        self._talk, self._ending = _Talk(Problem.of(self._session, period, openings)), None
        if (plan := self._own_plan_goes_on(self._talk.problem)) is not None:
            return plan
        self._proposed = self._algorithm.start(period, openings)
        # Without a question there is no negotiation in this period.
        return self._proposed if isinstance(self._proposed, Commit) else self._decide()

    def next(self, result: RoundResult) -> Decision:
        """Take in the answers, and decide again."""
        self._hold(self._talk.problem.period)
        decision = self._talk.take(result)
        if self._ending is not None:
            return self._to_the_end(result)
        if decision is self._proposed:
            self._proposed = self._algorithm.next(result)
        else:
            self._talk.own_rounds += 1
        return self._decide()

    def _hold(self, period: int) -> None:
        """Wait as long as the lecturer wants."""
        until = time.monotonic() + self._most_hold_s
        while self._mailbox.held(period) and time.monotonic() < until:
            time.sleep(_HOLD_POLL_S)

    def _decide(self) -> Decision:
        decision = self._ask() if self._is_asked else self._proposed
        if isinstance(decision, Commit):
            if decision is self._proposed:
                self._own_day = None
                return self._committed(decision)
            problem = self._talk.problem
            self._own_day = self._world.day(self._session)
            plan = {agent: problem.layout.own(agent, given) for agent, given in decision.given.items()}
            self._ending = self._own_day.rounds(problem.period, problem.openings, _agreeing(plan))
            return self._to_the_end(None)
        self._talk.asked = decision
        return decision

    def _to_the_end(self, result: RoundResult | None) -> Decision:
        """Return what the world's day still asks before the person's plan is carried out, or the decision to do so."""
        assert self._ending is not None
        try:
            decision = self._ending.send(result)  # type: ignore[arg-type]
        except StopIteration as end:
            commit: Commit = end.value
            return self._committed(commit)
        self._talk.asked = decision
        return decision

    def _committed(self, commit: Commit) -> Commit:
        """Keep account of what is committed, at which prices, and of what is proven of it."""
        talk, problem = self._talk, self._talk.problem
        prices = talk.proof.prices if commit.prices is None else commit.prices
        verdict = talk.proof.verdict(commit, self._agreed_gap)
        self._mailbox.ask(
            "commit",
            None,
            period=problem.period,
            hour=self._session.hour_of_day(problem.period),
            round=talk.rounds,
            given=plain(commit.given),
            prices=plain(prices),
            cost_usd=plain(verdict.cost_usd),
            lower_usd=plain(talk.proof.lower_usd),
            agreed=verdict.agreed,
            verdict=verdict.words,
        )
        return commit

    @property
    def _is_asked(self) -> bool:
        world, session = self._world, self._session
        return self._seconds > 0 and world.negotiates(session) and not world.moves_nothing(session)

    def _ask(self) -> Decision:
        talk, problem = self._talk, self._talk.problem
        self._fields = fields(self._world, self._session, self._loaded.role, problem.period)
        best, hour = plain(talk.shown(self._proposed)), self._session.hour_of_day(problem.period)
        same = {"period": problem.period, "hour": hour, "round": talk.rounds + 1}
        heard = plain(talk.heard())
        n = self._mailbox.ask("coordinate", self._seconds, **same, openings=plain(problem.openings), **heard, best=best)
        answer = hear(self._mailbox, n, self._seconds, self._read, self._calculate)
        decision = self._proposed if answer.answer is None else answer.answer
        by, shown = "class" if answer.answer is None else "person", plain(talk.shown(decision))
        said = {"kind": "coordinate", **same, "by": by, "why": answer.why, "decision": shown, "best": best}
        self._mailbox.answered(n, said)
        return decision

    def _read(self, given: Any) -> Decision:
        """Return the decision in a person's answer; raise `Refused` if it cannot be carried out."""
        talk, problem = self._talk, self._talk.problem
        if not isinstance(given, dict) or len(given) != 1 or not set(given) <= {"prices", "given", "commit", "best"}:
            raise Refused("A decision has one of the keys prices, given, commit and best.")
        ((kind, value),) = given.items()
        if kind == "best":
            return self._proposed
        if kind != "commit" and talk.own_rounds >= MOST_OWN_ROUNDS:
            raise Refused(f"You have asked {MOST_OWN_ROUNDS} questions of your own in this period: commit a plan.")
        if kind == "prices":
            return Solve(read_prices(value, self._fields))
        shares = problem.everyone(problem.layout.flat(read_quantities(value, self._fields)), talk.copies)
        if kind == "given":
            return problem.evaluate(shares)
        given = problem.evaluate(shares).given
        if not np.isfinite(talk.proof.cost_usd(given)):
            raise Refused("The answers do not tell that this plan can be carried out: ask first what it costs.")
        return Commit(given, agreed=True, reason=_REASON)

    def _calculate(self, decision: Decision) -> Mapping[str, Any]:
        """Return what would be proven of a plan; a question costs nothing."""
        if not isinstance(decision, Commit):
            return dict.fromkeys(("cost_usd", "gap", "agreed", "verdict"))
        verdict = self._talk.proof.verdict(decision, self._agreed_gap)
        found = {"cost_usd": verdict.cost_usd, "gap": verdict.gap, "agreed": verdict.agreed, "verdict": verdict.words}
        return dict(plain(found))

    def _own_plan_goes_on(self, problem: Problem) -> Commit | None:
        """Return the decision to go on with the person's own plan; None if there is none, or it no longer holds."""
        if self._own_day is None or not self._world.plan_lasts(self._session):
            return None
        rounds = self._own_day.rounds(problem.period, problem.openings, _never_asked)
        try:
            next(rounds)
        except StopIteration as end:
            plan: Commit = end.value
            return plan
        rounds.close()
        return None


@dataclass
class _Talk:
    """What was asked and answered in one period."""

    problem: Problem
    rounds: int = 0
    own_rounds: int = 0
    asked: Decision | None = None
    result: RoundResult | None = None
    copies: Mapping[str, Array] | None = None
    """Every agent's z_i of the last answers."""

    def __post_init__(self) -> None:
        self.proof = Proof(self.problem.session, self.problem.period, self.problem.openings)
        self._candidates: list[tuple[str, Mapping[str, Array]]] = []

    def take(self, result: RoundResult) -> Decision:
        """Take in the answers to the last decision, and return that."""
        decision = self.asked
        assert isinstance(decision, Solve | Evaluate), "only a question has answers"
        self.rounds += 1
        self.result, self.copies = result, self.proof.take(decision, result)
        if not (isinstance(decision, Solve) and decision.relaxed):
            self._note(decision)
        return decision

    def _note(self, decision: Solve | Evaluate) -> None:
        """Keep the balanced plans that the last answers suggest."""
        layout, copies = self.problem.layout, self.copies or {}
        both = np.minimum(layout.asked(copies), layout.offered(copies))
        totals = {"asked": layout.asked(copies), "offered": layout.offered(copies), "asked and offered": both}
        for words, total in totals.items():
            plan = self.problem.everyone(total, copies)
            if not any(_same(plan, other) for _, other in self._candidates):
                self._candidates.append((f"what was {words} in round {self.rounds}", plan))

    def plans(self) -> Iterator[dict[str, Any]]:
        """Yield the plans whose cost the answers tell, the cheapest first."""
        costed = [(self.proof.cost_usd(self._by_agent(plan)), name, plan) for name, plan in self._candidates]
        known = sorted((each for each in costed if np.isfinite(each[0])), key=lambda each: each[0])
        for cost_usd, name, plan in known[:_MOST_PLANS]:
            yield {"name": name, "quantities": self._total(plan), "cost_usd": cost_usd}

    def heard(self) -> dict[str, Any]:
        """Return what the person is told of the rounds so far."""
        answers = None
        if self.result is not None:
            answers = {
                agent: {"quantities": answer.quantities, "cost_usd": answer.cost_usd, "bound_usd": answer.bound_usd}
                for agent, answer in self.result.answers.items()
            }
        proof = {"lower_usd": self.proof.lower_usd, "upper_usd": self.proof.upper_usd, "gap": self.proof.gap}
        prices = self.asked.prices if isinstance(self.asked, Solve) else None
        return {"answers": answers, "asked_prices": prices, "proof": proof, "plans": list(self.plans())}

    def shown(self, decision: Decision) -> dict[str, Any]:
        """Return a decision in the form of an answer."""
        if isinstance(decision, Solve):
            return {"prices": decision.prices}
        key = "given" if isinstance(decision, Evaluate) else "commit"
        layout = self.problem.layout
        return {key: self._total({agent: layout.own(agent, decision.given[agent]) for agent in layout.agents})}

    def _by_agent(self, plan: Mapping[str, Array]) -> dict[str, Quantities]:
        return {agent: self.problem.layout.own_shaped(agent, copy) for agent, copy in plan.items()}

    def _total(self, plan: Mapping[str, Array]) -> Quantities:
        return self.problem.layout.shaped(self.problem.layout.offered(plan))


def _same(one: Mapping[str, Array], other: Mapping[str, Array]) -> bool:
    return all(np.array_equal(one[agent], other[agent]) for agent in one)


def _never_asked(problem: Problem, gap_share: float = 1.0) -> Rounds[Agreement]:
    """Ask something, which says that a negotiation is needed."""
    yield problem.ask(np.zeros(problem.prices))
    raise AssertionError("the question is never asked")


def _agreeing(plan: Mapping[str, Array]) -> Negotiate:
    """Return a negotiation that ends at once with a plan."""

    def agree(problem: Problem, gap_share: float = 1.0) -> Rounds[Agreement]:
        return Agreement(plan, agreed=True, reason=_REASON, lower_bound_usd=-np.inf)
        yield  # without it this would be no generator

    return agree
