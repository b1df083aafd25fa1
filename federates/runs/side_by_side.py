"""What no agent alone can see: settings of two of them, each in order, that cannot work together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from federates.boundary.errors import Problem
from federates.boundary.names import Role
from federates.runs.scenario import Scenario, shown
from federates.runtime.csv_table import read_csv
from federates.runtime.plugins import LoadedAgent

_LIMITS = ("max_rounds", "most_rounds", "max_iterations", "evaluate_every")
_CLOSING_ROUNDS = 10
"""For the plan that an algorithm ends with, in whole numbers too."""


def clashes(scenario: Scenario, loaded: Mapping[str, LoadedAgent]) -> list[Problem]:
    """Return what does not fit: rounds that `broker.yaml` does not give, and places of stations that differ."""
    return [*_rounds(scenario, loaded), *_places(scenario, loaded)]


def _rounds(scenario: Scenario, loaded: Mapping[str, LoadedAgent]) -> list[Problem]:
    """Beyond the broker's ``max_rounds`` the run ends with an error; before that the algorithm ends with the best plan."""
    coordinator = loaded.get(Role.COORDINATOR)
    wanted, why = (0, "") if coordinator is None else _most_rounds(coordinator.settings)
    if wanted <= scenario.broker.max_rounds:
        return []
    allowed = f"must be at least {wanted}, for the coordinator's {why}: at fewer rounds the run would fail"
    return [Problem(shown(scenario.broker_file), "max_rounds", str(scenario.broker.max_rounds), allowed)]


def _most_rounds(settings: Any) -> tuple[int, str]:
    """Return how many rounds an algorithm may want by its own limit, and that limit in words; 0: none is known."""
    known = {name: value for name in _LIMITS if isinstance(value := getattr(settings, name, None), int)}
    if (rounds := known.get("max_rounds", known.get("most_rounds"))) is not None:
        return rounds, "settings.max_rounds" if "max_rounds" in known else "settings.most_rounds"
    if (iterations := known.get("max_iterations")) is None:
        return 0, ""
    every = max(1, known.get("evaluate_every", 1))
    return iterations + -(-iterations // every) + _CLOSING_ROUNDS, f"settings.max_iterations {iterations}, with what plans cost"


def _places(scenario: Scenario, loaded: Mapping[str, LoadedAgent]) -> list[Problem]:
    """Vehicles are sent from the junction that the operator knows, and set out from the one that the traffic model knows.

    Only names that the traffic model knows too are compared: the two may call their junctions differently.
    """
    operator, traffic = loaded.get(Role.TRANSPORT_OPERATOR), loaded.get(Role.TRAFFIC)
    if operator is None or traffic is None:
        return []
    here, there = _junctions(operator.settings), _junctions(traffic.settings)
    file = getattr(traffic.settings, "junctions_file", "")
    known = read_csv(traffic.folder, file, ("id",)).columns.get("id", []) if file and here else []
    where = f"must be {{}}, where {shown(scenario.configs[Role.TRAFFIC])} has it, or vehicles that are sent there cannot drive"
    return [
        Problem(
            shown(scenario.configs[Role.TRANSPORT_OPERATOR]),
            f"settings.stations.{name}.junction",
            place,
            where.format(there[name]),
        )
        for name, place in here.items()
        if place in known and there.get(name, place) != place
    ]


def _junctions(settings: Any) -> dict[str, str]:
    stations = getattr(settings, "stations", None)
    found = {name: getattr(site, "junction", None) for name, site in stations.items()} if isinstance(stations, dict) else {}
    return {name: place for name, place in found.items() if isinstance(place, str)}
