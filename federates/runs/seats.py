"""Who may be played by a person: looked at before any process starts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from federates.boundary.errors import Problem
from federates.boundary.names import Role
from federates.boundary.world import world_of
from federates.runs.scenario import Scenario

MOST_S = 3600.0
"""Longest time for an answer."""


def seat_problems(scenario: Scenario, seats: Mapping[str, float] | None) -> list[Problem]:
    """Return what is wrong with the seats of a run (agent to seconds for an answer)."""
    return [Problem("seats", str(agent), shown, allowed) for agent, shown, allowed in _problems(scenario, seats or {})]


def players(scenario: Scenario) -> tuple[str, ...]:
    """Return the agents of a scenario that a person can play, in order."""
    operators = world_of(scenario.world).operators
    roles = scenario.roles.items()
    return tuple(name for name, role in roles if (role in operators or role == Role.COORDINATOR) and name in scenario.configs)


def _problems(scenario: Scenario, seats: Mapping[str, float]) -> Iterator[tuple[str, str, str]]:
    possible = players(scenario)
    for agent, seconds in seats.items():
        if agent not in scenario.roles:
            yield agent, "no agent of the scenario", f"must be one of {', '.join(possible)}"
        elif agent not in scenario.configs:
            yield agent, "an executable", f"a person plays a class in its place; that can be done for {', '.join(possible)}"
        elif agent not in possible:
            yield agent, f"a {scenario.roles[agent]}", f"it is never asked anything; must be one of {', '.join(possible)}"
        elif isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0.0 <= seconds <= MOST_S:
            yield agent, repr(seconds), f"must be a number of seconds for an answer, from 0 (never asked) to {MOST_S:g}"
