"""What a class keeps from period to period, as JSON text: plain values and arrays, and nothing that could be code.

Not `pickle`: who can write into a run's folder could have it run anything (docs/decisions/0630).
"""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

_KIND = "$"
_ARRAYS = "bif"
"""Kinds of numbers that an array may hold: truth values, whole numbers, floats."""


def to_json(value: Any, name: str = "state") -> Any:
    """Return ``value`` as what `json` can write; `from_json` gives the same value again, floats to the last bit.

    It may hold None, truth values, numbers, text, bytes, numpy arrays of numbers, and lists, tuples, sets and mappings of these.
    ``name`` says in an error where the value stands.

    Raises
    ------
    TypeError : it holds anything else.
    """
    if value is None or (isinstance(value, (bool, int, float, str)) and not isinstance(value, np.generic)):
        return value
    if isinstance(value, np.generic):
        return to_json(value.item(), name)
    if isinstance(value, np.ndarray) and value.dtype.kind in _ARRAYS:
        data = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()
        return {_KIND: "array", "type": value.dtype.str, "shape": list(value.shape), "data": data}
    if isinstance(value, (bytes, bytearray)):
        return {_KIND: "bytes", "data": base64.b64encode(value).decode()}
    if isinstance(value, list):
        return [to_json(item, f"{name}[{i}]") for i, item in enumerate(value)]
    if isinstance(value, tuple):
        return {_KIND: "tuple", "items": [to_json(item, f"{name}[{i}]") for i, item in enumerate(value)]}
    if isinstance(value, (set, frozenset)):
        return {_KIND: "set", "items": [to_json(item, f"an item of {name}") for item in sorted(value)]}
    if isinstance(value, dict):
        pairs = [[to_json(key, f"a key of {name}"), to_json(item, f"{name}[{key!r}]")] for key, item in value.items()]
        return {_KIND: "mapping", "items": pairs}
    raise TypeError(f"{name} is of type {type(value).__name__}: a state holds plain values and arrays of numbers only")


def from_json(data: Any) -> Any:
    """Return what `to_json` was given.

    Raises
    ------
    ValueError : it has not made this.
    """
    if isinstance(data, list):
        return [from_json(item) for item in data]
    if not isinstance(data, dict):
        return data
    kind = data.get(_KIND)
    if kind == "array":
        if np.dtype(data["type"]).kind not in _ARRAYS:
            raise ValueError(f"an array of type {data['type']}")
        return np.frombuffer(base64.b64decode(data["data"]), dtype=data["type"]).reshape(data["shape"]).copy()
    if kind == "bytes":
        return base64.b64decode(data["data"])
    if kind == "tuple":
        return tuple(from_json(item) for item in data["items"])
    if kind == "set":
        return {from_json(item) for item in data["items"]}
    if kind == "mapping":
        return {from_json(key): from_json(item) for key, item in data["items"]}
    raise ValueError(f"a mapping of kind {kind!r}")
