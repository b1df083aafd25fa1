"""One negotiation of a scenario by rail in this process, without HELICS: the operators and the algorithm that its files name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from toy_railway import Rows

from federates.boundary.names import Role
from federates.boundary.roles import Commit, RoundResult, Solve
from federates.runs.scenario import load_scenario
from federates.runtime.agent import load_session
from federates.runtime.negotiation_record import NegotiationRecord
from federates.runtime.plugins import load_agent

_MOST_ROUNDS = 2000


def negotiate_day(folder: Path, algorithm: type, settings: Any) -> tuple[Commit, dict[str, list[dict[str, Any]]]]:
    """Return the decision at the beginning of the day, and the tables that the coordinator's loop writes."""
    scenario = load_scenario(folder)
    session = load_session(scenario.session_file, None)
    power, transport = (
        agent.cls(agent.settings, agent.folder)
        for agent in (load_agent(role, scenario.configs[role]) for role in (Role.POWER_OPERATOR, Role.TRANSPORT_OPERATOR))
    )
    chooser, rows = algorithm(settings, None), Rows()
    for agent in (power, transport):
        agent.begin(session, Rows())
    chooser.begin(session, rows)
    record = NegotiationRecord(session, rows)
    power.open_period(0, None)
    opening = transport.open_period(0, None)
    record.open(0, opening)
    decision = chooser.start(0, opening)
    for _ in range(_MOST_ROUNDS):
        if isinstance(decision, Commit):
            record.committed(decision)
            return decision, rows.tables
        if isinstance(decision, Solve):
            prices = decision.multipliers_usd_per_veh
            ask = power.relax if decision.relaxed else power.solve
            result = RoundResult(ask(prices, opening), transport.solve(prices, None))
        else:
            asked = power.evaluate(decision.power_connection_veh, opening)
            result = RoundResult(asked, transport.evaluate(decision.transport_connection_veh, None))
        record.answered(decision, result)
        decision = chooser.next(result)
    raise AssertionError("no decision")
