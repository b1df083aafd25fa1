"""When a negotiation ends whatever its algorithm still wants to ask: it stands still, or its time is over.

The best plan so far is then what is committed, with the gap that is proven of it. Standing still is counted in rounds, so that it
ends a negotiation at the same round on every computer. Time is the last resort: where it ends the rounds the outcome says so,
because on another computer they would have gone on.
"""

from __future__ import annotations

import math
from time import monotonic
from typing import Annotated

from pydantic import Field

from federates.boundary.config import Config
from federates.coordinator.algorithms.bounds import Bounds, Outcome


class NegotiationSettings(Config):
    """Settings of every algorithm that negotiates in rounds: when the operators agree, and when they stop without it."""

    gap_target: Annotated[float, Field(ge=0, lt=1)] = 0.005
    """epsilon, relative: the operators agree once (UB - LB) / |UB| is at most this."""
    gap_usd: Annotated[float, Field(ge=0, le=1e9)] = 0.0
    """epsilon, absolute: they also agree once UB - LB is at most this, usd."""
    standstill_rounds: Annotated[int, Field(ge=1, le=100_000)] = 50
    """The negotiation ends with the best plan so far once so many rounds in a row have brought the bounds no nearer to each
    other, by more than ``standstill_share``."""
    standstill_share: Annotated[float, Field(ge=0, lt=1)] = 0.01
    """Share of UB - LB by which it must shrink within ``standstill_rounds``."""
    negotiation_s: Annotated[float, Field(gt=0, le=1e6)] = 3600.0
    """The last resort: time of one negotiation, s, looked at after every round. It ends with the best plan so far, and the run
    says that time has ended it: on a faster computer the plan may be another one."""


class Limits:
    """The limits of one negotiation, whose proven bounds are ``bounds``; time runs from now."""

    def __init__(self, settings: NegotiationSettings, bounds: Bounds) -> None:
        self._settings, self._bounds = settings, bounds
        self._began, self._rounds, self._still = monotonic(), 0, 0
        self._lower_usd, self._upper_usd = bounds.lower_usd, bounds.upper_usd

    def reached(self) -> Outcome | None:
        """Count a round; return the outcome if a limit is reached and there is a plan to end with."""
        self._rounds += 1
        self._still = 0 if self._moved() else self._still + 1
        settings, bounds = self._settings, self._bounds
        passed_s = monotonic() - self._began
        late = passed_s >= settings.negotiation_s
        if bounds.plan is None or not (late or self._still >= settings.standstill_rounds):
            return None
        # Rounds after an agreement look for a still better plan: it stands.
        agreed = bounds.convergence(settings.gap_target, settings.gap_usd, f"{self._rounds} rounds")
        limit = f"stopped after {passed_s:.0f} s (negotiation_s)" if late else f"no progress in {self._still} rounds"
        return (agreed or bounds.failure(limit))._replace(ended_by_time=late)

    def _moved(self) -> bool:
        """Return whether the bounds have come nearer by enough since they last did; the next are then compared with these."""
        lower_usd, upper_usd = self._bounds.lower_usd, self._bounds.upper_usd
        apart_usd = self._upper_usd - self._lower_usd
        # A bound that was missing before is progress; while one is missing, so is any change of the other.
        nearer_usd = _gain(self._lower_usd, lower_usd) + _gain(-self._upper_usd, -upper_usd)
        enough_usd = self._settings.standstill_share * apart_usd if math.isfinite(apart_usd) else 0.0
        moved = nearer_usd > enough_usd
        if moved:
            self._lower_usd, self._upper_usd = lower_usd, upper_usd
        return moved


def _gain(before: float, now: float) -> float:
    """Return by how much a bound has risen; both may be minus infinity."""
    return 0.0 if now == before else now - before
