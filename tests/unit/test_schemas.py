"""JSON Schemas of the boundary, the rule of its versions, and HELICS's own refusal of another version."""

import copy
import dataclasses
import json
from typing import NamedTuple

import helics as h
import jsonschema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from federates.boundary import docs, history, schemas
from federates.boundary.lines import lines_from, lines_to
from federates.boundary.messages import decode, encode
from federates.boundary.names import Role
from federates.boundary.schemas import as_json, boundary_json, fingerprint, message_schema, session_schema
from federates.boundary.topics import BOUNDARY_VERSION
from federates.boundary.world import parse_session, shipped_worlds
from tests.support.small_fleets import SESSION as FLEETS_SESSION

SESSIONS = [
    parse_session(
        {
            "schema_version": 1,
            "name": "test",
            "resourceful_stations": ["r1", "r2"],
            "limited_stations": ["q1", "q2", "q3"],
            "links": ["a", "b", "c"],
            "bins_per_period": 2,
        },
        "session",
    ),
    parse_session(
        {
            "schema_version": 1,
            "world": "rail",
            "name": "test",
            "periods": 3,
            "rail_stations": ["a", "b"],
            "trains": [{"name": "k", "home": "a"}],
            "trip_periods": [[0, 1], [1, 0]],
        },
        "session",
    ),
    parse_session(FLEETS_SESSION, "session"),
]
WORLDS = {session.world: (world, session) for world, session in zip(shipped_worlds(), SESSIONS, strict=True)}
ALL = [(world, entry) for world in shipped_worlds() for entry in world.topics]
MESSAGES = [pytest.param(world, entry, id=f"{world.name} {entry.pattern}") for world, entry in ALL if entry.name != "session"]


def topic(world, pattern):
    (found,) = (entry for entry in WORLDS[world][0].topics if entry.pattern == pattern)
    return found


def shape_of(entry, session, rows, period=0):
    rows = rows if entry.most_rows is None else min(rows, entry.most_rows)
    sizes = session.sizes(period)
    return tuple(rows if size == "E" else sizes[size] if isinstance(size, str) else size for size in entry.shape)


@pytest.mark.parametrize(("world", "entry"), MESSAGES)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_every_message_that_can_cross_fits_its_schema(world, entry, data):
    session, period = WORLDS[world.name][1], data.draw(st.integers(0, 3))
    shape = shape_of(entry, session, data.draw(st.integers(0, 3)), period)
    # Whole numbers up to 5: what every topic can carry, commands too.
    values = np.array(data.draw(st.lists(st.integers(0, 5), min_size=int(np.prod(shape)), max_size=int(np.prod(shape)))))
    payload = encode(entry, "x", period, 7, values.reshape(shape).astype(float), session)
    jsonschema.validate(as_json(decode(entry, "x", payload, session)), message_schema(world, entry))


@pytest.mark.parametrize(("world", "entry"), MESSAGES)
def test_a_wrong_message_does_not_fit(world, entry):
    session = WORLDS[world.name][1]
    good = {"period": 3, "round": 7, "values": np.ones(shape_of(entry, session, 2)).tolist()}
    validator = jsonschema.Draft202012Validator(message_schema(world, entry))
    assert validator.is_valid(good)
    wrong = [
        good | {"period": -1},
        good | {"period": 0.5},
        good | {"round": "7"},
        good | {"unit": entry.unit},
        {"period": 3, "round": 7},
        good | {"values": 1.0},  # no array
        good | {"values": _deeper(good["values"])},  # one dimension too many
        good | {"values": _with_text(good["values"])},
    ]
    wrong += [
        good | {"values": _longer_row(good["values"], level)} for level, size in enumerate(entry.shape) if size in (1, 2, 19)
    ]
    if entry.most_rows is not None:
        wrong.append(good | {"values": good["values"] * (entry.most_rows + 1)})
    assert [case for case in wrong if validator.is_valid(case)] == []


def test_a_command_outside_the_table_does_not_fit():
    validator = jsonschema.Draft202012Validator(message_schema(WORLDS["road"][0], topic("road", "coordinator/command")))
    assert [code for code in range(-1, 8) if validator.is_valid({"period": 0, "round": 1, "values": [code]})] == [
        0,
        1,
        2,
        3,
        4,
        5,
    ]


@pytest.mark.parametrize("session", SESSIONS, ids=lambda session: session.world)
def test_an_announced_session_fits_its_schema_and_a_wrong_one_does_not(session):
    validator = jsonschema.Draft202012Validator(session_schema(WORLDS[session.world][0]))
    announced = json.loads(session.model_dump_json())
    validator.validate(announced)
    for change in ({"periods": 0}, {"world": "water"}, {"name": "a b"}, {"spy": 1}, {"seed": None}):
        assert not validator.is_valid(announced | change), change
    assert not validator.is_valid({key: value for key, value in announced.items() if key != "name"})


def test_what_an_agent_is_announced_fits_the_schema_too():
    """With its name, the run's, and no more than its part."""
    for session in SESSIONS:
        seen = session.view("transport_operator").model_copy(update={"run_id": "r"})
        jsonschema.validate(json.loads(seen.model_dump_json()), session_schema(WORLDS[session.world][0]))


def test_every_schema_is_a_schema_and_says_what_helics_needs():
    for world, entry in ALL:
        schema = session_schema(world) if entry.name == "session" else message_schema(world, entry)
        jsonschema.Draft202012Validator.check_schema(schema)
        assert (schema["x-key"], schema["x-type"]) == (entry.pattern, entry.type_name)
        assert schema["x-world"] == world.name


class Federation(NamedTuple):
    world: str
    agents: dict[str, str]


def test_the_table_as_json_is_enough_to_register_a_role():
    """By the key's pattern, its sender's and receivers' roles: what `Federate` registers for two companies of one role."""
    table = json.loads(json.dumps(boundary_json()))
    assert set(table["worlds"]) == {"road", "rail", "fleets"}
    for name, told in table["worlds"].items():
        agents = {role: role for role in told["roles"]} | {"second": "power_operator"}
        run = Federation(name, agents)
        for agent, role in agents.items():
            sent, heard = set(), set()
            for row in told["topics"]:
                ends = row["key"].split("/")
                others = [other for other, its in agents.items() if its in row["receivers"]]
                senders = [other for other, its in agents.items() if its == row["sender"]]
                for sender in senders:
                    for other in others:
                        key = "/".join([sender, *([other] if len(ends) == 3 else []), ends[-1]])
                        sent |= {key} if sender == agent else set()
                        heard |= {key} if other == agent else set()
            assert sent == {line.key for line in lines_from(agent, run)}, (agent, role)
            assert heard == {line.key for line in lines_to(agent, run)}, (agent, role)
        letters = {size for row in told["topics"] for size in row["shape"] if isinstance(size, str)}
        assert letters <= {*told["letters"], "E"}


def test_the_exchanges_of_the_table_name_their_topics():
    for told in boundary_json()["worlds"].values():
        names = {row["type"].split(".")[1].split("/")[0] for row in told["topics"]}
        for exchange in told["exchanges"]:
            assert set(exchange["topics"]) == {"price", "given", "quantity", "slope"}
            assert set(exchange["topics"].values()) <= names


def test_every_page_is_generated_and_none_is_left_over():
    made = docs.pages()
    assert len(made) == len(ALL) + 2
    for name, text in made.items():
        assert (docs._DOCS / name).read_text(encoding="utf-8") == text, name
    kept = {path.relative_to(docs._DOCS).as_posix() for path in (docs._DOCS / docs._SCHEMAS).rglob("*.json")}
    assert kept == set(made) - {"boundary.md"}


def test_a_change_of_the_boundary_has_a_version_and_an_entry():
    newest = history.VERSIONS[-1]
    assert [version.number for version in history.VERSIONS] == list(range(1, BOUNDARY_VERSION + 1))
    assert all(version.changes for version in history.VERSIONS)
    assert newest.fingerprint == fingerprint(), (
        "the boundary's table or session has changed: raise BOUNDARY_VERSION (federates/boundary/topics.py), add an entry to "
        f"federates/boundary/history.py with the fingerprint {fingerprint()}, and run python -m federates.boundary.docs"
    )


CHANGES = [{"unit": "kW"}, {"axes": ("N", "H")}, {"asks": (Role.TRANSPORT_OPERATOR.value,)}, {"whole": True}, {"name": "energy"}]


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_the_fingerprint_sees_what_a_partner_relies_on_and_no_prose(monkeypatch, change):
    before = fingerprint()
    road, *others = shipped_worlds()
    (exchange,) = road.exchanges

    def with_exchange(changed):
        monkeypatch.setattr(schemas, "shipped_worlds", lambda: (dataclasses.replace(road, exchanges=(changed,)), *others))
        return fingerprint()

    assert with_exchange(dataclasses.replace(exchange, meaning="Said in other words.")) == before
    assert with_exchange(dataclasses.replace(exchange, **change)) != before


@pytest.mark.parametrize(("theirs", "joins"), [(BOUNDARY_VERSION, True), (BOUNDARY_VERSION - 1, False)])
def test_helics_refuses_a_partner_with_another_version(theirs, joins):
    entry = topic("road", "coordinator/command")
    coordinator, partner = federates_in_process(f"version-{theirs}")
    publication = h.helicsFederateRegisterTypePublication(coordinator, entry.name, entry.type_name, "")
    other_type = entry.type_name.replace(f"/v{BOUNDARY_VERSION}", f"/v{theirs}")
    heard = h.helicsFederateRegisterTypeInput(partner, "in", other_type, "")
    h.helicsInputAddTarget(heard, entry.pattern)
    h.helicsInputSetOption(heard, h.HELICS_HANDLE_OPTION_CONNECTION_REQUIRED, 1)
    try:
        h.helicsFederateEnterExecutingModeAsync(coordinator)
        if joins:
            h.helicsFederateEnterExecutingMode(partner)
            h.helicsFederateEnterExecutingModeComplete(coordinator)
            h.helicsPublicationPublishBytes(publication, b"\0" * 24)
        else:
            with pytest.raises(h.HelicsException, match=r"portage\.command/v"):
                h.helicsFederateEnterExecutingMode(partner)
    finally:
        h.helicsFederateFree(partner)
        h.helicsFederateFree(coordinator)


def federates_in_process(name):
    """Return two federates of one in-process core, the first named as the coordinator."""
    made = []
    for role in (Role.COORDINATOR, Role.POWER_OPERATOR):
        info = h.helicsCreateFederateInfo()
        h.helicsFederateInfoSetCoreTypeFromString(info, "inproc")
        h.helicsFederateInfoSetCoreName(info, name)
        h.helicsFederateInfoSetCoreInitString(info, f"-f 2 --autobroker --broker={name} --loglevel=no_print")
        h.helicsFederateInfoSetFlagOption(info, h.HELICS_FLAG_TERMINATE_ON_ERROR, True)
        made.append(h.helicsCreateValueFederate(role.value, info))
    return made


def _deeper(values):
    return [_deeper(item) for item in values] if isinstance(values, list) else [values]


def _with_text(values):
    changed = copy.deepcopy(values)
    row = changed
    while isinstance(row[0], list):
        row = row[0]
    row[0] = "many"
    return changed


def _longer_row(values, level):
    if level == 0:
        return [*values, values[0]]
    return [_longer_row(item, level - 1) for item in values]
