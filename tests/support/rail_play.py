"""One negotiation of a scenario by rail in this process, without HELICS: the operators and the algorithm that its files name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from negotiate import POWER, TRANSPORT, ask, play
from toy_railway import Rows

from federates.boundary.roles import Commit
from federates.runs.scenario import load_scenario
from federates.runtime.agent import load_session
from federates.runtime.negotiation_record import NegotiationRecord
from federates.runtime.plugins import load_agent


def negotiate_day(folder: Path, algorithm: type, settings: Any) -> tuple[Commit, dict[str, list[dict[str, Any]]]]:
    """Return the decision at the beginning of the day, and the tables that the coordinator's loop writes."""
    scenario = load_scenario(folder)
    session = load_session(scenario.session_file, None)
    power, transport = (
        agent.cls(agent.settings, agent.folder)
        for agent in (load_agent(name, name, scenario.configs[name]) for name in (POWER, TRANSPORT))
    )
    chooser, rows = algorithm(settings, None), Rows()
    for agent in (power, transport):
        agent.begin(session, Rows())
    chooser.begin(session, rows)
    power.open_period(0, None)
    opening = {"train_ready": transport.open_period(0, None)}
    operators = {POWER: power, TRANSPORT: transport}
    record = NegotiationRecord(session, rows)
    return play(chooser, record, lambda decision: ask(operators, decision, {POWER: opening}), 0, opening), rows.tables
