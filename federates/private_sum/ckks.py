"""An approximate private sum by homomorphic encryption: CKKS by TenSEAL, an extra (`pip install portage-cosim[ckks]`).

Cheon, Kim, Kim and Song, "Homomorphic Encryption for Arithmetic of Approximate Numbers", ASIACRYPT 2017. The contributors have
one key, which the collector does not have: it adds what it cannot read, and one of them opens the total. So nobody is needed to
undo a lost contributor's masks, but **one contributor that colludes with the collector opens every answer**; additive masks
(`masks`) withstand all but two. Use it to compare, or where contributors trust each other and not the collector.

With the parameters here (degree 8192, scale 2^40, 128 bits of security) the error of a total of 64 terms is below
`ERROR_SHARE` of the largest term, at least of 1; a test measures it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from federates.private_sum.errors import PrivateSumError, check_contributors
from federates.private_sum.fixed_point import Array

ERROR_SHARE = 1e-6
_DEGREE, _BITS, _SCALE = 8192, [60, 40, 60], 2.0**40
_MOST_NUMBERS = _DEGREE // 2
_MOST = 2.0**17
"""Largest value: 2^40 times it, and times 2048 terms, is below the 2^100 of the modulus by far, and its error stays small."""


def _tenseal() -> Any:
    try:
        import tenseal
    except ImportError as error:
        raise PrivateSumError("CKKS needs TenSEAL: pip install 'portage-cosim[ckks]'") from error
    return tenseal


class CkksContributor:
    """One contributor; all have the ``secret`` that one of them has made by `new_secret`, and the collector has not."""

    def __init__(self, name: str, secret: bytes) -> None:
        self.name = name
        self._context = _tenseal().context_from(secret)

    def mask(self, values: ArrayLike) -> bytes:
        """Return the values encrypted.

        Raises
        ------
        PrivateSumError : there are more than 4096, or one is not finite or above 131 072.
        """
        given = np.asarray(values, dtype=np.float64).ravel()
        if given.size > _MOST_NUMBERS:
            raise PrivateSumError(f"a CKKS sum has at most {_MOST_NUMBERS} numbers, got {given.size}")
        if not (np.abs(given) <= _MOST).all():
            raise PrivateSumError(f"in a CKKS sum values must lie between {-_MOST:g} and {_MOST:g}")
        return bytes(_tenseal().ckks_vector(self._context, given.tolist()).serialize())

    def open(self, total: bytes) -> Array:
        """Return the total that the collector has formed."""
        return np.array(_tenseal().ckks_vector_from(self._context, total).decrypt())


def new_secret() -> tuple[bytes, bytes]:
    """Return a new key for all contributors, and what the collector needs: it cannot decrypt with that."""
    tenseal = _tenseal()
    context = tenseal.context(tenseal.SCHEME_TYPE.CKKS, _DEGREE, coeff_mod_bit_sizes=_BITS)
    context.global_scale = _SCALE
    secret = bytes(context.serialize(save_secret_key=True, save_galois_keys=False, save_relin_keys=False))
    public = bytes(context.serialize(save_secret_key=False, save_galois_keys=False, save_relin_keys=False))
    return secret, public


def ckks_total(public: bytes, encrypted: Mapping[str, bytes]) -> bytes:
    """Return the encrypted total; raise `PrivateSumError` for fewer than three contributors."""
    tenseal, names = _tenseal(), check_contributors(encrypted)
    context = tenseal.context_from(public)
    total = tenseal.ckks_vector_from(context, encrypted[names[0]])
    for name in names[1:]:
        total += tenseal.ckks_vector_from(context, encrypted[name])
    return bytes(total.serialize())
