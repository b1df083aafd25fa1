"""Checks that an operator takes trains for interchangeable that are so in public."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from federates.boundary.names import RAIL, Role
from federates.conformance.bench import Bench
from federates.conformance.check import Check
from federates.conformance.checks.answers import SOUND
from federates.conformance.errors import Breach, DoesNotApply
from federates.conformance.life import Kind
from federates.conformance.money import tolerance_usd, value_usd
from federates.conformance.operator_calls import Answered
from federates.conformance.operator_day import EXCHANGED

__all__ = ["ALIKE_CHECKS"]


def _exchanged(bench: Bench) -> str:
    pairs = [pair for pair in pairwise(bench.day.answers) if EXCHANGED in pair[1].words]
    if not pairs:
        raise DoesNotApply("no two trains of one kind and home are in one place")
    for own, twin in pairs:
        for heard, other in ((own, twin), (twin, own)):
            fault = _bound_fault(bench.role, heard, other) or _route_fault(bench.role, heard, other)
            if fault is not None:
                raise Breach(fault, f"{own.words}, then {twin.words}, in period {own.period}")
    return f"{len(pairs)} questions asked of the one train, then of the other"


def _bound_fault(role: Role, heard: Answered, other: Answered) -> str | None:
    """Return how the one train costs less than the least that the other can cost."""
    value_other = value_usd(role, other)
    if heard.answer.bound_usd <= value_other + tolerance_usd(role, heard) + tolerance_usd(role, other):
        return None
    return f"{heard.answer.bound_usd:.8g} usd is the least for one train, but {value_other:.8g} usd is enough for the other"


def _route_fault(role: Role, heard: Answered, other: Answered) -> str | None:
    """Return how a connection that can be had of the one train cannot be had of the other."""
    if role != Role.TRANSPORT_OPERATOR or heard.kind is not Kind.EVALUATE:
        return None
    met, met_other = (float(np.minimum(h.asked, h.answer.connection_veh).sum()) for h in (heard, other))
    return f"the one train meets {met:g} of the stands asked for, the other {met_other:g}" if abs(met - met_other) > 0.5 else None


ALIKE_CHECKS: tuple[Check[Bench], ...] = (
    Check(
        "alike.exchanged",
        "Trains of one kind and one home are interchangeable: asked the same of the one as of the other, it says the same.",
        _exchanged,
        worlds=(RAIL,),
        needs=(*SOUND, "answers.repeatable", "answers.deterministic", "bound.proven"),
    ),
)
