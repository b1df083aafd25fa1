"""What crosses the boundary, as Python sees it, and its form on the wire.

The operators see the small frozen dataclasses; `encode` and `decode` turn one topic's array into bytes and back, and
check shape, finiteness, period and round against the topic table. Values are rounded to the topic's grid on both ways.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from federates.boundary.bound_kinds import BoundKind, bound_kind
from federates.boundary.canonical import down_to_grid, to_grid, up_to_grid
from federates.boundary.errors import BoundaryError
from federates.boundary.session import Session
from federates.boundary.topics import Rounding, Topic

__all__ = [
    "ConnectionAnswer",
    "Departure",
    "Frame",
    "Gate",
    "LinkObservation",
    "StationObservation",
    "TrafficObservation",
    "decode",
    "encode",
]

Array: TypeAlias = NDArray[np.float64]
_WIRE = np.dtype("<f8")
_HEADER = 2
_ROUND = {Rounding.NEAREST: to_grid, Rounding.UP: up_to_grid, Rounding.DOWN: down_to_grid}


@dataclass(frozen=True, slots=True)
class ConnectionAnswer:
    """An operator's answer to multipliers or to a given connection.

    ``connection_veh`` has the shape of the session's connection. ``cost_usd`` is the operator's own cost of it, without
    multipliers. ``bound_usd`` is, as an answer to multipliers, a proven lower bound of the minimum of own cost plus (power) or
    minus (transport) multipliers times connection; as an answer to a given connection z0, a proven lower bound of own cost there.
    ``slope_usd_per_veh`` may be given by the power operator with the latter, of the same shape: for every connection z,
    own cost is then at least ``bound_usd + (slope * (z - z0)).sum()``. ``bound_kind`` says what the bound rests on.
    """

    connection_veh: Array
    cost_usd: float
    bound_usd: float
    slope_usd_per_veh: Array | None = None
    bound_kind: BoundKind = BoundKind.STATED

    @property
    def cost_values(self) -> Array:
        """Return what the topics ``..._cost_usd`` carry, (3,)."""
        return np.array([self.cost_usd, self.bound_usd, float(self.bound_kind)])

    @classmethod
    def from_wire(cls, connection_veh: Array, cost_values: Array, slope_usd_per_veh: Array | None = None) -> ConnectionAnswer:
        """Return an answer with `cost_values`; raise `BoundaryError` if there is no such kind of bound."""
        cost_usd, bound_usd, kind = (float(value) for value in cost_values)
        return cls(connection_veh, cost_usd, bound_usd, slope_usd_per_veh, bound_kind(kind))


@dataclass(frozen=True, slots=True)
class Gate:
    """What a driver sees at the stations' gates: ``time_s`` and ``spots``, each of shape (S,)."""

    time_s: Array
    spots: Array


@dataclass(frozen=True, slots=True)
class LinkObservation:
    """Means of the last period, each of shape (L,)."""

    flow_veh_per_h: Array
    density_veh_per_km: Array
    speed_m_per_s: Array
    travel_time_s: Array


@dataclass(frozen=True, slots=True)
class StationObservation:
    """Counts of the last period, each of shape (S, B)."""

    passing_veh: Array
    arrivals_veh: Array


@dataclass(frozen=True, slots=True)
class TrafficObservation:
    """All that a traffic model tells of a period."""

    links: LinkObservation
    stations: StationObservation


@dataclass(frozen=True, slots=True)
class Departure:
    """``vehicles`` mobile storages that leave ``origin`` for ``destination`` in a period by ``links`` (identifiers, in order)."""

    origin: str
    destination: str
    vehicles: int
    links: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Frame:
    """One decoded message."""

    period: int
    round: int
    values: Array


def encode(topic: Topic, period: int, round_: int, values: Array, session: Session) -> bytes:
    """Return the message as bytes; raise `BoundaryError` if ``values`` break the topic table."""
    array = np.asarray(values, dtype=np.float64)
    _check(topic, array, session)
    array = _on_grid(topic, array)
    return np.concatenate(([period, round_], array.ravel())).astype(_WIRE).tobytes()


def decode(topic: Topic, payload: bytes, session: Session) -> Frame:
    """Return the message in ``payload``; raise `BoundaryError` if it breaks the topic table."""
    if len(payload) % _WIRE.itemsize or len(payload) < _HEADER * _WIRE.itemsize:
        raise BoundaryError(f"{topic.key}: {len(payload)} bytes are no vector of 64-bit floats with period and round")
    vector = np.frombuffer(payload, dtype=_WIRE).astype(np.float64)
    period, round_ = vector[:_HEADER]
    if not (float(period).is_integer() and float(round_).is_integer()):
        raise BoundaryError(f"{topic.key}: period and round must be whole numbers, got {period}, {round_}")
    array = _reshape(topic, vector[_HEADER:], session)
    _check(topic, array, session)
    return Frame(int(period), int(round_), _on_grid(topic, array))


def _on_grid(topic: Topic, array: Array) -> Array:
    """Return the values on the topic's grid; what lies on it stays as it is."""
    if len(topic.rounding) == 1:
        return _ROUND[topic.rounding[0]](array, topic.decimals)
    parts = [_ROUND[rule](array[..., i], topic.decimals) for i, rule in enumerate(topic.rounding)]
    return np.stack(parts, axis=-1)


def _dimensions(topic: Topic, session: Session) -> tuple[int, ...]:
    """Return the topic's shape in numbers, -1 for the free dimension."""
    sizes = session.sizes
    return tuple(-1 if d == "E" else sizes[d] if isinstance(d, str) else d for d in topic.shape)


def _reshape(topic: Topic, flat: Array, session: Session) -> Array:
    wanted = _dimensions(topic, session)
    try:
        if flat.size == 0 and -1 in wanted:
            return flat.reshape(tuple(0 if d == -1 else d for d in wanted))
        return flat.reshape(wanted)
    except ValueError:
        raise BoundaryError(f"{topic.key}: {flat.size} values do not fill shape {_text(topic, wanted)}") from None


def _check(topic: Topic, array: Array, session: Session) -> None:
    wanted = _dimensions(topic, session)
    fits = array.ndim == len(wanted) and all(w in (-1, n) for w, n in zip(wanted, array.shape, strict=True))
    if not fits:
        raise BoundaryError(f"{topic.key}: shape is {array.shape}, must be {_text(topic, wanted)}")
    if topic.most_rows is not None and array.shape[0] > topic.most_rows:
        raise BoundaryError(f"{topic.key}: {array.shape[0]} rows; at most {topic.most_rows} may be sent")
    if not np.isfinite(array).all():
        raise BoundaryError(f"{topic.key}: every value must be finite, {int((~np.isfinite(array)).sum())} are not")


def _text(topic: Topic, wanted: tuple[int, ...]) -> str:
    names = ", ".join(str(d) for d in topic.shape)
    numbers = ", ".join("any" if d == -1 else str(d) for d in wanted)
    return f"({names}) = ({numbers})"
