"""An attacker, or bad luck, on one line of a whole run: every kind of fault on every class of topic, in each phase.

The run is real: the agents' loops, HELICS in this process, keys, roster, signatures. The fault sits where a message is handed to
HELICS, behind its signature, so it can do what somebody can who holds the wire and the run's key of HELICS, but no agent's key.
A round of the small run is: 0 opening, 1 question at prices, 2 question at given quantities, 3 commit.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow.parquet as pq
from nacl.bindings import crypto_sign, crypto_sign_keypair
from small_agents import PowerSettings, SmallPower, SmallTraffic, SmallTransport, TransportSettings

from federates.boundary.errors import FederationEndedError
from federates.boundary.names import Role
from federates.boundary.session import Session
from federates.boundary.world import parse_session
from federates.coordinator.algorithms.posted_price import PostedPrice
from federates.integrity.envelope import SIGNATURE_BYTES, read_envelope, stamp_of
from federates.integrity.seal import Seal
from federates.runs import in_process
from federates.runs.broker_core import Broker
from federates.runs.start import new_identity
from federates.runs.topology_monitor import TopologyMonitor, with_registrar
from federates.runtime import agent as runtime_agent
from federates.runtime.broker_config import BrokerConfig, Limits
from federates.runtime.federate import Federate
from federates.runtime.identity import RunIdentity
from federates.runtime.outbox import Outbox

SESSION = {
    "schema_version": 1,
    "name": "small",
    "periods": 2,
    "period_s": 3600,
    "horizon_periods": 1,
    "bins_per_period": 1,
    "resourceful_stations": ["r1"],
    "limited_stations": ["q1"],
    "links": ["a"],
}
PRICE_USD = 5.0
_LOOK_S, _LIFE_S = 0.005, 30.0


class Place(NamedTuple):
    """Which message the fault is about."""

    kind: str
    phase: str
    key: str
    period: int
    round: int

    def is_it(self, key: str, payload: bytes) -> bool:
        stamp = (0, 0) if self.kind == "session" else stamp_of(payload)
        return key == self.key and stamp == (self.period, self.round)


PLACES = [
    Place("session", "start", "coordinator/power_operator/session", 0, 0),
    Place("command", "opening", "coordinator/command", 1, 0),
    Place("command", "rounds", "coordinator/command", 1, 1),
    Place("command", "commit", "coordinator/command", 1, 3),
    Place("price", "rounds", "coordinator/transport_operator/delivery_price_usd_per_veh", 1, 1),
    Place("quantity", "rounds", "coordinator/power_operator/delivery_veh", 1, 2),
    Place("quantity", "commit", "coordinator/power_operator/delivery_veh", 1, 3),
    Place("answer", "rounds", "transport_operator/delivery_veh", 1, 1),
    Place("cost", "rounds", "power_operator/cost_usd", 1, 1),
    Place("opening", "opening", "power_operator/gate_time_s", 1, 0),
    Place("opening, passed on", "opening", "coordinator/transport_operator/gate_time_s", 1, 0),
    Place("observation", "opening", "traffic_sumo/link_flow_veh_per_h", 1, 0),
    Place("dispatch", "commit", "transport_operator/departures", 1, 3),
]


@dataclass
class Line:
    """What a fault does with the messages of a place; ``put`` hands one to HELICS now, ``later`` at the sender's next step."""

    place: Place
    fault: str
    put: Callable[[bytes], None] = print
    before: bytes = b""
    """The newest message of the key before this one; of another run's, if there is none."""
    later: list[bytes] = field(default_factory=list)
    held: bytes = b""
    met: bool = False

    def take(self, payload: bytes, message: bytes) -> None:
        """Do with ``message``, in which ``payload`` stands signed, what the fault is."""
        if self.held:
            self.put(message)
            self.later.append(self.held)
            self.held = b""
        elif self.place.is_it(self.place.key, payload):
            self.met = True
            getattr(self, self.fault)(payload, message)
        else:
            self.put(message)
        self.before = message

    def none(self, payload: bytes, message: bytes) -> None:
        self.put(message)

    def tamper(self, payload: bytes, message: bytes) -> None:
        head, body = message[: -len(payload)], payload
        if self.place.kind == "session":
            body = payload.replace(b'"periods":2', b'"periods":1')
        elif len(payload) > 16:
            values = np.frombuffer(payload, "<f8").copy()
            values[2] += 1.0
            body = values.tobytes()
        assert body != payload
        self.put(head + body)

    def replay(self, payload: bytes, message: bytes) -> None:
        self.put(self.before)

    def forge(self, payload: bytes, message: bytes) -> None:
        _, private = crypto_sign_keypair()
        stated = read_envelope(message)
        self.put(crypto_sign(stated.signed[SIGNATURE_BYTES:], private) + stated.salted)

    def drop(self, payload: bytes, message: bytes) -> None:
        pass

    def delay(self, payload: bytes, message: bytes) -> None:
        self.later.append(message)

    def duplicate(self, payload: bytes, message: bytes) -> None:
        self.put(message)
        self.later.append(message)

    def reorder(self, payload: bytes, message: bytes) -> None:
        self.held = message


FAULTS = ["tamper", "replay", "forge", "drop", "delay", "duplicate", "reorder"]
CASES = [(place, fault) for place in PLACES for fault in FAULTS]


class _FaultyOutbox(Outbox):
    def __init__(self, line: Line, publications: dict, seal: Seal) -> None:
        super().__init__(publications, seal)
        self._line = line

    def hand_over(self, key: str, message: bytes) -> None:
        if key != self._line.place.key:
            super().hand_over(key, message)
            return
        self._line.put = lambda changed: super(_FaultyOutbox, self).hand_over(key, changed)
        self._line.take(read_envelope(message).payload, message)


class _FaultyFederate(Federate):
    line: Line

    def __init__(self, *given) -> None:
        super().__init__(*given)
        self.outbox = _FaultyOutbox(self.line, self._publications, self.seal)

    def advance(self, time_s: float, limit_s: float, waiting_for: str) -> None:
        super().advance(time_s, limit_s, waiting_for)
        if self.line.later and self.line.place.key.startswith(f"{self.agent}/"):
            self.line.put(self.line.later.pop(0))


@contextmanager
def _faulty(line: Line) -> Iterator[None]:
    _FaultyFederate.line = line
    runtime_agent.Federate = _FaultyFederate
    try:
        yield
    finally:
        runtime_agent.Federate = Federate


def _lived(identity: RunIdentity, loaded: dict, session: Session) -> dict[str, Exception]:
    """Take all agents through their lives, in threads; return how those ended that did not finish.

    As `in_process` does, but the wiring is looked at until the start alone: a query of HELICS to a federation that is just
    breaking may have no answer (HELICS 3.6.1), and here it breaks in most cases.
    """
    failures: dict[str, Exception] = {}
    identity, registrar = with_registrar(identity)

    def live(agent: Any) -> None:
        failure = runtime_agent.run_agent(agent, identity, session if agent.role == Role.COORDINATOR else None)
        if failure is not None:
            failures[agent.agent] = failure

    with Broker(identity, barrier=True) as broker:
        broker.join_barrier()
        watch = TopologyMonitor(broker, identity, registrar)
        threads = [threading.Thread(target=live, args=(agent,), name=agent.agent, daemon=True) for agent in loaded.values()]
        for thread in threads:
            thread.start()
        while not broker.barrier_open:
            assert watch.look() is None
            time.sleep(_LOOK_S)
        for thread in threads:
            thread.join(_LIFE_S)
            assert not thread.is_alive(), f"{thread.name} has not ended"
    return failures


class Outcome(NamedTuple):
    """How a run with a fault ended: the tables that it left, or who said what was wrong."""

    tables: tuple[str, ...]
    said: str
    before: bytes
    """The last message of the place's key, as another run may replay it."""


def run(place: Place, fault: str, folder: Path, recorded: bytes = b"") -> Outcome:
    """Return how the small run ends with ``fault`` at ``place``; ``recorded`` is a message of another run."""
    line = Line(place, fault, before=recorded)
    session = parse_session(SESSION, "scenario.yaml")
    agents = {
        "power_operator": SmallPower(PowerSettings(), folder),
        "transport_operator": SmallTransport(TransportSettings(), folder),
        "traffic_sumo": SmallTraffic(SmallTraffic.Settings(), folder),
        "coordinator": PostedPrice(PostedPrice.Settings(price_usd_per_veh=PRICE_USD), folder),
    }
    limits = Limits(join_s=20, begin_s=10, answer_s=5, period_s=5)
    broker = BrokerConfig(schema_version=1, core_type="inproc", report=False, limits=limits)
    broker = broker.model_copy(update={"log_level": "no_print"})
    identity = new_identity(folder, broker, "broker", session.world, session.roster)
    loaded = {name: in_process._Object(name, role, agents[name]) for name, role in session.roster.items()}
    with _faulty(line):
        failures = _lived(identity, loaded, session.model_copy(update={"run_id": identity.run_id}))
    assert line.met, f"no message was at {place}"
    own = [str(error) for error in failures.values() if not isinstance(error, FederationEndedError)]
    results = Path(identity.run_folder)
    tables = [results / agent / f"{name}.parquet" for agent, name in (("coordinator", "schedule"), ("power_operator", "plan"))]
    kept = () if failures else tuple(str(pq.read_table(path).to_pylist()) for path in tables)
    return Outcome(kept, " / ".join(own), line.before)


WORDS = {
    "tampered with": "refused: changed",
    "replayed or forged": "refused: replayed",
    ": forged": "refused: forged",
    "replayed": "refused: replayed",
    "no signed message": "refused: no signature",
    "nothing has come": "ended: missing",
    "needed is": "ended: missing",
    "no answer": "ended: missing",
}


def word(outcome: Outcome, clean: Outcome) -> str:
    """Return an outcome in a word or two, as the page has it."""
    if outcome.tables:
        return "right" if outcome.tables == clean.tables else "WRONG"
    return next((short for long, short in WORDS.items() if long in outcome.said), f"? {outcome.said}")
