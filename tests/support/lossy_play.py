"""Negotiations over a network in this process, without HELICS: the same losses, rounds and commits as in a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from federates.boundary.exchange import COMMAND
from federates.boundary.messages import Answer, Frame
from federates.boundary.network import NetworkSettings
from federates.boundary.roles import Commit, CoordinationAlgorithm, Evaluate, LateAnswer, Solve
from federates.boundary.topics import Command
from federates.network.hearing import Hearing
from federates.runtime.lossy_rounds import Came, LossyRounds, OutOfRoundsError
from federates.runtime.negotiation_record import NegotiationRecord

_COMMAND = COMMAND.key("coordinator", "")
Answers = Callable[[Any], dict[str, Answer]]


class Rows:
    """Keeps rows of tables; ``reader`` is in each."""

    def __init__(self, tables: dict[str, list[dict[str, Any]]] | None = None, reader: str = "") -> None:
        self.tables: dict[str, list[dict[str, Any]]] = {} if tables is None else tables
        self.reader = reader

    def record(self, table, **row):
        self.tables.setdefault(table, []).append(row | {"reader": self.reader})

    def record_many(self, table, columns):
        pass

    def progress(self, **fields):
        pass


class LossyPlay:
    """A session with a network, and whoever answers (all agents, to one decision).

    ``optimum_usd`` of a test is compared with ``decision``, ``bounds`` and ``told`` after `negotiate`.
    """

    def __init__(self, session: Any, answers: Answers, network: NetworkSettings, most: int = 400, seed: int = 0) -> None:
        self.session = session.model_copy(update={"network": network, "seed": seed})
        self._answers, self._known = answers, {}
        self._rows = Rows(reader="coordinator")
        self.tables = self._rows.tables
        self.record = NegotiationRecord(self.session, self._rows)
        self.rounds = LossyRounds(self.session, self.record, self._rows, self._ask, most)
        self._coordinator = Hearing(self.session, "coordinator", self._rows)
        self._hearing: dict[str, Hearing] = {}
        self.asked: list[Any] = []

    def negotiate(self, algorithm: CoordinationAlgorithm, period: int = 0, openings: Any = None) -> Commit:
        openings = {} if openings is None else openings
        self._period, self._questions = period, {}
        self.record.open(period, openings)
        self.rounds.open(period, openings)
        decision = algorithm.start(period, openings)
        while not isinstance(decision, Commit):
            try:
                result = self.rounds.result(algorithm, decision)
            except OutOfRoundsError as error:
                decision = self.rounds.give_up(str(error))
                break
            decision = algorithm.next(result)
        else:
            decision = self.rounds.agree(decision)
        self.record.committed(decision)
        for agent in self._hearing:
            self._coordinator.committed(agent, decision.given[agent])
            self._hearing[agent].committed(agent, decision.given[agent])
        return decision

    @property
    def told(self) -> pd.DataFrame:
        """Return the tables ``network`` of all agents."""
        return pd.DataFrame(self.tables["network"])

    def _ask(self, question: Solve | Evaluate, round_: int) -> Came:
        self._questions[round_] = question
        self.asked.append(question)
        code = Command.EVALUATE if isinstance(question, Evaluate) else Command.RELAX if question.relaxed else Command.SOLVE
        answers, late = {}, []
        for agent in self.rounds._problem.agents:
            own = self._hearing.setdefault(agent, Hearing(self.session.view(agent), agent, Rows(self.tables, agent)))
            heard = own.hear({_COMMAND: Frame(self._period, round_, np.array([float(code)]))})
            if heard:
                asked = heard[_COMMAND].round
                self._coordinator.answered(agent, self._period, asked, round_, {agent: Frame(self._period, asked, np.zeros(0))})
            for came in self._coordinator.answers(agent, self._period, round_):
                answer = self._answer(self._questions[came.round])[agent]
                if came.round == round_:
                    answers[agent] = answer
                else:
                    late.append(LateAnswer(agent, self._questions[came.round], answer))
        return Came(answers, tuple(late))

    def _answer(self, question: Solve | Evaluate) -> dict[str, Answer]:
        """Return all answers to a question; who is asked twice answers the same."""
        if id(question) not in self._known:
            self._known[id(question)] = (question, self._answers(question))
        return self._known[id(question)][1]
