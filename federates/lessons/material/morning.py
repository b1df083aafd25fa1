"""The hour from 8 to 9 in Los Angeles, for lessons 5 and 10: the agreement of a run, and operators whose data are private."""

from __future__ import annotations

from typing import Any

from federates.boundary.config import read_yaml
from federates.boundary.roles import Plugin
from federates.power_operator.models.price_taker.operator import PriceTakerOperator
from federates.runs.scenario import load_scenario
from federates.runtime.plugins import load_agent
from federates.scaffold.shipped import shipped_scenario

__all__ = ["agreement", "operators"]

_SCENARIO, _HOUR = "la_gcs", 8
_WORTH_USD, _NEED_VEH_PER_H = 30.7, 120.0
"""Private: what a vehicle is worth to the power operator, and how many it wants at each limited station."""


def agreement(**changes: Any) -> dict[str, Any]:
    """Return the public agreement of that hour: that of the shipped scenario, with one period and no later ones.

    ``changes`` are other keys, such as ``limited_stations=["q1"]``.
    """
    shared = read_yaml(shipped_scenario(_SCENARIO) / "scenario.yaml", "scenario.yaml")
    return shared | {"name": "morning", "periods": 1, "start_hour": _HOUR, "horizon_periods": 1} | changes


def operators(
    worth_usd: float = _WORTH_USD, need_veh_per_h: float = _NEED_VEH_PER_H, stations: tuple[str, ...] = ("r1", "r2", "q1", "q2")
) -> dict[str, Plugin]:
    """Return new agents by name, all but the coordinator: a demand curve, the shipped road, and traffic by formula.

    Parameters
    ----------
    worth_usd : what a vehicle is worth to the power operator, each one alike.
    need_veh_per_h : how many it wants at each limited station.
    stations : those of the agreement.
    """
    scenario = load_scenario(shipped_scenario(_SCENARIO))

    def shipped(role: str, use: str | None = None) -> Plugin:
        loaded = load_agent(role, role, scenario.configs[role], world=scenario.world, use=use)
        settings: Any = loaded.settings
        own = {name: station for name, station in settings.stations.items() if name in stations}
        return loaded.cls(settings.model_copy(update={"stations": own}), loaded.folder)

    wants = PriceTakerOperator.Settings(worth_usd=worth_usd, need=need_veh_per_h)
    return {
        "power_operator": PriceTakerOperator(wants),
        "transport_operator": shipped("transport_operator"),
        "traffic_sumo": shipped("traffic_sumo", use="bpr"),
    }
