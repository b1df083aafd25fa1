"""The HELICS broker of one run, inside this process."""

from __future__ import annotations

import contextlib
import threading
from types import TracebackType
from typing import Any, Self

from federates.boundary.errors import FederationError
from federates.runtime.helics_api import h
from federates.runtime.helics_core import federate_info, silence_s
from federates.runtime.identity import RunIdentity

START_BARRIER = "broker"
"""Name of the federate by which a broker holds the start."""
_ANSWER_S = 5.0
"""HELICS answers within milliseconds, on a busy computer within a second."""
_BARRIER_LEAVES_S = 2.0


class Broker:
    """Context manager around a HELICS broker that is made from ``broker.yaml`` and waits for every agent of the run.

    In-process, so that it dies with its process and leaves no port behind (the ``helics_broker`` program that
    ``helics run`` would start itself is orphaned when a federate fails).

    Parameters
    ----------
    barrier : whether nobody starts before `open_barrier`: HELICS then waits for one federate more, which is the broker's own,
        has no interface, and leaves as soon as the others have started. `join_barrier` lets it join.
    """

    def __init__(self, identity: RunIdentity, *, barrier: bool = False) -> None:
        self._identity = identity
        self._holds_start = barrier
        self._barrier: Any = None
        self._barrier_thread: threading.Thread | None = None
        self._broker: Any = h.helicsCreateBroker(identity.broker.core_type, identity.run_id, _init_string(identity, barrier))
        if not h.helicsBrokerIsConnected(self._broker):
            raise FederationError(f"the HELICS broker could not start on port {identity.port}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        h.helicsBrokerDisconnect(self._broker)
        if self._barrier_thread is not None:
            self._barrier_thread.join(_BARRIER_LEAVES_S)
        # pyhelics frees each object with its last reference; to free it here too would free what has taken its place by then.
        self._barrier = self._broker = None

    @property
    def connected(self) -> bool:
        """Whether the federation still lives."""
        return bool(h.helicsBrokerIsConnected(self._broker))

    @property
    def barrier_open(self) -> bool:
        """Whether nothing holds the start (any more)."""
        return not self._holds_start or self._barrier_thread is not None

    def join_barrier(self) -> None:
        """Let the start barrier join, if there is one. It takes a tenth of a second, in which the agents can already get ready.

        Raises
        ------
        FederationError : it could not join, such as where a stranger has taken its name.
        """
        if not self._holds_start:
            return
        try:
            self._barrier = h.helicsCreateValueFederate(START_BARRIER, federate_info(START_BARRIER, self._identity))
        except h.HelicsException as error:
            raise FederationError(f"the start could not be held: {error}") from error

    def open_barrier(self) -> None:
        """Let the federation start, once every other federate waits for that."""
        self._barrier_thread = threading.Thread(target=self._pass_barrier, name="start barrier", daemon=True)
        self._barrier_thread.start()

    def joined(self) -> list[str]:
        """Return the names of the federates that have joined, also of those that have left again."""
        answer = self.ask("federates")
        names = answer if isinstance(answer, list) else []
        return [name for name in names if name and (name != START_BARRIER or self._barrier is None)]

    def graph(self) -> dict[str, Any] | None:
        """Return the data-flow graph as it is now, or None if the federation is over."""
        # HELICS keeps its answer, and renews it for every new interface but not for every new line, unless it is asked in order.
        answer = self.ask("data_flow_graph", in_order=True)
        return answer if isinstance(answer, dict) and "cores" in answer else None

    def tags(self, federate: str) -> list[str]:
        """Return the names of the tags that a federate has set on itself; none if it has left."""
        answer = self.ask("tags", about=federate)
        return sorted(answer) if isinstance(answer, dict) and "error" not in answer else []

    def ask(self, query: str, *, about: str = "root", in_order: bool = False) -> Any:
        """Return HELICS's answer to a query about the whole federation, or a federate; an error is a dict with the key ``error``.

        ``in_order`` queues the query behind what the federates are sending, and gets an answer that is made anew.

        HELICS 3.6.1 does not answer what is asked in the moment in which a federation breaks, until its broker is disconnected.
        So it is asked in a thread of its own, for which nobody waits longer than a sound answer takes.
        """
        handle = h.helicsCreateQuery(about, query)
        if in_order:
            h.helicsQuerySetOrdering(handle, h.HELICS_SEQUENCING_MODE_ORDERED)
        broker, answers = self._broker, list[Any]()
        asking = threading.Thread(
            target=lambda: answers.append(h.helicsQueryBrokerExecute(handle, broker)), name="query", daemon=True
        )
        asking.start()
        asking.join(_ANSWER_S)
        return answers[0] if answers else {"error": f"no answer within {_ANSWER_S:g} s"}

    def fail(self, message: str) -> None:
        """End the federation with an error that every federate sees."""
        # pyhelics 3.6.1 hands this one string to C as it is, so it must be bytes.
        h.helicsBrokerGlobalError(self._broker, 1, message.encode())

    def _pass_barrier(self) -> None:
        # In a thread, for it returns only when every federate executes; if the federation fails before, so may this.
        with contextlib.suppress(h.HelicsException):
            h.helicsFederateEnterExecutingMode(self._barrier)
            h.helicsFederateDisconnect(self._barrier)


def _init_string(identity: RunIdentity, barrier: bool) -> str:
    broker = identity.broker
    parts = [
        f"-f {len(identity.agents) + barrier}",
        f"--loglevel={broker.log_level}",
        f"--tick={broker.tick_s}s",
        f"--timeout={silence_s(identity)}s",
    ]
    if broker.core_type != "inproc":
        listen = "--local" if identity.hosts is None else f"--local_interface={identity.hosts.address}"
        address = [listen, f"--port={identity.port}", "--maxsize=1048576", f"--brokerkey={identity.key}"]
        parts += address
    return " ".join(parts)
