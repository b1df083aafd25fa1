"""The boundary table, its wire form, and its checks."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from federates.boundary.bound_kinds import BoundKind
from federates.boundary.errors import BoundaryError
from federates.boundary.messages import Answer, decode, encode
from federates.boundary.names import RAIL, ROAD, Role
from federates.boundary.tables import TABLES
from federates.boundary.topics import PASSED_ON, TOPICS, passed_on, received_by, roles_of, sent_by, topic
from federates.boundary.units import UNITS
from federates.boundary.world import parse_session
from federates.worlds.rail.session import RailSession
from federates.worlds.road.messages import MAX_ROUTE_LINKS, Departure, departures_to_rows, rows_to_departures
from federates.worlds.road.session import RoadSession

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


def test_every_topic_is_sent_by_one_role_and_read_by_others():
    for entry in TOPICS:
        assert entry in sent_by(entry.sender)
        assert entry.sender not in entry.receivers
        assert entry.receivers
        assert entry.unit in UNITS
        for receiver in entry.receivers:
            assert entry in received_by(receiver)
    assert len({entry.key for entry in TOPICS}) == len(TOPICS)


def test_the_coordinator_hears_nothing_of_the_road_and_the_traffic_model_nothing_of_prices():
    assert all(entry.sender != Role.TRAFFIC for entry in received_by(Role.COORDINATOR))
    assert {entry.name for entry in received_by(Role.TRAFFIC)} == {"session", "departures"}


def test_the_operators_have_no_line_of_their_own():
    for one, other in ((Role.POWER_OPERATOR, Role.TRANSPORT_OPERATOR), (Role.TRANSPORT_OPERATOR, Role.POWER_OPERATOR)):
        assert all(entry.sender is not other for entry in received_by(one))


def test_power_never_hears_flows_and_transport_never_hears_loads():
    heard_by_power = {e.name for e in received_by(Role.POWER_OPERATOR)}
    assert not heard_by_power & {e.name for e in received_by(Role.TRANSPORT_OPERATOR) if e.sender == Role.TRAFFIC}
    passed_on = {name for _, name in PASSED_ON}
    told = {e.name for e in sent_by(Role.POWER_OPERATOR)} & {e.name for e in received_by(Role.TRANSPORT_OPERATOR)}
    assert told == {"gate_time_s", "gate_spots"} <= passed_on
    for sender, name in PASSED_ON:
        source, copy = topic(f"{sender}/{name}"), topic(f"{Role.COORDINATOR}/{name}")
        assert (source.unit, source.shape, source.receivers) == (copy.unit, copy.shape, (Role.COORDINATOR,))


def test_by_rail_nobody_hears_of_the_road():
    roles = roles_of(RAIL)
    assert roles == (Role.COORDINATOR, Role.POWER_OPERATOR, Role.TRANSPORT_OPERATOR)
    for role in roles:
        heard, told = received_by(role, RAIL), sent_by(role, RAIL)
        assert all(entry.world != ROAD and entry.sender in roles for entry in (*heard, *told))
        # Whatever is heard is told by somebody who takes part, and the other way round.
        assert all(entry in sent_by(entry.sender, RAIL) for entry in heard)
    assert passed_on(RAIL) == ((Role.TRANSPORT_OPERATOR, "train_ready"),)
    assert "train_ready" not in {name for _, name in passed_on(ROAD)}
    assert all(entry.name != "train_ready" for role in Role for entry in sent_by(role, ROAD))


@pytest.mark.parametrize("trains", [0, 1, 2])
def test_messages_by_rail_survive_the_wire_with_and_without_trains(trains):
    session = rail(trains)
    assert isinstance(session, RailSession)
    shapes = {
        "coordinator/multipliers_usd_per_veh": (trains, 2, 3),
        "transport_operator/offered_connection_veh": (trains, 2, 3),
        "transport_operator/train_ready": (trains, 3),
    }
    for key, shape in shapes.items():
        values = np.arange(np.prod(shape), dtype=float).reshape(shape)
        frame = decode(topic(key), encode(topic(key), 2, 7, values, session), session)
        assert (frame.period, frame.round) == (2, 7)
        np.testing.assert_array_equal(frame.values, values)


@pytest.mark.parametrize(("trains", "rows"), [(2, 0), (2, 1), (0, 0)])
def test_a_slope_is_there_or_not(trains, rows):
    session, entry = rail(trains), topic("power_operator/power_slope_usd_per_veh")
    values = np.ones((rows, trains, 2, 3))
    frame = decode(entry, encode(entry, 0, 1, values, session), session)
    np.testing.assert_array_equal(frame.values, values)


def test_a_session_survives_the_wire():
    for session in (SESSION, rail(2)):
        assert parse_session(json.loads(session.model_dump_json()), "session") == session


finite = st.floats(allow_nan=False, allow_infinity=False, width=64)


@given(arrays(np.float64, (2, 3, 4), elements=finite), st.integers(0, 10_000), st.integers(0, 10_000))
def test_a_message_survives_the_wire(values, period, round_):
    entry = topic("coordinator/multipliers_usd_per_veh")
    sent = encode(entry, period, round_, values, SESSION)
    frame = decode(entry, sent, SESSION)
    assert (frame.period, frame.round) == (period, round_)
    np.testing.assert_allclose(frame.values, values, rtol=1e-15, atol=0.5000001e-6)
    # What lies on the grid stays as it is, to the byte.
    assert encode(entry, period, round_, frame.values, SESSION) == sent


@pytest.mark.parametrize("entry", [t for t in TOPICS if t.unit != "json"], ids=lambda entry: entry.key)
def test_rounding_error_does_not_cross(entry):
    session = SESSION if entry.world in (None, ROAD) else rail(2)
    shape = [1 if d == "E" else session.sizes[d] if isinstance(d, str) else d for d in entry.shape]
    values = np.round(np.random.default_rng(1).uniform(-500, 500, shape), entry.decimals)
    noisy = values * (1.0 + np.random.default_rng(2).uniform(-1e-14, 1e-14, shape))
    assert encode(entry, 0, 0, noisy, session) == encode(entry, 0, 0, values, session)


def test_a_program_need_not_round_and_a_bound_stays_one():
    entry = topic("power_operator/power_cost_usd")
    raw = np.concatenate(([0.0, 0.0], [7.1234561234, 7.1234569876, 1.0])).astype("<f8").tobytes()
    assert decode(entry, raw, SESSION).values.tolist() == [7.123457, 7.123456, 1.0]


@pytest.mark.parametrize("kind", BoundKind)
def test_the_kind_of_a_bound_crosses_with_it(kind):
    answer = Answer(np.zeros((2, 3, 4)), 7.0, 5.0, None, kind)
    frame = decode(
        topic("power_operator/power_cost_usd"),
        encode(topic("power_operator/power_cost_usd"), 0, 1, answer.cost_values, SESSION),
        SESSION,
    )
    assert Answer.from_wire(answer.connection_veh, frame.values) == answer


@pytest.mark.parametrize("code", [-1.0, 0.5, 5.0])
def test_an_unknown_kind_of_bound_is_refused(code):
    with pytest.raises(BoundaryError, match=r"must be one of 0 \(stated\), 1 \(linear\)"):
        Answer.from_wire(np.zeros((2, 3, 4)), np.array([7.0, 5.0, code]))


@pytest.mark.parametrize(("shape", "said"), [((2, 3), "shape is"), ((2, 3, 5), "shape is"), ((24,), "shape is")])
def test_a_wrong_shape_is_refused(shape, said):
    entry = topic("coordinator/multipliers_usd_per_veh")
    with pytest.raises(BoundaryError, match=said):
        encode(entry, 0, 0, np.zeros(shape), SESSION)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_refused(bad):
    values = np.zeros((2, 3, 4))
    values[1, 2, 3] = bad
    with pytest.raises(BoundaryError, match="finite"):
        encode(topic("power_operator/asked_connection_veh"), 0, 0, values, SESSION)


@pytest.mark.parametrize(
    "payload", [b"", b"12345", np.zeros(1).tobytes(), np.zeros(7).tobytes(), np.array([0.5, 1, 2.0]).tobytes()]
)
def test_a_malformed_payload_is_refused(payload):
    with pytest.raises(BoundaryError):
        decode(topic("coordinator/command"), payload, SESSION)


def test_departures_survive_the_wire():
    sent = [Departure("r1", "q3", 7, ("a", "c")), Departure("r2", "q1", 1, ("b",))]
    assert rows_to_departures(departures_to_rows(sent, SESSION), SESSION) == sent
    entry = topic("transport_operator/departures")
    empty = decode(entry, encode(entry, 3, 1, departures_to_rows([], SESSION), SESSION), SESSION)
    assert empty.values.shape == (0, 3 + MAX_ROUTE_LINKS)


@pytest.mark.parametrize(
    "row", [[9, 0, 1], [0, 9, 1], [-1, 0, 1], [0, 0, -1], [0, 0, 0], [0, 0, 1.5], [0, 0, 1, -7], [0, 0, 1, 0, -1, 1]]
)
def test_departures_outside_the_session_are_refused(row):
    rows = np.full((1, 3 + MAX_ROUTE_LINKS), -1.0)
    rows[0, : len(row)] = row
    with pytest.raises(BoundaryError):
        rows_to_departures(rows, SESSION)


def test_a_topic_may_limit_its_free_dimension():
    """A second plane would be room for numbers that nobody agreed on; it is refused by sender and receiver alike."""
    entry = topic("power_operator/power_slope_usd_per_veh")
    shape = SESSION.connection_shape
    for rows in (0, 1):
        assert decode(entry, encode(entry, 0, 1, np.zeros((rows, *shape)), SESSION), SESSION).values.shape == (rows, *shape)
    with pytest.raises(BoundaryError, match="2 rows; at most 1"):
        encode(entry, 0, 1, np.zeros((2, *shape)), SESSION)
    with pytest.raises(BoundaryError, match="2 rows; at most 1"):
        decode(entry, np.zeros(2 + 2 * int(np.prod(shape))).astype("<f8").tobytes(), SESSION)


def test_every_table_has_one_owner_and_described_columns():
    assert len({(t.owner, t.name) for t in TABLES}) == len(TABLES)
    assert all(meaning for t in TABLES for meaning in t.columns.values())
