"""The broker's watch over the wiring, with a broker that answers what a test tells it (tests/data/audit)."""

import copy
import json

import helics as h
import pytest

from federates.boundary.names import Role
from federates.runs.broker_core import Broker
from federates.runs.topology_monitor import TopologyMonitor
from federates.runtime.broker_config import BrokerConfig
from federates.runtime.helics_core import federate_info
from federates.runtime.identity import RunIdentity

AGENTS = tuple(role.value for role in Role)


class FakeBroker:
    """Answers with what stands in its attributes, and counts how often it is asked for the graph."""

    def __init__(self, graph):
        self.answer, self.joined_names, self.waiting = graph, list(AGENTS), list(AGENTS)
        self.barrier_open, self.asked = False, 0
        self.leaving, self.tagged = [], {}

    def graph(self):
        self.asked += 1
        return copy.deepcopy(self.answer)

    def joined(self):
        return list(self.joined_names)

    def ask(self, query):
        if query == "cores":
            return [f"r-{name}" for name in [*self.joined_names, "broker"]]
        assert query == "global_state"
        cores = [{"state": "initializing", "federates": [{"attributes": {"name": name}}]} for name in self.waiting]
        return {"cores": [*self.leaving, *cores]}

    def tags(self, federate):
        return self.tagged.get(federate, [])

    def open_barrier(self):
        self.barrier_open = True


@pytest.fixture
def broker(request):
    return FakeBroker(json.loads((request.config.rootpath / "tests/data/audit/road_graph.json").read_text()))


@pytest.fixture
def watch(broker, tmp_path):
    identity = RunIdentity(
        "r", str(tmp_path), str(tmp_path), 24_000, "key", BrokerConfig(schema_version=1), "road", {name: name for name in AGENTS}
    )
    watch = TopologyMonitor(broker, identity)
    broker.asked = 0
    return watch


def overhear(graph):
    """Let the transport operator listen to what only the coordinator may hear."""
    federates = {f["attributes"]["name"]: f for core in graph["cores"] for f in core["federates"] if "attributes" in f}
    source = next(p for p in federates["power_operator"]["publications"] if p["key"] == "power_operator/cost_usd")
    listener = federates["transport_operator"]
    source.setdefault("targets", []).append({"federate": listener["attributes"]["id"], "handle": 99})
    end = {"federate": source["federate"], "handle": source["handle"]}
    listener["inputs"].append({"federate": listener["attributes"]["id"], "handle": 99, "key": "ear", "sources": [end]})


SAID = "transport_operator listens to power_operator/cost_usd; only coordinator may"


def test_the_gate_opens_when_everyone_waits_and_all_is_in_the_table(broker, watch, tmp_path):
    assert watch.look() is None
    assert broker.barrier_open
    record = json.loads((tmp_path / "graph.json").read_text())
    assert record["breaches"] == []
    assert len(record["edges"]) > 20


def test_the_gate_stays_shut_for_a_line_outside_the_table(broker, watch, tmp_path):
    overhear(broker.answer)
    assert watch.look() == f"audit: {SAID}"
    assert not broker.barrier_open
    assert json.loads((tmp_path / "graph.json").read_text())["breaches"] == [SAID]


def test_a_line_that_is_drawn_later_is_found_at_the_next_look(broker, watch):
    watch.look()
    overhear(broker.answer)
    assert watch.look() == f"audit: {SAID}"


def test_the_graph_is_not_asked_for_while_agents_are_still_expected(broker, watch):
    broker.joined_names = ["coordinator"]
    assert watch.look() is None
    broker.joined_names, broker.waiting = list(AGENTS), ["coordinator"]
    assert watch.look() is None
    assert (broker.asked, broker.barrier_open) == (0, False)


def test_a_stranger_is_looked_at_before_everyone_is_there(broker, watch):
    """It has a second to show what it wants to hear, then it is named all the same."""
    broker.joined_names = ["coordinator", "spy"]
    assert watch.look() is None
    watch._first_breach_s -= 2
    assert watch.look() == "audit: spy has joined, but is no agent of this run"
    assert not broker.barrier_open


@pytest.mark.parametrize("left", [{"error": {"code": 503}}, {"state": "initializing", "federates": [{"error": {"code": 503}}]}])
def test_who_is_just_leaving_does_not_disturb(broker, watch, left):
    broker.leaving = [left, {"state": "initializing"}]
    assert watch.look() is None
    assert broker.barrier_open


def test_a_broker_without_an_answer_opens_nothing(broker, watch):
    broker.graph = lambda: None
    assert watch.look() is None
    assert not broker.barrier_open


def test_a_tag_of_helics_is_no_topic(broker, watch):
    """A tag is a text that a federate sets on itself and any other may ask for; no data-flow graph shows it."""
    broker.tagged = {"power_operator": ["margin"]}
    assert watch.look() == "audit: power_operator has tag margin of HELICS; only publications and inputs are allowed"
    assert not broker.barrier_open


def test_helics_tells_the_broker_of_tags(tmp_path):
    """Of HELICS itself, in one process: what `Broker.tags` asks has the answer that the watch relies on."""
    config = BrokerConfig(schema_version=1, core_type="inproc")
    agents = {"power_operator": "power_operator"}
    identity = RunIdentity("tags", str(tmp_path), str(tmp_path), 24_000, "key", config, "rail", agents)
    with Broker(identity) as broker:
        federate = h.helicsCreateValueFederate("power_operator", federate_info("power_operator", identity))
        h.helicsFederateEnterExecutingMode(federate)
        assert broker.tags("power_operator") == []
        h.helicsFederateSetTag(federate, "margin", "123.25")
        assert broker.tags("power_operator") == ["margin"]
        h.helicsFederateDisconnect(federate)
