"""What signatures cost: the time in which messages are signed and checked, as a share of the rounds of the same run.

    python benchmarks/integrity.py [PERIODS]

One run of the Los Angeles day in this process (traffic by formula, which takes no part in the rounds). Two shares:

- of the time that a round takes: the coordinator's signing and checking, which all wait for, and that of the operator that takes
  longer, for in a run of processes the operators do it at the same time;
- of the processor time: that of all agents, both ends of every message, in the processor time of the process.

Numerator and denominator are of the same run, so another load of the computer changes little.
"""

import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from federates.integrity.seal import Seal
from federates.runs.in_process import run_in_process
from federates.runtime.coordinator_loop import NegotiationLoop

ROOT = Path(__file__).parents[1]


class Clock:
    """Adds up the processor time of a method of `Seal`, over all threads, and how often it was called."""

    def __init__(self, name: str) -> None:
        self.of: dict[str, float] = {}
        self.calls, self._lock = 0, threading.Lock()
        self._method = getattr(Seal, name)
        clock = self

        def timed(seal: Seal, *given: Any) -> Any:
            started = time.thread_time()
            try:
                return clock._method(seal, *given)
            finally:
                with clock._lock:
                    agent = threading.current_thread().name
                    clock.of[agent] = clock.of.get(agent, 0.0) + time.thread_time() - started
                    clock.calls += 1

        setattr(Seal, name, timed)

    @property
    def seconds(self) -> float:
        """Return the time of all agents, s."""
        return sum(self.of.values())

    @property
    def each_us(self) -> float:
        """Return the time of one call, us."""
        return 1e6 * self.seconds / self.calls


class Rounds:
    """Adds up the processor time of the process while periods are negotiated, and the rounds."""

    def __init__(self) -> None:
        self.seconds, self.wall_s, self.rounds = 0.0, 0.0, 0
        negotiate = NegotiationLoop.negotiate

        def timed(*given: Any) -> int:
            started, wall_s = time.process_time(), time.perf_counter()
            rounds = negotiate(*given)
            self.seconds += time.process_time() - started
            self.wall_s += time.perf_counter() - wall_s
            self.rounds += rounds
            return rounds

        NegotiationLoop.negotiate = timed  # type: ignore[method-assign]


def main(periods: int) -> float:
    """Print the cost and return it as a share of the rounds."""
    signing, checking, rounds = Clock("sign"), Clock("open"), Rounds()
    with tempfile.TemporaryDirectory() as folder:
        use, place = {"traffic_sumo": "bpr"}, Path(folder)
        run_in_process(ROOT / "scenarios/la_gcs", {"periods": periods}, use=use, results=place, report=False)
    of = {agent: signing.of.get(agent, 0.0) + checking.of.get(agent, 0.0) for agent in {*signing.of, *checking.of}}
    waited_s = of.pop("coordinator") + max(of.values())
    all_s, count = signing.seconds + checking.seconds, rounds.rounds
    print(f"{count} rounds of {1e3 * rounds.wall_s / count:.1f} ms, {1e3 * rounds.seconds / count:.1f} ms of processor time")
    print(f"signed {signing.calls} times, in {signing.each_us:.0f} us each")
    print(f"checked {checking.calls} messages, in {checking.each_us:.0f} us each")
    print(f"a round takes longer by {1e3 * waited_s / count:.2f} ms: {100 * waited_s / rounds.wall_s:.1f} % of it")
    print(
        f"all agents together: {1e3 * all_s / count:.2f} ms of processor time a round: {100 * all_s / rounds.seconds:.1f} % of it"
    )
    return waited_s / rounds.wall_s


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2)
