"""The broker's monitor of the data-flow graph: the run starts once it agrees with the topic table, and is checked all through.

The start barrier of `federates.runs.broker_core.Broker` holds the start. What is wired before it opens can hear nothing if it
is wrong; what is wired later is found at the next look, and ends the run.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from federates.audit.files import changed_files, files_state
from federates.audit.graph import Edge, federate_id, read_wiring, wiring_breaches
from federates.boundary.errors import IntegrityError
from federates.integrity.roster import Registrar
from federates.runs.broker_core import START_BARRIER, Broker
from federates.runs.meeting import Meeting
from federates.runtime.helics_core import core_name
from federates.runtime.identity import RunIdentity
from federates.runtime.results import write_json

GRAPH_RECORD = "graph.json"
_GRAPH_EVERY_S = 1.0
"""While the run goes on; a look costs a millisecond or two, and who has joined is asked five times a second."""
_EXPLAIN_S = 1.0
"""A stranger that joins before the start has this long to show what it wants to hear, so that the error can say so."""


def with_registrar(identity: RunIdentity) -> tuple[RunIdentity, Registrar | None]:
    """Return the identity with the run's new public key, and who makes the roster; None where messages are not signed."""
    if not identity.broker.signatures:
        return identity, None
    registrar = Registrar()
    return replace(identity, roster_key=registrar.public_key), registrar


class TopologyMonitor:
    """Compares broker and topic table; keeps what was seen in ``graph.json`` of the run's folder.

    Parameters
    ----------
    broker : the run's broker, with a start barrier or without.
    registrar : makes the roster of keys before the barrier opens; None: messages are not signed.
    meeting : where other hosts bring the keys of their agents, and hear the roster; None: all are on this one.
    """

    def __init__(
        self, broker: Broker, identity: RunIdentity, registrar: Registrar | None = None, meeting: Meeting | None = None
    ) -> None:
        self._meeting = meeting
        self._has_roster = False
        self._broker = broker
        self._registrar = registrar
        self._identity = identity
        self._edges: set[Edge] = set()
        self._publications: set[tuple[str, str]] = set()
        self._joined: set[str] = set()
        self._breaches: list[str] = []
        self._first_breach_s = 0.0
        self._crowded_s = time.monotonic()
        self._next_graph_s = 0.0
        # By its number, for once it has left anyone may take its name; as long as it is here nobody else has it.
        self._barrier = federate_id(broker.graph() or {}, START_BARRIER)
        self._looks = 0
        self._scenario = Path(identity.scenario)
        self._files = files_state(self._scenario, tuple(identity.agents))
        self._changed: list[str] = []
        self._written: tuple[int, int, int] | None = None

    @property
    def everyone_is_here(self) -> bool:
        """Whether every agent of the run has joined."""
        return self._joined >= set(self._identity.agents)

    @property
    def joined(self) -> list[str]:
        """Return who has ever joined."""
        return sorted(self._joined)

    @property
    def publications(self) -> frozenset[tuple[str, str]]:
        """Return every publication ever seen: key and sender. All that the start needs are among them once it opens."""
        return frozenset(self._publications)

    def look(self) -> str | None:
        """Look once; return what is wrong, or None. Opens the start barrier when everyone waits and nothing is wrong."""
        self._joined |= set(self._broker.joined())
        strangers = self._joined - set(self._identity.agents)
        now_s = time.monotonic()
        if not (self._broker.barrier_open or strangers) and (said := self._crowd(now_s)):
            self._breaches.append(said)
            self._write(at_once=True)
            return f"audit: {said}"
        if now_s < self._next_graph_s and self._broker.barrier_open and not strangers:
            return None
        # Asked before the graph: what the start barrier opens for must be the whole wiring.
        ready = not self._broker.barrier_open and self.everyone_is_here and self._everyone_waits()
        if not (ready or strangers or self._broker.barrier_open):
            return None  # Nobody can hear anything yet, and those who are expected are still wiring themselves.
        graph = self._broker.graph()
        if graph is None:
            return None
        self._next_graph_s = now_s + _GRAPH_EVERY_S
        self._compare(graph)
        self._looks += 1
        if self._breaches:
            return self._reason(now_s)
        if ready or self._broker.barrier_open:
            self._write()
        if ready and self._all_keys_are_here():
            if (said := self._make_roster()) is not None:
                return said
            if self._meeting is not None and not self._meeting.all_have_the_roster():
                return None
            self._broker.open_barrier()
            # HELICS draws some lines only when the federates start, so the next look follows at once.
            self._next_graph_s = now_s
        return None

    def close(self) -> None:
        """Keep how often the graph was looked at, and which files of the agents' folders have changed."""
        self._changed = changed_files(self._files, files_state(self._scenario, tuple(self._identity.agents)))
        self._write(at_once=True)

    def _all_keys_are_here(self) -> bool:
        return self._registrar is None or self._meeting is None or self._meeting.has_all_keys()

    def _make_roster(self) -> str | None:
        """Let everybody have everybody's public key; return why that cannot be, or None."""
        if self._registrar is None or self._has_roster:
            return None
        try:
            self._registrar.write(self._identity.run_id, self._identity, Path(self._identity.run_folder))
        except IntegrityError as error:
            return f"integrity: {error}"
        self._has_roster = True  # other hosts may need a while to hear it
        return None

    def _crowd(self, now_s: float) -> str | None:
        """Return what is wrong if more programs than agents have come with the run's key: HELICS would wait for ever.

        One that takes an agent's name is refused as a federate, and stays as a core of HELICS, of which every agent has one.
        """
        cores = self._broker.ask("cores")
        expected = {core_name(name, self._identity) for name in (*self._identity.agents, START_BARRIER)}
        if not isinstance(cores, list) or len(cores) <= len(expected):
            self._crowded_s = now_s
            return None
        if now_s < self._crowded_s + _EXPLAIN_S:
            return None  # It may be about to join under another name.
        strangers = ", ".join(sorted(set(cores) - expected)) or "without a name of its own"
        return f"a program that is no agent of this run has come with the run's key (HELICS core {strangers})"

    def _compare(self, graph: Mapping[str, Any]) -> None:
        wiring = read_wiring(graph, ignore=self._barrier)
        self._edges |= set(wiring.edges)
        self._publications |= set(wiring.publications)
        tagged = [
            f"{agent} has tag {tag} of HELICS; only publications and inputs are allowed"
            for agent in wiring.federates
            for tag in self._broker.tags(agent)
        ]
        for said in [*wiring_breaches(wiring, self._identity, self._joined), *tagged]:
            if said not in self._breaches:
                self._breaches.append(said)

    def _reason(self, now_s: float) -> str | None:
        self._first_breach_s = self._first_breach_s or now_s
        explained = any(word in said for said in self._breaches for word in (" listens to ", " publishes ", " has tag "))
        if not self._broker.barrier_open and not explained and now_s < self._first_breach_s + _EXPLAIN_S:
            return None
        self._write(at_once=True)
        return f"audit: {'; '.join(self._breaches)}"

    def _everyone_waits(self) -> bool:
        """Whether every agent waits for the start: it has made all its interfaces, and HELICS has joined them."""
        state = self._broker.ask("global_state")
        cores = state.get("cores", ()) if isinstance(state, dict) else ()
        # A core or federate that is just joining or leaving answers with an error, which has neither state nor attributes.
        waiting = {
            federate.get("attributes", {}).get("name")
            for core in cores
            if core.get("state") == "initializing"
            for federate in core.get("federates", ())
        }
        return waiting >= set(self._identity.agents)

    def _write(self, *, at_once: bool = False) -> None:
        """Write ``graph.json``: at the start barrier, whenever something is new, and at the end."""
        seen = (len(self._edges), len(self._publications), len(self._breaches))
        if seen == self._written and not at_once:
            return
        self._written = seen
        record = {
            "agents": self._identity.agents,
            "world": self._identity.world,
            "audit": self._identity.broker.audit.model_dump(),
            "looks": self._looks,
            "joined": self.joined,
            "publications": [{"key": key, "sender": sender} for key, sender in sorted(self._publications)],
            "edges": [edge._asdict() for edge in sorted(self._edges)],
            "breaches": self._breaches,
            "changed": self._changed,
        }
        write_json(Path(self._identity.run_folder) / GRAPH_RECORD, record)
