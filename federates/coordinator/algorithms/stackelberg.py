"""Incentive as a Stackelberg game: leaders post rewards before followers decide, expecting what these will accept.

Leaders are the agents that only ask, such as power companies; all others follow. With S(r) for what followers accept at
rewards r, f for the leaders' own cost and u for what they use (von Stackelberg, "Marktform und Gleichgewicht", 1934; one buyer
who posts a price is the monopsony of Robinson, "The Economics of Imperfect Competition", 1933)::

    min over r, u   f(u) + r . u      0 <= u <= S(r)

Nobody's data are known: S is learned (`acceptance`), f too (`leader_model`), and the plan in the end is what came of rewards that
were posted (`posting`, `best_response`). A negotiation as by `ocd` comes first, to learn from it and to compare with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field

from federates.boundary.config import Config
from federates.boundary.errors import Problem as ConfigProblem
from federates.boundary.messages import Answer, Array
from federates.boundary.negotiation import Problem, Rounds
from federates.boundary.roles import Recorder, Solve
from federates.boundary.world import world_of
from federates.coordinator.algorithms.acceptance import Acceptance
from federates.coordinator.algorithms.best_response import BestResponse, Found, total_usd
from federates.coordinator.algorithms.bounds import Bounds, Outcome
from federates.coordinator.algorithms.ocd import OcdSettings, OptimalityConditionDecomposition
from federates.coordinator.algorithms.posting import Posts, leaders_of, rewarded
from federates.coordinator.algorithms.rounds import RoundByRound
from federates.coordinator.algorithms.stackelberg_record import record_game


class FirstNegotiation(OcdSettings):
    """The negotiation that comes first, as by `ocd`: agents are learned from it, and its plan is the comparison."""

    update: Literal["shortfall", "residual", "box_step"] = "box_step"
    """As of `ocd`."""
    plan: Literal["offer", "mean"] = "mean"
    """As of `ocd`."""
    max_iterations: Annotated[int, Field(ge=1, le=1000)] = 20
    """As of `ocd`."""


class StackelbergSettings(Config):
    """Settings of the algorithm."""

    leaders: Literal["together", "in_turn"] = "together"
    """Several leaders: `together` they are one, with the sum of their costs; `in_turn` they compete, each for itself."""
    tolerance: Annotated[float, Field(gt=0, le=1)] = 0.01
    """Change of a reward that is none, as a share of the highest negotiated price of its exchange."""
    max_rounds: Annotated[int, Field(ge=1, le=100_000)] = 200
    """After so many rounds of a negotiation, the first one among them, the best rewards so far stay posted."""
    max_turns: Annotated[int, Field(ge=1, le=1000)] = 12
    """`in_turn`: every leader moves at most so many times; if they then still move, it is reported as not converging."""
    toll_rounds: Annotated[int, Field(ge=1, le=1000)] = 6
    """Most rounds in which followers find the tolls that belong to rewards; only where they ask for something themselves."""
    memory: Annotated[int, Field(ge=2, le=1000)] = 12
    """Answers that the acceptance curve of an entry rests on: those at the most similar rewards elsewhere."""
    tries: Annotated[int, Field(ge=0, le=1000)] = 4
    """How often the least rewards for what followers are known to do are tried in a row."""
    gap_target: Annotated[float, Field(ge=0, lt=1)] = 0.005
    """It counts as agreed if (UB - LB) / |UB| of the joint cost turns out to be at most this: leading then costs nothing."""
    gap_usd: Annotated[float, Field(ge=0, le=1e9)] = 0.0
    """Or if UB - LB is at most this, usd."""
    negotiation: FirstNegotiation = Field(default_factory=FirstNegotiation)
    """The negotiation that comes first."""


class Stackelberg(RoundByRound):
    """Leaders post rewards, followers accept what they like."""

    Settings = StackelbergSettings

    def begin(self, session: Any, recorder: Recorder) -> None:  # noqa: D102
        super().begin(session, recorder)
        self._recorder = recorder
        self._first = OptimalityConditionDecomposition(self.settings.negotiation, self.folder)
        self._first.begin(session, recorder)
        self._acceptance: Acceptance | None = None
        self._negotiates = False
        self._last: Array | None = None

    def agree(self, problem: Problem) -> Rounds[Outcome]:  # noqa: D102
        problem = replace(problem, alike=())
        posts = Posts(problem, self._learned(problem), self.bounds, self.settings.toll_rounds)
        return (yield from posts.heard(self._lead(problem, posts)))

    def goes_on_without(self, question: Solve) -> bool:
        """Go on in the negotiation that comes first; what is accepted at posted rewards must be heard of all."""
        return self._negotiates

    def _learned(self, problem: Problem) -> Acceptance:
        """Return what is known of acceptance from periods before, moved on by one period."""
        if self._acceptance is None:
            self._acceptance = Acceptance(rewarded(problem), self.settings.memory)
        else:
            self._acceptance.next_period(problem.shifted(np.arange(problem.layout.size, dtype=np.float64)).astype(np.intp))
        return self._acceptance

    def _lead(self, problem: Problem, posts: Posts) -> Rounds[Outcome]:
        settings: StackelbergSettings = self.settings
        alone = yield from self._alone(problem)
        negotiated = yield from self._negotiated(problem)
        prices = negotiated.best_prices if negotiated.best_prices is not None else np.zeros(problem.layout.size)
        posts.scale = _scale(problem, prices)
        search = BestResponse(posts, alone, settings.tolerance, settings.max_rounds, settings.tries)
        posting = yield from posts.first(prices)
        if self._last is not None:
            again = yield from posts.first(np.where(posts.rewarded, problem.shifted(self._last), prices))
            posting = min(posting, again, key=lambda one: total_usd(problem.layout, one, posts.leaders))
        if settings.leaders == "together":
            found = yield from search.together(posting)
        else:
            found = yield from search.in_turn(posting, settings.max_turns)
        found = found._replace(posting=(yield from posts.to_the_end(found.posting)))
        self._last = found.posting.prices
        return self._outcome(problem, posts, found, alone, negotiated)

    def _alone(self, problem: Problem) -> Rounds[Mapping[str, Answer]]:
        """Ask what is accepted without reward, and what everything costs without exchange."""
        yield problem.ask(np.zeros(problem.prices))
        return (yield problem.evaluate(problem.everyone(np.zeros(problem.layout.size)))).answers

    def _negotiated(self, problem: Problem) -> Rounds[Bounds]:
        """Negotiate first, as a comparison and to learn from; return its bounds and its plan."""
        self._first.bounds, self._negotiates = Bounds(), True
        yield from self._first.agree(problem)
        self._negotiates = False
        return self._first.bounds

    def _outcome(self, problem: Problem, posts: Posts, found: Found, alone: Mapping[str, Answer], negotiated: Bounds) -> Outcome:
        posting, bounds = found.posting, self.bounds
        bounds.update_upper(posting.plan, sum(answer.cost_usd for answer in posting.answers.values()))
        bounds.plan_prices = posting.prices
        record_game(self._recorder, problem, posts, found, alone, negotiated.upper_usd, bounds)
        reason = f"rewards posted after {posts.rounds} rounds: {found.words}"
        verdict = bounds.convergence(self.settings.gap_target, self.settings.gap_usd, reason)
        if verdict is None or verdict.agreed:
            in_rest = found.settled or self.settings.leaders == "together"
            return Outcome(verdict is not None and in_rest, reason)
        return verdict

    @classmethod
    def check(cls, settings: StackelbergSettings, folder: Path, session: Any) -> list[ConfigProblem]:
        """Return why nobody can lead in this session, if so."""
        problem = Problem.of(session, 0, {})
        leaders = leaders_of(problem)
        if any(exchange.whole for exchange in world_of(session.world).exchanges):
            allowed = f"posts rewards for quantities that can be divided, which those of the world {session.world} cannot"
            return [ConfigProblem("config.yaml", "algorithm", "stackelberg", allowed)]
        if not leaders or len(leaders) == len(problem.agents):
            allowed = f"needs agents that only ask and others that offer, and there are none in the world {session.world}"
            return [ConfigProblem("config.yaml", "algorithm", "stackelberg", allowed)]
        shared = (problem.layout.askers[rewarded(problem)] > 1).any()
        if wrong := settings.negotiation.problems(session):
            return [replace(each, field=each.field.replace("settings.", "settings.negotiation.")) for each in wrong]
        if settings.leaders == "in_turn" and shared:
            allowed = "must be together: these leaders ask for the same entries, whose one reward cannot be each one's own"
            return [ConfigProblem("config.yaml", "settings.leaders", "'in_turn'", allowed)]
        return []


def _scale(problem: Problem, prices: Array) -> Array:
    """Return the highest of ``prices`` (n,) in its exchange for every entry, (n,); 1 where all are 0."""
    highest = {name: max(float(part.max(initial=0.0)), 0.0) for name, part in problem.layout.shaped(prices).items()}
    return problem.layout.flat({name: value if value > 0.0 else 1.0 for name, value in highest.items()})
