"""Where hosts meet: who may join, what they are told, and how one notices that the other is gone. On the loopback, in threads."""

import json
import socket
import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest

from federates.boundary.errors import PortageError
from federates.runs import meeting
from federates.runs.join import _Held
from federates.runs.meeting import Meeting, meet
from federates.runtime.broker_config import BrokerConfig
from federates.runtime.hold import Hold
from federates.runtime.identity import RunIdentity
from federates.runtime.placement import Placement
from federates.runtime.real_time import RealTime

AGENTS = {"coordinator": "coordinator", "a": "power_operator", "b": "transport_operator"}
WHERE = {"coordinator": "lab", "a": "depot", "b": "depot"}


def until(done, limit_s=20.0):
    end_s = time.monotonic() + limit_s
    while not done():
        assert time.monotonic() < end_s, "it never comes"
        time.sleep(0.02)


@pytest.fixture
def lab(tmp_path):
    """The broker's side, and where the other side finds it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    key = tmp_path / "run.key"
    key.write_text("0123456789abcdef\n")
    placement = Placement("lab", "127.0.0.1", "127.0.0.1", port, str(key), WHERE)
    (tmp_path / "coordinator").mkdir()
    broker = BrokerConfig(schema_version=1, timeout_s=2)
    place = "/s", str(tmp_path), 24_000, "per run", broker
    identity = RunIdentity("run-1", *place, "rail", AGENTS, real_time=RealTime(60.0), hosts=placement)
    held = Meeting(identity, placement)
    held.begin(identity)
    yield held, replace(placement, here="depot", address="127.0.0.2"), tmp_path
    held.close("failed")


def listen(line):
    said = []
    line.silence_s = 2.0
    threading.Thread(target=line.serve, args=(said.append,), daemon=True).start()
    return said


def test_who_has_the_key_is_told_what_it_needs_and_not_the_key(lab):
    held, depot, folder = lab
    line, told = meet(depot, 5)
    assert (told["run_id"], told["port"], told["key"], told["agents"]) == ("run-1", 24_000, "per run", AGENTS)
    assert told["real_time"] == {"factor": 60.0, "strict": False}
    assert "0123456789abcdef" not in json.dumps(told)
    said = listen(line)
    hold = Hold(folder, AGENTS, "coordinator")
    hold.hold()
    until(lambda: held.look() or said == [{"hold": "0"}])
    hold.release()
    until(lambda: held.look() or said[1:] == [{"hold": None}])
    line.send({"agent": "a", "finished": {"agent": "a", "tables_sha256": {}}})
    line.send({"agent": "b", "failed": {"message": "b: no plan", "own_fault": True}})
    line.send({"agent": "coordinator", "failed": {"message": "not its to say", "own_fault": True}})
    until((folder / "b" / "failed.json").exists)
    assert json.loads((folder / "a" / "elsewhere.json").read_text())["finished"]["agent"] == "a"
    assert json.loads((folder / "b" / "failed.json").read_text())["message"] == "b: no plan (on depot)"
    assert not (folder / "coordinator" / "failed.json").exists()
    line.close()
    time.sleep(1.0)
    assert held.look() is None, "its agents had ended"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"here": "attic"}, "the run has no host attic with agents; it has depot"),
        ({"agents": WHERE | {"a": "lab"}}, "its hosts.yaml has other agents on depot; on lab: a, b"),
    ],
)
def test_who_is_not_expected_is_refused(lab, change, said):
    _, depot, _ = lab
    with pytest.raises(PortageError, match="does not let") as caught:
        meet(replace(depot, **change), 5)
    assert said in str(caught.value)


def test_another_key_another_version_and_a_second_one_are_refused(lab, tmp_path, monkeypatch):
    _, depot, _ = lab
    other = tmp_path / "other.key"
    other.write_text("fedcba9876543210\n")
    with pytest.raises(PortageError, match="does not take the key in"):
        meet(replace(depot, key_file=str(other)), 5)
    line, _ = meet(depot, 5)
    with pytest.raises(PortageError, match="depot has joined already"):
        meet(depot, 5)
    line.close()
    real = meeting.Line.send
    older = {"portage": "0.0.1", "boundary": 1}
    monkeypatch.setattr(
        meeting.Line, "send", lambda self, said: real(self, said | ({"versions": older} if "host" in said else {}))
    )
    with pytest.raises(PortageError, match="versions differ"):
        meet(depot, 5)


def test_who_says_nothing_keeps_nobody_waiting(lab, monkeypatch):
    _, depot, _ = lab
    monkeypatch.setattr(meeting, "_HELLO_S", 1.0)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(PortageError, match="has said nothing for 2 s; is that `portage run`"):
            meet(replace(depot, port=silent.getsockname()[1]), 2)
    strangers = [socket.create_connection((depot.broker_address, depot.port)) for _ in range(meeting._MOST_STRANGERS)]
    line, told = meet(depot, 5)  # the strangers' time is over first
    assert told["run_id"] == "run-1"
    for each in (*strangers, line):
        each.close()


def test_who_joins_while_the_run_is_held_is_told_so(lab):
    held, depot, folder = lab
    Hold(folder, AGENTS, "coordinator").hold()
    assert held.look() is None
    line, _ = meet(depot, 5)
    said = listen(line)
    until(lambda: held.look() is None and said)
    assert said == [{"hold": "0"}]
    line.close()


def test_what_cannot_be_taken_in_is_said(lab):
    held, depot, _ = lab
    line, _ = meet(depot, 5)
    listen(line)
    line.send({"agent": "a", "public_key": "zz"})
    until(held.look)
    assert held.look().startswith("depot (a, b): the host has sent what could not be taken in: non-hexadecimal")
    line.close()


def test_agents_whose_folders_come_later_are_held_too(tmp_path):
    held = _Held(SimpleNamespace(folder_of=lambda agent: tmp_path / agent), ["a", "b"])
    (tmp_path / "a").mkdir()
    held.say("3")
    assert (tmp_path / "a/hold").read_text() == "3"
    (tmp_path / "b").mkdir()
    held.pass_on()
    assert (tmp_path / "b/hold").read_text() == "3"
    held.say(None)
    held.pass_on()
    assert [(tmp_path / agent / "hold").exists() for agent in "ab"] == [False, False]


def test_a_host_that_leaves_or_is_silent_is_named(lab):
    held, depot, _ = lab
    line, _ = meet(depot, 5)  # it gives no sign of life, as nobody serves it
    until(held.look)
    assert held.look() == "depot (a, b): the host has given no sign of life for 2 s: cut off, or stopped"
    line.close()


def test_a_host_notices_that_the_broker_s_is_gone(lab):
    held, depot, _ = lab
    line, _ = meet(depot, 5)
    said = listen(line)
    held.close("complete")
    until(lambda: said)
    assert said == [{"over": "complete"}]
    until(lambda: line.lost)
    assert line.lost == "has left"
