"""Rounds over a network that loses and delays: asking again, going on without, and committing what all have acknowledged.

The commit has two phases (Gray, "Notes on Data Base Operating Systems", 1978). First all agents are asked what exactly the plan
costs; an answer is an acknowledgement, for it shows that the agent knows the plan. Only then is the commit sent, and repeated
until it is acknowledged (`federates.network.hearing`). Where not all acknowledge in time, the last agreed plan goes on, if all
acknowledge that, and else nothing moves: the same for all agents (docs/decisions/0602).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np

from federates.boundary.canonical import to_grid
from federates.boundary.errors import FederationError
from federates.boundary.messages import Answer, Array, Quantities
from federates.boundary.negotiation import Agreement, Copies, Problem
from federates.boundary.network import NetworkSettings
from federates.boundary.roles import Commit, CoordinationAlgorithm, Evaluate, LateAnswer, Openings, Recorder, RoundResult, Solve
from federates.boundary.world import World, world_of
from federates.network.known import KnownAnswers

COMMITS = "commits"
_SAME = 1e-6


class Came(NamedTuple):
    """What came in one round: answers to its own question, and late ones to earlier questions."""

    answers: Mapping[str, Answer]
    late: tuple[LateAnswer, ...] = ()


class Tables(Protocol):
    """Where every question is written down."""

    def answered(self, decision: Solve | Evaluate, result: RoundResult) -> None:
        """Write a round after which the algorithm goes on."""

    def repeated(self) -> None:
        """Count a round after which the question is asked again."""


class OutOfRoundsError(FederationError):
    """A negotiation has had as many rounds as it may."""


class LossyRounds:
    """The rounds of a run, period by period.

    Parameters
    ----------
    session : public agreement, with a network.
    tables, recorder : where rounds, and what became of commits, are written down.
    ask : asks a question in a round and returns what came.
    most : most rounds of a period.
    """

    def __init__(
        self,
        session: Any,
        tables: Tables,
        recorder: Recorder,
        ask: Callable[[Solve | Evaluate, int], Came],
        most: int,
    ) -> None:
        self._session, self._tables, self._recorder, self._ask, self._most = session, tables, recorder, ask, most
        self._settings: NetworkSettings = session.network
        self._world: World = world_of(session.world)
        self._last: Mapping[str, Quantities] | None = None
        self._last_period = 0
        self._evaluated: dict[str, Answer] = {}

    def state(self) -> dict[str, Any]:
        """Return what crosses periods, as plain values and arrays."""
        last = None if self._last is None else {agent: dict(given) for agent, given in self._last.items()}
        return {"last": last, "period": self._last_period}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on with what `state` has returned."""
        self._last, self._last_period = state["last"], state["period"]

    def open(self, period: int, openings: Openings) -> None:
        """Begin a period."""
        self.round = 0
        self._problem = Problem.of(self._session, period, openings)
        self._known = KnownAnswers(self._session, period)
        self._acknowledged: dict[str, set[bytes]] = {agent: set() for agent in self._problem.agents}

    def result(self, algorithm: CoordinationAlgorithm, question: Solve | Evaluate) -> RoundResult:
        """Ask until all have answered, or until the algorithm may go on without those who have not.

        Raises
        ------
        OutOfRoundsError : there are no rounds left.
        """
        go_on = isinstance(question, Solve) and self._settings.missing == "go_on" and algorithm.goes_on_without(question)
        came: dict[str, Answer] = {}
        late: list[LateAnswer] = []
        while True:
            late += self._hear(question, came)
            absent = [agent for agent in self._problem.agents if agent not in came]
            if not absent:
                break
            known = self._stand_ins(question, absent) if go_on and came else None
            if known is not None:
                came |= known
                break
            self._tables.repeated()
        answers = {agent: came[agent] for agent in self._problem.agents}
        result = RoundResult(answers, frozenset(absent), tuple(late))
        self._tables.answered(question, result)
        return result

    def _hear(self, question: Solve | Evaluate, came: dict[str, Answer]) -> list[LateAnswer]:
        """Ask once; add to ``came`` what answers this question, now or late, and return what answers others."""
        if self.round >= self._most:
            raise OutOfRoundsError(f"coordinator: no decision after {self._most} rounds (max_rounds in broker.yaml)")
        self.round += 1
        heard = self._ask(question, self.round)
        others = []
        for agent, asked, answer in (*heard.late, *(LateAnswer(a, question, answer) for a, answer in heard.answers.items())):
            self._known.take(asked, agent, answer)
            if isinstance(asked, Evaluate):
                self._acknowledged[agent].add(self._fingerprint(agent, asked.given))
            if asked is question:
                came[agent] = answer
            else:
                others.append(LateAnswer(agent, asked, answer))
        return others

    def _stand_ins(self, question: Solve | Evaluate, absent: list[str]) -> dict[str, Answer] | None:
        """Return what stands for those who have not answered; None: of somebody nothing is known."""
        assert isinstance(question, Solve)
        found = {agent: self._known.stand_in(question, agent) for agent in absent}
        known = {agent: answer for agent, answer in found.items() if answer is not None}
        return known if len(known) == len(absent) else None

    def agree(self, commit: Commit) -> Commit:
        """Return what all carry out: ``commit`` if all acknowledge it, else the last agreed plan or nothing.

        Raises
        ------
        OutOfRoundsError : where plans last, as a day of trains does, there is no other plan to fall back to.
        """
        lasts = self._world.plan_lasts(self._session)
        if self._moves_nothing(commit.given) or (lasts and not self.round and self._last is not None):
            return self._agreed(commit, "agreed plan", 0, [])
        tries, absent = self._acknowledge(commit.given, self._most if lasts else self._settings.commit_tries)
        if not absent:
            return self._agreed(commit, "agreed plan", tries, [])
        if lasts:
            raise OutOfRoundsError(f"coordinator: {' and '.join(absent)} did not acknowledge the plan in {tries} rounds")
        return self._fall_back(commit, tries, absent)

    def give_up(self, why: str) -> Commit:
        """Return what is carried out where there are no rounds left: nothing."""
        return self._agreed(nothing_moves(self._session, self._problem, why), "nothing", 0, [])

    def _fall_back(self, commit: Commit, tries: int, absent: list[str]) -> Commit:
        said = f"{' and '.join(absent)} did not acknowledge the plan in {tries} rounds"
        before = self._open_part()
        if before is not None:
            other = self._decision(before, f"no agreement: {said}; the last agreed plan goes on")
            more, without = self._acknowledge(other.given, self._settings.commit_tries)
            tries += more
            if not without and self._can_be_sent(other.given):
                return self._agreed(other, "last agreed plan", tries, absent)
        return self._agreed(nothing_moves(self._session, self._problem, said), "nothing", tries, absent)

    def _agreed(self, commit: Commit, outcome: str, tries: int, absent: list[str]) -> Commit:
        self._recorder.record(
            COMMITS, period=self._problem.period, outcome=outcome, rounds=tries, not_acknowledged=" and ".join(absent)
        )
        self._last, self._last_period = commit.given, self._problem.period
        return commit

    def _acknowledge(self, given: Mapping[str, Quantities], most: int) -> tuple[int, list[str]]:
        """Ask what ``given`` costs until all have heard it; return how often that was, and who has not."""
        question, tries = Evaluate(given), 0
        came: dict[str, Answer] = {}
        self._evaluated = came
        while (absent := self._without(given)) and tries < most and self.round < self._most:
            tries += 1
            self._hear(question, came)
            if len(came) == len(self._problem.agents):
                self._tables.answered(question, RoundResult({agent: came[agent] for agent in self._problem.agents}))
            else:
                self._tables.repeated()
        return tries, absent

    def _without(self, given: Mapping[str, Quantities]) -> list[str]:
        return [a for a in self._problem.agents if self._fingerprint(a, given) not in self._acknowledged[a]]

    def _can_be_sent(self, given: Mapping[str, Quantities]) -> bool:
        """Return whether all who offer have answered that they can send what they are given."""
        layout = self._problem.layout
        return all(
            (layout.own(agent, self._evaluated[agent].quantities) >= layout.own(agent, given[agent]) - _SAME)[
                layout.sign[agent] < 0
            ].all()
            for agent in self._problem.agents
            if agent in self._evaluated
        )

    def _open_part(self) -> dict[str, Array] | None:
        """Return what the last agreed plan has for the periods from now on; None: nothing."""
        if self._last is None:
            return None
        layout, passed, found = self._problem.layout, self._problem.period - self._last_period, {}
        for agent in layout.agents:
            shapes = {name: part.shape for name, part in layout.part(agent, np.zeros(layout.size)).items()}
            found[agent] = layout.own(agent, {n: _moved_on(self._last[agent][n], passed, shapes[n]) for n in shapes})
        return found if any(copy.any() for copy in found.values()) else None

    def _decision(self, plan: Copies, reason: str) -> Commit:
        return _decision(self._session, self._problem, plan, reason)

    def _moves_nothing(self, given: Mapping[str, Quantities]) -> bool:
        layout = self._problem.layout
        return not self._problem.whole and not any(layout.own(agent, given[agent]).any() for agent in layout.agents)

    def _fingerprint(self, agent: str, given: Mapping[str, Quantities]) -> bytes:
        return to_grid(self._problem.layout.own(agent, given[agent]), 6).tobytes()


def nothing_moves(session: Any, problem: Problem, why: str) -> Commit:
    """Return the decision that nothing is carried out, because of ``why``.

    Raises
    ------
    OutOfRoundsError : where plans last, as a day of trains does, that is no decision for a period.
    """
    if world_of(session.world).plan_lasts(session):
        raise OutOfRoundsError(why)
    nothing = problem.everyone(np.zeros(problem.layout.size))
    return _decision(session, problem, nothing, f"no agreement: {why}; nothing moves")


def _decision(session: Any, problem: Problem, plan: Copies, reason: str) -> Commit:
    """Return a plan as a decision, rounded as the world rounds what is carried out."""
    decision: Commit = world_of(session.world).day(session).commit(problem, Agreement(plan, False, reason, -math.inf))
    return decision


def _moved_on(values: Array, passed: int, shape: tuple[int, ...]) -> Array:
    """Return ``values`` from the period ``passed`` on, in ``shape``; zero behind their end."""
    left = np.asarray(values, dtype=np.float64)[..., passed:][..., : shape[-1]]
    return np.concatenate([left, np.zeros((*shape[:-1], shape[-1] - left.shape[-1]))], axis=-1)
