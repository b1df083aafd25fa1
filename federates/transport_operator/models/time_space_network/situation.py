"""What is fixed and what is free when a period opens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from federates.boundary.bound_kinds import BoundKind
from federates.boundary.messages import Array
from federates.transport_operator.models.time_space_network.network import RailNetwork
from federates.worlds.rail.timetable import Index


@dataclass(frozen=True, slots=True)
class Limits:
    """The slots (S, T), and whether each train's end (K,) may lie elsewhere, at a price.

    Both are what the settings say until a train is so late that they cannot be kept.
    """

    slots: Index
    end_free: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Situation:
    """The day at the start of ``period``.

    ``station`` and ``ready`` (K,): where each train stands next, and from which period (beyond T: not any more this day).
    ``spent_usd``: cost carried out, with the rest of the trips under way.
    """

    period: int
    station: Index
    ready: Index
    limits: Limits
    spent_usd: float

    def end_price_usd(self, network: RailNetwork) -> Array:
        """Return what it costs each train to end at each station (K, S): elsewhere than at its own the price, or inf."""
        at_end = np.arange(network.tsn.stations) == network.end[:, None]
        elsewhere = np.where(self.limits.end_free, network.late_end_usd, np.inf)
        return np.where(at_end, 0.0, elsewhere[:, None])

    def out_for_good(self, network: RailNetwork) -> NDArray[np.bool_]:
        """Return which trains (K,) do not arrive before the day ends."""
        return self.ready > network.tsn.periods


@dataclass(frozen=True, slots=True)
class Plan:
    """Routes: the arc that each train is on in each period (K, T), -1 in the past and while a trip under way lasts.

    ``cost_usd``: transport cost of the routes, with the price of ends elsewhere. ``bound_usd``: proven lower bound of that cost
    minus rewards.
    """

    arc: Index
    cost_usd: float
    bound_usd: float
    bound_kind: BoundKind = BoundKind.EXACT


@dataclass(frozen=True, slots=True)
class RelaxedPlan:
    """The same in the linear relaxation: parts of stands (K, S, T), cost and bound."""

    connection: Array
    cost_usd: float
    bound_usd: float
    bound_kind: BoundKind


def first_situation(network: RailNetwork) -> Situation:
    """Return the start of the day: every train at its start station, equation (3)."""
    limits = Limits(network.slots, np.zeros(len(network.start), dtype=bool))
    ready = np.zeros(len(network.start), dtype=np.int64)
    return Situation(0, network.start, ready, limits, 0.0)
