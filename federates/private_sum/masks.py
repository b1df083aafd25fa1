"""Additive masks from X25519 key agreement: each answer alone is noise, and the noise cancels in the sum.

Contributor i tells the word vector::

    y_i = x_i + sum_{j > i} s_ij - sum_{j < i} s_ij   mod 2^64

and sum_i y_i = sum_i x_i, for every s_ij is added once and taken away once (Bonawitz et al., "Practical Secure Aggregation for
Privacy-Preserving Machine Learning", CCS 2017, section 4). s_ij is known to i and j alone: they agree on a key by X25519
(RFC 7748), make of it by HKDF-SHA256 (RFC 5869) a key of the occasion (run and period), of that a key for each sum (round and
topic), and expand that one by ChaCha20 (RFC 8439). It is never derived from what others know, such as a seed of the session.

**What is hidden.** Let C be those who collude with the collector, H the others, at least two. The masks among H are, given all
that C knows, uniform over all vectors of H that add up to 0 (any tree over H gives a bijection from its |H| - 1 masks to those
vectors; the other masks of H only shift it). So what C sees, (y_i) of H, is uniform over all vectors with the sum of H's x and
C's known masks: for two secrets of H with the same total the views have the same distribution. That is exact for masks drawn at
random; with ChaCha20 and X25519 it holds for whoever cannot break these.

The X25519 keys are made from the system's randomness and live in this object only.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence

import numpy as np

from federates.private_sum.errors import PrivateSumError, check_contributors
from federates.private_sum.fixed_point import Words

KEY_BYTES = 32
_NONCE = bytes(16)
"""A stream's key is used once, so that its nonce may be the same for all."""
_WORD = np.dtype("<u8")


def new_key_pair() -> tuple[bytes, bytes]:
    """Return a new private and its public X25519 key, 32 bytes each."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    private = X25519PrivateKey.generate()
    return private.private_bytes_raw(), private.public_key().public_bytes_raw()


def agreed_key(private: bytes, public: bytes, occasion: bytes) -> bytes:
    """Return the key, 32 bytes, that the owners of two key pairs have for an occasion: HKDF-SHA256 of what X25519 gives.

    Raises
    ------
    PrivateSumError : ``public`` is no key of an honest contributor (32 bytes, not of small order).
    """
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

    try:
        shared = X25519PrivateKey.from_private_bytes(private).exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError as error:
        raise PrivateSumError("a public key of the private sum is none: 32 bytes, and not of small order") from error
    extracted = hmac.digest(b"portage private sum", shared, "sha256")
    return sum_key(extracted, b"agreed|" + occasion)


def sum_key(key: bytes, label: bytes) -> bytes:
    """Return the key, 32 bytes, that HKDF-Expand makes of ``key`` for ``label``: other labels' keys are independent of it."""
    return hmac.digest(key, label + b"\x01", "sha256")


def stream(key: bytes, count: int) -> Words:
    """Return ``count`` words of the ChaCha20 stream of a key; a key must be used once."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

    encryptor = Cipher(algorithms.ChaCha20(key, _NONCE), mode=None).encryptor()
    return np.frombuffer(encryptor.update(bytes(count * _WORD.itemsize)), dtype=_WORD)


def sum_of_streams(keys: Sequence[bytes], count: int) -> Words:
    """Return the sum of the streams of several keys modulo 2^64; adding them at once is much quicker than one by one."""
    if not keys:
        return np.zeros(count, dtype=np.uint64)
    streams = np.concatenate([stream(key, count) for key in keys]).reshape(len(keys), count)
    total: Words = streams.sum(axis=0, dtype=np.uint64)
    return total


class Masking:
    """One contributor's masks for one occasion, such as a period of a run: a key pair, and what is agreed with the others.

    Parameters
    ----------
    name : the contributor's; all names differ, and their order is that of text.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._private, self.public_key = new_key_pair()
        self._keys: dict[str, bytes] = {}
        self._used: set[bytes] = set()

    def agree(self, public_keys: Mapping[str, bytes], occasion: bytes) -> None:
        """Agree with all contributors, by name and public key; ``occasion`` names run and period, the same for all.

        Raises
        ------
        PrivateSumError : there are fewer than three, a key is none, or the own one is not among them.
        """
        names = check_contributors(public_keys)
        if public_keys.get(self.name) != self.public_key:
            raise PrivateSumError(f"{self.name} is no contributor of this private sum, or somebody tells another key for it")
        if len(set(public_keys.values())) != len(names):
            raise PrivateSumError("two contributors of a private sum tell the same public key")
        keys = {other: agreed_key(self._private, public_keys[other], occasion) for other in names if other != self.name}
        self._keys, self._used = keys, set()

    def mask(self, words: Words, label: bytes) -> Words:
        """Return ``words`` masked for the sum that ``label`` names (round and topic).

        Raises
        ------
        PrivateSumError : nobody is agreed with yet, or a sum of this label has been masked: two answers under one mask would
            show their difference.
        """
        if not self._keys:
            raise PrivateSumError(f"{self.name} has agreed on no masks yet")
        if label in self._used:
            raise PrivateSumError(f"{self.name} has answered the private sum {label!r} already: a mask is used once")
        self._used.add(label)
        added, taken = (
            sum_of_streams([sum_key(key, label) for other, key in self._keys.items() if (other > self.name) is adds], words.size)
            for adds in (True, False)
        )
        return words + added - taken


def total_of(masked: Mapping[str, Words], contributors: tuple[str, ...]) -> Words:
    """Return the sum of all contributors' words modulo 2^64, in which the masks have gone.

    Raises
    ------
    PrivateSumError : somebody's are missing, or of another length: what would come out is noise.
    """
    if missing := [name for name in contributors if name not in masked]:
        raise PrivateSumError(f"the private sum lacks {', '.join(missing)}: without all of them it is noise")
    if len({masked[name].size for name in contributors}) != 1:
        raise PrivateSumError("the contributors of a private sum tell different numbers of words")
    total = np.zeros_like(masked[contributors[0]])
    for name in contributors:
        total += masked[name]
    return total
