"""Signatures, the roster and every refusal, without HELICS; the wire format against a second implementation."""

import ctypes
import hashlib
import stat
import struct
from pathlib import Path

import integrity_vector
import pytest
from ed25519_reference import verify
from nacl.bindings import crypto_sign, crypto_sign_seed_keypair

from federates.boundary.errors import IntegrityError
from federates.boundary.lines import Roster
from federates.integrity.envelope import EVERYBODY, MOST_TOGETHER, SALT_BYTES, Address, read_envelope, signed_part, with_length
from federates.integrity.keys import PRIVATE_KEY, PUBLIC_KEY, leave_private_key, leave_public_key, new_keys, read_public_key
from federates.integrity.roster import ROSTER, Registrar, read_roster, roster_text
from federates.integrity.seal import Seal

RUN = "20260101-120000-ab12"
ROAD = Roster("road", {role: role for role in ("coordinator", "power_operator", "transport_operator", "traffic_sumo")})
PRICE, OTHERS_PRICE = (f"coordinator/{agent}/delivery_price_usd_per_veh" for agent in ("power_operator", "transport_operator"))
COMMAND = "coordinator/command"
PAYLOAD = struct.pack("<3d", 2.0, 7.0, 4.5)


@pytest.fixture
def seals(tmp_path):
    return agreed(tmp_path, RUN)


def agreed(folder, run_id):
    """Return the seals of all agents of a run, which have met."""
    registrar = Registrar()
    found = {agent: Seal(agent, ROAD, run_id, folder / agent, registrar.public_key) for agent in ROAD.agents}
    registrar.write(run_id, ROAD, folder)
    for seal in found.values():
        seal.meet()
    return found


def said(seal, key=PRICE, payload=PAYLOAD):
    (message,) = seal.sign([(key, payload)])
    return message


def test_what_is_signed_is_opened_by_everybody_whom_it_is_for(seals):
    coordinator, power, transport = (seals[name] for name in ("coordinator", "power_operator", "transport_operator"))
    told = [(PRICE, PAYLOAD), (OTHERS_PRICE, PAYLOAD), (COMMAND, struct.pack("<3d", 2, 7, 1))]
    price, others_price, command = coordinator.sign(told)
    assert power.open(COMMAND, command) == transport.open(COMMAND, command) == told[2][1]
    assert power.open(PRICE, price) == transport.open(OTHERS_PRICE, others_price) == PAYLOAD


def test_nothing_in_a_message_tells_of_what_another_agent_hears_with_it(seals):
    """Whoever knows how a message is made, and guesses what is in it, cannot try that out by the digest."""
    price, others_price = (read_envelope(m) for m in seals["coordinator"].sign([(PRICE, PAYLOAD), (OTHERS_PRICE, PAYLOAD)]))
    assert price.signed == others_price.signed, "signed at once"
    digests = [price.signed[at : at + 32] for at in range(74, len(price.signed), 32)]
    assert digests == [hashlib.sha256(each.salted).digest() for each in (price, others_price)]
    assert hashlib.sha256(others_price.content).digest() not in digests
    for own in (price.salted[:16], bytes(16)):
        assert hashlib.sha256(own + others_price.content).digest() not in digests
    again = read_envelope(said(seals["coordinator"]))
    assert again.content == price.content
    assert again.salted != price.salted


def test_more_messages_than_one_signature_may_be_of(seals):
    count = 2 * MOST_TOGETHER + 1
    messages = seals["coordinator"].sign([(PRICE, struct.pack("<2d", 0, i)) for i in range(count)])
    assert len({message[:64] for message in messages}) == 3
    assert max(len(read_envelope(message).signed) for message in messages) == 74 + 32 * MOST_TOGETHER
    # Of one topic only the newest at a moment is heard.
    assert seals["power_operator"].open(PRICE, messages[-1]) == struct.pack("<2d", 0, count - 1)


def refusal(seal, key, message):
    with pytest.raises(IntegrityError) as refused:
        seal.open(key, message)
    text = str(refused.value)
    assert "\n" not in text
    return text


@pytest.mark.parametrize("at", [0, 63, 64, 73, 74, 105, 107, 123, 136, -24, -16, -1])
def test_no_byte_can_be_changed(seals, at):
    message = bytearray(said(seals["coordinator"]))
    message[at] ^= 1
    text = refusal(seals["power_operator"], PRICE, bytes(message))
    assert text.startswith(f"refused a message of coordinator on {PRICE}")


def test_a_changed_value_is_named_with_period_and_round(seals):
    message = said(seals["coordinator"])
    text = refusal(seals["power_operator"], PRICE, message[:-8] + struct.pack("<d", 5.5))
    assert text == f"refused a message of coordinator on {PRICE} (period 2, round 7): it was changed on its way: tampered with"


def test_a_forger_who_is_an_agent_is_named(seals):
    """The transport operator signs a price in the coordinator's name."""
    text = refusal(seals["power_operator"], PRICE, said(seals["transport_operator"]))
    assert text.endswith("(period 2, round 7): it is signed with the key of transport_operator: forged")


def test_a_key_that_is_nobodys(seals):
    _, private = new_keys()
    salted = bytes(SALT_BYTES) + with_length(Address.of(RUN, PRICE).text()) + PAYLOAD
    message = crypto_sign(signed_part(1, [salted]), private) + salted
    assert refusal(seals["power_operator"], PRICE, message).endswith("it is not signed with a key of the roster: forged")


def test_a_message_that_was_heard(seals):
    first, second = said(seals["coordinator"]), said(seals["coordinator"])
    power = seals["power_operator"]
    power.open(PRICE, second)
    assert refusal(power, PRICE, first).endswith("it has number 1, and number 2 was heard before: replayed")
    assert refusal(power, PRICE, second).endswith("it has number 2, and number 2 was heard before: replayed")


def test_a_message_of_another_run(seals, tmp_path):
    other = agreed(tmp_path / "other", "20250101-120000-cd34")["coordinator"]
    text = refusal(seals["power_operator"], PRICE, said(other))
    assert "it is of run 20250101-120000-cd34, and not signed with a key of this one: replayed or forged" in text


@pytest.mark.parametrize(
    ("key", "said_on", "why"),
    [
        (PRICE, OTHERS_PRICE, f"it is for transport_operator ({OTHERS_PRICE}), not for power_operator"),
        (PRICE, COMMAND, "it was said on coordinator/command: moved to another topic"),
        (PRICE, "coordinator/power_operator/secret", "no right to say coordinator/power_operator/secret"),
        (PRICE, "power_operator/cost_usd", "no right to say power_operator/cost_usd"),
    ],
)
def test_a_message_in_another_place(seals, key, said_on, why):
    assert why in refusal(seals["power_operator"], key, said(seals["coordinator"], said_on))


@pytest.mark.parametrize("message", [b"", PAYLOAD, b"\0" * 73, b"\0" * 200, b"\xff" * 400], ids=len)
def test_a_message_of_another_form(seals, message):
    assert "are no signed message of version 6 of the boundary" in refusal(seals["power_operator"], PRICE, message)


def test_the_session_has_no_period_to_name(seals):
    key = "coordinator/power_operator/session"
    message = said(seals["coordinator"], key, b'{"schema_version": 1}')
    assert seals["power_operator"].open(key, message) == b'{"schema_version": 1}'
    assert "(period" not in refusal(seals["power_operator"], key, message)


# Keys and the roster.


def test_private_keys_are_their_owners(tmp_path):
    public, private = new_keys()
    leave_public_key(tmp_path / "agent", public)
    leave_private_key(tmp_path / PRIVATE_KEY, private)
    assert stat.S_IMODE((tmp_path / PRIVATE_KEY).stat().st_mode) == 0o600
    assert read_public_key(tmp_path / "agent" / PUBLIC_KEY, "agent") == public
    seed = bytes.fromhex((tmp_path / PRIVATE_KEY).read_text())
    assert crypto_sign_seed_keypair(seed) == (public, private)


def collected(tmp_path, change):
    """Return what is said where an agent's key is not as it must be."""
    for agent in ROAD.agents:
        leave_public_key(tmp_path / agent, new_keys()[0])
    change(tmp_path / "power_operator" / PUBLIC_KEY)
    with pytest.raises(IntegrityError) as refused:
        Registrar().write(RUN, ROAD, tmp_path)
    assert not (tmp_path / ROSTER).exists()
    return str(refused.value)


@pytest.mark.parametrize(
    ("text", "shown"),
    [("abc", "'abc'"), ("g" * 64, f"'{'g' * 64}'"), ("", "''"), ("0" * 65, f"'{'0' * 65}'"), ("é" * 500, "1000 characters")],
    ids=["short", "other letters", "empty", "long", "no text"],
)
def test_a_key_file_of_a_wrong_form(tmp_path, text, shown):
    said = collected(tmp_path, lambda path: path.write_text(text))
    assert said == f"power_operator: public_key.txt = {shown}: a key must be 64 hexadecimal digits"


def test_a_key_that_is_missing_or_anothers(tmp_path):
    assert collected(tmp_path, Path.unlink) == "power_operator has left no public key (public_key.txt is missing)"

    def take_the_coordinators(path):
        path.write_text((path.parents[1] / "coordinator" / PUBLIC_KEY).read_text())

    assert collected(tmp_path, take_the_coordinators) == "power_operator has left the public key of coordinator"


def roster_refused(tmp_path, text, key):
    path = tmp_path / ROSTER
    path.write_text(text)
    with pytest.raises(IntegrityError) as refused:
        read_roster(path, RUN, ROAD.agents, key)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_a_roster_that_cannot_be_used(tmp_path):
    registrar = Registrar()
    keys = {agent: new_keys()[0] for agent in ROAD.agents}
    text, key = roster_text(RUN, ROAD.agents, keys), registrar.public_key
    good = registrar.signed(text)
    (tmp_path / ROSTER).write_text(good)
    assert read_roster(tmp_path / ROSTER, RUN, ROAD.agents, key) == keys
    wrong = "roster.txt: its signature is not the one of this run's broker"
    assert roster_refused(tmp_path, good.replace(keys["coordinator"].hex(), new_keys()[0].hex()), key) == wrong
    assert roster_refused(tmp_path, Registrar().signed(text), key) == wrong
    for other in (text, good[:-3] + "\n", f"{text}signature zz\n", ""):
        assert roster_refused(tmp_path, other, key) == wrong
    without = registrar.signed("".join(line for line in text.splitlines(keepends=True) if "transport" not in line))
    assert "has no key of transport_operator" in roster_refused(tmp_path, without, key)
    other_role = registrar.signed(text.replace("agent traffic_sumo traffic_sumo", "agent traffic_sumo coordinator"))
    assert "has no key of traffic_sumo, traffic_sumo" in roster_refused(tmp_path, other_role, key)
    assert "it is of 'run other'" in roster_refused(tmp_path, registrar.signed(roster_text("other", ROAD.agents, keys)), key)
    assert "must be `agent NAME ROLE KEY`" in roster_refused(tmp_path, registrar.signed(f"{text}nonsense\n"), key)
    (tmp_path / ROSTER).unlink()
    with pytest.raises(IntegrityError, match="the broker has left no roster"):
        read_roster(tmp_path / ROSTER, RUN, ROAD.agents, key)


# The wire, byte by byte, against a second implementation.


def test_the_reference_is_right_about_the_tests_of_rfc_8032():
    tests = [
        ("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
         "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"),
        ("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
         "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"),
    ]  # fmt: skip
    for public, message, signature in tests:
        key, text, sign = map(bytes.fromhex, (public, message, signature))
        assert verify(key, text, sign)
        assert not verify(key, text + b"x", sign)


def test_the_message_of_the_page_is_taken_apart_as_the_page_says():
    message, public = integrity_vector.message(), crypto_sign_seed_keypair(integrity_vector.SEED)[0]
    number, count = struct.unpack_from("<QH", message, 64)
    assert (number, count) == (integrity_vector.NUMBER, 1)
    content = message[122:]
    (length,) = struct.unpack_from("<H", content)
    assert message[74:106] == hashlib.sha256(message[106:]).digest()
    assert verify(public, message[64:106], message[:64])
    assert content[2 : 2 + length] == f"portage/6 {integrity_vector.RUN} power_operator {EVERYBODY} cost_usd".encode()
    assert struct.unpack("<5d", content[2 + length :]) == (0.0, 2.0, 480.0, 420.5, 4.0)
    told, _, signature = integrity_vector.roster().rpartition("signature ")
    run_key = crypto_sign_seed_keypair(integrity_vector.RUN_SEED)[0]
    assert verify(run_key, told.encode(), bytes.fromhex(signature))
    assert public.hex() in told


def test_the_page_shows_the_vector(root):
    page = (root / "docs/integrity.md").read_text(encoding="utf-8")
    assert all(value in page for value in integrity_vector.shown().values())


def test_the_library_of_the_kit_in_c_is_named_as_debian_names_it(root):
    names = [name for name in ("libsodium.so.23", "libsodium.so.26") if name in (root / "examples/portage_c/seal.c").read_text()]
    assert names == ["libsodium.so.23", "libsodium.so.26"]
    try:
        library = ctypes.CDLL(names[0])
    except OSError:
        pytest.skip("libsodium23 is not installed")
    public, signature = crypto_sign_seed_keypair(integrity_vector.SEED)[0], integrity_vector.message()
    assert library.crypto_sign_ed25519_verify_detached(signature[:64], signature[64:106], ctypes.c_ulonglong(42), public) == 0
