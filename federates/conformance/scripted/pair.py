"""What a pair of scripted operators has to offer to a negotiation."""

from __future__ import annotations

from abc import ABC, abstractmethod

from federates.boundary.messages import Answer, Array
from federates.boundary.roles import Evaluate, RoundResult, Solve

__all__ = ["ScriptedPair"]


class ScriptedPair(ABC):
    """Both operators of one period; they know the joint optimum, of which the algorithm is not told."""

    @abstractmethod
    def solve(self, multipliers_usd_per_veh: Array) -> RoundResult:
        """Return both best connections at these prices, with bounds that are their values."""

    @abstractmethod
    def evaluate(self, power_connection: Array, transport_connection: Array) -> RoundResult:
        """Return what both can do with a connection, and its costs."""

    @abstractmethod
    def optimum_usd(self) -> float:
        """Return the least cost of both operators together, from the opened period on."""

    @abstractmethod
    def cost_usd(self, connection: Array) -> float | None:
        """Return the cost of both operators with a plan; None if they cannot carry it out."""

    def answer(self, decision: Solve | Evaluate) -> RoundResult:
        """Return both answers to a decision."""
        if isinstance(decision, Solve):
            return self.solve(decision.multipliers_usd_per_veh)
        return self.evaluate(decision.power_connection_veh, decision.transport_connection_veh)


def sent(answer: Array, cost: float, bound: float, slope: Array | None = None) -> Answer:
    """Return an answer with plain floats."""
    return Answer(answer, float(cost), float(bound), slope)
