"""A fleet of the Los Angeles day of fleets for one hour: what it offers at a reward and a toll, asked outside a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike

from federates.boundary.messages import Answer, Array
from federates.boundary.names import Role
from federates.lessons.material.notes import Notes
from federates.lessons.material.toll_road import GATE_S, SPOTS, TollRoad
from federates.runs.scenario import load_scenario
from federates.runtime.agent import load_session
from federates.runtime.plugins import load_agent
from federates.scaffold.shipped import shipped_scenario
from federates.worlds.fleets.world import DELIVERY, PASSAGE
from federates.worlds.road.messages import Gate

__all__ = ["HourOfFleet"]

_SCENARIO = "la_fleets"


class HourOfFleet:
    """One hour of a shipped fleet, and nothing planned behind it.

    Parameters
    ----------
    name : the fleet, such as ``commuters`` (private drivers) or ``express`` (a company).
    hour : hour of the day, from 0.
    seed : of the session; drivers and charges are drawn from it.
    settings : settings of the fleet in place of its own, such as ``battery_warranty=True``.
    """

    def __init__(self, name: str = "commuters", hour: int = 17, seed: int = 1, **settings: Any) -> None:
        scenario = load_scenario(shipped_scenario(_SCENARIO))
        changes = {"start_hour": hour, "horizon_periods": 1, "seed": seed}
        session = load_session(scenario.session_file, changes).view(name)
        loaded = load_agent(name, Role.MVES_FLEET, scenario.configs[name], world=scenario.world)
        own = loaded.settings.model_dump(exclude_unset=True) | settings
        self.operator = cast(Any, loaded.cls(type(loaded.settings).model_validate(own), Path()))
        self.operator.begin(session, Notes())
        self.operator.open_period(0, None)
        self.vehicle_kwh: float = session.vehicle_kwh[name]
        """What one vehicle carries for one delivery, kWh."""
        self._shape = session.connection_shape
        gate = Gate(np.array(GATE_S), np.full(len(GATE_S), SPOTS))
        road_s = TollRoad(hour).told_s
        self._heard = {"gate": gate, "road_time_s": road_s, "receipts": np.zeros((len(GATE_S), 1, 3))}

    def answer(self, reward_usd_per_kwh: ArrayLike, toll_usd: ArrayLike = 0.0) -> Answer:
        """Return its answer to a reward and a toll: one number for all pairs of stations, or an array (R, Q)."""
        reward, toll = (self._by_pair(value) for value in (reward_usd_per_kwh, toll_usd))
        told: Answer = self.operator.solve({DELIVERY.name: reward, PASSAGE.name: toll}, self._heard)
        return told

    def accepted(self, reward_usd_per_kwh: ArrayLike, toll_usd: ArrayLike = 0.0) -> Array:
        """Return how many vehicles it offers from r1, r2 (rows) to q1, q2 (columns)."""
        return np.asarray(self.answer(reward_usd_per_kwh, toll_usd).quantities[PASSAGE.name][:, :, 0])

    def energy_kwh(self, reward_usd_per_kwh: ArrayLike, toll_usd: ArrayLike = 0.0) -> float:
        """Return the energy that it offers in all, kWh."""
        return float(self.answer(reward_usd_per_kwh, toll_usd).quantities[DELIVERY.name].sum())

    def _by_pair(self, value: ArrayLike) -> Array:
        given = np.asarray(value, dtype=np.float64)
        return np.array(np.broadcast_to(given[..., None] if given.ndim else given, self._shape))
