"""Fleets in the joint programme: vehicles of one owner as a flow on arcs, private drivers as parts of single choices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from federates.centralised.fleets.parties import DriversHour
from federates.lp.linear_model import LinearModel
from federates.lp.linear_terms import Indices, Term
from federates.mves_fleet.models.flow.programme import PREFERENCE_USD, FlowData


@dataclass(frozen=True, slots=True)
class FleetParts:
    """What a fleet carries and drives, as terms of rows, one row for each option (r, q, h) in C order."""

    delivery: tuple[Term, ...]
    """kWh."""
    passage: tuple[Term, ...]
    """Vehicles."""


@dataclass(slots=True)
class _Arcs:
    """Arcs between nodes (place, class, period) in C order; ``head`` -1: beyond the horizon."""

    tail: list[int]
    head: list[int]
    cost_usd: list[float]
    option: list[int]
    """Number of (r, q, h), -1: no trip."""
    works_in: list[int]
    """Period, -1: does not work."""

    def add(self, tail: int, head: int, cost_usd: float = 0.0, option: int = -1, works_in: int = -1) -> None:
        for values, value in zip(
            (self.tail, self.head, self.cost_usd, self.option, self.works_in),
            (tail, head, cost_usd, option, works_in),
            strict=True,
        ):
            values.append(value)  # type: ignore[attr-defined]


def add_owned_fleet(model: LinearModel, d: FlowData) -> FleetParts:
    """Add a fleet of one owner; see `flow.programme` for what an arc stands for."""
    horizon, options = d.supply.shape[2], (d.away.shape[0], d.away.shape[1], d.supply.shape[2])
    arcs = _arcs(d)
    count, most = len(arcs.tail), d.vehicles
    moves = model.variables("moves", count, upper=most, cost=np.array(arcs.cost_usd))
    every = np.arange(count)
    leaves = sp.coo_matrix((np.ones(count), (arcs.tail, every)), shape=(d.supply.size, count))
    inside = np.array(arcs.head) >= 0
    comes = sp.coo_matrix((np.ones(inside.sum()), (np.array(arcs.head)[inside], every[inside])), shape=leaves.shape)
    free = d.supply.ravel()
    model.rows("vehicles", [(leaves - comes, moves)], lower=free, upper=free, shape=free.shape)
    works = _incidence(arcs.works_in, horizon)
    missed = model.variables("missed", horizon, upper=d.wanted_veh, cost=d.missed_usd)
    model.rows("work", [(works, moves), (1.0, missed)], lower=d.wanted_veh, upper=d.wanted_veh, shape=(horizon,))
    trips = _incidence(arcs.option, int(np.prod(options)))
    load = model.variables("load", int(np.prod(options)), upper=d.kwh * most, cost=d.load_usd_per_kwh)
    model.rows("loaded", [(1.0, load), (-d.kwh * trips, moves)], upper=0.0, shape=load.shape)
    _add_approach(model, d, moves, trips)
    return FleetParts(((1.0, load),), ((trips, moves),))


def _add_approach(model: LinearModel, d: FlowData, moves: Indices, trips: sp.csr_matrix) -> None:
    """Add what the ways to r cost those who leave it in a period: convex, so it lies above the line of each step."""
    (places, limited), horizon = d.away.shape[:2], d.supply.shape[2]
    pairs = places * horizon
    place, period = np.repeat(np.arange(places), limited * horizon), np.tile(np.arange(horizon), places * limited)
    of_option = sp.csr_matrix((np.ones(place.size), (place * horizon + period, np.arange(place.size))), shape=(pairs, place.size))
    leaving = of_option @ trips
    ways = model.variables("ways", pairs, upper=float(d.approach_usd.max()) * d.vehicles, cost=1.0)
    begun_usd = d.step_veh * np.concatenate([[0.0], np.cumsum(d.approach_usd)[:-1]])
    one = sp.identity(pairs)
    for j, (usd, before_usd) in enumerate(zip(d.approach_usd.tolist(), begun_usd.tolist(), strict=True)):
        model.rows("ways", [(one, ways), (-usd * leaving, moves)], lower=before_usd - usd * j * d.step_veh, shape=(pairs,))


def _arcs(d: FlowData) -> _Arcs:
    """Return the arcs that vehicles can take within the horizon."""
    places, classes, horizon = d.supply.shape
    limited = d.away.shape[1]
    arcs = _Arcs([], [], [], [], [])

    def node(place: int, k: int, h: int) -> int:
        return (place * classes + k) * horizon + h if h < horizon else -1

    for r, k, h in np.ndindex(places, classes, horizon):
        here = node(r, k, h)
        arcs.add(here, node(r, k, h + 1))
        arcs.add(here, node(r, min(k + d.charge_steps, classes - 1), h + 1))
        if k >= d.business_steps:
            arcs.add(here, node(r, k - d.business_steps, h + 1), works_in=h)
        for q, back in np.ndindex(limited, places):
            left = k - int(d.steps[r, q, back])
            if left >= 0:
                # The earliest of equal trips is taken: the fleet's own tie-break.
                tie_usd = PREFERENCE_USD * (1 + (h * places + r) * limited + q)
                there = node(back, left, h + int(d.away[r, q, back]))
                arcs.add(here, there, float(d.trip_usd[r, q, back, h]) + tie_usd, option=(r * limited + q) * horizon + h)
    return arcs


def _incidence(group_of: list[int], groups: int) -> sp.csr_matrix:
    """Return which columns are in which group, (groups, columns); -1 is in none."""
    group, column = np.array(group_of), np.flatnonzero(np.array(group_of) >= 0)
    return sp.csr_matrix((np.ones(column.size), (group[column], column)), shape=(groups, group.size))


def add_drivers(model: LinearModel, fleet: DriversHour) -> FleetParts:
    """Add private drivers: each takes parts of options of at most one trip in all, or stays."""
    drivers, options = fleet.cost_usd.shape[0], fleet.cost_usd[0].size
    cost = fleet.cost_usd.reshape(drivers, options)
    driver, option = np.nonzero(np.isfinite(cost))
    part = model.variables("drivers", driver.size, upper=1.0, cost=cost[driver, option])
    who, row = np.unique(driver, return_inverse=True)
    once = sp.csr_matrix((np.ones(driver.size), (row, np.arange(driver.size))), shape=(who.size, driver.size))
    model.rows("one_trip", [(once, part)], upper=1.0, shape=(who.size,))
    trips = sp.csr_matrix((np.ones(driver.size), (option, np.arange(driver.size))), shape=(options, driver.size))
    return FleetParts(((fleet.kwh * trips, part),), ((trips, part),))
