"""A day on the road: one negotiation per period, or none where the scheme has none."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from federates.boundary.messages import Array
from federates.boundary.roles import Commit, Evaluate, Solve
from federates.boundary.session import Scheme, World
from federates.coordinator.algorithms.bounds import Outcome
from federates.coordinator.algorithms.rounds import RoundByRound, Rounds

__all__ = ["RoadAlgorithm", "shifted"]


class RoadAlgorithm(RoundByRound):
    """Base of the algorithms on the road: they write `agree`, one negotiation, and leave its plan in ``bounds``.

    Of the plan only the opened period is carried out, in whole vehicles. The schemes without negotiation are the same for all:
    `fastest_route` asks the power operator once, at zero price, and sends what the transport operator can send of it; `no_mves`
    commits nothing.
    """

    worlds = (World.ROAD,)

    @abstractmethod
    def agree(self, period: int) -> Rounds[Outcome]:
        """Return the rounds of one negotiation."""

    def negotiate(self, period: int, train_ready: Array | None) -> Rounds[Commit]:
        """Return the rounds of ``period``; only its own part of the plan is rounded to whole vehicles."""
        zero = np.zeros(self._session.connection_shape)
        if self._session.scheme is Scheme.NO_MVES:
            return Commit(zero, agreed=True, reason="the scheme sends no vehicles")
        if self._session.scheme is Scheme.FASTEST_ROUTE:
            return (yield from self._request(zero))
        outcome = yield from self.limited(self.agree(period))
        assert self.bounds.plan is not None, "every negotiation evaluates at least one plan"
        plan = _whole(self.bounds.plan)
        return Commit(plan, outcome.agreed, outcome.reason, self.bounds.lower_usd, outcome.ended_by_time)

    def _request(self, zero: Array) -> Rounds[Commit]:
        """Without negotiation: what is asked at zero price is sent as far as it can be."""
        wanted = (yield Solve(zero)).asked.connection_veh
        sent = (yield Evaluate(wanted, wanted)).offered.connection_veh
        reason = "the scheme does not negotiate: what the power operator asked is sent, as far as it can be"
        return Commit(_whole(sent), agreed=True, reason=reason)


def shifted(multipliers: Array) -> Array:
    """Return the multipliers one period on; the last period keeps its own."""
    return np.concatenate([multipliers[:, :, 1:], multipliers[:, :, -1:]], axis=2)


def _whole(connection: Array) -> Array:
    """Return the connection with whole vehicles in its first period (halves up)."""
    rounded = connection.copy()
    rounded[:, :, 0] = np.floor(connection[:, :, 0] + 0.5)
    return rounded
