"""Whether an opening or an answer can be used at all: its type, shape and finiteness."""

from __future__ import annotations

from typing import Any

import numpy as np

from federates.boundary.bound_kinds import BoundKind
from federates.boundary.messages import Answer
from federates.boundary.names import Role
from federates.worlds.rail.session import RailSession
from federates.worlds.road.messages import Gate
from federates.worlds.road.session import RoadSession

__all__ = ["answer_fault", "array_fault", "finite_fault", "opening_fault", "shape_fault"]

_NUMBERS = (int, float, np.integer, np.floating)


def array_fault(name: str, value: Any, shape: tuple[int, ...]) -> str | None:
    """Return why ``value`` is no array of numbers of this shape; None if it is."""
    if type(value) is not np.ndarray:  # A masked array or a matrix computes otherwise.
        return f"{name} is {_kind(value)}, must be a plain numpy array of numbers"
    if value.dtype.kind not in "fiu":
        return f"{name} is an array of {value.dtype}, must be an array of numbers"
    if value.shape != shape:
        return f"{name} has shape {value.shape}, must have {shape}"
    return None


def shape_fault(session: RoadSession | RailSession, answer: Any) -> str | None:
    """Return what is wrong with the types and shapes of an answer."""
    if not isinstance(answer, Answer):
        return f"the answer is {_kind(answer)}, must be a Answer"
    fault = array_fault("connection_veh", answer.connection_veh, session.connection_shape)
    if fault is None and answer.slope_usd_per_veh is not None:
        fault = array_fault("slope_usd_per_veh", answer.slope_usd_per_veh, session.connection_shape)
    for name in ("cost_usd", "bound_usd"):
        value = getattr(answer, name)
        if fault is None and (isinstance(value, bool) or not isinstance(value, _NUMBERS)):
            fault = f"{name} is {_kind(value)}, must be a number"
    if fault is None and not isinstance(answer.bound_kind, BoundKind):
        fault = f"bound_kind is {_kind(answer.bound_kind)}, must be a BoundKind"
    return fault


def finite_fault(answer: Answer) -> str | None:
    """Return which values of an answer of the right shape are not finite."""
    for name in ("connection_veh", "cost_usd", "bound_usd", "slope_usd_per_veh"):
        value = getattr(answer, name)
        if value is None:
            continue
        wrong = int((~np.isfinite(value)).sum())
        if wrong:
            return f"{name} has {wrong} values that are not finite" if np.ndim(value) else f"{name} is {value}"
    return None


def answer_fault(session: RoadSession | RailSession, answer: Any) -> str | None:
    """Return why an answer cannot be used."""
    return shape_fault(session, answer) or finite_fault(answer)


def opening_fault(role: Role, session: RoadSession | RailSession, period: int, opening: Any) -> str | None:
    """Return what is wrong with what an operator opened ``period`` with."""
    if role == Role.POWER_OPERATOR:
        return _gate_fault(session, opening)
    if isinstance(session, RailSession):
        return _places_fault(session, period, opening)
    fault = array_fault("the opening", opening, session.connection_shape[:2])
    return fault or _sign_fault("travel times", opening)


def _gate_fault(session: RoadSession | RailSession, opening: Any) -> str | None:
    if isinstance(session, RailSession):
        return None if opening is None else f"the opening is {_kind(opening)}, must be None by rail"
    if not isinstance(opening, Gate):
        return f"the opening is {_kind(opening)}, must be a Gate on the road"
    shape = (len(session.stations),)
    fault = array_fault("time_s", opening.time_s, shape) or array_fault("spots", opening.spots, shape)
    return fault or _sign_fault("time_s", opening.time_s) or _sign_fault("spots", opening.spots)


def _places_fault(session: RailSession, period: int, places: Any) -> str | None:
    fault = array_fault("the opening", places, (len(session.trains), 3))
    if fault is not None or not len(places):
        return fault
    fault = _sign_fault("places", places[:, :2]) or (None if np.isfinite(places).all() else "ends are not all finite")
    if fault is not None:
        return fault
    if (places != np.rint(places)).any():
        return "the trains' places must be whole numbers"
    if (places[:, 0] >= len(session.stations)).any():
        return f"a train stands at station {int(places[:, 0].max())}, but there are {len(session.stations)}"
    if ((places[:, 2] < -1) | (places[:, 2] >= len(session.stations))).any():
        return f"a train ends the day at none of the stations 0 to {len(session.stations) - 1}, nor at -1 (open)"
    if (places[:, 1] < period).any():
        return f"a train is where it stands next since period {int(places[:, 1].min())}, before the opened period {period}"
    return None


def _sign_fault(name: str, values: Any) -> str | None:
    if not np.isfinite(values).all():
        return f"{name} are not all finite"
    return f"{name} has {values.min():.6g}, must not be negative" if values.size and values.min() < 0 else None


def _kind(value: Any) -> str:
    return "None" if value is None else f"a {type(value).__name__}"
