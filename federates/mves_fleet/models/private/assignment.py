"""Which drivers serve given numbers of trips at least cost: a transport problem, solved as a linear programme.

    min  sum c_io v_io + M sum s_o   with   sum_o v_io <= 1,  sum_i v_io + s_o >= x_o,  v >= 0,  0 <= s_o <= x_o

v_io is the part of driver i that takes option o; trips that nobody can make are left in s. With whole x the best v is whole.
Every price vector y >= 0 proves a bound (weak duality):

    cost of x  >=  sum_o y_o x_o - sum_i max(0, max_o (y_o - c_io))

Only the cheapest drivers of each option can be needed: with fewer trips in all than n drivers, some of the n cheapest is free in
part, and could take over from one who is dearer. So the programme has the floor(sum x) + 1 cheapest of each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from federates.lp.linear_model import LinearModel
from federates.lp.safe_bound import lower_dot, lower_sum
from federates.mves_fleet.models.trips import Array, Whole

_HALF = 0.5
_NOTHING = 1e-6
"""A share of a trip by which the solver may miss a row."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """``part`` (m,) of ``driver`` (m,) takes ``option`` (m,)."""

    driver: Whole
    option: Whole
    part: Array
    served: Array
    """Trips that are made of each option, (K,)."""
    cost_usd: float
    bound_usd: float
    """Proven lower bound of the cost of what is served."""
    price_usd: Array
    """What one trip more would cost, (K,)."""

    def whole(self) -> tuple[Whole, Whole]:
        """Return drivers and options, where whole numbers of trips were given."""
        taken = self.part > _HALF
        return self.driver[taken], self.option[taken]


def assign(cost_usd: Array, wanted: Array) -> Assignment:
    """Return the cheapest way to make as many of the ``wanted`` trips, (K,), as can be made.

    ``cost_usd`` (n, K) is at least 0, infinite where a driver cannot take an option.
    """
    can = np.isfinite(cost_usd)
    most = np.minimum(np.maximum(wanted, 0.0), can.sum(axis=0))
    driver, option = _candidates(cost_usd, can, most)
    if driver.size == 0:
        nothing = np.zeros(most.size)
        return Assignment(driver, option, np.zeros(0), nothing, 0.0, 0.0, nothing)
    cost = cost_usd[driver, option]
    part, price = _solve(driver, option, cost, most)
    made: Array = np.bincount(option, weights=part, minlength=most.size).astype(np.float64)
    served = np.where(made >= most - _NOTHING, most, made)
    used = part > 0.0
    total = float((cost * part).sum())
    bound = min(total, _bound(cost_usd, price, served))
    return Assignment(driver[used], option[used], part[used], served, total, bound, price)


def _candidates(cost_usd: Array, can: np.ndarray, most: Array) -> tuple[Whole, Whole]:
    """Return drivers and options of the columns."""
    enough = int(np.floor(most.sum())) + 1
    columns = []
    for o in np.flatnonzero(most > 0.0):
        able = np.flatnonzero(can[:, o])
        order = np.argsort(cost_usd[able, o], kind="stable")[:enough]
        chosen = np.sort(able[order])
        columns.append(np.stack([chosen, np.full(chosen.size, o)]))
    driver, option = np.concatenate(columns, axis=1) if columns else np.zeros((2, 0), dtype=np.int64)
    return driver, option


def _solve(driver: Whole, option: Whole, cost: Array, most: Array) -> tuple[Array, Array]:
    """Return the parts of the columns, and the prices of the options."""
    people, row = np.unique(driver, return_inverse=True)
    count, ones = driver.size, np.ones(driver.size)
    left_usd = (most.size + 1) * float(cost.max()) + 1.0  # more than any chain of exchanges costs
    model = LinearModel()
    part = model.variables("driver_takes", count, upper=1.0, cost=cost)
    left = model.variables("left", most.size, upper=most, cost=left_usd)
    once = sp.csr_matrix((ones, (row, np.arange(count))), shape=(people.size, count))
    trips = sp.csr_matrix((ones, (option, np.arange(count))), shape=(most.size, count))
    model.rows("one_trip_each", [(once, part)], upper=1.0)
    wanted = model.rows("wanted", [(trips, part), (sp.identity(most.size), left)], lower=most)
    solution = model.solver(solver="simplex", random_seed=0).solve()
    assert solution.row_dual is not None  # of a linear programme
    return np.clip(solution.values[part], 0.0, 1.0), np.maximum(solution.row_dual[wanted], 0.0)


def _bound(cost_usd: Array, price_usd: Array, served: Array) -> float:
    """Return what the prices prove of the cost of ``served``, every sum rounded down."""
    gain = np.max(price_usd[None, :] - cost_usd, axis=1, initial=0.0)
    rents = np.nextafter(gain[gain > 0.0], np.inf)
    return lower_sum(np.concatenate([-rents, [lower_dot(price_usd, served)]]))


def choose_whole(cost_usd: Array, wanted: Array, now: np.ndarray) -> tuple[Whole, Whole]:
    """Return who makes the trips of the opened period, ``wanted[now]`` in whole numbers, and which option each takes.

    A driver who is worth more later in the horizon, at the prices of the cheapest way to make all ``wanted`` trips, is spared.
    """
    plan = assign(cost_usd, wanted)
    later = np.max(np.where(now, 0.0, plan.price_usd)[None, :] - np.where(now[None, :], np.inf, cost_usd), axis=1, initial=0.0)
    columns = np.flatnonzero(now)
    driver, option = assign(cost_usd[:, columns] + later[:, None], np.rint(wanted[columns])).whole()
    return driver, columns[option]
