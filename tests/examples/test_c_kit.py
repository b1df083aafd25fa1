"""The C kit against what it copies: the topic table, the public agreement, and the routes of a train, all of them enumerated."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from portage_c_kit import Kit, build_library, every_route

from federates.boundary.config import read_yaml
from federates.boundary.names import RAIL, ROAD, Role
from federates.boundary.topics import BOUNDARY_VERSION
from federates.boundary.world import parse_session, world_of
from federates.worlds.road.messages import MAX_ROUTE_LINKS

ROOT = Path(__file__).parents[2]
LETTER = {Role.COORDINATOR: "C", Role.POWER_OPERATOR: "P", Role.TRANSPORT_OPERATOR: "T", Role.TRAFFIC: "X"}
WORLD = {ROAD: "R", RAIL: "L"}
OPERATORS = {Role.POWER_OPERATOR.value, Role.TRANSPORT_OPERATOR.value}

pytestmark = pytest.mark.skipif(shutil.which(os.environ.get("CC", "gcc")) is None, reason="no C compiler")


@pytest.fixture(scope="module")
def kit(tmp_path_factory):
    return Kit(build_library(ROOT, tmp_path_factory.mktemp("kit")))


def session_of(scenario):
    return parse_session(read_yaml(ROOT / "scenarios" / scenario / "scenario.yaml", "scenario.yaml"), "scenario.yaml")


def rail_session(trip, periods, trains=1):
    names = [f"s{i}" for i in range(len(trip))]
    own = [{"name": f"k{k}", "home": names[-1]} for k in range(trains)]
    data = {"schema_version": 1, "world": "rail", "name": "case", "periods": periods, "rail_stations": names, "trains": own}
    return parse_session(data | {"trip_periods": trip}, "case")


def operators_rows(world):
    """Return the rows of a world's topic table that an operator sends or hears."""
    return [topic for topic in world_of(world).topics if topic.sender in OPERATORS or OPERATORS & set(topic.receivers)]


def kits_rows(kit, world):
    """Return the kit's rows of a world by sender and name, those of either operator twice."""
    rows = {}
    for topic in kit.topics():
        senders = "PT" if topic.sender == b"B" else topic.sender.decode()
        if topic.world.decode() in ("B", WORLD[world]):
            rows |= {(sender, topic.name.decode()): topic for sender in senders}
    return rows


@pytest.mark.parametrize("world", [ROAD, RAIL])
def test_the_kit_has_the_operators_rows_of_the_topic_table(kit, world):
    expected = {}
    for topic in operators_rows(world):
        heard = "".join(LETTER[role] for role in topic.receivers if role in OPERATORS)
        receiver = "B" if len(heard) > 1 else heard or LETTER[topic.receivers[0]]
        shape = "".join({3 + MAX_ROUTE_LINKS: "D"}.get(d, str(d)) for d in topic.shape) or "-"
        expected[LETTER[topic.sender], topic.name] = (receiver, shape, topic.addressed)
    told = {
        key: (topic.receiver.decode(), topic.shape.decode(), bool(topic.addressed))
        for key, topic in kits_rows(kit, world).items()
    }
    assert told == expected
    header = (ROOT / "examples/portage_c/portage.h").read_text()
    assert f"#define PORTAGE_BOUNDARY_VERSION {BOUNDARY_VERSION}\n" in header
    assert f"#define PORTAGE_MAX_ROUTE_LINKS {MAX_ROUTE_LINKS}\n" in header


@pytest.mark.parametrize("scenario", ["la_gcs", "ieee30", "ieee118"])
def test_the_kit_reads_the_public_agreement(kit, monkeypatch, scenario):
    session = session_of(scenario)
    monkeypatch.setenv("PORTAGE_WORLD", session.world)
    read = kit.agreement(session.model_dump_json())
    assert (read.n, read.m, read.h) == session.connection_shape
    assert (read.periods, read.period_s, read.start_hour) == (session.periods, session.period_s, session.start_hour)
    assert read.scheme.decode() == session.scheme
    assert [name.decode() for name in read.station[: read.stations]] == list(session.stations)
    if session.world == ROAD:
        assert [name.decode() for name in read.link[: read.links]] == list(session.links)
        assert read.bins == session.bins_per_period
    else:
        assert [(read.train[k].decode(), session.stations[read.home[k]]) for k in range(read.trains)] == [
            (train.name, train.home) for train in session.trains
        ]
        assert read.trip_periods[: read.stations**2] == [trip for row in session.trip_periods for trip in row]
    rows = kits_rows(kit, session.world)
    for period in (0, 3, session.periods):
        sizes = session.sizes(period)
        for topic in operators_rows(session.world):
            if topic.shape:
                numbers = [sizes[d] if isinstance(d, str) else d for d in topic.shape if d != "E"]
                row = rows[LETTER[topic.sender], topic.name]
                assert kit.values(row, read, period) == (np.prod(numbers), "E" in topic.shape)
    kit.free(read)


REFUSALS = """
import os, sys, json
from portage_c_kit import Kit
kit = Kit(sys.argv[1])
codes = []
for text in json.load(sys.stdin):
    child = os.fork()
    if child == 0:
        kit.agreement(text)
        os._exit(0)
    codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print(json.dumps(codes))
"""


def exit_codes(kit, program, told):
    """Return the exit codes that a program prints of its children, in which the kit may end the process, and what they said."""
    run = subprocess.run(
        [sys.executable, "-c", program, str(kit.path)],
        input=json.dumps(told),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env=os.environ | {"PORTAGE_WORLD": "rail", "PYTHONPATH": os.pathsep.join([str(ROOT / "tests/support"), str(ROOT)])},
    )
    return json.loads(run.stdout.splitlines()[-1]), run.stderr


def test_the_kit_refuses_what_is_no_session(kit):
    """Every refusal is exit code 1; a signal would be a negative number, and 0 that it went through."""
    whole = session_of("ieee30").model_dump_json()
    data = json.loads(whole)
    changes = [
        {"trip_periods": [[0, 2], [2, 0]]},
        {"trip_periods": [[0, 2, 1e300], [2, 0, 2], [2, 2, 0]]},
        {"trip_periods": None},
        {"rail_stations": "bus4"},
        {"rail_stations": ["bus4", 13, "bus15"]},
        {"trains": [{"name": "train1", "home": "nowhere"}]},
        {"trains": [{}]},
        {"periods": 0},
        {"periods": 2.5},
        {"period_s": "NaN"},
        {"world": "road"},
    ]
    texts = [json.dumps(data | change) for change in changes]
    texts += [whole[:length] for length in range(0, len(whole), 7)] + [whole + "}", "[" * 5000, '{"world": "rail\\u0041"}', "\\"]
    (first, *others), said = exit_codes(kit, REFUSALS, [whole, *texts])
    assert first == 0
    assert others == [1] * len(texts)
    assert "trip_periods must be 3 rows of 3 numbers" in said


ROUTES = """
import json, os, sys
import numpy as np
from portage_c_kit import Kit
kit, codes = Kit(sys.argv[1]), []
text, *cases = json.load(sys.stdin)
for station, ready, end in cases:
    if (child := os.fork()) == 0:
        agreement = kit.agreement(text)
        kit.best_route(agreement, (station, ready), end, np.zeros((3, 3)), np.zeros((3, agreement.h)))
        os._exit(0)
    codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print(json.dumps(codes))
"""


def test_the_kit_refuses_a_train_at_no_station(kit):
    """What another agent has said reaches no memory: exit code 1, and no signal."""
    agreement = rail_session([[0, 1, 1], [1, 0, 1], [1, 1, 0]], 4).model_dump_json()
    cases = [(1, 0, 2), (0, 4, -1), (3, 0, -1), (50, 0, -1), (-2, 0, -1), (0, -1, -1), (0, 0, 3)]
    codes, said = exit_codes(kit, ROUTES, [agreement, *cases])
    assert codes == [0, 0, 1, 1, 1, 1, 1]
    assert "a train is ready at station 50 from period 0 on" in said


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.data())
def test_the_kits_route_is_the_best_of_all(kit, data):
    number = lambda low, high: data.draw(st.integers(low, high))  # noqa: E731
    stations, periods = number(1, 3), number(1, 6)
    trip = [[number(1, min(3, periods)) if s != r else 0 for r in range(stations)] for s in range(stations)]
    rng = np.random.default_rng(number(0, 10_000))
    trip_usd, reward = rng.integers(0, 9, (stations, stations)), rng.integers(-5, 9, (stations, periods))
    place, end = (number(0, stations - 1), number(0, periods)), number(-1, stations - 1)
    os.environ["PORTAGE_WORLD"] = "rail"
    agreement = kit.agreement(rail_session(trip, periods + 2).model_dump_json())
    agreement.h = periods  # two have been carried out
    route, stand = kit.best_route(agreement, place, end, trip_usd, reward)
    kit.free(agreement)
    ways = [
        (sum(trip_usd[m] for m in moves) - sum(reward[s] for s in stands), len(moves), moves, stands)
        for moves, stands in every_route(trip, periods, *place, end)
    ]
    if not ways:
        assert route.value_usd == np.inf
        return
    value, fewest = min(way[:2] for way in ways)
    assert route.value_usd == pytest.approx(value)
    taken = tuple((int(s), t) for t, s in enumerate(stand) if s >= 0)
    same = [way for way in ways if way[3] == taken and way[:2] == (value, fewest)]
    assert route.cost_usd in [sum(trip_usd[m] for m in way[2]) for way in same]
    first = [way[2][0][1] if way[2] and (not way[3] or way[3][0][1] > place[1]) else place[0] for way in same]
    assert route.next in first
