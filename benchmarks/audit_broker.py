"""The broker's process of `benchmarks/audit.py`: ``python audit_broker.py on|off --config broker.yaml``.

``on`` is ``python -m federates.broker`` with a stopwatch; ``off`` neither holds the start, nor looks at the wiring, nor audits
the end, which no setting of ``broker.yaml`` can leave out.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from federates.audit.outcome import Audit
from federates.broker import __main__ as process
from federates.runs import finalize
from federates.runs.broker_core import Broker
from federates.runs.topology_monitor import TopologyMonitor
from federates.runtime.identity import RunIdentity

STOPWATCH = "stopwatch.json"


class TimedWatch(TopologyMonitor):
    """The real one, which adds up how long it looks, s of wall time: it waits for answers of other processes."""

    spent_s = 0.0

    def look(self) -> str | None:
        """Look, by the stopwatch."""
        began = time.perf_counter()
        try:
            return super().look()
        finally:
            TimedWatch.spent_s += time.perf_counter() - began


class NoWatch:
    """Asks who has joined until all are there, as a broker must in any case, and never looks at the wiring."""

    def __init__(self, broker: Broker, identity: RunIdentity) -> None:
        self._broker, self._wanted = broker, set(identity.agents)
        self._joined: set[str] = set()

    @property
    def everyone_is_here(self) -> bool:
        """Whether every agent of the run has joined."""
        return self._joined >= self._wanted

    @property
    def joined(self) -> list[str]:
        """Return who has ever joined."""
        return sorted(self._joined)

    def look(self) -> None:
        """Ask who has joined, nothing else."""
        if not self.everyone_is_here:
            self._joined |= set(self._broker.joined())

    def close(self) -> None:
        """Nothing was seen, so nothing is kept."""


def timed_audit(folder: Path) -> Audit:
    """Audit the run, and leave all times beside its records."""
    began = time.process_time()
    audit = write_audit(folder)
    times = {"looks": audit.looks, "looks_s": TimedWatch.spent_s, "end_s": time.process_time() - began}
    (folder / STOPWATCH).write_text(json.dumps(times), encoding="utf-8")
    return audit


def without_barrier(identity: RunIdentity, **_: Any) -> Broker:
    """Return a broker that does not hold the start."""
    return Broker(identity)


write_audit = finalize.write_audit

if __name__ == "__main__":
    if sys.argv[1] == "on":
        process.TopologyMonitor, finalize.write_audit = TimedWatch, timed_audit
    else:
        process.TopologyMonitor, process.Broker = NoWatch, without_barrier
        finalize.write_audit = lambda folder: Audit(folder.name, (), (), (), 0)
    sys.exit(process.main(sys.argv[2:]))
