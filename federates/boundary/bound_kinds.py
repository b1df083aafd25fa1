"""What a proven bound rests on; an operator says it with every answer, and the run's tables and report pass it on."""

from __future__ import annotations

from enum import IntEnum

from federates.boundary.errors import BoundaryError


class BoundKind(IntEnum):
    """Kinds of bounds; the number crosses the boundary."""

    STATED = 0
    """The operator's word alone."""
    LINEAR = 1
    """A dual vector of a linear programme, by weak duality with directed rounding: no solver need be trusted."""
    TREE = 2
    """The tree search of a solver of integer programmes, which has to be trusted."""
    CONVEX = 3
    """Convex duality: a linearisation of a convex cost."""
    EXACT = 4
    """A closed formula or shortest paths, less what rounding can be."""

    @property
    def word(self) -> str:
        """Return the word that tables have."""
        return self.name.lower()


def bound_kind(code: float) -> BoundKind:
    """Return the kind with this number; raise `BoundaryError` if there is none."""
    try:
        return BoundKind(int(code) if float(code).is_integer() else -1)
    except ValueError:
        allowed = ", ".join(f"{kind.value} ({kind.word})" for kind in BoundKind)
        raise BoundaryError(f"bound kind {code:g}: must be one of {allowed}") from None
