"""The HELICS broker of one run, inside this process."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

import helics as h

from federates.boundary.errors import FederationError
from federates.runtime.identity import RunIdentity

__all__ = ["Broker"]


class Broker:
    """Context manager around a HELICS broker that is made from ``broker.yaml`` and waits for every agent of the run.

    In-process, so that it dies with its process and leaves no port behind (the ``helics_broker`` program that
    ``helics run`` would start itself is orphaned when a federate fails).
    """

    def __init__(self, identity: RunIdentity) -> None:
        self._identity = identity
        self._broker: Any = h.helicsCreateBroker(identity.broker.core_type, identity.run_id, _init_string(identity))
        if not h.helicsBrokerIsConnected(self._broker):
            h.helicsBrokerFree(self._broker)
            raise FederationError(f"the HELICS broker could not start on port {identity.port}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        h.helicsBrokerDisconnect(self._broker)
        h.helicsBrokerFree(self._broker)

    @property
    def connected(self) -> bool:
        """Whether the federation still lives."""
        return bool(h.helicsBrokerIsConnected(self._broker))

    def joined(self) -> list[str]:
        """Return the names of the federates that have joined."""
        query = h.helicsCreateQuery("root", "federates")
        try:
            answer = h.helicsQueryBrokerExecute(query, self._broker)
        finally:
            h.helicsQueryFree(query)
        names = answer if isinstance(answer, list) else str(answer).strip("[]").split(";")
        return [name for name in names if name]

    def fail(self, message: str) -> None:
        """End the federation with an error that every federate sees."""
        # pyhelics 3.6.1 hands this one string to C as it is, so it must be bytes.
        h.helicsBrokerGlobalError(self._broker, 1, message.encode())


def _init_string(identity: RunIdentity) -> str:
    broker = identity.broker
    parts = [
        f"-f {len(identity.agents)}",
        f"--loglevel={broker.log_level}",
        f"--tick={broker.tick_s}s",
        f"--timeout={broker.timeout_s}s",
    ]
    if broker.core_type != "inproc":
        address = ["--local", f"--port={identity.port}", "--maxsize=1048576", f"--brokerkey={identity.key}"]
        parts += address
    return " ".join(parts)
