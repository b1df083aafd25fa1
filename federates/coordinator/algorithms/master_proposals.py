"""Proposals of the master problem: routes that both operators' answers so far make look cheap.

*Anywhere*: the cheapest route by all cuts is offered; its cost by them is a bound. Where one that is known comes again, the cuts
are not tight there, and prices that leave no other stands make them so. *Nearby*: where the transport operator cannot do what
the power operator asks for, the cheapest of the possible routes within a number of changed stands of that, which grows.
"""

from __future__ import annotations

import numpy as np

from federates.boundary.messages import Array
from federates.boundary.negotiation import Rounds
from federates.coordinator.algorithms.dual_oracle import DualOracle
from federates.coordinator.algorithms.integer_phase import IntegerPhase
from federates.coordinator.algorithms.route_master import RouteMaster

_PART_OF_ALLOWED = 0.1
"""Proposals are the cheapest to within this part of the gap that is allowed."""
_FIRST_CHANGES, _MORE_CHANGES = 4, 4


class MasterProposals:
    """The master problem's part of one negotiation."""

    def __init__(self, oracle: DualOracle, master: RouteMaster, integer_phase: IntegerPhase) -> None:
        self._oracle, self._master, self._integer_phase = oracle, master, integer_phase
        self._changes = _FIRST_CHANGES
        self._tightened: set[bytes] = set()

    def anywhere(self, most: int) -> Rounds[bool]:
        """Offer what is cheapest by all cuts, ``most`` times; return whether a bound has moved."""
        bounds = self._oracle.bounds
        before = (bounds.lower_usd, bounds.upper_usd)
        for _ in range(most):
            proposal = self._master.propose(_PART_OF_ALLOWED * self._integer_phase.allowed_usd)
            if proposal is None:
                break
            bounds.update_lower(proposal.bound_usd)
            if self._integer_phase.convergence() is not None:
                break
            if not self._oracle.known(proposal.connection):
                yield from self._oracle.offer(proposal.connection)
            elif not (yield from self._tighten(proposal.connection)):
                break
            if self._integer_phase.convergence() is not None:
                break
        return (bounds.lower_usd, bounds.upper_usd) != before

    def nearby(self, most: int) -> Rounds[bool]:
        """Offer what is cheapest near the power operator's own wish, ``most`` times; return whether a better plan is found."""
        bounds, wish = self._oracle.bounds, self._integer_phase.asked
        before_usd = bounds.upper_usd
        for _ in range(most):
            if wish is None or self._integer_phase.convergence() is not None or self._changes > wish.size:
                break
            proposal = self._master.propose(_PART_OF_ALLOWED * self._integer_phase.allowed_usd, wish, self._changes)
            if proposal is None or proposal.bound_usd >= bounds.upper_usd or self._oracle.known(proposal.connection):
                self._changes += _MORE_CHANGES
            else:
                yield from self._oracle.offer(proposal.connection)
        return bounds.upper_usd < before_usd

    def _tighten(self, connection: Array) -> Rounds[bool]:
        """Make the cuts tight at a connection whose cost is known; return whether that was still to do."""
        if connection.tobytes() in self._tightened:
            return False
        self._tightened.add(connection.tobytes())
        outside_usd = abs(self._oracle.bounds.upper_usd) + 1.0
        yield from self._oracle.solve(np.where(self._oracle.problem.totals(connection) > 0.5, 0.0, outside_usd))
        return True
