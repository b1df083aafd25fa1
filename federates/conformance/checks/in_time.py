"""What operators, traffic models and algorithms must keep alike: the time limit of a call."""

from __future__ import annotations

from collections.abc import Sequence

from federates.conformance.bench import Bench
from federates.conformance.errors import Breach
from federates.conformance.life import Call

__all__ = ["slowest_in_time"]


def slowest_in_time(bench: Bench, calls: Sequence[Call]) -> Call | None:
    """Return the slowest of ``calls``, None if there are none.

    Raises
    ------
    Breach : it took longer than is allowed, or the main life ended with a call that did.
    """
    failure, limit_s = bench.main_failure(), bench.target.limit_s
    if failure is not None and failure.late:
        raise Breach(failure.error, failure.words)
    slowest = max(calls, key=lambda call: call.wall_s, default=None)
    if slowest is not None and slowest.wall_s > limit_s:
        raise Breach(f"it took {slowest.wall_s:.2f} s, {limit_s:g} s are allowed", slowest.words)
    return slowest
