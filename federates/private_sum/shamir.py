"""Shamir's secret sharing: any ``threshold`` shares give the secret, fewer say nothing of it.

Shamir, "How to share a secret", CACM 22(11), 1979: the secret is the value at 0 of a random polynomial of degree threshold - 1
over a prime field, a share its value at another place. The prime is 2^257 - 93, above all secrets of 32 bytes.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from functools import lru_cache

from federates.private_sum.errors import PrivateSumError

PRIME = 2**257 - 93
SHARE_BYTES = 33


def split(secret: bytes, places: Iterable[int], threshold: int) -> dict[int, int]:
    """Return a share of ``secret`` (32 bytes) for each of the ``places`` (1, 2, ...)."""
    coefficients = [int.from_bytes(secret, "big"), *(secrets.randbelow(PRIME) for _ in range(threshold - 1))]
    return {place: value_at(coefficients, place) for place in places}


def value_at(coefficients: list[int], place: int) -> int:
    """Return the polynomial's value at a place, lowest coefficient first, modulo `PRIME`."""
    value = 0
    for coefficient in reversed(coefficients):
        value = (value * place + coefficient) % PRIME
    return value


def combine(shares: Mapping[int, int], threshold: int) -> bytes:
    """Return the secret of at least ``threshold`` shares, by place.

    Raises
    ------
    PrivateSumError : there are fewer, or they belong to no secret of 32 bytes.
    """
    if len(shares) < threshold:
        raise PrivateSumError(f"{len(shares)} shares of a secret have come, {threshold} are needed")
    places = tuple(sorted(shares)[:threshold])
    secret = sum(weight * shares[place] for place, weight in zip(places, weights_at_zero(places), strict=True)) % PRIME
    if secret >= 2**256:
        raise PrivateSumError("the shares do not belong together")
    return secret.to_bytes(32, "big")


@lru_cache(maxsize=16)
def weights_at_zero(places: tuple[int, ...]) -> tuple[int, ...]:
    """Return Lagrange's weights by which shares at these places give the value at 0."""
    weights = []
    for place in places:
        above = below = 1
        for other in places:
            if other != place:
                above, below = above * other % PRIME, below * (other - place) % PRIME
        weights.append(above * pow(below, -1, PRIME) % PRIME)
    return tuple(weights)
