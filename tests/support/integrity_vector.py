"""The test vector of docs/integrity.md: a message and a roster whose every byte is known, as keys and numbers are fixed here."""

import struct

from nacl.bindings import crypto_sign, crypto_sign_seed_keypair

from federates.integrity.envelope import SALT_BYTES, Address, signed_part, with_length
from federates.integrity.roster import roster_text

SEED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
"""Private key of RFC 8032, 7.1, test 1."""
RUN_SEED = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
"""That of test 2, as the run's own."""
RUN, KEY, NUMBER = "20260101-120000-ab12", "power_operator/cost_usd", 3
SALT = bytes(range(SALT_BYTES))
PAYLOAD = struct.pack("<5d", 0.0, 2.0, 480.0, 420.5, 4.0)


def message() -> bytes:
    """Return the message of the vector."""
    _, private = crypto_sign_seed_keypair(SEED)
    salted = SALT + with_length(Address.of(RUN, KEY).text()) + PAYLOAD
    return crypto_sign(signed_part(NUMBER, [salted]), private) + salted


def roster() -> str:
    """Return a roster of one agent with its signature."""
    public, _ = crypto_sign_seed_keypair(SEED)
    _, private = crypto_sign_seed_keypair(RUN_SEED)
    text = roster_text(RUN, {"power_operator": "power_operator"}, {"power_operator": public})
    return f"{text}signature {crypto_sign(text.encode(), private)[:64].hex()}\n"


def shown() -> dict[str, str]:
    """Return the parts as the page has them."""
    whole = message()
    address = Address.of(RUN, KEY).text()
    start = 124 + len(address)
    return {
        "vector_seed": SEED.hex(),
        "vector_run_key": crypto_sign_seed_keypair(RUN_SEED)[0].hex(),
        "vector_signature": whole[:64].hex(),
        "vector_number": whole[64:72].hex(),
        "vector_count": whole[72:74].hex(),
        "vector_digest": whole[74:106].hex(),
        "vector_salt": whole[106:122].hex(),
        "vector_length": whole[122:124].hex(),
        "vector_address": address.decode(),
        "vector_payload": whole[start:].hex(),
        "vector_roster": roster().rstrip(),
    }
