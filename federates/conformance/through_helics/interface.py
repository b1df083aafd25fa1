"""What the executable has registered with HELICS, as HELICS tells it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from federates.boundary.topics import received_by, sent_by
from federates.conformance.through_helics.federation import Federation

__all__ = ["Interface", "read_interface", "wrong_with"]

_NO_TOPICS = ("endpoints", "filters", "translators")


@dataclass(frozen=True)
class Interface:
    """Publications with their types, keys that are read, inputs that hear nothing, and whatever else was registered.

    ``strangers`` are federates that are neither the one under test nor a partner.
    """

    publications: dict[str, str]
    reads: frozenset[str]
    deaf: tuple[str, ...]
    others: tuple[str, ...]
    strangers: tuple[str, ...]


def read_interface(federation: Federation) -> Interface:
    """Ask HELICS for the interface of the executable."""
    graph, name = federation.partner.ask("root", "data_flow_graph"), federation.subject.role.value
    federates = {entry["attributes"]["name"]: entry for core in graph["cores"] for entry in core["federates"]}
    key_of = {
        (publication["federate"], publication["handle"]): str(publication["key"])
        for entry in federates.values()
        for publication in entry.get("publications", [])
    }
    own: dict[str, Any] = federates[name]
    details = federation.partner.ask(name, "publication_details")["publications"]
    inputs = own.get("inputs", [])
    return Interface(
        publications={entry["name"]: entry["type"] for entry in details},
        reads=frozenset(key_of[s["federate"], s["handle"]] for entry in inputs for s in entry.get("sources", [])),
        deaf=tuple(str(entry.get("key", "an input without a name")) for entry in inputs if not entry.get("sources")),
        others=tuple(kind for kind in _NO_TOPICS if own.get(kind)),
        strangers=tuple(sorted(federates.keys() - {name} - {role.value for role in federation.partners})),
    )


def wrong_with(found: Interface, federation: Federation) -> list[str]:
    """Return how an interface differs from what the topic table allows its role in this world, in words."""
    role, world = federation.subject.role, federation.session.world
    wanted = {entry.key: entry.type_name for entry in sent_by(role, world)}
    allowed = {entry.key for entry in received_by(role, world)}
    words = [
        f"it publishes {key}, which the topic table does not have" for key in sorted(found.publications.keys() - wanted.keys())
    ]
    words += [f"it does not publish {key}" for key in sorted(wanted.keys() - found.publications.keys())]
    words += [
        f"{key} has the type {found.publications[key] or 'any'!s}, must be {wanted[key]}"
        for key in sorted(wanted.keys() & found.publications.keys())
        if found.publications[key] != wanted[key]
    ]
    words += [f"it reads {key}, which is not for its role" for key in sorted(found.reads - allowed)]
    words += [f"its input {name} hears no topic of its role" for name in found.deaf]
    words += [f"it has {kind}, which no agent needs" for kind in found.others]
    return words + [f"it brought another federate, {name}" for name in found.strangers]
