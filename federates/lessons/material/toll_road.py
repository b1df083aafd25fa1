"""The transport operator of the Los Angeles day of fleets, `toll_road`, for one hour: what vehicles cost others, and the toll."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike

from federates.boundary.messages import Array
from federates.lessons.material.notes import Notes
from federates.runs.scenario import load_scenario
from federates.runtime.agent import load_session
from federates.runtime.plugins import load_agent
from federates.scaffold.shipped import shipped_scenario
from federates.worlds.fleets.world import PASSAGE
from federates.worlds.road.messages import Gate

__all__ = ["GATE_S", "SPOTS", "TollRoad"]

_SCENARIO, _ROLE = "la_fleets", "transport_operator"
GATE_S = (460.0, 460.0, 690.0, 690.0)
"""What the gates tell, s: 10 kWh at 90 kW and at 60 kW, and a minute to come and go."""
SPOTS = 20.0


class TollRoad:
    """One hour of that road; vehicles are arrays (R, Q), from r1 and r2 to q1 and q2.

    Parameters
    ----------
    hour : hour of the day, from 0; roads are as they usually are then.
    """

    def __init__(self, hour: int = 8) -> None:
        scenario = load_scenario(shipped_scenario(_SCENARIO))
        session = load_session(scenario.session_file, {"start_hour": hour}).view(_ROLE)
        self._shape, self._notes = session.connection_shape, Notes()
        self._operator = cast(Any, load_agent(_ROLE, _ROLE, scenario.configs[_ROLE], world=scenario.world).create())
        self._operator.begin(session, self._notes)
        self.told_s: Array = self._operator.open_period(0, None)
        """Road times that fleets are told, (R, Q), s: without any of their vehicles."""
        self._heard = {"gate": Gate(np.array(GATE_S), np.full(len(GATE_S), SPOTS))}

    def cost_usd(self, vehicles: ArrayLike) -> float:
        """Return what vehicles (R, Q) of this hour cost all others, and each other beyond what they were told, usd."""
        return float(self._operator.evaluate(self._given(vehicles), self._heard).cost_usd)

    def tolls(self, vehicles: ArrayLike) -> list[dict[str, Any]]:
        """Return the rows that the operator writes into its table `tolls` for these vehicles: toll and parts, by formula."""
        self._notes.tables.clear()
        given = self._given(vehicles)
        self._operator.evaluate(given, self._heard)
        self._operator.commit(given)
        return list(self._notes.tables["tolls"])

    def _given(self, vehicles: ArrayLike) -> dict[str, Array]:
        passages = np.zeros(self._shape)
        passages[:, :, 0] = np.asarray(vehicles, dtype=np.float64)
        return {PASSAGE.name: passages}
