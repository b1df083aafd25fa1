"""What does not change in a run: who takes part, who tells whom what in which unit, and what is exchanged."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from federates.boundary.exchange import COMMAND, SESSION
from federates.boundary.lines import Line, Roster, lines
from federates.boundary.session import Session
from federates.boundary.tables import tables_of
from federates.boundary.topics import Command
from federates.boundary.world import World, world_of
from federates.view.stage import world_stage

EVERYBODY = "everybody"
"""The viewer who sees all agents: the lecturer, or who runs all of them on a computer of their own."""


def scene(session: Session, viewer: str) -> dict[str, Any]:
    """Return the scene for a viewer, who sees ``session``: `EVERYBODY`, or the name of an agent.

    An agent's scene has the lines that it sends or hears, and no other.
    """
    world: World = world_of(session.world)
    shown = [line for line in lines(Roster.of(session)) if viewer in (EVERYBODY, line.sender, *line.receivers)]
    seen = list(session.roster) if viewer == EVERYBODY else [viewer]
    stage = world_stage(session.world)
    owners = {table.name: table.owner for table in tables_of(session.world)}
    return {
        "viewer": viewer,
        "run": session.run_id,
        "name": session.name,
        "world": session.world,
        "scheme": str(getattr(session, "scheme", "")),
        "periods": session.periods,
        "period_s": session.period_s,
        "start_hour": session.start_hour,
        "session": session.model_dump(mode="json", exclude={"agents"}),
        "agents": [{"name": name, "role": role} for name, role in session.roster.items()],
        "commands": [command.name.lower() for command in Command],
        "exchanges": [
            {
                "name": exchange.name,
                "unit": exchange.unit,
                "price_unit": exchange.price_unit,
                "axes": exchange.axes,
                "meaning": exchange.meaning,
                "asks": [agent.name for agent in session.of_role(*exchange.asks)],
                "offers": [agent.name for agent in session.of_role(*exchange.offers)],
            }
            for exchange in world.exchanges
        ],
        "lines": {line.key: _line(world, line, viewer) for line in shown},
        "index": {agent: _index(world, session if viewer == agent else session.view(agent)) for agent in seen},
        "tables": {} if stage is None else {name: owners.get(name, "") for name in stage.tables},
        "stage": stage is not None,
    }


def _index(world: World, view: Session) -> dict[str, tuple[str, ...]]:
    """Return the names of an agent's index sets, by letter."""
    letters = {letter for exchange in world.exchanges for letter in exchange.axes}
    letters |= {size for topic in world.topics for size in topic.shape if isinstance(size, str)}
    named = ((letter, view.index_names(letter)) for letter in sorted(letters))
    return {letter: names for letter, names in named if names is not None}


def _line(world: World, line: Line, viewer: str) -> dict[str, Any]:
    """Return a line as a viewer sees it: who hears of something, an agent sees of itself."""
    kind, of, label = _kind(world, line)
    return {
        "sender": line.sender,
        "receivers": line.receivers if viewer in (EVERYBODY, line.sender) else (viewer,),
        "topic": line.topic.name,
        "unit": line.topic.unit,
        "shape": line.topic.shape,
        "meaning": line.topic.meaning,
        "kind": kind,
        "of": of,
        "label": label,
    }


def _kind(world: World, line: Line) -> tuple[str, str, str]:
    """Return what kind of line it is, of which exchange or message, and what a person calls it."""
    topic = line.topic
    for exchange in world.exchanges:
        kinds = (
            ("price", exchange.price, f"price of {exchange.name}"),
            ("given", exchange.given, f"{exchange.name} given"),
            ("slope", exchange.slope, f"slope of {exchange.name}"),
            ("quantity", exchange.quantity, _verb(exchange.asks, exchange.name, topic.sender)),
        )
        for kind, known, label in kinds:
            if topic.name == known.name and (topic.sender == known.sender or not known.sender):
                return kind, exchange.name, label
    for message in world.messages:
        if topic in message.topics():
            unit = "_" + topic.unit.replace("/", "_per_").lower()
            return message.moment.value, message.name, topic.name.removesuffix(unit).replace("_", " ")
    fixed = {SESSION.name: "the public agreement", COMMAND.name: "what to do"}
    return {SESSION.name: "session", COMMAND.name: "command"}.get(topic.name, "cost"), "", fixed.get(topic.name, "cost and bound")


def _verb(asks: Iterable[str], name: str, sender: str) -> str:
    return f"{name} asked" if sender in asks else f"{name} offered"
