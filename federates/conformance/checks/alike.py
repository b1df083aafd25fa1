"""Checks that an operator takes trains for interchangeable that are so in public."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from federates.conformance.bench import Bench
from federates.conformance.check import Check, rules
from federates.conformance.checks.answers import SOUND
from federates.conformance.entries import Answered, tolerance_usd, value_usd
from federates.conformance.errors import Breach, DoesNotApply
from federates.conformance.life import Kind
from federates.conformance.operator_day import EXCHANGED

__all__ = ["ALIKE_CHECKS"]


ALIKE_CHECKS: list[Check] = []
_rule = rules(ALIKE_CHECKS)


@_rule("alike.exchanged", *SOUND, "answers.repeatable", "answers.deterministic", "bound.proven", whole_only=True)
def _exchanged(bench: Bench) -> str:
    """Trains of one kind and one home are interchangeable: asked the same of the one as of the other, it says the same."""
    pairs = [pair for pair in pairwise(bench.day.answers) if EXCHANGED in pair[1].words]
    if not pairs:
        raise DoesNotApply("nothing is interchangeable: no two trains of one kind and home are in one place")
    for own, twin in pairs:
        for heard, other in ((own, twin), (twin, own)):
            fault = _bound_fault(heard, other) or _route_fault(heard, other)
            if fault is not None:
                raise Breach(fault, f"{own.words}, then {twin.words}, in period {own.period}")
    return f"{len(pairs)} questions asked of the one train, then of the other"


def _bound_fault(heard: Answered, other: Answered) -> str | None:
    """Return how the one train costs less than the least that the other can cost."""
    value_other = value_usd(other)
    if heard.answer.bound_usd <= value_other + tolerance_usd(heard) + tolerance_usd(other):
        return None
    return f"{heard.answer.bound_usd:.8g} usd is the least for one train, but {value_other:.8g} usd is enough for the other"


def _route_fault(heard: Answered, other: Answered) -> str | None:
    """Return how what can be had of the one train cannot be had of the other."""
    offers = ~heard.entries.asks
    if not offers.any() or heard.kind is not Kind.EVALUATE:
        return None
    met, met_other = (float(np.minimum(h.asked, h.z)[offers].sum()) for h in (heard, other))
    return f"the one train meets {met:g} of the stands asked for, the other {met_other:g}" if abs(met - met_other) > 0.5 else None
