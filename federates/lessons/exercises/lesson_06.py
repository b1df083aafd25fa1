"""Judges of lesson 6: Braess by every spread of the six vehicles, tolls by Wardrop's principle, a road's toll by its formula."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from federates.boundary.messages import Array
from federates.lessons.exercise import Wrong, exercise
from federates.lessons.judging import as_array, as_number

_FIXED, _RISE = np.array([0.0, 50.0, 50.0, 0.0, 10.0]), np.array([10.0, 1.0, 1.0, 10.0, 1.0])
"""Of the edges s-u, u-t, s-v, v-t and the bridge u-v, min and min/veh."""
_ROUTES = np.array([[1, 1, 0, 0, 0], [0, 0, 1, 1, 0], [1, 0, 0, 1, 1]], dtype=float)
_NAMES = ("by u", "by v", "over the bridge")
_VEHICLES = 6
_SAME = 1e-3
_UNNOTICED_MIN = 0.01
"""What no driver changes the route for, min: tolls that were found by trying are a little off."""
_PASSAGE = (1, 1)
"""From r2 to q2."""


def _spreads(step: float = 1.0) -> Array:
    """Return all ways to spread the vehicles over the three routes in such steps, (n, 3)."""
    count = round(_VEHICLES / step)
    return step * np.array([(i, j, count - i - j) for i in range(count + 1) for j in range(count + 1 - i)])


def _route_times(spread: Array, toll: ArrayLike = 0.0) -> Array:
    """Return what the routes take and cost, (n, 3), min."""
    edges = spread @ _ROUTES
    return np.asarray((_FIXED + _RISE * edges + np.asarray(toll)) @ _ROUTES.T)


def _total_min(spread: Array) -> Array:
    return np.asarray((spread * _route_times(spread)).sum(axis=1))


def _is_equilibrium(spread: Array, toll: ArrayLike = 0.0, tolerance_min: float = 1e-9) -> Any:
    """Return, (n,), where no route in use takes longer than another route: Wardrop's first principle, word by word."""
    times = _route_times(spread, toll)
    worst_used = np.where(spread > 0, times, -np.inf).max(axis=1)
    return worst_used <= times.min(axis=1) + tolerance_min


def _optimum() -> Array:
    """Return the spread of the least total time, (1, 3); the vehicles may be split."""
    spreads = _spreads(0.05)
    return spreads[[int(_total_min(spreads).argmin())]]


@exercise(
    "6.1",
    "hand in how many of the six vehicles take the bridge in equilibrium.",
    (
        "In equilibrium every route that somebody takes needs the same time, and no other route needs less.",
        "By symmetry the two outer routes carry the same number x, and the bridge 6 - 2x.",
        "s-u then carries 6 - x. Set the time of an outer route equal to that of the route over the bridge.",
    ),
)
def _bridge(answer: Any) -> str:
    """Try all spreads of six whole vehicles."""
    given = as_number(answer, "the number of vehicles")
    spreads = _spreads()
    settled = spreads[_is_equilibrium(spreads)]
    if given not in settled[:, 2]:
        here = spreads[spreads[:, 2] == given]
        where = "there is no such spread of 6 vehicles" if not len(here) else "somebody would gain by another route"
        raise Wrong(f"with {given:g} on the bridge it is no equilibrium: {where}.")
    return f"of {len(spreads)} spreads of six vehicles only {len(settled)} has nobody who would gain by another route."


@exercise(
    "6.2",
    "hand in five tolls, min, of s-u, u-t, s-v, v-t and the bridge, at which drivers choose the optimum by themselves.",
    (
        "Pigou: let a driver pay what the own trip costs the others.",
        "One vehicle more on an edge with v vehicles costs the others v t'(v); take v at the optimum.",
        "At the optimum three vehicles take each outer route, and t' is the second number of the edge.",
    ),
)
def _tolls(answer: Any) -> str:
    """Any tolls that work are right. Times of edges rise, so the optimum is the only equilibrium if it is one."""
    toll = as_array(answer, (5,), "the tolls")
    if (toll < 0).any():
        raise Wrong("a toll below 0 is a subsidy; find tolls of 0 or more.")
    best = _optimum()
    if not _is_equilibrium(best, toll, _UNNOTICED_MIN)[0]:
        (times,) = _route_times(best, toll)
        worst, least = _NAMES[np.where(best[0] > 0, times, -np.inf).argmax()], _NAMES[times.argmin()]
        raise Wrong(f"where all together need least, a driver who goes {worst} would gain by going {least}, tolls counted.")
    return "with these tolls no driver can do better than what is best for all."


@exercise(
    "6.3",
    "hand in the least toll on the bridge alone, min, at which drivers choose the optimum.",
    (
        "At the optimum nobody uses the bridge. What would a first driver on it save?",
        "Take the times at the optimum: an outer route against s-u, bridge, v-t.",
    ),
)
def _least_bridge_toll(answer: Any) -> str:
    toll = as_number(answer, "the toll")
    best = _optimum()

    def works(value: float) -> bool:
        return bool(_is_equilibrium(best, [0.0, 0.0, 0.0, 0.0, value], tolerance_min=1e-6)[0])

    if not works(toll + _SAME):
        raise Wrong("at the optimum a driver would still gain by taking the bridge.")
    if works(toll - _UNNOTICED_MIN):
        raise Wrong("that keeps all off the bridge, but a lower toll does, too.")
    return "so tolls are not unique: this one toll does what five did."


@exercise(
    "6.4",
    "hand in the toll of a passage from r2 to q2, usd, where 300 vehicles make that trip and no others go.",
    (
        "A toll is what one vehicle more costs all others: a difference of two costs.",
        "road.cost_usd takes the vehicles of all four pairs; change the last one from 300 to 301.",
        "The cost bends upwards: the mean of the differences to 301 and to 299 is nearer than either.",
    ),
)
def _passage_toll(answer: Any) -> str:
    """Compare with the operator's formula, which is a derivative along the routes and no difference."""
    from federates.lessons.material.toll_road import TollRoad

    given = as_number(answer, "the toll")
    vehicles = np.zeros((2, 2))
    vehicles[_PASSAGE] = 300.0
    rows = TollRoad().tolls(vehicles)
    formula = float(rows[2 * _PASSAGE[0] + _PASSAGE[1]]["toll_usd"])
    if abs(given - formula) > 0.01 * formula + 0.02:
        raise Wrong("one vehicle more costs the others another amount; is it the cost of one vehicle, and of the right pair?")
    return "your difference agrees with the operator's formula, the derivative of its cost."
