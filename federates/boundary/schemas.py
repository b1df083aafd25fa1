"""The boundary for machines: JSON Schema of every message, and the whole table as one JSON document.

A message crosses HELICS as bytes, for which there is no schema; the schemas describe its logical form, ``{"period", "round",
"values"}`` with ``values`` as nested arrays of the topic's shape. `as_json` gives that form of a decoded message. What JSON
Schema cannot say stands in keywords of our own: ``x-key``, ``x-type``, ``x-unit``, ``x-shape``, ``x-sender``, ``x-receivers``,
``x-world``.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import Any

from pydantic import TypeAdapter

from federates.boundary.exchange import SESSION, Exchange, Message
from federates.boundary.field_texts import document_fields
from federates.boundary.messages import Frame
from federates.boundary.topics import BOUNDARY_VERSION, Command, Topic
from federates.boundary.world import World, shipped_worlds, world_of

_DIALECT = "https://json-schema.org/draft/2020-12/schema"

_WIRE = (
    "On the wire, behind signature, number and address (docs/integrity.md): 64-bit little-endian floats, period, round, then the "
    "values in C order (the last index changes fastest)."
)


def as_json(frame: Frame) -> dict[str, Any]:
    """Return the logical form of a decoded message, which `message_schema` describes."""
    return {"period": frame.period, "round": frame.round, "values": frame.values.tolist()}


def message_schema(world: World, entry: Topic) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of one topic's messages; of the session see `session_schema`."""
    number: dict[str, Any] = {"type": "number"}
    if entry.name == "command":
        number = {"enum": [command.value for command in Command], "x-names": _commands()}
    values = _nested(entry.shape, number)
    if entry.most_rows is not None:
        values["maxItems"] = entry.most_rows
    return _head(world, entry) | {
        "description": f"{entry.meaning} {_WIRE}",
        "type": "object",
        "properties": {
            "period": {"type": "integer", "minimum": 0, "description": "Period that the message belongs to, from 0."},
            "round": {"type": "integer", "minimum": 0, "description": "Round of the negotiation, from 1; 0 where it is none."},
            "values": values,
        },
        "required": ["period", "round", "values"],
        "additionalProperties": False,
    }


def session_schema(world: World) -> dict[str, Any]:
    """Return the JSON Schema of a world's public agreement as it is announced."""
    entry = next(topic for topic in world.topics if topic.name == SESSION.name)
    document_fields(world.session)
    found = TypeAdapter(world.session).json_schema(mode="validation")
    return _head(world, entry) | {"description": f"{entry.meaning} On the wire: this JSON object as UTF-8 text."} | found


def boundary_json() -> dict[str, Any]:
    """Return the whole table: what a program in any language needs to register, send and read the topics of its role."""
    return {
        "description": "Made by `python -m federates.boundary.docs` from the world objects; do not edit.",
        "version": BOUNDARY_VERSION,
        "wire": {
            "envelope": [
                "signature: 64 bytes",
                "number: <u8",
                "count of digests: <u2",
                "digests: 32 bytes each",
                "length of the address: <u2",
                "address: UTF-8",
                "payload",
            ],
            "type": "<f8",
            "header": ["period", "round"],
            "order": "C",
            "note": _WIRE,
        },
        "commands": _commands(),
        "worlds": {world.name: _world(world) for world in shipped_worlds()},
    }


def fingerprint() -> str:
    """Return a hash of all that a partner relies on, without the prose; it stands with its version in `history`.

    Of the session it holds the names of its keys and which of them must be given, since the form of the rest is pydantic's.
    """
    structure = {"commands": _commands(), "worlds": {world.name: _without_prose(_world(world)) for world in shipped_worlds()}}
    variants = {name: world_of(name) for world in shipped_worlds() for name in world.variants.values()}
    structure["variants"] = {name: _without_prose(_world(world)) for name, world in variants.items()}
    structure["session"] = {world.name: _keys(world) for world in shipped_worlds()}
    return hashlib.sha256(json.dumps(structure, sort_keys=True).encode()).hexdigest()[:16]


def _world(world: World) -> dict[str, Any]:
    return {
        "roles": list(map(str, world.roles)),
        "letters": dict(world.letters),
        "exchanges": [_exchange(exchange) for exchange in world.exchanges],
        "messages": [_message(message) for message in world.messages],
        "topics": [_topic(topic) for topic in world.topics],
    }


def _exchange(exchange: Exchange) -> dict[str, Any]:
    topics = {"price": exchange.price, "given": exchange.given, "quantity": exchange.quantity, "slope": exchange.slope}
    plain = {field.name: _plain(getattr(exchange, field.name)) for field in dataclasses.fields(exchange)}
    return plain | {"topics": {use: topic.name for use, topic in topics.items()}}


def _message(message: Message) -> dict[str, Any]:
    names = [topic.name for topic in message.rows]
    return {
        "name": message.name,
        "moment": message.moment.value,
        "sender": message.sender,
        "hearers": list(message.hearers),
        "direct": message.direct,
        "topics": names,
    }


def _topic(entry: Topic) -> dict[str, Any]:
    """Return every field of a topic, also those that are added one day."""
    fields = {field.name: _plain(getattr(entry, field.name)) for field in dataclasses.fields(entry)}
    return {"key": entry.pattern, "type": entry.type_name} | fields


def _without_prose(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_prose(item) for key, item in value.items() if key not in ("meaning", "letters")}
    return [_without_prose(item) for item in value] if isinstance(value, list) else value


def _head(world: World, entry: Topic) -> dict[str, Any]:
    return {
        "$schema": _DIALECT,
        "title": entry.pattern,
        "x-key": entry.pattern,
        "x-type": entry.type_name,
        "x-unit": entry.unit,
        "x-shape": list(entry.shape),
        "x-sender": entry.sender,
        "x-receivers": list(entry.receivers),
        "x-world": world.name,
    }


def _nested(shape: tuple[str | int, ...], number: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of nested arrays: a number in the shape fixes the length, a letter leaves it to the session."""
    if not shape:
        return number
    size = shape[0]
    array: dict[str, Any] = {"type": "array", "items": _nested(shape[1:], number)}
    return array | ({"minItems": size, "maxItems": size} if isinstance(size, int) else {"x-length": size})


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return str(value)
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _commands() -> dict[str, int]:
    return {command.name.lower(): command.value for command in Command}


def _keys(world: World) -> dict[str, bool]:
    return {name: field.is_required() for name, field in world.session.model_fields.items()}
