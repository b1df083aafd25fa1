"""The paper's coordination on the road: one negotiation per period over a horizon that moves on by one period."""

from __future__ import annotations

from typing import Any

import numpy as np

from federates.boundary.messages import Array
from federates.boundary.roles import Commit, Evaluate, Recorder, Solve
from federates.boundary.session import Scheme
from federates.coordinator.algorithms.ocd_steps import OcdSettings, OcdSteps
from federates.coordinator.algorithms.rounds import RoundByRound, Rounds

__all__ = ["RoadOcd"]


class RoadOcd(RoundByRound):
    """Steps 1-6 in every period; the schemes without negotiation are their first steps alone.

    `fastest_route` asks the power operator once, at zero price, and sends what the transport operator can send of it; `no_mves`
    commits nothing.
    """

    Settings = OcdSettings

    def begin(self, session: Any, recorder: Recorder) -> None:  # noqa: D102
        super().begin(session, recorder)
        self._multipliers = np.zeros(session.connection_shape)

    def negotiate(self, period: int, train_ready: Array | None) -> Rounds[Commit]:
        """Return the rounds of ``period``; only its own part of the plan is rounded to whole vehicles."""
        zero = np.zeros(self._session.connection_shape)
        if self._session.scheme is Scheme.NO_MVES:
            return Commit(zero, agreed=True, reason="the scheme sends no vehicles")
        if self._session.scheme is Scheme.FASTEST_ROUTE:
            return (yield from self._request(zero))
        warm = self.settings.warm_start and period > 0
        steps = OcdSteps(self.settings, self.bounds, _shifted(self._multipliers) if warm else zero, by_rail=False)
        outcome = yield from steps.rounds()
        best = self.bounds.best_multipliers
        self._multipliers = steps.multipliers if best is None else best
        assert self.bounds.plan is not None
        return Commit(_whole(self.bounds.plan), agreed=outcome.agreed, reason=outcome.reason)

    def _request(self, zero: Array) -> Rounds[Commit]:
        """Without negotiation: what is asked at zero price is sent as far as it can be."""
        wanted = (yield Solve(zero)).asked.connection_veh
        sent = (yield Evaluate(wanted, wanted)).offered.connection_veh
        reason = "the scheme does not negotiate: what the power operator asked is sent, as far as it can be"
        return Commit(_whole(sent), agreed=True, reason=reason)


def _shifted(multipliers: Array) -> Array:
    """Return the multipliers one period on; the last period keeps its own."""
    return np.concatenate([multipliers[:, :, 1:], multipliers[:, :, -1:]], axis=2)


def _whole(connection: Array) -> Array:
    """Return the connection with whole vehicles in its first period (halves up)."""
    rounded = connection.copy()
    rounded[:, :, 0] = np.floor(connection[:, :, 0] + 0.5)
    return rounded
