"""The agents of `scenarios/la_small` around one table: real classes and seats, no HELICS, a round in a millisecond."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from federates.boundary.roles import Commit, RoundResult
from federates.runs.scenario import load_scenario
from federates.runtime.agent import load_session
from federates.runtime.plugins import load_agent
from federates.seat.coordinator_seat import CoordinatorSeat
from federates.seat.mailbox import Desk, Mailbox, seat_folder
from federates.seat.operator_seat import OperatorSeat
from federates.worlds.road.messages import Gate

SCENARIO = Path(__file__).parents[2] / "scenarios/la_small"
OPERATORS = ("springs", "norwalk", "transport_operator")
WAIT_S = 20.0
"""Time for an answer in tests in which it comes."""


class NoRecorder:
    def record(self, table: str, **row: Any) -> None: ...
    def progress(self, **fields: Any) -> None: ...


class SmallTable:
    """``seats``: agent to seconds; who is not in it is the class itself."""

    def __init__(self, run: Path, seats: dict[str, float], use: dict[str, str] | None = None) -> None:
        scenario = load_scenario(SCENARIO)
        self.run, self.session = run, load_session(scenario.session_file)
        self.agents: dict[str, Any] = {}
        for name in (*OPERATORS, "coordinator"):
            role = scenario.roles[name]
            loaded = load_agent(name, role, scenario.configs[name], world="road", use=(use or {}).get(name))
            agent: Any = loaded.create()
            if name in seats:
                mailbox = Mailbox(seat_folder(run, name))
                more = (0.01, 60.0) if name == "coordinator" else ()
                agent = (CoordinatorSeat if more else OperatorSeat)(agent, mailbox, seats[name], loaded, *more)
            agent.begin(self.session if name == "coordinator" else self.session.view(name), NoRecorder())
            self.agents[name] = agent
        run.mkdir(parents=True, exist_ok=True)
        (run / "session.json").write_text(self.session.model_dump_json())

    def desk(self, agent: str) -> Desk:
        return Desk(seat_folder(self.run, agent))

    def open(self, period: int) -> None:
        self.period = period
        for name in ("springs", "norwalk"):
            self.agents[name].open_period(period, None)
        time_s = self.agents["transport_operator"].open_period(period, None)
        gate = Gate(np.full(4, 100.0), np.full(4, 20.0))
        self.openings = {"gate": gate, "road_time_s": time_s}
        self.heard = {
            "springs": {"road_time_s": time_s[:, :1]},
            "norwalk": {"road_time_s": time_s[:, 1:]},
            "transport_operator": {"gate": gate},
        }

    def cut(self, agent: str, values: np.ndarray) -> np.ndarray:
        return {"springs": values[:, :1], "norwalk": values[:, 1:]}.get(agent, values)

    def ask(self, agent: str, decision: Any) -> Any:
        operator = self.agents[agent]
        if hasattr(decision, "given"):
            return operator.evaluate(decision.given[agent], self.heard[agent])
        return operator.solve({"delivery": self.cut(agent, np.asarray(decision.prices["delivery"]))}, self.heard[agent])

    def negotiate(self, period: int) -> tuple[Commit, list[Any]]:
        """Play one period to its end; return the commitment and all decisions."""
        self.open(period)
        decision, decisions = self.agents["coordinator"].start(period, self.openings), []
        while not isinstance(decision, Commit):
            decisions.append(decision)
            result = RoundResult({name: self.ask(name, decision) for name in OPERATORS})
            decision = self.agents["coordinator"].next(result)
        for name in OPERATORS:
            self.agents[name].commit(decision.given[name])
        return decision, decisions


class Person:
    """Context manager: answers one desk. ``answer`` is shown each question and returns what is sent, None: nothing."""

    def __init__(self, desk: Desk, answer: Callable[[Desk, dict[str, Any]], Any]) -> None:
        self._desk, self._answer = desk, answer
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._play, daemon=True)
        self.failed: Exception | None = None
        self.seen: list[dict[str, Any]] = []

    def __enter__(self) -> Person:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        if self.failed is not None:
            raise self.failed

    def _play(self) -> None:
        while not self._stop.wait(0.002):
            question = self._desk.open_question()
            if question is None or (self.seen and self.seen[-1]["n"] == question["n"]):
                continue
            self.seen.append(question)
            try:
                if (sent := self._answer(self._desk, question)) is not None:
                    self._desk.answer(question["n"], sent)
            except Exception as error:
                self.failed = error
