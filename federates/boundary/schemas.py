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

from federates.boundary.messages import Frame
from federates.boundary.names import Role
from federates.boundary.topics import BOUNDARY_VERSION, PASSED_ON, TOPICS, Command, Topic, roles_of
from federates.worlds.rail.session import RailSession, Train
from federates.worlds.road.session import RoadSession

__all__ = ["LETTERS", "as_json", "boundary_json", "fingerprint", "message_schema", "session_schema"]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"

LETTERS: dict[str, dict[str, str]] = {
    "N": {"road": "resourceful stations", "rail": "trains"},
    "M": {"road": "limited stations", "rail": "stations"},
    "H": {"road": "periods of the horizon; the first is the opened one", "rail": "all periods of the day"},
    "S": {"road": "all stations, resourceful and then limited ones", "rail": "stations"},
    "L": {"road": "links"},
    "B": {"road": "bins of a period"},
    "E": {"road": "any number of rows", "rail": "any number of rows"},
}
"""What the letters of a shape count, per world; all but E come with the session."""

_WIRE = (
    "On the wire: 64-bit little-endian floats without any frame around them: period, round, then the values in C order (the last "
    "index changes fastest)."
)


def as_json(frame: Frame) -> dict[str, Any]:
    """Return the logical form of a decoded message, which `message_schema` describes."""
    return {"period": frame.period, "round": frame.round, "values": frame.values.tolist()}


def message_schema(entry: Topic) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of one topic's messages; of ``coordinator/session`` see `session_schema`."""
    number: dict[str, Any] = {"type": "number"}
    if entry.name == "command":
        number = {"enum": [command.value for command in Command], "x-names": _commands()}
    values = _nested(entry.shape, number)
    if entry.most_rows is not None:
        values["maxItems"] = entry.most_rows
    return _head(entry) | {
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


def session_schema(entry: Topic) -> dict[str, Any]:
    """Return the JSON Schema of the public agreement as it is announced: the form of one world or of the other."""
    models: Any = RoadSession | RailSession
    found = TypeAdapter(models).json_schema(mode="validation")
    said = f"{entry.meaning} On the wire: this JSON object as UTF-8 text. Without `world` it is the road."
    return _head(entry) | {"description": said} | found


def boundary_json() -> dict[str, Any]:
    """Return the whole table: what a program in any language needs to register, send and read the topics of its role."""
    return {
        "description": "Made by `python -m federates.boundary.docs` from federates/boundary; do not edit.",
        "version": BOUNDARY_VERSION,
        "wire": {"type": "<f8", "header": ["period", "round"], "order": "C", "note": _WIRE},
        "worlds": {world.value: {"roles": [role.value for role in roles_of(world)]} for world in World},
        "letters": LETTERS,
        "commands": _commands(),
        "passed_on": [f"{role}/{name}" for role, name in PASSED_ON],
        "topics": [_topic(entry) for entry in TOPICS],
    }


def fingerprint() -> str:
    """Return a hash of all that a partner relies on, without the prose; it stands with its version in `history`.

    Of the session it holds the names of its keys and which of them must be given, since the form of the rest is pydantic's.
    """
    structure = {
        "topics": [{key: value for key, value in _topic(entry).items() if key != "meaning"} for entry in TOPICS],
        "commands": _commands(),
        "passed_on": [f"{role}/{name}" for role, name in PASSED_ON],
        "roles": {world.value: [role.value for role in roles_of(world)] for world in World},
        "session": {model.__name__: _keys(model) for model in (RoadSession, RailSession, Train)},
    }
    return hashlib.sha256(json.dumps(structure, sort_keys=True).encode()).hexdigest()[:16]


def _head(entry: Topic) -> dict[str, Any]:
    return {
        "$schema": _DIALECT,
        "title": entry.key,
        "x-key": entry.key,
        "x-type": entry.type_name,
        "x-unit": entry.unit,
        "x-shape": list(entry.shape),
        "x-sender": entry.sender.value,
        "x-receivers": [role.value for role in entry.receivers],
        "x-world": [world.value for world in World if entry.world in (None, world)],
    }


def _nested(shape: tuple[str | int, ...], number: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of nested arrays: a number in the shape fixes the length, a letter leaves it to the session."""
    if not shape:
        return number
    size = shape[0]
    array: dict[str, Any] = {"type": "array", "items": _nested(shape[1:], number)}
    return array | ({"minItems": size, "maxItems": size} if isinstance(size, int) else {"x-length": size})


def _topic(entry: Topic) -> dict[str, Any]:
    """Return every field of a topic, also those that are added one day."""
    fields = {field.name: getattr(entry, field.name) for field in dataclasses.fields(entry)}
    plain = {name: _plain(value) for name, value in fields.items()}
    return {"key": entry.key, "type": entry.type_name} | plain


def _plain(value: Any) -> Any:
    if isinstance(value, (Role, World)):
        return value.value
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _commands() -> dict[str, int]:
    return {command.name.lower(): command.value for command in Command}


def _keys(model: type[RoadSession] | type[RailSession] | type[Train]) -> dict[str, bool]:
    return {name: field.is_required() for name, field in model.model_fields.items()}
