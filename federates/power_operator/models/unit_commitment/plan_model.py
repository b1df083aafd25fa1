"""Unit commitment, storage and trains as one model that is kept between the rounds of a negotiation.

The power operator's problems (37)-(42) of Ding et al., JMPCE 2025: min f_P + lambda . J over (5)-(36), J being a route of the
*public* timetable, and the cost of a given connection, J <= I. Only prices or bounds change from one round to the next; line
limits found once stay in the model.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from federates.lp.linear_model import Improvement, LinearModel, Solution, Solver
from federates.power_operator.models.unit_commitment.commitment import Commitment, Injection, LazyLines, add_commitment
from federates.power_operator.models.unit_commitment.fleet import StorageFleet
from federates.power_operator.models.unit_commitment.formulations.ding_2025_copies import Copies, add_copies
from federates.power_operator.models.unit_commitment.formulations.ding_2025_stations import Stations, add_stations, forbid_both
from federates.power_operator.models.unit_commitment.formulations.ding_2025_trains import TrainGroup, Trains, add_trains
from federates.power_operator.models.unit_commitment.system import PowerSystem
from federates.power_operator.models.unit_commitment.train_groups import connection_of
from federates.worlds.rail.timetable import TimeSpaceNetwork

Array = NDArray[np.float64]
EXCLUSIVE_MW = 1e-4
"""A station that charges and discharges more than this at once breaks (15)."""
_BROKEN = 1e-6
_LEAST_S = 1.0  # to look at a start


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """``idling``: a train may stand unconnected. ``routes``: its copy of the connection is a route, else any 0 or 1."""

    threads: int = 1
    idling: bool = True
    routes: bool = True


class PlanModel:
    """The model of one horizon of T periods, with groups J of trains on ``network``; without, batteries stay where they are."""

    def __init__(
        self,
        system: PowerSystem,
        fleet: StorageFleet,
        groups: Sequence[TrainGroup],
        network: TimeSpaceNetwork | None,
        options: PlanOptions | None = None,
    ) -> None:
        options = options or PlanOptions()
        self.system, self.fleet = system, fleet
        self.model = LinearModel()
        self.stations: Stations = add_stations(self.model, fleet, system.periods, system.period_h)
        self.trains: Trains | None = None
        if groups and network is not None and not options.routes:
            self.trains = add_copies(self.model, fleet, self.stations, groups, network)
        elif groups and network is not None:
            self.trains = add_trains(self.model, fleet, self.stations, groups, network, idling=options.idling)
        else:
            _stationary(self.model, self.stations)
        self.commitment: Commitment = add_commitment(self.model, system, storage_injections(fleet, self.stations))
        self.lines = LazyLines(self.commitment)
        self._threads = options.threads
        self._solver: Solver | None = None
        self._last: Array | None = None
        self._charging: NDArray[np.int64] | None = None

    @property
    def pools(self) -> bool:
        """Return whether several trains are one flow, which is a relaxation: see `ding_2025_trains`."""
        return self.trains is not None and any(len(group.members) > 1 for group in self.trains.groups)

    @property
    def solver(self) -> Solver:
        """Return the solver; the model is handed over when it is first asked for."""
        if self._solver is None:
            self._solver = self.model.solver(threads=self._threads)
        return self._solver

    def price(self, multipliers_usd: Array) -> None:
        """Set the price of standing connected, per group, station and period: (J, S, T)."""
        if self.trains is not None:
            self.solver.set_cost(self.trains.standing, multipliers_usd)
            self._allow_idling(multipliers_usd > 0)

    def offer(self, most: Array) -> None:
        """Set how many trains may stand connected, per group, station and period: (J, S, T)."""
        if self.trains is not None:
            self._limit(self.trains.standing, most)
            self._allow_idling(most < self._sizes())

    def offer_all(self) -> None:
        """Let every train stand wherever it can."""
        if self.trains is not None:
            self.offer(self._sizes())

    def _allow_idling(self, useful: NDArray[np.bool_]) -> None:
        """Allow trains to stand unconnected only where that can pay: standing connected costs something, or is not offered.

        Elsewhere being connected is as good for every plan, so that nothing is lost and the model is much smaller.
        """
        trains = self.trains
        if trains is not None and trains.idle.size:
            self._limit(trains.idle, np.where(useful, self._sizes(), 0.0))

    def _limit(self, columns: NDArray[np.int64], most: Array) -> None:
        """Set upper bounds; the last plan is no start any more if it breaks them."""
        self.solver.set_bounds(columns, 0.0, most)
        if self._last is not None and (self._last[columns] > most + _BROKEN).any():
            self._last = None

    def _sizes(self) -> Array:
        """Return the number of trains of each group, (J, S, T)."""
        assert self.trains is not None
        sizes = np.array([len(group.members) for group in self.trains.groups], dtype=float)
        return np.broadcast_to(sizes[:, None, None], self.trains.standing.shape)

    def solve(
        self,
        *,
        relaxed: bool = False,
        gap_usd: float | None = 1.0,
        gap_rel: float | None = None,
        time_limit_s: float | None = None,
        node_limit: int | None = None,
        on_improvement: Callable[[Improvement], bool | None] | None = None,
    ) -> Solution:
        """Solve with the lines that matter; an integer solve starts from the last plan and holds (15).

        Only where a plan charges and discharges at once are the binaries of (15) added, for good: elsewhere they would cost time
        and change nothing. Without them the model is a relaxation, so its bound holds.
        """
        if relaxed:
            return self.lines.solve(self.solver, relaxed=True, time_limit_s=time_limit_s)
        began = time.perf_counter()
        how: dict[str, Any] = {"gap_abs": gap_usd, "gap_rel": gap_rel, "node_limit": node_limit, "on_improvement": on_improvement}
        solution = self.lines.solve(self.solver, time_limit_s=time_limit_s, start=self._last, **how)
        if self._charging is None and self.exclusivity_broken(solution.values) > EXCLUSIVE_MW:
            self._charging = forbid_both(self.solver, self.fleet, self.stations)
            left_s = None if time_limit_s is None else max(time_limit_s - (time.perf_counter() - began), _LEAST_S)
            start = self._one_way(solution.values)
            again = self.lines.solve(self.solver, time_limit_s=left_s, start=start, **how)
            solution = replace(again, bound=max(again.bound, solution.bound), wall_s=solution.wall_s + again.wall_s)
        self._last = solution.values
        return solution

    def _one_way(self, values: Array) -> Array:
        """Return a start for the model with (15): every station keeps to the larger of its powers; the solver finds the rest."""
        assert self._charging is not None
        start = np.zeros(int(self._charging.max()) + 1)
        start[: values.size] = values
        into, out = values[self.stations.charge], values[self.stations.discharge]
        start[self._charging] = into >= out
        start[self.stations.charge] = np.where(into >= out, into, 0.0)
        start[self.stations.discharge] = np.where(into >= out, 0.0, out)
        return start

    def start_from(self, values: Array) -> None:
        """Begin the next integer solve with these values."""
        self._last = values

    def offer_slope_usd(self, most: Array, column_dual: Array) -> Array:
        """Return the slope of a plane below the cost, (J, S, T), from the duals of a relaxation that was offered ``most``.

        ``column_dual`` are the reduced costs rounded down of `Solution`, so that rounding cannot lift the plane above the cost.
        For groups of one train. Where a train may stand it may not idle (`_allow_idling`); not to offer it a place brings idling
        back, and with it what idling is worth.
        """
        assert self.trains is not None
        slope_usd = np.minimum(column_dual[self.trains.standing], 0.0)
        if self.trains.idle.size:
            worth_usd = np.minimum(column_dual[self.trains.idle], 0.0)
            slope_usd = slope_usd - np.where(most < self._sizes(), 0.0, worth_usd)
        return np.asarray(slope_usd)

    def group_sum(self, connection: Array) -> Array:
        """Return a connection (K, S, T) summed over the trains of each group: (J, S, T)."""
        assert self.trains is not None
        return np.array([connection[list(group.members)].sum(axis=0) for group in self.trains.groups])

    def group_price(self, multipliers_usd: Array) -> Array:
        """Return the price of each group; its trains have the same, to rounding, and the least one keeps a bound a bound."""
        assert self.trains is not None
        return np.array([multipliers_usd[list(group.members)].min(axis=0) for group in self.trains.groups])

    def connection(self, values: Array) -> Array:
        """Return who stands connected where when, (K, S, T), in a solution with ``values``."""
        trains = self.trains
        if trains is None:
            return np.zeros((len(self.fleet.trains), len(self.fleet.stations), self.system.periods))
        if isinstance(trains, Copies):
            return np.clip(values[trains.copy], 0.0, 1.0)
        parts = (values[trains.on_arc], values[trains.idle], values[trains.load_mwh])
        return connection_of(trains.groups, trains.network, *parts, len(self.fleet.trains))

    def exclusivity_broken(self, values: Array) -> float:
        """Return the largest power that a station charges while it discharges, MW; (15) wants zero."""
        both = np.minimum(values[self.stations.charge], values[self.stations.discharge])
        return float(both.max(initial=0.0))


def storage_injections(fleet: StorageFleet, stations: Stations) -> list[Injection]:
    """Return what the stations inject and take, for balance (34) and lines (35)-(36)."""
    injections = []
    for s, bus in enumerate(fleet.bus):
        injections += [Injection(int(bus), stations.discharge[s], 1.0), Injection(int(bus), stations.charge[s], -1.0)]
    return injections


def _stationary(model: LinearModel, stations: Stations) -> None:
    """Keep batteries where they are: no trains bring or take any."""
    model.rows("no_trains", [(1.0, stations.capacity_from_trains)], 0.0, 0.0)
    model.rows("no_trains", [(1.0, stations.energy_from_trains)], 0.0, 0.0)
