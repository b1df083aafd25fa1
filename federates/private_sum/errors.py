"""What a private sum refuses, in words; and how many contributors it needs."""

from __future__ import annotations

from collections.abc import Collection

from federates.boundary.errors import PortageError
from federates.boundary.summed import LEAST_MEMBERS

MOST_CONTRIBUTORS = 2048
"""So many terms of at most 2^52 steps add up to less than 2^63."""


class PrivateSumError(PortageError):
    """A private sum cannot be formed, or would not be private."""


def check_contributors(names: Collection[str]) -> tuple[str, ...]:
    """Return the contributors' names in order; raise `PrivateSumError` if a sum of theirs hides nothing."""
    ordered = tuple(sorted(set(names)))
    if len(ordered) != len(names):
        raise PrivateSumError("every contributor of a private sum may stand once")
    if len(ordered) < LEAST_MEMBERS:
        raise PrivateSumError(
            f"a private sum needs at least {LEAST_MEMBERS} contributors, there are {len(ordered)} "
            f"({', '.join(ordered) or 'none'}): of two, each has the other's value by taking its own from the sum"
        )
    if len(ordered) > MOST_CONTRIBUTORS:
        raise PrivateSumError(f"a private sum has at most {MOST_CONTRIBUTORS} contributors, there are {len(ordered)}")
    return ordered
