"""What answers are worth: the value that an operator minimises, how far it may be from the best, and rounding."""

from __future__ import annotations

import numpy as np

from federates.boundary.messages import Array
from federates.boundary.names import Role
from federates.conformance.life import Kind
from federates.conformance.operator_calls import Answered

__all__ = ["priced", "proven_gap_usd", "sign_of", "tolerance_usd", "value_usd"]

_RELATIVE, _ABSOLUTE_USD = 1e-6, 1e-6


def sign_of(role: Role) -> float:
    """Return +1 for the power operator, who pays the prices, and -1 for the transport operator, who is paid them."""
    return 1.0 if role == Role.POWER_OPERATOR else -1.0


def priced(role: Role, multipliers: Array, connection: Array, cost_usd: float) -> float:
    """Return own cost plus (power) or minus (transport) multipliers times connection, usd."""
    return cost_usd + sign_of(role) * float((multipliers * connection).sum())


def value_usd(role: Role, heard: Answered) -> float:
    """Return what the operator minimises, at its own answer: with prices if it was asked with prices."""
    if heard.kind is Kind.EVALUATE:
        return heard.answer.cost_usd
    return priced(role, heard.asked, heard.answer.connection_veh, heard.answer.cost_usd)


def proven_gap_usd(role: Role, heard: Answered) -> float:
    """Return how far above the best the answer may be by its own bound, at least 0."""
    return max(0.0, value_usd(role, heard) - heard.answer.bound_usd)


def tolerance_usd(role: Role, heard: Answered, multipliers: Array | None = None) -> float:
    """Return the rounding that floats and solvers may leave in a value, usd: 1e-6 of its parts."""
    prices = heard.asked if multipliers is None and heard.kind is not Kind.EVALUATE else multipliers
    money = 0.0 if prices is None else float(np.abs(prices * heard.answer.connection_veh).sum())
    return _ABSOLUTE_USD + _RELATIVE * (abs(heard.answer.cost_usd) + abs(heard.answer.bound_usd) + money)
