"""One agent's checkpoints: what is in them is of their period, and what they count on is on the disk before they are."""

import threading
from types import SimpleNamespace

import numpy as np
import pytest

from federates.runtime import checkpoints
from federates.runtime.broker_config import BrokerConfig
from federates.runtime.checkpoint import Checkpoint, checkpoint_file, periods_in
from federates.runtime.checkpoints import Checkpoints
from federates.runtime.identity import RunIdentity
from federates.runtime.journal import JOURNAL, Journal
from federates.runtime.results import ResultWriter
from federates.seat.mailbox import Desk, Mailbox, seat_folder

AGENT = "q1"
FEDERATE = SimpleNamespace(network=None, grants=4)


class Live:
    """Returns what it works with, not a copy."""

    def __init__(self):
        self.counts, self.by_name = np.zeros(3), {"speed": 1.0}

    def state(self):
        return {"counts": self.counts, "by_name": self.by_name}


@pytest.fixture
def written(tmp_path):
    """Return the agent's folder, its class and its checkpoints in a run that begins."""
    agents = {AGENT: "power_operator"}
    identity = RunIdentity("run", "scenario", str(tmp_path), 24_000, "key", BrokerConfig(schema_version=1), "road", agents)
    folder, plugin = tmp_path / AGENT, Live()
    writer = ResultWriter(folder)
    journal = Journal(folder)
    yield folder, plugin, Checkpoints(AGENT, identity, writer, journal, plugin)
    writer.close()
    journal.close()


def test_what_a_class_changes_in_the_next_period_is_not_in_the_checkpoint_of_this_one(written, monkeypatch):
    folder, plugin, own = written
    changed = threading.Event()
    monkeypatch.setattr(checkpoints, "sync", lambda path: changed.wait(10.0))  # the disk is slow
    loop = {"round": [1]}
    own.passed(FEDERATE, 1, loop)
    plugin.counts += 7.0
    plugin.by_name["speed"] = 2.0
    loop["round"].append(2)
    changed.set()
    own.wait()
    found = Checkpoint.read(checkpoint_file(folder, 1), "run", AGENT)
    assert found.state["counts"].tolist() == [0.0, 0.0, 0.0]
    assert found.state["by_name"] == {"speed": 1.0}
    assert found.loop["own"] == {"round": [1]}


def test_the_answers_of_people_are_on_the_disk_before_the_checkpoint_that_counts_on_them(written, monkeypatch):
    folder, _, own = written
    synced, before = [], []
    monkeypatch.setattr(checkpoints, "sync", lambda path: (synced.append(path), before.append(periods_in(folder))))
    mailbox, desk = Mailbox(seat_folder(folder.parent, AGENT)), Desk(seat_folder(folder.parent, AGENT))

    def answer():
        n = mailbox.ask("solve", 60.0)
        desk.answer(n, {"best": True})
        mailbox.take_answer(n)
        mailbox.answered(n, {"by": "person"})

    for period in (1, 2):
        synced.clear()
        answer()
        own.passed(FEDERATE, period, None)
        own.wait()
        seat = [path.name for path in synced if path.parent == mailbox.folder]
        assert seat == [f".taken-{period}.json", f"answered-{period}.json"]  # those that are new
        assert {mailbox.folder, folder, folder / JOURNAL} <= set(synced)
        assert before.pop() == list(range(1, period))


def test_a_state_that_is_no_plain_value_is_said_where_it_is_asked_for(written):
    _, plugin, own = written
    plugin.by_name["speed"] = object()
    with pytest.raises(TypeError, match=r"state\['by_name'\]\['speed'\] is of type object"):
        own.passed(FEDERATE, 1, None)
