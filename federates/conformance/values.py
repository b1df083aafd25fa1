"""Whether what an agent says can be used at all: its type, shape, finiteness and range."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from federates.boundary.bound_kinds import BoundKind
from federates.boundary.errors import PortageError
from federates.boundary.exchange import Message, Moment
from federates.boundary.messages import Answer, Array
from federates.boundary.topics import FREE
from federates.boundary.world import world_of
from federates.conformance.call_recorder import Kind
from federates.conformance.entries import Answered, Entries
from federates.conformance.kit import kit_of

__all__ = [
    "answer_fault",
    "array_fault",
    "arrays_fault",
    "finite_fault",
    "opening_fault",
    "range_fault",
    "report_shape_fault",
    "report_value_fault",
    "shape_fault",
    "shapes_fault",
    "value_fault",
]

_NUMBERS = (int, float, np.integer, np.floating)
_RANGE_TOLERANCE = 1e-6


def array_fault(name: str, value: Any, shape: tuple[int, ...]) -> str | None:
    """Return why ``value`` is no array of numbers of this shape; None if it is."""
    if type(value) is not np.ndarray:  # A masked array or a matrix computes otherwise.
        return f"{name} is {_kind(value)}, must be a plain numpy array of numbers"
    if value.dtype.kind not in "fiu":
        return f"{name} is an array of {value.dtype}, must be an array of numbers"
    if value.shape != shape:
        return f"{name} has shape {value.shape}, must have {shape}"
    return None


def arrays_fault(name: str, values: Any, shapes: Mapping[str, tuple[int, ...]]) -> str | None:
    """Return why ``values`` is no mapping from each exchange to an array of numbers of its shape."""
    if not isinstance(values, Mapping):
        return f"{name} is {_kind(values)}, must be a mapping from the name of an exchange to an array"
    if set(values) != set(shapes):
        return f"{name} has {', '.join(map(str, values)) or 'nothing'}, must have {', '.join(shapes)}"
    faults = (array_fault(f"{name}[{key!r}]", values[key], shape) for key, shape in shapes.items())
    return next((fault for fault in faults if fault is not None), None)


def shape_fault(entries: Entries, answer: Any) -> str | None:
    """Return what is wrong with the types and shapes of an answer."""
    if not isinstance(answer, Answer):
        return f"the answer is {_kind(answer)}, must be an Answer"
    fault = arrays_fault("quantities", answer.quantities, entries.shapes)
    if fault is None and answer.slopes is not None:
        fault = arrays_fault("slopes", answer.slopes, entries.shapes)
    for name in ("cost_usd", "bound_usd"):
        value = getattr(answer, name)
        if fault is None and (isinstance(value, bool) or not isinstance(value, _NUMBERS)):
            fault = f"{name} is {_kind(value)}, must be a number"
    if fault is None and not isinstance(answer.bound_kind, BoundKind):
        fault = f"bound_kind is {_kind(answer.bound_kind)}, must be a BoundKind"
    return fault


def finite_fault(answer: Answer) -> str | None:
    """Return which values of an answer of the right shape are not finite."""
    parts: dict[str, Any] = {"cost_usd": answer.cost_usd, "bound_usd": answer.bound_usd}
    parts |= {f"quantities[{name!r}]": values for name, values in answer.quantities.items()}
    parts |= {f"slopes[{name!r}]": values for name, values in (answer.slopes or {}).items()}
    for name, value in parts.items():
        wrong = int((~np.isfinite(value)).sum())
        if wrong:
            return f"{name} has {wrong} values that are not finite" if np.ndim(value) else f"{name} is {value}"
    return None


def answer_fault(entries: Entries, answer: Any) -> str | None:
    """Return why an answer cannot be used."""
    return shape_fault(entries, answer) or finite_fault(answer)


def range_fault(session: Any, heard: Answered) -> str | None:
    """Return how quantities leave the range of what they can mean; None if they do not."""
    z, entries = heard.z, heard.entries
    if z.min(initial=0.0) < -_RANGE_TOLERANCE:
        return f"the {kit_of(session).thing} has {z.min():.6g}, must not be negative"
    if z[entries.whole].max(initial=0.0) > 1.0 + _RANGE_TOLERANCE:
        return f"the {kit_of(session).thing} has {z[entries.whole].max():.6g}, must be at most 1"
    must_be = entries.whole & (heard.kind is Kind.SOLVE or (heard.kind is not Kind.RELAX and ~entries.asks))
    apart = float(np.abs(z - np.rint(z))[must_be].max(initial=0.0))
    if apart > _RANGE_TOLERANCE:
        return f"the {kit_of(session).thing} has a value {apart:.3g} from a whole number, must be 0 or 1"
    offered = {e.name: heard.answer.quantities[e.name] for e in entries.exchanges if not entries.asks.all()}
    if not offered or (heard.kind is Kind.RELAX and entries.whole.any()):
        return None
    return kit_of(session).offer_fault(session, heard.period, offered, heard.openings)


def shapes_fault(session: Any, period: int, message: Message, content: Any) -> str | None:
    """Return what is wrong with types and shapes of a message's arrays."""
    try:
        arrays = message.packed(session, content)
    except PortageError:
        return None  # Its values may not be sent, which `value_fault` says.
    except Exception as error:
        return f"the {message.name} is {_kind(content)} that cannot be sent ({type(error).__name__}: {error})"
    sizes = session.sizes(period)
    for topic, values in zip(message.rows, arrays, strict=True):
        shape = tuple(len(values) if d == FREE else sizes[d] if isinstance(d, str) else d for d in topic.shape)
        if (fault := array_fault(topic.name, values, shape)) is not None:
            return fault
    return None


def value_fault(session: Any, period: int, message: Message, content: Any) -> str | None:
    """Return what is wrong with the values of a message of the right shapes."""
    try:
        arrays: Sequence[Array] = message.packed(session, content)
    except PortageError as error:
        return str(error)
    for topic, values in zip(message.rows, arrays, strict=True):
        if not np.isfinite(values).all():
            return f"{topic.name} is not all finite"
    return kit_of(session).message_fault(session, period, message, arrays)


def opening_fault(role: str, session: Any, period: int, opening: Any) -> str | None:
    """Return what is wrong with what an operator opened ``period`` with."""
    message = world_of(session.world).said(role, Moment.OPENING)
    if message is None:
        return None if opening is None else f"the opening is {_kind(opening)}, must be None: nobody is told anything then"
    fault = shapes_fault(session, period, message, opening)
    return fault or value_fault(session, period, message, opening)


def report_shape_fault(role: str, session: Any, period: int, said: Any) -> str | None:
    """Return what is wrong with types and shapes of what a reporter opened ``period`` with."""
    messages = world_of(session.world).says(role, Moment.OPENING)
    if not isinstance(said, Mapping):
        return f"the opening is {_kind(said)}, must be a mapping from the name of a message to its content"
    if set(said) != {message.name for message in messages}:
        names = ", ".join(message.name for message in messages)
        return f"the opening has {', '.join(map(str, said)) or 'nothing'}, must have {names}"
    faults = (shapes_fault(session, period, message, said[message.name]) for message in messages)
    return next((fault for fault in faults if fault is not None), None)


def report_value_fault(role: str, session: Any, period: int, said: Mapping[str, Any]) -> str | None:
    """Return what is wrong with the values of what a reporter opened ``period`` with, of the right shapes."""
    messages = world_of(session.world).says(role, Moment.OPENING)
    faults = (value_fault(session, period, message, said[message.name]) for message in messages)
    return next((fault for fault in faults if fault is not None), None)


def _kind(value: Any) -> str:
    return "None" if value is None else f"a {type(value).__name__}"
