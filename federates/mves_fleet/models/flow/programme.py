"""Vehicles of one owner as a flow over the horizon: a linear programme on arcs between (place, charge class, period).

A node (r, k, h) is the place of resourceful station r, own charge of at least k classes, and the start of period h of the
horizon. From it a vehicle takes one arc:

    trip[r, q, r', k, h]    carries energy to q and comes back to r' as class k - steps, away[r, q, r'] periods later
    business[r, k, h]       works for the owner for a period, and is back at r with `business_steps` classes less
    charge[r, k, h]         charges for a period, `charge_steps` classes, up to the highest
    stay[r, k, h]           does nothing for a period

    min  sum trip_usd trip + approach_usd approach + load_usd_per_kwh load + missed_usd missed  (- reward load + toll trip)
    balance    what leaves a node is what comes to it: by arcs from before, or free from `supply`
    load       load[r, q, h] <= kwh sum of trips        energy that is delivered
    passage    sum of trips[r, q, h] <= passages
    approach   sum of trips[r, h] = sum of approach[r, h], in steps: the vehicles nearest to r go first
    business   sum of business[h] + missed[h] = wanted[h]

Every column has bounds, so that the dual vector proves a bound (`federates.lp.safe_bound`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from federates.boundary.errors import ModelError
from federates.lp.linear_model import LinearModel
from federates.lp.linear_terms import Indices
from federates.mves_fleet.models.trips import Array, Whole

PREFERENCE_USD = 1e-6
"""Cost per trip and place in the order of the horizon: among plans of equal cost the earliest is taken."""
_NOTHING = 1e-6
"""A share of a vehicle by which the solver may miss a row."""


@dataclass(frozen=True, slots=True)
class FlowData:
    """Numbers of one programme: R places, Q limited stations, K charge classes, H periods."""

    kwh: float
    """Energy that a vehicle carries for one delivery."""
    supply: Array
    """Vehicles that become free at a place with a charge class at the start of a period, (R, K, H)."""
    away: Whole
    """Periods until a vehicle can leave again, (R, Q, R')."""
    steps: Whole
    """Charge classes that a trip takes, (R, Q, R')."""
    trip_usd: Array
    """Driver, time and traction of a trip, (R, Q, R', H)."""
    load_usd_per_kwh: float
    """Wear per kWh delivered."""
    charge_steps: int
    business_steps: int
    approach_usd: Array
    """What the way to r costs a vehicle of each step, (J,), rising."""
    step_veh: float
    """Vehicles of a step, at each place and in each period; the last step has no limit."""
    wanted_veh: Array
    """Vehicles that the owner's business wants, (H,)."""
    missed_usd: Array
    """What a vehicle that the business misses for a period costs, (H,)."""

    @property
    def vehicles(self) -> float:
        """Number of vehicles that become free within the horizon."""
        return float(self.supply.sum())


@dataclass(frozen=True, slots=True)
class FlowPlan:
    """An answer of the programme."""

    load_kwh: Array
    """(R, Q, H)."""
    passage_veh: Array
    """Trips, (R, Q, H)."""
    trips: Array
    """(R, Q, R', K, H)."""
    business: Array
    """(R, K, H)."""
    cost_usd: float
    bound_usd: float
    """Proven lower bound of what was minimised; of given quantities, of the cost of what is delivered."""


class FlowProgramme:
    """Built once for the times of a period; every question changes costs and bounds, and starts without a basis.

    So the same question has the same answer, whatever was asked before.
    """

    def __init__(self, data: FlowData) -> None:
        self._data = data
        places, classes, horizon = data.supply.shape
        limited = data.away.shape[1]
        self._shape = (places, limited, places, classes, horizon)
        self._load_shape = (places, limited, horizon)
        order = 1.0 + np.arange(places * limited * horizon).reshape(horizon, places, limited)
        preference = PREFERENCE_USD * np.moveaxis(order, 0, 2)[:, :, None, None, :]
        self._trip_usd = np.broadcast_to(data.trip_usd[:, :, :, None, :] + preference, self._shape)
        self._build()

    def best(self, reward_usd_per_kwh: Array, toll_usd_per_veh: Array) -> FlowPlan:
        """Return the plan that minimises cost less reward times load plus toll times trips, prices (R, Q, H)."""
        free = np.full(self._load_shape, self._data.vehicles)
        return self._run(reward_usd_per_kwh, toll_usd_per_veh, self._data.kwh * free, free, 0.0)

    def serve(self, delivery_kwh: Array, passage_veh: Array) -> FlowPlan:
        """Return the cheapest plan among those that deliver as much as possible, with at most these passages, (R, Q, H).

        A kWh that is left undelivered costs more than any plan could save by leaving it.
        """
        nothing = np.zeros(self._load_shape)
        most = np.minimum(delivery_kwh, self._data.kwh * self._data.vehicles)
        return self._run(nothing, nothing, most, np.minimum(passage_veh, self._data.vehicles), self._left_usd_per_kwh())

    def _left_usd_per_kwh(self) -> float:
        d = self._data
        period_usd = (
            float(self._trip_usd.max(initial=0.0))
            + float(d.approach_usd.max())
            + float(d.missed_usd.sum())
            + d.load_usd_per_kwh * d.kwh
        )
        return 10.0 * (1.0 + len(d.missed_usd)) * (1.0 + period_usd) / d.kwh

    def _build(self) -> None:
        d, model = self._data, LinearModel()
        most = d.vehicles
        classes = np.arange(self._shape[3])
        can_go = classes[None, None, None, :] >= d.steps[..., None]
        upper = np.where(can_go, most, 0.0)[..., None] + np.zeros(self._shape)
        self._trip = model.variables("trip", self._shape, upper=upper)
        self._load = model.variables("load", self._load_shape, upper=d.kwh * most)
        self._left = model.variables("left", self._load_shape, upper=0.0)
        nodes = d.supply.shape
        self._business = model.variables("business", nodes, upper=np.where(classes >= d.business_steps, most, 0.0)[None, :, None])
        charge = model.variables("charge", nodes, upper=most)
        stay = model.variables("stay", nodes, upper=most)
        missed = model.variables("missed", d.wanted_veh.size, upper=d.wanted_veh, cost=d.missed_usd)
        self._missed = missed
        steps = (places := self._shape[0], self._shape[4], d.approach_usd.size)
        limit = np.where(np.arange(steps[2]) < steps[2] - 1, min(d.step_veh, most), most)
        self._approach = model.variables("approach", steps, upper=limit, cost=d.approach_usd)
        from_r = np.moveaxis(self._trip, 4, 1).reshape(places, steps[1], -1)
        model.rows("approach", [(1.0, self._approach), (-1.0, from_r)], lower=0.0, upper=0.0, shape=steps[:2])
        self._balance(model, charge, stay)
        pairs = np.moveaxis(self._trip, 4, 2).reshape(*self._load_shape, -1)
        model.rows("load", [(1.0, self._load), (-d.kwh, pairs)], upper=0.0, shape=self._load_shape)
        self._passages = model.rows("passage", [(1.0, pairs)], upper=most, shape=self._load_shape)
        self._asked = model.rows("asked", [(1.0, self._load), (1.0, self._left)], lower=0.0, shape=self._load_shape)
        works = np.moveaxis(self._business, 2, 0).reshape(d.wanted_veh.size, -1)
        wanted = d.wanted_veh
        model.rows("business", [(1.0, works), (1.0, missed)], lower=wanted, upper=wanted, shape=wanted.shape)
        self._model = model

    def _balance(self, model: LinearModel, charge: Indices, stay: Indices) -> None:
        """Add a row for each node: what leaves it less what arcs bring to it."""
        d = self._data
        places, limited, _, classes, horizon = self._shape
        arrivals: dict[tuple[int, int, int], list[int]] = {}

        def arrive(place: int, k: int, h: int, column: int) -> None:
            if h < horizon:
                arrivals.setdefault((place, k, h), []).append(column)

        for (r, k, h), column in np.ndenumerate(stay):
            arrive(r, k, h + 1, int(column))
            arrive(r, min(k + d.charge_steps, classes - 1), h + 1, int(charge[r, k, h]))
            if k >= d.business_steps:
                arrive(r, k - d.business_steps, h + 1, int(self._business[r, k, h]))
        for (r, q, back, k, h), column in np.ndenumerate(self._trip):
            if k >= d.steps[r, q, back]:
                arrive(back, k - int(d.steps[r, q, back]), h + int(d.away[r, q, back]), int(column))
        widest = max(map(len, arrivals.values()), default=0)
        coming = np.full((places, classes, horizon, widest), -1)
        for node, columns in arrivals.items():
            coming[node][: len(columns)] = columns
        leaving = np.moveaxis(self._trip, 0, 2).reshape(limited * places, places, classes, horizon)
        leaving = np.concatenate(
            [np.moveaxis(leaving, 0, 3), charge[..., None], stay[..., None], self._business[..., None]], axis=3
        )
        shape = (places, classes, horizon)
        model.rows("balance", [(1.0, leaving), (-1.0, coming)], lower=d.supply, upper=d.supply, shape=shape)

    def _run(self, reward: Array, toll: Array, load: Array, passage: Array, left_usd: float) -> FlowPlan:
        # A solver per question: where plans cost the same, one that has solved before may choose another, also from a new start.
        d, solver = self._data, self._model.solver(solver="simplex", presolve="off", random_seed=0)
        solver.set_cost(self._trip, self._trip_usd + toll[:, :, None, None, :])
        solver.set_cost(self._load, d.load_usd_per_kwh - reward)
        solver.set_cost(self._left, left_usd)
        solver.set_bounds(self._load, 0.0, load)
        solver.set_bounds(self._left, 0.0, load if left_usd else 0.0)
        solver.set_row_bounds(self._asked, load if left_usd else np.zeros_like(load), np.full(load.shape, np.inf))
        solver.set_row_bounds(self._passages, np.full(load.shape, -np.inf), passage)
        try:
            solution = solver.solve()
        except ModelError as error:
            raise ModelError(f"fleet: {error}") from error
        if solution.status != "optimal":
            raise ModelError(f"fleet: HiGHS ended with {solution.status}")
        columns = self._trip, self._business, self._missed, self._approach
        trips, business, missed, approach = (np.maximum(solution.values[c], 0.0) for c in columns)
        carried = np.minimum(np.clip(solution.values[self._load], 0.0, load), d.kwh * trips.sum(axis=(2, 3)))
        carried = np.where(load - carried <= _NOTHING * d.kwh, load, carried)
        own = (
            (self._trip_usd * trips).sum()
            + (d.approach_usd * approach).sum()
            + d.load_usd_per_kwh * carried.sum()
            + (d.missed_usd * missed).sum()
        )
        left = left_usd * float(np.maximum(load - carried, 0.0).sum()) if left_usd else 0.0
        used = trips.sum(axis=(2, 3))
        passages = np.minimum(np.where(np.abs(used - carried / d.kwh) <= _NOTHING, carried / d.kwh, used), passage)
        return FlowPlan(carried, passages, trips, business, float(own), solution.bound - left)
