"""The boundary table, its wire form, and its checks."""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from federates.boundary.bound_kinds import BoundKind
from federates.boundary.errors import BoundaryError
from federates.boundary.exchange import Moment
from federates.boundary.messages import Answer, decode, encode
from federates.boundary.names import FLEETS, RAIL, ROAD, Role
from federates.boundary.tables import tables_of
from federates.boundary.world import parse_session, shipped_worlds, world_of
from federates.worlds.rail.session import RailSession
from federates.worlds.road.messages import MAX_ROUTE_LINKS, Departure, departures_to_rows, rows_to_departures
from federates.worlds.road.session import RoadSession
from tests.support.small_fleets import SESSION as FLEETS_SESSION

UNITS = {"1", "veh", "veh/h", "veh/km", "m/s", "s", "usd", "usd/veh", "usd/kWh", "kW", "kWh", "json"}
"""What is exchanged in the worlds that ship is in these, see `federates.boundary.units`; another world may have others."""
WORLDS = [pytest.param(world, id=world.name) for world in shipped_worlds()]

SESSION = RoadSession(
    schema_version=1,
    name="test",
    resourceful_stations=("r1", "r2"),
    limited_stations=("q1", "q2", "q3"),
    links=("a", "b", "c"),
    horizon_periods=4,
    bins_per_period=2,
)


def rail(trains):
    """Return a session by rail with so many trains, two stations and three periods, as it comes over HELICS."""
    return parse_session(
        {
            "schema_version": 1,
            "world": "rail",
            "name": "test",
            "periods": 3,
            "rail_stations": ["a", "b"],
            "trains": [{"name": f"k{k}", "home": "a"} for k in range(trains)],
            "trip_periods": [[0, 1], [1, 0]],
        },
        "session",
    )


def topic(key, world=ROAD):
    """Return a topic by its key with roles for agents: ``<sender>/<topic>``, or ``<sender>/<agent>/<topic>`` where addressed."""
    (found,) = (entry for entry in world_of(world).topics if entry.pattern == key)
    return found


def sent_by(role, world=ROAD):
    return [entry for entry in world_of(world).topics if entry.sender == role]


def received_by(role, world=ROAD):
    return [entry for entry in world_of(world).topics if role in entry.receivers]


PRICE, SLOPE = topic("coordinator/<agent>/delivery_price_usd_per_veh"), topic("power_operator/delivery_slope_usd_per_veh")
ANSWER, COST = topic("power_operator/delivery_veh"), topic("power_operator/cost_usd")


@pytest.mark.parametrize("world", WORLDS)
def test_every_topic_is_sent_by_one_role_and_read_by_others(world):
    for entry in world.topics:
        assert entry.sender in world.roles
        assert set(entry.receivers) <= set(world.roles) - {entry.sender}
        assert entry.receivers
        assert entry.unit in UNITS
        assert {size for size in entry.shape if isinstance(size, str)} <= {*world.letters, "E"}
    assert len({entry.pattern for entry in world.topics}) == len(world.topics)


def test_the_coordinator_hears_nothing_of_the_road_and_the_traffic_model_nothing_of_prices():
    assert all(entry.sender != Role.TRAFFIC for entry in received_by(Role.COORDINATOR))
    assert {entry.name for entry in received_by(Role.TRAFFIC)} == {"session", "departures"}


@pytest.mark.parametrize("world", WORLDS)
def test_agents_that_negotiate_have_no_line_of_their_own(world):
    assert len(world.operators) > 1
    for role in world.operators:
        heard_from = {entry.sender for entry in received_by(role, world.name)}
        assert Role.COORDINATOR in heard_from
        assert not heard_from & set(world.operators)


def test_power_never_hears_flows_and_transport_never_hears_loads():
    heard_by_power = {e.name for e in received_by(Role.POWER_OPERATOR)}
    assert not heard_by_power & {e.name for e in received_by(Role.TRANSPORT_OPERATOR) if e.sender == Role.TRAFFIC}
    heard = {e.name for e in received_by(Role.TRANSPORT_OPERATOR) if e.sender == Role.COORDINATOR}
    exchanged = {"session", "command", "delivery_price_usd_per_veh", "delivery_veh"}
    assert heard - exchanged == {"gate_time_s", "gate_spots"}, "all that power tells transport, by way of the coordinator"


@pytest.mark.parametrize("world", WORLDS)
def test_what_opens_a_period_is_passed_on_as_it_was_said(world):
    openings = [message for message in world.messages if message.passed_on]
    assert openings
    for message in openings:
        for source, copy in zip(message.sent(), message.heard(), strict=True):
            assert source.receivers == (Role.COORDINATOR,)
            assert (copy.sender, copy.receivers, copy.addressed) == (Role.COORDINATOR, message.hearers, True)
            same = ("name", "unit", "shape", "decimals", "rounding", "merge")
            assert [getattr(source, name) for name in same] == [getattr(copy, name) for name in same]


@pytest.mark.parametrize("world", WORLDS)
def test_what_is_said_directly_reaches_its_hearers_each_on_a_line_of_its_own_and_not_the_coordinator(world):
    direct = [message for message in world.messages if message.direct]
    assert {message.name for message in direct} == ({"balance", "receipts"} if world.name == FLEETS else set())
    for message in direct:
        assert message.moment is Moment.OPENING
        for entry in message.topics():
            assert entry in world.topics
            assert entry.sender == message.sender
            assert entry.receivers == message.hearers
            assert entry.addressed
            assert Role.COORDINATOR not in entry.receivers


def test_of_a_station_the_coordinator_hears_the_gate_and_the_station_no_price():
    heard = {entry.name for entry in received_by(Role.COORDINATOR, FLEETS) if entry.sender == Role.CHARGING_STATION}
    assert heard == {"gate_time_s", "gate_spots"}
    told = {entry.name for entry in received_by(Role.CHARGING_STATION, FLEETS)}
    assert told == {"session", "station_allotments", "station_passing_veh", "station_arrivals_veh"}


def test_of_a_station_a_fleet_hears_what_it_left_there_and_no_need():
    heard = {entry.name for entry in received_by(Role.MVES_FLEET, FLEETS) if entry.sender == Role.CHARGING_STATION}
    assert heard == {"station_receipts"}
    assert {e.name for e in received_by(Role.TRANSPORT_OPERATOR, FLEETS)} & {"delivery_kwh", "station_receipts"} == set()


def test_by_rail_nobody_hears_of_the_road():
    roles = (Role.COORDINATOR, Role.POWER_OPERATOR, Role.TRANSPORT_OPERATOR)
    assert world_of(RAIL).roles == roles
    names, on_the_road = ({entry.name for entry in world_of(world).topics} for world in (RAIL, ROAD))
    assert names & on_the_road == {"session", "command", "cost_usd"}
    assert names - on_the_road == {"connection_price_usd", "connection", "connection_slope_usd", "train_ready"}


@pytest.mark.parametrize("trains", [0, 1, 2])
@pytest.mark.parametrize("period", [0, 2, 3])
def test_messages_by_rail_survive_the_wire_with_and_without_trains(trains, period):
    """Of the day what is left of it crosses: three periods when the first opens, none when all are over."""
    session = rail(trains)
    assert isinstance(session, RailSession)
    shapes = {
        "coordinator/<agent>/connection_price_usd": (trains, 2, 3 - period),
        "transport_operator/connection": (trains, 2, 3 - period),
        "transport_operator/train_ready": (trains, 3),
    }
    for key, shape in shapes.items():
        entry = topic(key, RAIL)
        values = np.arange(np.prod(shape), dtype=float).reshape(shape)
        frame = decode(entry, key, encode(entry, key, period, 7, values, session), session)
        assert (frame.period, frame.round) == (period, 7)
        np.testing.assert_array_equal(frame.values, values)


def test_by_rail_the_past_is_in_no_message():
    entry, session = topic("transport_operator/connection", RAIL), rail(1)
    with pytest.raises(BoundaryError, match=r"shape is \(1, 2, 3\), must be .* = \(1, 2, 2\)"):
        encode(entry, "x", 1, 0, np.zeros((1, 2, 3)), session)
    payload = np.concatenate([[1.0, 0.0], np.zeros(6)]).astype("<f8").tobytes()
    with pytest.raises(BoundaryError, match="6 values do not fill shape"):
        decode(entry, "x", payload, session)


@pytest.mark.parametrize(("trains", "rows"), [(2, 0), (2, 1), (0, 0)])
def test_a_slope_is_there_or_not(trains, rows):
    session, entry = rail(trains), topic("power_operator/connection_slope_usd", RAIL)
    values = np.ones((rows, trains, 2, 3))
    frame = decode(entry, "x", encode(entry, "x", 0, 1, values, session), session)
    np.testing.assert_array_equal(frame.values, values)


def test_a_session_survives_the_wire():
    for session in (SESSION, rail(2)):
        assert parse_session(json.loads(session.model_dump_json()), "session") == session


finite = st.floats(allow_nan=False, allow_infinity=False, width=64)


@settings(suppress_health_check=[HealthCheck.too_slow])  # the first draws wait for imports, long on a busy computer
@given(arrays(np.float64, (2, 3, 4), elements=finite), st.integers(0, 10_000), st.integers(0, 10_000))
def test_a_message_survives_the_wire(values, period, round_):
    session = SESSION.model_copy(update={"periods": 10_000})
    sent = encode(PRICE, "x", period, round_, values, session)
    frame = decode(PRICE, "x", sent, session)
    assert (frame.period, frame.round) == (period, round_)
    np.testing.assert_allclose(frame.values, values, rtol=1e-15, atol=0.5000001e-6)
    # What lies on the grid stays as it is, to the byte.
    assert encode(PRICE, "x", period, round_, frame.values, session) == sent


ON_THE_WIRE = [
    pytest.param(world.name, entry, id=f"{world.name} {entry.pattern}")
    for world in shipped_worlds()
    for entry in world.topics
    if entry.unit != "json"
]


@pytest.mark.parametrize(("world", "entry"), ON_THE_WIRE)
def test_rounding_error_does_not_cross(world, entry):
    session = {ROAD: SESSION, RAIL: rail(2), FLEETS: parse_session(FLEETS_SESSION, "session")}[world]
    sizes = session.sizes()
    shape = [1 if d == "E" else sizes[d] if isinstance(d, str) else d for d in entry.shape]
    values = np.round(np.random.default_rng(1).uniform(-500, 500, shape), entry.decimals)
    noisy = values * (1.0 + np.random.default_rng(2).uniform(-1e-14, 1e-14, shape))
    assert encode(entry, "x", 0, 0, noisy, session) == encode(entry, "x", 0, 0, values, session)


def test_a_program_need_not_round_and_a_bound_stays_one():
    raw = np.concatenate(([0.0, 0.0], [7.1234561234, 7.1234569876, 1.0])).astype("<f8").tobytes()
    assert decode(COST, "x", raw, SESSION).values.tolist() == [7.123457, 7.123456, 1.0]


@pytest.mark.parametrize("kind", BoundKind)
def test_the_kind_of_a_bound_crosses_with_it(kind):
    answer = Answer({"delivery": np.zeros((2, 3, 4))}, 7.0, 5.0, None, kind)
    frame = decode(COST, "x", encode(COST, "x", 0, 1, answer.cost_values, SESSION), SESSION)
    assert Answer.from_wire(answer.quantities, frame.values) == answer


@pytest.mark.parametrize("code", [-1.0, 0.5, 5.0])
def test_an_unknown_kind_of_bound_is_refused(code):
    with pytest.raises(BoundaryError, match=r"must be one of 0 \(stated\), 1 \(linear\)"):
        Answer.from_wire({"delivery": np.zeros((2, 3, 4))}, np.array([7.0, 5.0, code]))


@pytest.mark.parametrize(("shape", "said"), [((2, 3), "shape is"), ((2, 3, 5), "shape is"), ((24,), "shape is")])
def test_a_wrong_shape_is_refused(shape, said):
    with pytest.raises(BoundaryError, match=said):
        encode(PRICE, "x", 0, 0, np.zeros(shape), SESSION)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_refused(bad):
    values = np.zeros((2, 3, 4))
    values[1, 2, 3] = bad
    with pytest.raises(BoundaryError, match="finite"):
        encode(ANSWER, "x", 0, 0, values, SESSION)


@pytest.mark.parametrize(
    "payload", [b"", b"12345", np.zeros(1).tobytes(), np.zeros(7).tobytes(), np.array([0.5, 1, 2.0]).tobytes()]
)
def test_a_malformed_payload_is_refused(payload):
    with pytest.raises(BoundaryError):
        decode(topic("coordinator/command"), "coordinator/command", payload, SESSION)


def test_departures_survive_the_wire():
    sent = [Departure("r1", "q3", 7, ("a", "c")), Departure("r2", "q1", 1, ("b",))]
    assert rows_to_departures(SESSION, departures_to_rows(SESSION, sent)) == sent
    entry = topic("transport_operator/departures")
    empty = decode(entry, "x", encode(entry, "x", 3, 1, departures_to_rows(SESSION, []), SESSION), SESSION)
    assert empty.values.shape == (0, 3 + MAX_ROUTE_LINKS)


@pytest.mark.parametrize(
    "row", [[9, 0, 1], [0, 9, 1], [-1, 0, 1], [0, 0, -1], [0, 0, 0], [0, 0, 1.5], [0, 0, 1, -7], [0, 0, 1, 0, -1, 1]]
)
def test_departures_outside_the_session_are_refused(row):
    rows = np.full((1, 3 + MAX_ROUTE_LINKS), -1.0)
    rows[0, : len(row)] = row
    with pytest.raises(BoundaryError):
        rows_to_departures(SESSION, rows)


def test_a_topic_may_limit_its_free_dimension():
    """A second plane would be room for numbers that nobody agreed on; it is refused by sender and receiver alike."""
    shape = SESSION.connection_shape
    for rows in (0, 1):
        assert decode(SLOPE, "x", encode(SLOPE, "x", 0, 1, np.zeros((rows, *shape)), SESSION), SESSION).values.shape == (
            rows,
            *shape,
        )
    with pytest.raises(BoundaryError, match="2 rows; at most 1"):
        encode(SLOPE, "x", 0, 1, np.zeros((2, *shape)), SESSION)
    with pytest.raises(BoundaryError, match="2 rows; at most 1"):
        decode(SLOPE, "x", np.zeros(2 + 2 * int(np.prod(shape))).astype("<f8").tobytes(), SESSION)


@pytest.mark.parametrize("world", WORLDS)
def test_every_table_has_one_owner_and_described_columns(world):
    tables = tables_of(world.name)
    assert len({(t.owner, t.name) for t in tables}) == len(tables)
    assert all(meaning for t in tables for meaning in t.columns.values())
