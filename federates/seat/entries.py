"""Numbers that a person types, entry by entry of the exchanges: checked, and refused in a sentence."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from dataclasses import fields as fields_of
from typing import Any

import numpy as np

from federates.boundary.exchange import Exchange
from federates.boundary.messages import Array
from federates.boundary.session import Session
from federates.boundary.world import World
from federates.seat.asking import Refused

MOST = {"veh": 1_000.0, "kWh": 100_000.0}
"""Most of one entry of an exchange that can be divided, by unit: ten times what any scenario that ships has, so that one
absurd number moves no price beyond what others can follow."""
_MOST_OF_ANYTHING = 1e6
MOST_PRICE_USD = 1e6
MOST_COST_USD = 1e9
_DIGITS = 9


@dataclass(frozen=True)
class Field:
    """What one exchange wants of a person in one period. ``shape`` is of the agent's part."""

    exchange: Exchange
    names: tuple[tuple[str, ...] | None, ...]
    shape: tuple[int, ...]

    @property
    def most(self) -> float:
        """Return the most that one entry may be."""
        return 1.0 if self.exchange.whole else MOST.get(self.exchange.unit, _MOST_OF_ANYTHING)

    def place(self, index: tuple[int, ...]) -> str:
        """Return the names of one entry in words."""
        words = [names[i] for names, i in zip(self.names, index, strict=True) if names is not None]
        return " to ".join(words) + (f", period +{index[-1]}" if self.shape[-1] > 1 else "")


def fields(world: World, view: Session, role: str, period: int) -> dict[str, Field]:
    """Return the exchanges that a role takes part in; the coordinator sees all of them. ``view`` is what the agent sees."""
    sizes = view.sizes(period)
    found = [e for e in world.exchanges if role in e.roles] or list(world.exchanges)
    return {
        e.name: Field(e, tuple(view.index_names(axis) for axis in e.axes), tuple(sizes[axis] for axis in e.axes)) for e in found
    }


def read_quantities(given: Any, wanted: Mapping[str, Field]) -> dict[str, Array]:
    """Return quantities, each from 0 to the field's most, and 0 or 1 where they are whole; raise `Refused` for others."""
    arrays = _arrays(given, wanted)
    for name, values in arrays.items():
        field = wanted[name]
        _within(field, values, 0.0, field.most)
        if field.exchange.whole and (at := np.argwhere((values != 0.0) & (values != 1.0))).size:
            raise Refused(f"{name} {field.place(tuple(at[0]))}: must be 0 or 1.")
    return arrays


def read_prices(given: Any, wanted: Mapping[str, Field]) -> dict[str, Array]:
    """Return prices; raise `Refused` for what is none."""
    arrays = _arrays(given, wanted)
    for name, values in arrays.items():
        _within(wanted[name], values, -MOST_PRICE_USD, MOST_PRICE_USD)
    return arrays


def read_cost(given: Any) -> float | None:
    """Return a claimed cost, None if none is claimed; raise `Refused` for what is no number."""
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, int | float) or not _small(given, MOST_COST_USD):
        raise Refused(f"The claimed cost must be a number from -{MOST_COST_USD:g} to {MOST_COST_USD:g} usd.")
    return float(given)


def _arrays(given: Any, wanted: Mapping[str, Field]) -> dict[str, Array]:
    if not isinstance(given, dict) or set(given) != set(wanted):
        raise Refused(f"There must be numbers for {', '.join(wanted)}, and for nothing else.")
    return {name: _array(name, given[name], field.shape) for name, field in wanted.items()}


def _array(name: str, given: Any, shape: tuple[int, ...]) -> Array:
    """Return nested lists of numbers as an array of this shape; a text is no number, and true is not 1."""
    flat: list[float] = []

    def take(value: Any, sizes: Sequence[int]) -> None:
        if sizes:
            if not isinstance(value, list) or len(value) != sizes[0]:
                raise Refused(f"{name}: must have {' x '.join(map(str, shape))} numbers.")
            for item in value:
                take(item, sizes[1:])
        elif isinstance(value, bool) or not isinstance(value, int | float):
            raise Refused(f"{name}: every entry must be a number.")
        elif not _small(value, math.inf):
            raise Refused(f"{name}: every number must be finite.")
        else:
            flat.append(float(value))

    take(given, shape)
    return np.array(flat, dtype=np.float64).reshape(shape) + 0.0


def _small(value: float, most: float) -> bool:
    """Whether a number is finite and in size at most ``most``; a whole number may be too large for any float."""
    try:
        return math.isfinite(value) and abs(value) <= most
    except OverflowError:
        return False


def _within(field: Field, values: Array, least: float, most: float) -> None:
    if (at := np.argwhere((values < least) | (values > most))).size:
        index = tuple(at[0].tolist())
        place = f"{field.exchange.name} {field.place(index)}"
        raise Refused(f"{place}: {values[index]:g} must be from {least:g} to {most:g} {field.exchange.unit}.")


def plain(value: Any) -> Any:
    """Return a message, or numbers by name, as what JSON has; numbers that are not finite are None."""
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields_of(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return round(value, _DIGITS) + 0.0 if math.isfinite(value) else None
    return value
