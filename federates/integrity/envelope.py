"""A message as it crosses: signature, number, digests, salt, address, payload; docs/integrity.md has it byte by byte.

A signature costs more than all else that is done with a message, so what an agent says at one moment is signed at once: the
signature is of a number and of the digests of up to `MOST_TOGETHER` messages, and stands before each of them. The address says in
clear which run, sender, receiver and topic a message is of, so that a refusal can name them; the payload begins with period and
round. Both are in the digest, and so is a random salt: else whoever hears one message could try out by the digests what another
agent was told at the same moment.
"""

from __future__ import annotations

import hashlib
import struct
from typing import NamedTuple

from federates.boundary.errors import IntegrityError
from federates.boundary.topics import BOUNDARY_VERSION

SIGNATURE_BYTES, DIGEST_BYTES, SALT_BYTES = 64, 32, 16
MOST_TOGETHER = 8
EVERYBODY = "*"
"""Receiver of a topic that is not addressed."""
_FORM = f"portage/{BOUNDARY_VERSION}"
_HEAD, _LENGTH, _STAMP = struct.Struct("<QH"), struct.Struct("<H"), struct.Struct("<2d")
_DIGESTS_AT = SIGNATURE_BYTES + _HEAD.size


class Address(NamedTuple):
    """Of which run, sender, receiver and topic a message is."""

    run: str
    sender: str
    receiver: str
    topic: str

    @classmethod
    def of(cls, run_id: str, key: str) -> Address:
        """Return the address of what is published under ``key``."""
        sender, *receiver, topic = key.split("/")
        return cls(run_id, sender, receiver[0] if receiver else EVERYBODY, topic)

    @property
    def key(self) -> str:
        """Return the key under which such a message is published."""
        parts = (self.sender, self.topic) if self.receiver == EVERYBODY else (self.sender, self.receiver, self.topic)
        return "/".join(parts)

    def text(self) -> bytes:
        """Return it as it crosses: five words with a space between them."""
        return " ".join((_FORM, *self)).encode()


class Envelope(NamedTuple):
    """What stands in a message, of which nothing is proven yet."""

    signed: bytes
    """Signature, and behind it what it is of: number and digests."""
    number: int
    salted: bytes
    """All behind that, which one of the digests is of: the salt, and the content."""

    @property
    def is_whole(self) -> bool:
        """Whether the content is what was signed."""
        at = self.signed.find(hashlib.sha256(self.salted).digest(), _DIGESTS_AT)
        return at >= 0 and (at - _DIGESTS_AT) % DIGEST_BYTES == 0

    @property
    def content(self) -> bytes:
        """Return address and payload."""
        return self.salted[SALT_BYTES:]

    @property
    def payload(self) -> bytes:
        """Return what stands behind the address."""
        return self.content[_LENGTH.size + _LENGTH.unpack_from(self.content)[0] :]

    @property
    def address(self) -> Address:
        """Return the address; raise `IntegrityError` if there is none."""
        words = self.content[_LENGTH.size : _LENGTH.size + _LENGTH.unpack_from(self.content)[0]].split(b" ")
        if len(words) != len(Address._fields) + 1 or words[0] != _FORM.encode():
            raise IntegrityError(f"it has no address of version {BOUNDARY_VERSION} of the boundary")
        return Address(*(word.decode("utf-8", "replace") for word in words[1:]))


def with_length(address: bytes) -> bytes:
    """Return the text of an address with its length before it, as a content begins."""
    return _LENGTH.pack(len(address)) + address


def signed_part(number: int, salted: list[bytes]) -> bytes:
    """Return what the signature of messages with these salted contents is of: their number, how many they are, their SHA-256."""
    return _HEAD.pack(number, len(salted)) + b"".join([hashlib.sha256(each).digest() for each in salted])


def read_envelope(message: bytes) -> Envelope:
    """Return what stands in ``message``.

    Raises
    ------
    IntegrityError : it has another form, such as that of an older version, without a signature.
    """
    if len(message) >= _DIGESTS_AT:
        number, count = _HEAD.unpack_from(message, SIGNATURE_BYTES)
        end = _DIGESTS_AT + DIGEST_BYTES * count
        if 1 <= count <= MOST_TOGETHER and len(message) >= end + SALT_BYTES + _LENGTH.size:
            return Envelope(message[:end], number, message[end:])
    raise IntegrityError(f"its {len(message)} bytes are no signed message of version {BOUNDARY_VERSION} of the boundary")


def stamp_of(payload: bytes) -> tuple[float, float] | None:
    """Return period and round as a payload says them; None of one that is too short, such as an empty one."""
    return _STAMP.unpack_from(payload) if len(payload) >= _STAMP.size else None
