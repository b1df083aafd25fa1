"""From arrays of the boundary to tables with named rows and columns, and back: the same for every world.

A page never needs to know what a world is about: the letters of a topic's shape name its axes (`World.letters`), the session
names their entries.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np

from federates.boundary.exchange import COMMAND, SESSION, Exchange
from federates.boundary.lines import Line, Roster, lines_to
from federates.boundary.session import Session
from federates.boundary.world import World

Json: TypeAlias = dict[str, Any]
_HORIZON = "H"
_DIGITS = 6


def exchange_form(world: World, session: Session, exchange: Exchange, period: int) -> Json:
    """Return how a page shows an exchange in a period: axes with names, unit, and whether entries are 0 or 1.

    Parameters
    ----------
    session : as the agent sees it.
    """
    return {
        "name": exchange.name,
        "unit": exchange.unit,
        "price_unit": exchange.price_unit,
        "meaning": exchange.meaning,
        "whole": exchange.whole,
        "axes": _axes(world, session, exchange.axes, _shape(session, exchange.axes, period), period),
    }


def hear_form(world: World, session: Session, agent: str, key: str, period: int, values: Any) -> Json | None:
    """Return how a page shows a message that an agent has heard; None for commands, the session, and what is no topic of it."""
    line = _heard(world, session, agent).get(key)
    if line is None or line.topic.name in (SESSION.name, COMMAND.name):
        return None
    array = np.asarray(values, dtype=np.float64)
    topic = line.topic
    if array.ndim != len(topic.shape):
        return None
    return {
        "name": topic.name,
        "from": line.sender,
        "unit": topic.unit,
        "meaning": topic.meaning,
        "axes": _axes(world, session, topic.shape, array.shape, period),
        "values": shown(array),
    }


def shown(values: Any) -> Any:
    """Return numbers as a page shows them, nested lists of few digits."""
    return np.round(np.asarray(values, dtype=np.float64), _DIGITS).tolist()


def clock(session: Session, period: int) -> str:
    """Return the time of day at which a period starts, such as 07:00."""
    minutes = round(60 * session.hour_of_day(period))
    return f"{minutes // 60 % 24:02d}:{minutes % 60:02d}"


def of_agent(world: World, role: str) -> tuple[Exchange, ...]:
    """Return the exchanges that a role takes part in; the coordinator sees all."""
    return tuple(exchange for exchange in world.exchanges if role in exchange.roles or role not in world.operators)


def _shape(session: Session, axes: tuple[str, ...], period: int) -> tuple[int, ...]:
    sizes = session.sizes(period)
    return tuple(sizes[letter] for letter in axes)


def _axes(world: World, session: Session, letters: tuple[str | int, ...], shape: tuple[int, ...], period: int) -> list[Json]:
    return [_axis(world, session, letter, size, period) for letter, size in zip(letters, shape, strict=True)]


def _axis(world: World, session: Session, letter: str | int, size: int, period: int) -> Json:
    if letter == _HORIZON:
        return {"what": "period", "names": [clock(session, period + step) for step in range(size)]}
    names = session.index_names(letter) if isinstance(letter, str) else None
    what = world.letters.get(letter, "entries") if isinstance(letter, str) else "entries"
    return {"what": what, "names": list(names) if names is not None else [str(number + 1) for number in range(size)]}


def _heard(world: World, session: Session, agent: str) -> Mapping[str, Line]:
    return _lines(world.name, agent, tuple(session.roster.items()))


@lru_cache(maxsize=256)
def _lines(world: str, agent: str, roster: tuple[tuple[str, str], ...]) -> Mapping[str, Line]:
    return {line.key: line for line in lines_to(agent, Roster(world, dict(roster)))}
