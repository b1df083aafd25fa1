"""From the arrays of the whole session to those of an agent's part of it, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from federates.boundary.messages import Array
from federates.boundary.session import Session
from federates.boundary.topics import FREE, Merge, Topic


def places(axes: tuple[str | int, ...], shape: tuple[int, ...], whole: Session, view: Session) -> Any:
    """Return the index that makes an array of ``whole``, with this ``shape`` and these letters as ``axes``, one of ``view``."""
    chosen: list[Any] = []
    for axis, size in zip(axes, shape, strict=True):
        names = whole.index_names(axis) if isinstance(axis, str) else None
        own = view.index_names(axis) if isinstance(axis, str) else None
        chosen.append(range(size) if names is None or own is None else [names.index(name) for name in own])
    return np.ix_(*chosen)


def cut(topic: Topic, whole: Session, view: Session, values: Array) -> Array:
    """Return the part of a topic's ``values``, which are of ``whole``, that lies in ``view``."""
    if not topic.addressed or view is whole or not values.size:
        return values
    part: Array = values[places(topic.shape, values.shape, whole, view)]
    return part


def merged(topic: Topic, whole: Session, told: Mapping[str, Array], period: int) -> Array:
    """Return what several agents tell of their parts as one array of the whole session; what nobody tells is 0.

    Rows of a free dimension stand one after another, in the order of the agents.
    """
    if len(told) == 1:
        return next(iter(told.values()))
    if FREE in topic.shape:
        return np.concatenate(list(told.values()))
    sizes = whole.sizes(period)
    shape = tuple(sizes[size] if isinstance(size, str) else size for size in topic.shape)
    pick, none = (np.minimum, np.inf) if topic.merge is Merge.LEAST else (np.maximum, -np.inf)
    total = np.full(shape, none)
    for agent, values in told.items():
        own = places(topic.shape, shape, whole, whole.view(agent))
        total[own] = pick(total[own], values)
    return np.where(np.isfinite(total), total, 0.0)
