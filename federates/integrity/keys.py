"""Ed25519 keys (RFC 8032) of agents: made when a run starts, the private one never outside the agent's own process or folder.

An agent in Python keeps its private key in memory. An executable finds it in a file that its wrapper has made for it. The public
key lies in the agent's part of the run's folder, where the broker takes it from.
"""

from __future__ import annotations

import os
import string
from pathlib import Path

from nacl.bindings import crypto_sign_keypair, crypto_sign_PUBLICKEYBYTES, crypto_sign_SEEDBYTES

from federates.boundary.errors import IntegrityError

PUBLIC_KEY = "public_key.txt"
"""File in an agent's part of the run's folder: 64 hexadecimal digits."""
PRIVATE_KEY = "private_key.txt"
"""File of an executable in its temporary folder: the seed of RFC 8032, 64 hexadecimal digits."""


def new_keys() -> tuple[bytes, bytes]:
    """Return a public key, (32,) bytes, and its private key in libsodium's form, seed and public key, (64,) bytes."""
    public, private = crypto_sign_keypair()
    return bytes(public), bytes(private)


def leave_public_key(folder: Path, public: bytes) -> None:
    """Leave an agent's public key in its ``folder`` of the run."""
    folder.mkdir(parents=True, exist_ok=True)
    leave(folder / PUBLIC_KEY, f"{public.hex()}\n")


def leave_private_key(path: Path, private: bytes) -> None:
    """Leave a private key in a file that only its owner may read."""
    leave(path, f"{private[:crypto_sign_SEEDBYTES].hex()}\n")


def read_public_key(path: Path, agent: str) -> bytes:
    """Return the public key that ``agent`` has left.

    Raises
    ------
    IntegrityError : there is none, or it is no key.
    """
    try:
        text = path.read_text(encoding="ascii", errors="replace").strip()
    except FileNotFoundError:
        raise IntegrityError(f"{agent} has left no public key ({path.name} is missing)") from None
    except OSError as error:
        raise IntegrityError(f"{agent}: {path.name} cannot be read: {error.strerror or error}") from error
    return key_of(text, f"{agent}: {path.name}")


def key_of(text: str, where: str) -> bytes:
    """Return the key that ``text`` is, (32,) bytes; raise `IntegrityError` with ``where`` it stands if it is none."""
    digits = 2 * crypto_sign_PUBLICKEYBYTES
    if len(text) != digits or not set(text) <= set(string.hexdigits):
        shown = repr(text) if text.isprintable() and len(text) <= 2 * digits else f"{len(text)} characters"
        raise IntegrityError(f"{where} = {shown}: a key must be {digits} hexadecimal digits")
    return bytes.fromhex(text)


def leave(path: Path, text: str) -> None:
    """Write a file in one step that only its owner may read."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
    os.replace(temporary, path)
