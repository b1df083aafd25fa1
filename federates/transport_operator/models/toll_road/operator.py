"""Transport operator (RTSO) that offers passages of its roads, and whose price is the toll: marginal external cost.

On the joint graph as `joint_graph` is, with one difference: the time that fleets were told is their own cost. What is left to
the operator is what one vehicle costs all others, and how much longer than told the mobile storages drive and wait:

    f_T(z) = sum over periods of  VOT_public x delay that mobile storages cause to other traffic
                                + VOT_driver x (time of the mobile storages at gates and on the road - time that they were told)

``z[r, q, t]`` are passages. f_T is convex, 0 without a passage, and never falls with one more, for nobody was told more than an
empty road takes. Its derivative is the marginal external cost of a passage, so the multiplier of the exchange `passage` is a
Pigouvian toll: fleets that weigh reward, own cost and toll send what costs everybody least [1]_.

References
----------
.. [1] A. C. Pigou, "The Economics of Welfare", 1920; M. Beckmann, C. B. McGuire, C. B. Winsten, "Studies in the Economics of
   Transportation", 1956, ch. 4.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from federates.boundary.canonical import down_to_grid
from federates.boundary.config import Config
from federates.boundary.messages import Answer, Quantities
from federates.boundary.names import FLEETS
from federates.boundary.roles import Openings
from federates.boundary.units import S_PER_H
from federates.transport_operator.models.joint_graph.accounts import RoadAccount
from federates.transport_operator.models.joint_graph.delay import EdgeCosts
from federates.transport_operator.models.joint_graph.graph import Array
from federates.transport_operator.models.joint_graph.joint_graph import Kind
from federates.transport_operator.models.joint_graph.operator import JointGraphOperator
from federates.transport_operator.models.joint_graph.planner import Routed
from federates.transport_operator.models.toll_road.settings import TollRoadSettings
from federates.transport_operator.models.toll_road.tolls import passage_tolls, record_passage_costs, record_tolls
from federates.worlds.fleets.world import PASSAGE
from federates.worlds.road.messages import Gate, LinkObservation

_TOLD_DECIMALS = 3
"""Grid of the topic that tells the road times: what is told is what is taken off."""


class TollRoadOperator(JointGraphOperator):
    """Elastic system optimum of passages on the joint graph."""

    Settings: ClassVar[type[Config]] = TollRoadSettings
    worlds = (FLEETS,)
    exchange: ClassVar[str] = PASSAGE.name
    least_step: ClassVar[float] = 0.01

    def open_period(self, period: int, observation: LinkObservation | None) -> Array:
        """Learn from the last period, forecast, and tell the fastest road times without mobile storages, (R, Q) in s.

        Rounded down, so that no fleet is told more than it takes and f_T never falls. Fleets hear the opened period's times only.
        In later periods of the horizon each period's own times are taken off: the change of times from one hour to the next is
        no cost that vehicles cause. docs/decisions/0440.
        """
        gate = self._gate
        super().open_period(period, observation)
        self._gate = gate  # where a plan is carried out and nothing asked before, gates are as they were told last
        times_s = self._curve.time_s(self._forecast)
        self._told_s = down_to_grid(np.array([self._fastest(time_s) for time_s in times_s]), _TOLD_DECIMALS)
        return np.array(self._told_s[0])

    def solve(self, prices: Quantities, openings: Openings) -> Answer:
        """Answer as the joint graph does, from the same start each time.

        A passage costs the road next to nothing, so flows that differ much cost the same, and a start from the last ones would
        show in the answer.
        """
        self._planner.forget()
        return super().solve(prices, openings)

    def _trip_money(self, gate: Gate, periods: int) -> tuple[Array, Array]:
        """Take off the told time of gates and road: fleets count it themselves."""
        graph = self._graph
        fixed = np.zeros((periods, len(graph.edges)))
        told_s = self._told_s[:periods] + self._gates_s(gate)
        for edge in graph.of_kind(Kind.TRIP):
            r, q = graph.origins.index(graph.edges[edge].place), graph.destinations.index(graph.edges[edge].other)
            fixed[:, edge] = -self.settings.driver_value_of_time_usd_per_h / S_PER_H * told_s[:, r, q]
        return fixed, np.zeros(len(graph.edges))

    def _gates_s(self, gate: Gate) -> Array:
        """Return what was told of both gates together, (R, Q)."""
        origins = len(self._graph.origins)
        return np.asarray(gate.time_s[:origins, None] + gate.time_s[None, origins:])

    def _record_more(self, costs: EdgeCosts, routed: Routed, vehicles: np.ndarray[Any, Any], gate: Gate) -> None:
        tolls = passage_tolls(self._graph, costs, routed, self._told_s[0], self._gates_s(gate))
        record_tolls(self._recorder, self._period, self._graph, vehicles, tolls)

    def _record_cost(self, driven: RoadAccount) -> None:
        record_passage_costs(self._recorder, self._period, driven)
