"""What crosses the boundary, as Python sees it, and its form on the wire.

The operators see the small frozen dataclasses; `encode` and `decode` turn one topic's array into bytes and back, and
check shape, finiteness, period and round against the topic table. Values are rounded to the topic's grid on both ways.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from federates.boundary.bound_kinds import BoundKind, bound_kind
from federates.boundary.canonical import down_to_grid, to_grid, up_to_grid
from federates.boundary.errors import BoundaryError
from federates.boundary.session import Session
from federates.boundary.topics import FREE, Rounding, Topic

Array: TypeAlias = NDArray[np.float64]
Quantities: TypeAlias = Mapping[str, Array]
"""An array by name of exchange."""
_WIRE = np.dtype("<f8")
_HEADER = 2
_ROUND = {Rounding.NEAREST: to_grid, Rounding.UP: up_to_grid, Rounding.DOWN: down_to_grid}


@dataclass(frozen=True, slots=True)
class Answer:
    """An agent's answer to prices, or to what it is given.

    ``quantities`` has an array for each exchange that the agent takes part in, of the shape of its part. ``cost_usd`` is the
    agent's own cost of them, without prices. ``bound_usd`` is, as an answer to prices, a proven lower bound of the minimum of own
    cost plus price times what is asked minus price times what is offered; as an answer to given quantities z0, a proven lower
    bound of own cost there. ``slopes`` may be given with the latter, of the same shapes: for all quantities z, own cost is then
    at least ``bound_usd + (slope * (z - z0)).sum()``. ``bound_kind`` says what the bound rests on.
    """

    quantities: Quantities
    cost_usd: float
    bound_usd: float
    slopes: Quantities | None = None
    bound_kind: BoundKind = BoundKind.STATED

    @property
    def cost_values(self) -> Array:
        """Return what the topic `cost_usd` carries, (3,)."""
        return np.array([self.cost_usd, self.bound_usd, float(self.bound_kind)])

    @classmethod
    def from_wire(cls, quantities: Quantities, cost_values: Array, slopes: Quantities | None = None) -> Answer:
        """Return an answer with `cost_values`; raise `BoundaryError` if there is no such kind of bound."""
        cost_usd, bound_usd, kind = (float(value) for value in cost_values)
        return cls(quantities, cost_usd, bound_usd, slopes, bound_kind(kind))


@dataclass(frozen=True, slots=True)
class Frame:
    """One decoded message."""

    period: int
    round: int
    values: Array


def encode(topic: Topic, key: str, period: int, round_: int, values: Array, session: Session) -> bytes:
    """Return the message as bytes; raise `BoundaryError` if ``values`` break the topic table.

    ``session`` is that of the agent at the other end than the coordinator or a model: its part gives the shape.
    """
    array = np.asarray(values, dtype=np.float64)
    _check(topic, key, array, _dimensions(topic, session, period))
    array = _on_grid(topic, array)
    return np.concatenate(([period, round_], array.ravel())).astype(_WIRE).tobytes()


def values_in(payload: bytes, shape: tuple[int, ...]) -> Array:
    """Return the values of a message that `encode` has made, on the topic's grid."""
    return np.frombuffer(payload, dtype=_WIRE)[_HEADER:].reshape(shape)


def decode(topic: Topic, key: str, payload: bytes, session: Session) -> Frame:
    """Return the message in ``payload``; raise `BoundaryError` if it breaks the topic table."""
    if len(payload) % _WIRE.itemsize or len(payload) < _HEADER * _WIRE.itemsize:
        raise BoundaryError(f"{key}: {len(payload)} bytes are no vector of 64-bit floats with period and round")
    vector = np.frombuffer(payload, dtype=_WIRE).astype(np.float64)
    period, round_ = vector[:_HEADER]
    if not (float(period).is_integer() and float(round_).is_integer()):
        raise BoundaryError(f"{key}: period and round must be whole numbers, got {period}, {round_}")
    if not 0 <= period <= session.periods:
        raise BoundaryError(f"{key}: period must be from 0 to {session.periods}, got {period:g}")
    wanted = _dimensions(topic, session, int(period))
    array = _reshape(topic, key, vector[_HEADER:], wanted)
    _check(topic, key, array, wanted)
    return Frame(int(period), int(round_), _on_grid(topic, array))


def _on_grid(topic: Topic, array: Array) -> Array:
    """Return the values on the topic's grid; what lies on it stays as it is."""
    if len(topic.rounding) == 1:
        return _ROUND[topic.rounding[0]](array, topic.decimals)
    parts = [_ROUND[rule](array[..., i], topic.decimals) for i, rule in enumerate(topic.rounding)]
    return np.stack(parts, axis=-1)


def _dimensions(topic: Topic, session: Session, period: int) -> tuple[int, ...]:
    """Return the topic's shape in numbers, -1 for the free dimension."""
    sizes = session.sizes(period)
    return tuple(-1 if d == FREE else sizes[d] if isinstance(d, str) else d for d in topic.shape)


def _reshape(topic: Topic, key: str, flat: Array, wanted: tuple[int, ...]) -> Array:
    try:
        if flat.size == 0 and -1 in wanted:
            return flat.reshape(tuple(0 if d == -1 else d for d in wanted))
        return flat.reshape(wanted)
    except ValueError:
        raise BoundaryError(f"{key}: {flat.size} values do not fill shape {_text(topic, wanted)}") from None


def _check(topic: Topic, key: str, array: Array, wanted: tuple[int, ...]) -> None:
    fits = array.ndim == len(wanted) and all(w in (-1, n) for w, n in zip(wanted, array.shape, strict=True))
    if not fits:
        raise BoundaryError(f"{key}: shape is {array.shape}, must be {_text(topic, wanted)}")
    if topic.most_rows is not None and array.shape[0] > topic.most_rows:
        raise BoundaryError(f"{key}: {array.shape[0]} rows; at most {topic.most_rows} may be sent")
    if not np.isfinite(array).all():
        raise BoundaryError(f"{key}: every value must be finite, {int((~np.isfinite(array)).sum())} are not")


def _text(topic: Topic, wanted: tuple[int, ...]) -> str:
    names = ", ".join(str(d) for d in topic.shape)
    numbers = ", ".join("any" if d == -1 else str(d) for d in wanted)
    return f"({names}) = ({numbers})"
