"""What the lower bound of a run rests on, in words."""

from __future__ import annotations

import pandas as pd

from federates.boundary.bound_kinds import BoundKind

__all__ = ["rests_on"]

_WORDS = {
    BoundKind.STATED.word: "the operator's word",
    BoundKind.LINEAR.word: "dual vectors of linear programmes, checked with directed rounding",
    BoundKind.TREE.word: "the tree search of a solver, which has to be trusted",
    BoundKind.CONVEX.word: "convex duality",
    BoundKind.EXACT.word: "a closed formula or shortest paths",
}


def rests_on(rounds: pd.DataFrame) -> str:
    """Return the sentence on the last round of every period in the table ``rounds``; empty where no bound is known."""
    if "lower_bound_kinds" not in rounds:
        return ""
    last = rounds.groupby("period")["lower_bound_kinds"].last()
    pairs = [kinds.split(" + ") for kinds in last if kinds]
    if not pairs:
        return ""
    of_each = [" or ".join(dict.fromkeys(_WORDS.get(kind, kind) for kind in kinds)) for kinds in zip(*pairs, strict=True)]
    return f" The lower bound rests on, by the power operator: {of_each[0]}; by the transport operator: {of_each[-1]}."
