"""The broker's data-flow graph, held against the topic table: who is wired to whom, and who may be.

HELICS answers the query ``data_flow_graph`` with every interface of every federate and what it is connected to. A value that is
published reaches the inputs that are connected, and nobody else; so the graph says who can hear what, whatever the agents say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from federates.boundary.lines import Federation, lines

_FOREIGN = ("endpoints", "filters", "translators")
"""Interfaces of HELICS that no agent of ours has."""

_Handle = tuple[int, int]


class Edge(NamedTuple):
    """``reader`` gets what is published as ``key``."""

    key: str
    reader: str


@dataclass(frozen=True, slots=True)
class Wiring:
    """What one data-flow graph says, sorted, so that two graphs compare.

    ``publications`` are (key, federate that publishes it), ``foreign`` are (federate, kind, name) of interfaces that carry no
    value.
    """

    federates: tuple[str, ...]
    publications: tuple[tuple[str, str], ...]
    edges: tuple[Edge, ...]
    foreign: tuple[tuple[str, str, str], ...]


def federate_id(graph: Mapping[str, Any], name: str) -> int | None:
    """Return the number that HELICS has given to the federate ``name``, or None if it is not there."""
    numbers = (int(f["attributes"]["id"]) for f in _federates(graph) if f["attributes"]["name"] == name)
    return next(numbers, None)


def read_wiring(graph: Mapping[str, Any], ignore: int | None = None) -> Wiring:
    """Return what HELICS's answer to ``data_flow_graph`` says.

    Parameters
    ----------
    ignore : number of a federate that is left out: the broker's own, which holds the start until this is looked at.
    """
    federates = [federate for federate in _federates(graph) if federate["attributes"]["id"] != ignore]
    keys = {_handle(p): _name(p) for f in federates for p in f.get("publications", ())}
    readers = {_handle(i): f["attributes"]["name"] for f in federates for i in f.get("inputs", ())}
    # A line is seen from both ends; an end whose federate has left is not there any more.
    pairs = {
        (keys.get(_handle(p)), readers.get(_handle(t))) for f in federates for p in f.get("publications", ()) for t in _ends(p)
    }
    pairs |= {(keys.get(_handle(s)), readers.get(_handle(i))) for f in federates for i in f.get("inputs", ()) for s in _ends(i)}
    foreign = {(_owner(f), kind, _name(entry)) for f in federates for kind in _FOREIGN for entry in f.get(kind, ())}
    # HELICS keeps filters and translators of a core under a name of its own, which is no federate.
    named = {f["attributes"]["name"] for f in federates if not {"filters", "translators"} & f.keys()}
    return Wiring(
        federates=tuple(sorted(named)),
        publications=tuple(sorted({(_name(p), f["attributes"]["name"]) for f in federates for p in f.get("publications", ())})),
        edges=tuple(sorted(Edge(key, reader) for key, reader in pairs if key is not None and reader is not None)),
        foreign=tuple(sorted(foreign)),
    )


def wiring_breaches(wiring: Wiring, run: Federation, joined: Iterable[str] = ()) -> list[str]:
    """Return what in ``wiring`` the topic table does not allow, one sentence each.

    Parameters
    ----------
    run : world and agents of the run.
    joined : federates that have ever joined, also those that have left again.
    """
    table = {line.key: line for line in lines(run)}
    strangers = sorted((set(wiring.federates) | set(joined)) - set(run.agents))
    found = [f"{name} has joined, but is no agent of this run" for name in strangers]
    for key, sender in wiring.publications:
        entry = table.get(key)
        if entry is None:
            found.append(f"{sender} publishes {key}, which is not in the topic table")
        elif sender != entry.sender:
            found.append(f"{sender} publishes {key}; only {entry.sender} may")
    for key, reader in wiring.edges:
        entry = table.get(key)
        if entry is None:
            found.append(f"{reader} listens to {key}, which is not in the topic table")
        elif reader not in entry.receivers:
            found.append(f"{reader} listens to {key}; only {' and '.join(entry.receivers)} may")
    found += [f"{owner} has {kind[:-1]} {name}; only publications and inputs are allowed" for owner, kind, name in wiring.foreign]
    return found


def _federates(graph: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for core in graph.get("cores", ()):
        # A core or federate that is just leaving answers with an error, which has no attributes.
        yield from (federate for federate in core.get("federates", ()) if "attributes" in federate)
    for broker in graph.get("brokers", ()):
        yield from _federates(broker)


def _ends(interface: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [*interface.get("targets", ()), *interface.get("sources", ())]


def _handle(entry: Mapping[str, Any]) -> _Handle:
    return int(entry["federate"]), int(entry["handle"])


def _name(entry: Mapping[str, Any]) -> str:
    return str(entry.get("key") or entry.get("name") or "without a name")


def _owner(federate: Mapping[str, Any]) -> str:
    name = str(federate["attributes"]["name"])
    for ending in ("_filters", "_translators"):
        if name.endswith(ending):
            return f"HELICS core {name.removesuffix(ending)}"
    return name
