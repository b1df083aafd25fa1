"""The private sum in which contributors may be lost: double masks, and shares by which the others undo a lost one's.

The protocol of Bonawitz et al., "Practical Secure Aggregation for Privacy-Preserving Machine Learning", CCS 2017, figure 4,
against honest-but-curious parties (without its consistency check and signatures). Everything here is of one sum: keys, b and
shares are new for each. Contributor i has two key pairs and a seed b_i, and tells::

    y_i = x_i + stream(b_i) + sum_{j > i} s_ij - sum_{j < i} s_ij   mod 2^64

1. `Contributor.keys`: public keys, to all.
2. `Contributor.share`: Shamir shares of the private mask key and of b_i, sealed for each other contributor (ChaCha20-Poly1305).
3. `Contributor.mask`: y_i, to the collector.
4. `Contributor.reveal`: told who survives (whose y came), a contributor tells its share of b_j of each j that survives, and of
   the mask key of each that is lost. `recovered_total` makes the total of the survivors of these.

**Why two masks.** With one alone a lost contributor's mask becomes known in step 4. If its y was only late, the collector could
then read x off it. With b_i it cannot: of each contributor either b or the mask key is told, never both.

**Threshold.** t = max(3, n - ``most_lost``) shares give a secret. So up to n - t contributors may be lost, and any t - 1 who
collude with the collector learn the total of the others and no more. The default ``most_lost`` of 1 leaves t = n - 1: all but two
may collude. A collector that lies about who survives, to different contributors differently, needs 2t <= n + colluders to open
an answer; whoever must fear that takes authenticated messages and the paper's consistency check.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from federates.boundary.summed import LEAST_MEMBERS
from federates.private_sum.errors import PrivateSumError, check_contributors
from federates.private_sum.fixed_point import Words
from federates.private_sum.masks import KEY_BYTES, agreed_key, new_key_pair, stream, sum_key, total_of
from federates.private_sum.shamir import SHARE_BYTES, combine, split


@dataclass(frozen=True, slots=True)
class PublicKeys:
    """What a contributor tells all others first: X25519 keys for sealing shares and for masks, 32 bytes each."""

    channel: bytes
    mask: bytes


@dataclass(frozen=True, slots=True)
class Revealed:
    """A contributor's shares, by whose secret: of the seeds of those that survive, of the mask keys of those that are lost."""

    seeds: Mapping[str, int]
    mask_keys: Mapping[str, int]


def threshold_of(contributors: int, most_lost: int) -> int:
    """Return how many shares give a secret."""
    return max(LEAST_MEMBERS, contributors - most_lost)


class Contributor:
    """One contributor of one sum.

    Parameters
    ----------
    name : the contributor's.
    label : of the sum, the same for all: run, period, round and topic.
    most_lost : how many contributors may be lost; fewer may then collude.
    """

    def __init__(self, name: str, label: bytes, most_lost: int = 1) -> None:
        self.name, self._label, self._most_lost = name, label, most_lost
        self._channel, channel = new_key_pair()
        self._mask_key, mask = new_key_pair()
        self._seed = secrets.token_bytes(KEY_BYTES)
        self.keys = PublicKeys(channel, mask)
        self._all: dict[str, PublicKeys] = {}
        self._ciphers: dict[str, Any] = {}
        self._held: dict[str, tuple[int, int]] = {}
        """Shares of others' mask keys and seeds, by whose."""
        self._masked = self._revealed = False

    def share(self, keys: Mapping[str, PublicKeys]) -> dict[str, bytes]:
        """Return sealed shares of the own secrets, by recipient.

        Raises
        ------
        PrivateSumError : there are too few contributors to hide one, or the own keys are not among them.
        """
        names = check_contributors(keys)
        if keys.get(self.name) != self.keys:
            raise PrivateSumError(f"{self.name} is no contributor of this private sum, or somebody tells another key for it")
        self._all = dict(keys)
        places = _places(names)
        threshold = threshold_of(len(names), self._most_lost)
        of_key, of_seed = (split(secret, places.values(), threshold) for secret in (self._mask_key, self._seed))
        self._held[self.name] = of_key[places[self.name]], of_seed[places[self.name]]
        sealed = {}
        for other in names:
            if other != self.name:
                shares = b"".join(of[places[other]].to_bytes(SHARE_BYTES, "big") for of in (of_key, of_seed))
                sealed[other] = self._cipher(other).encrypt(_nonce(self.name, other), shares, self._about(self.name, other))
        return sealed

    def mask(self, words: Words, sealed: Mapping[str, bytes]) -> Words:
        """Return the masked words; ``sealed`` are the shares that have come, by sender: with them the sum is formed.

        Raises
        ------
        PrivateSumError : too few have come, one has been changed on its way, or the sum has been answered before.
        """
        from cryptography.exceptions import InvalidTag

        if self._masked:
            raise PrivateSumError(f"{self.name} has answered this private sum already: a mask is used once")
        for other, text in sealed.items():
            try:
                shares = self._cipher(other).decrypt(_nonce(other, self.name), text, self._about(other, self.name))
            except InvalidTag as error:
                raise PrivateSumError(f"the shares that {other} has sealed for {self.name} were changed on their way") from error
            self._held[other] = int.from_bytes(shares[:SHARE_BYTES], "big"), int.from_bytes(shares[SHARE_BYTES:], "big")
        self._enough(self._held)
        self._masked = True
        masked = words + stream(sum_key(self._seed, self._label), words.size)
        for other in self._held:
            if other != self.name:
                masked += _signed(self.name, other, self._pair(other), words.size)
        return masked

    def reveal(self, survivors: Collection[str]) -> Revealed:
        """Return what undoes the masks, given whose answers have come.

        Raises
        ------
        PrivateSumError : they are too few, one has shared nothing, or it has been asked before: two answers could open one
            contributor's.
        """
        if self._revealed:
            raise PrivateSumError(f"{self.name} has said already who survives: another answer could open a single value")
        if unknown := sorted(set(survivors) - self._held.keys()):
            raise PrivateSumError(f"{', '.join(unknown)} cannot survive in a private sum to which it shared nothing")
        self._enough(survivors)
        self._revealed = True
        lost = self._held.keys() - set(survivors)
        return Revealed({j: self._held[j][1] for j in sorted(survivors)}, {j: self._held[j][0] for j in sorted(lost)})

    def _enough(self, names: Collection[str]) -> None:
        least = threshold_of(len(self._all), self._most_lost)
        if len(names) < least:
            raise PrivateSumError(f"{len(names)} of {len(self._all)} contributors are left, a private sum needs {least} of them")

    def _pair(self, other: str) -> bytes:
        return agreed_key(self._mask_key, self._all[other].mask, b"mask|" + self._label)

    def _cipher(self, other: str) -> Any:
        from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

        if other not in self._ciphers:
            key = agreed_key(self._channel, self._all[other].channel, b"shares|" + self._label)
            self._ciphers[other] = ChaCha20Poly1305(key)
        return self._ciphers[other]

    def _about(self, sender: str, recipient: str) -> bytes:
        return b"|".join((sender.encode(), recipient.encode(), self._label))


def recovered_total(
    label: bytes,
    keys: Mapping[str, PublicKeys],
    shared: Collection[str],
    masked: Mapping[str, Words],
    revealed: Mapping[str, Revealed],
    most_lost: int = 1,
) -> Words:
    """Return the total of the survivors' words.

    Parameters
    ----------
    keys : of all contributors.
    shared : those whose shares were passed on: all masks are among them.
    masked : the survivors' answers.
    revealed : what survivors have told in the last step; `threshold_of` of them are enough.
    """
    survivors = check_contributors(masked)
    places, threshold = _places(tuple(sorted(keys))), threshold_of(len(keys), most_lost)
    total = total_of(masked, survivors)
    for name in survivors:
        seed = combine({places[by]: told.seeds[name] for by, told in revealed.items()}, threshold)
        total -= stream(sum_key(seed, label), total.size)
    for lost in sorted(set(shared) - set(survivors)):
        private = combine({places[by]: told.mask_keys[lost] for by, told in revealed.items()}, threshold)
        for name in survivors:
            pair = agreed_key(private, keys[name].mask, b"mask|" + label)
            # What the lost one would have added takes away what this survivor has put in.
            total += _signed(lost, name, pair, total.size)
    return total


def _signed(name: str, other: str, pair: bytes, count: int) -> Words:
    """Return what ``name`` adds to its answer for the pair with ``other``."""
    mask = stream(pair, count)
    return mask if other > name else (0 - mask).astype(mask.dtype)


def _places(names: tuple[str, ...]) -> dict[str, int]:
    return {name: place for place, name in enumerate(names, start=1)}


def _nonce(sender: str, recipient: str) -> bytes:
    """Return one of two nonces: a pair's key seals one message each way."""
    return bytes(11) + (b"\x01" if sender < recipient else b"\x02")
