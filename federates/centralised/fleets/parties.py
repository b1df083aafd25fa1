"""What each party of the world `fleets` knows in an hour, read side by side: the only place where it meets.

R, Q are all stations of the session, H periods of the horizon. Data classes and cost coefficients are the parties' own; of what
their solvers do with them nothing is here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from federates.mves_fleet.models.flow.programme import FlowData
from federates.power_operator.delivery_programme import PlanData
from federates.transport_operator.models.joint_graph.delay import EdgeCosts

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CompanyHour:
    """A power company; its stations are rows ``resourceful`` of R and ``limited`` of Q."""

    data: PlanData
    resourceful: tuple[int, ...]
    limited: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class OwnedHour:
    """A fleet with one owner: vehicles, arcs and their costs."""

    data: FlowData


@dataclass(frozen=True, slots=True)
class DriversHour:
    """A fleet of private drivers."""

    kwh: float
    """Energy that a vehicle carries."""
    cost_usd: Array
    """What option (r, q, h) costs a driver, (n, R, Q, H); infinite where the driver cannot take it."""


@dataclass(frozen=True, slots=True)
class Route:
    """A way from r to q, as edges of the joint graph; roads and stations' gates are edges."""

    origin: int
    destination: int
    edges: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RoadHour:
    """The road. Flows are in veh/h, ``length_h`` is the length of a period."""

    costs: EdgeCosts
    routes: tuple[Route, ...]
    most_veh_per_h: Array
    """Most that may leave r, (R,)."""
    limit_veh_per_h: Array | None
    """Most on an edge, (H, E); None: capacities do not bind."""
    length_h: float


@dataclass(frozen=True, slots=True)
class Hour:
    """Everybody's data of one hour; ``shape`` is (R, Q, H)."""

    shape: tuple[int, int, int]
    companies: tuple[CompanyHour, ...]
    owned: tuple[OwnedHour, ...]
    drivers: tuple[DriversHour, ...]
    road: RoadHour
