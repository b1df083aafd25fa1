"""How many chargers and spots a station gets, and how many vehicles spots can take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from scipy.optimize import brentq

from federates.boundary.canonical import canonical
from federates.boundary.errors import ModelError
from federates.boundary.units import S_PER_H
from federates.station.queues import erlang_b, erlang_c, mean_wait_h

_DIGITS = 9
"""Of a root that is found to nine decimal places: what is left does not depend on the way to it."""
_MOST = 5000
"""Chargers or spots that a station can have."""
_STABLE = 0.995


def chargers_for(offered_erlang: float, target: float, sized_by: Literal["loss", "wait"]) -> int:
    """Return the fewest chargers that keep the share of arrivals turned away (or made to wait) at ``target`` or less.

    Raises
    ------
    ModelError : no number of chargers that a station can have does.
    """
    share = erlang_b if sized_by == "loss" else erlang_c
    found = _fewest(lambda c: share(offered_erlang, c) <= target)
    if found is None:
        fate = "turned away" if sized_by == "loss" else "made to wait"
        raise ModelError(
            f"even with {_MOST} chargers more than {100.0 * target:g} % of the arrivals are {fate}: they would keep "
            f"{offered_erlang:.6g} chargers busy"
        )
    return found


def spots_for(flow_per_h: float, service_per_h: float, wait_target_h: float) -> int:
    """Return the fewest spots with a mean wait of ``wait_target_h`` or less (M/M/c).

    Raises
    ------
    ModelError : no number of spots that a station can have does.
    """
    found = _fewest(lambda c: mean_wait_h(flow_per_h, service_per_h, c) <= wait_target_h)
    if found is None:
        raise ModelError(
            f"even with {_MOST} spots, each for {service_per_h:.4g} vehicles per hour, {flow_per_h:.6g} vehicles per hour wait "
            f"more than {S_PER_H * wait_target_h:g} s on average"
        )
    return found


def _fewest(enough: Callable[[int], bool]) -> int | None:
    """Return the least count that is enough; None: the most is not. More are never worse, so the most is asked first."""
    return next(c for c in range(1, _MOST + 1) if enough(c)) if enough(_MOST) else None


def greatest_flow_per_h(spots: int, service_per_h: float, wait_target_h: float) -> float:
    """Return the greatest flow that ``spots`` take with a mean wait of ``wait_target_h`` or less."""
    full = _STABLE * spots * service_per_h
    if mean_wait_h(full, service_per_h, spots) <= wait_target_h:
        return full
    found = brentq(lambda flow: mean_wait_h(flow, service_per_h, spots) - wait_target_h, 0.0, full, xtol=1e-9)
    return float(canonical(found, _DIGITS))


def expected_wait_h(flow_per_h: float, service_per_h: float, spots: int) -> float:
    """Return the mean wait a driver is told.

    Mean wait of M/M/c; above 99.5 % of what the spots can take the formula has no answer for one period, so the
    flow is cut there.
    """
    return mean_wait_h(min(flow_per_h, _STABLE * spots * service_per_h), service_per_h, spots)
