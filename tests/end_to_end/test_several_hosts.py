"""Runs over several hosts: network namespaces that the tests make, each with its own copy of its own part of the scenario."""

import os
import shlex
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest
import yaml
from code_blocks import blocks
from quick_runs import quick_run
from several_hosts import hosts_of, network, record_of, results_of, why_no_namespaces
from small_scenario import write_small_scenario
from typer.testing import CliRunner

from federates.boundary.errors import ConfigError
from federates.cli.app import app
from federates.runs.hosts import Hosts, line_to_type, read_key
from federates.runs.scenario import load_scenario

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/howto/several_hosts.md"
WHY_NOT = why_no_namespaces()
namespaces = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)
PORT = 24_100
DELAY_MS, LOSS = 20.0, 0.01
LIMITS = {"join_s": 60, "begin_s": 60, "answer_s": 60, "period_s": 60, "finish_s": 60}
TWO = {"lab": ["power_operator", "coordinator"], "depot": ["transport_operator", "traffic_sumo"]}
THREE = {"lab": ["coordinator"], "depot": ["transport_operator"], "road": ["traffic_sumo", "power_operator"]}
ENDS_S = 120


def small(folder, **changes):
    return write_small_scenario(folder, broker={"limits": LIMITS} | changes.pop("broker", {}), **changes)


@contextmanager
def over_network(folder, scenario, agents, **shape):
    """Yield a network and the hosts in it."""
    keys = {"port": PORT} | shape.pop("keys", {})
    with network(len(agents), **shape) as made:
        places = hosts_of(folder, scenario, agents, made.addresses, **keys)
        for number, place in enumerate(places):
            made.place(place, number)
        yield made, places


def start(places, *words):
    """Type the lines; the first host is the broker's."""
    first = places[0].portage("run", "small", "--hosts", "hosts.yaml", "--interface", places[0].address, *words)
    others = [place.portage("join", "small", "--hosts", "hosts.yaml", "--host", place.name) for place in places[1:]]
    return [first, *others]


def end(processes):
    """Return exit codes and what was said."""
    return [(process.returncode, said) for process in processes for said in [process.communicate(timeout=ENDS_S)[0]]]


def tables(run):
    found = {p.relative_to(run).as_posix(): pd.read_parquet(p) for p in sorted(run.glob("*/*.parquet"))}
    return {name: table for name, table in found.items() if "timings" not in name}


def same_tables(run, other):
    ours, theirs = tables(run), tables(other)
    assert ours.keys() == theirs.keys()
    for name in ours:
        pd.testing.assert_frame_equal(ours[name], theirs[name])


def collect(places):
    """Put the parts of a run together as a user would; return its folder."""
    runs = [results_of(place, "small") for place in places]
    ended = CliRunner().invoke(app, ["collect", *map(str, runs), "--no-report"])
    assert ended.exit_code == 0, ended.output
    return runs[0]


@pytest.fixture(scope="module")
def one_host(tmp_path_factory):
    return quick_run(small(tmp_path_factory.mktemp("one")))


@pytest.fixture(scope="module")
def two_hosts(tmp_path_factory):
    """A run over two hosts that are 20 ms from each other and lose a hundredth of what they send."""
    folder = tmp_path_factory.mktemp("two")
    with over_network(folder, small(folder), TWO, delay_ms=DELAY_MS, loss=LOSS) as (made, places):
        far_s = made.there_and_back_s(0, 1)
        ended = end(start(places))
        left = [process.cmdline() for process in made.processes()]
    return far_s, places, ended, left


@namespaces
def test_two_hosts_end_well_and_leave_no_process(two_hosts):
    far_s, _, ended, left = two_hosts
    assert far_s >= 2 * DELAY_MS / 1000
    assert [code for code, _ in ended] == [0, 0], ended
    assert left == []
    first = ended[0][1]
    assert "On depot, type there: portage join small --hosts hosts.yaml --host depot" in first
    assert "The results of transport_operator (depot) and traffic_sumo (depot) are on other hosts" in first


@namespaces
def test_no_host_has_what_is_another_s(two_hosts):
    """Folders of the scenario before, and what was written by then."""
    _, places, _, _ = two_hosts
    for place in places:
        scenario, run = place.folder / "small", results_of(place, "small")
        mine, others = TWO[place.name], {agent for own in TWO.values() for agent in own} - set(TWO[place.name])
        assert {path.name for path in scenario.iterdir() if path.is_dir()} - {"results", "__pycache__"} == set(mine)
        assert (scenario / "scenario.yaml").exists() == (place.name == "lab")
        for agent in others:
            assert not list(run.glob(f"{agent}/*.parquet"))
            assert not (run / agent / "journal.jsonl").exists()
        for agent in mine:
            assert (run / agent / "finished.json").exists()
    words = (places[1].folder / "run.key").read_text().strip().encode()
    for place in places:
        for path in place.folder.rglob("*"):
            assert path.name == "run.key" or not path.is_file() or words not in path.read_bytes(), f"the key stands in {path}"


@namespaces
def test_its_tables_are_those_of_one_host(two_hosts, one_host):
    _, places, _, _ = two_hosts
    run = collect(places)
    record = record_of(run)
    assert record["status"] == "complete"
    assert record["audit"]["clean"], record["audit"]
    assert "elsewhere" not in record
    assert set(record["agents"]) == {agent for own in TWO.values() for agent in own}
    same_tables(run, one_host)
    # Nothing is brought twice.
    again = CliRunner().invoke(app, ["collect", str(run), str(results_of(places[1], "small"))])
    assert again.exit_code == 1
    assert "this is no run of which a part is on other hosts" in str(again.exception)


@namespaces
@pytest.mark.long
@pytest.mark.parametrize("core_type", ["zmq", "tcpss"])
def test_three_hosts_have_the_tables_of_one(tmp_path, one_host, core_type):
    scenario = small(tmp_path, broker={"core_type": core_type})
    with over_network(tmp_path / "hosts", scenario, THREE, delay_ms=DELAY_MS, loss=LOSS) as (_, places):
        ended = end(start(places))
        assert [code for code, _ in ended] == [0, 0, 0], ended
    same_tables(collect(places), one_host)


@namespaces
@pytest.mark.long
@pytest.mark.parametrize("agents", [TWO, THREE], ids=["two", "three"])
def test_a_host_that_is_cut_off_is_named_and_nothing_is_left(tmp_path, agents):
    scenario = small(tmp_path, session={"periods": 500})
    with over_network(tmp_path / "hosts", scenario, agents) as (made, places):
        processes = start(places)
        begun = places[0].folder / "small/results"
        until = time.monotonic() + ENDS_S
        while not list(begun.glob("*/coordinator/negotiations.parts")) and time.monotonic() < until:
            time.sleep(0.1)
        made.cut(1)
        ended = end(processes)
        assert [code for code, _ in ended] == [1] * len(agents), ended
        lost = f"depot ({', '.join(agents['depot'])}): the host has given no sign of life for 5 s"
        assert lost in ended[0][1]
        assert lost in record_of(results_of(places[0], "small"))["failure"]
        assert "lab (the broker's host): has given no sign of life for 5 s" in ended[1][1]
        for _, said in ended[2:]:
            assert "lab (the broker's host)" in said or "depot" in said
        assert [process.cmdline() for process in made.processes()] == []


@namespaces
@pytest.mark.long
def test_an_agent_that_fails_elsewhere_is_named_on_both_hosts(tmp_path):
    scenario = small(tmp_path, power={"fault": "raise"})
    agents = {"lab": ["coordinator", "transport_operator"], "depot": ["power_operator", "traffic_sumo"]}
    with over_network(tmp_path / "hosts", scenario, agents) as (made, places):
        ended = end(start(places))
        assert [code for code, _ in ended] == [1, 1], ended
        for _, said in ended:
            assert "power_operator: no feasible plan (asked for by the test)" in said
        assert [process.cmdline() for process in made.processes()] == []


SSH = """#!/bin/sh
# What ssh does, without a server: the last word is a command for a shell on the host named before it.
for word; do host=$command; command=$word; done
exec ip netns exec "$(cat {names}/$host)" sh -c "$command"
"""


@namespaces
@pytest.mark.long
def test_ssh_types_the_line(tmp_path, one_host):
    """`ssh` is a stand-in that enters the namespace: this computer has no server for it."""
    names = tmp_path / "names"
    names.mkdir()
    program = tmp_path / "bin" / "ssh"
    program.parent.mkdir()
    program.write_text(SSH.format(names=names))
    program.chmod(0o755)
    with over_network(tmp_path / "hosts", small(tmp_path), TWO) as (made, places):
        (names / "ann@depot").write_text(made.names[1])
        command = f"{sys.executable} -m federates.cli"
        for place in places:
            data = yaml.safe_load(place.hosts_file.read_text())
            by_ssh = {"start": "ssh", "ssh": "ann@depot", "folder": str(places[1].folder), "command": command}
            data["hosts"]["depot"] |= by_ssh
            place.hosts_file.write_text(yaml.safe_dump(data))
        path = f"{program.parent}:{os.environ['PATH']}"
        words = ("run", "small", "--hosts", "hosts.yaml", "--interface", places[0].address)
        (ended,) = end([places[0].portage(*words, PATH=path)])
        assert ended[0] == 0, ended
        assert [process.cmdline() for process in made.processes()] == []
    same_tables(collect(places), one_host)


def test_the_file_and_the_key_of_the_page_are_sound(tmp_path):
    """Read from docs/howto/several_hosts.md."""
    shown = {block.title or block.language: block.body for block in blocks(PAGE) if block.says("checked by")}
    (tmp_path / "hosts.yaml").write_text(shown["hosts.yaml"])
    with pytest.raises(ConfigError, match="cannot be read"):
        Hosts(tmp_path / "hosts.yaml")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    subprocess.run(["sh", "-c", shown["bash"]], cwd=tmp_path, env={"PATH": path}, check=True)
    hosts = Hosts(tmp_path / "hosts.yaml")
    assert hosts.agents_problems(load_scenario(ROOT / "scenarios/la_gcs").roles) == []
    assert len(read_key(hosts.key_file)) == 32


@pytest.fixture
def at_home(tmp_path, monkeypatch):
    """Two hosts by loopback addresses, and the command line in the folder of either."""
    places = hosts_of(tmp_path / "hosts", small(tmp_path), TWO, ["127.0.0.1", "127.0.0.2"], port=PORT, join_s=1)

    def typed(place, *words, **changes):
        data = yaml.safe_load(place.hosts_file.read_text())
        place.hosts_file.write_text(yaml.safe_dump(_merged(data, changes), sort_keys=False))
        monkeypatch.chdir(place.folder)
        ended = CliRunner().invoke(app, list(words), standalone_mode=False)
        problems = getattr(ended.exception, "problems", ())
        assert not (place.folder / "small/results").exists(), "something was started"
        return [str(problem) for problem in problems] or [str(ended.exception)]

    return places, typed


def _merged(data, changes):
    for key, value in changes.items():
        if isinstance(value, dict):
            data[key] = _merged(dict(data.get(key) or {}), value)
        elif value is None:
            del data[key]
        else:
            data[key] = value
    return data


RUN = ("run", "small", "--hosts", "hosts.yaml")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"agents": {"traffic_sumo": "dept"}}, "agents.traffic_sumo = 'dept': unknown host; hosts are lab, depot"),
        (
            {"agents": {"signals": "depot"}},
            "agents.signals = 'depot': the scenario has no such agent; it has coordinator, power_operator",
        ),
        ({"agents": {"traffic_sumo": None}}, "agents.traffic_sumo = missing: must name its host: lab, depot"),
        ({"agents": {"coordinator": "depot"}}, "agents.coordinator = 'depot': must be lab, the broker's host"),
        ({"agents": {"coordinator": None}}, "agents.coordinator = missing: must be lab, the broker's host"),
        ({"key_file": "~nobody_here/run.key"}, "key_file = '~nobody_here/run.key': names no file: Could not determine home"),
        ({"broker": "attic"}, "broker = 'attic': unknown host; hosts are lab, depot"),
        ({"key_file": "no.key"}, "key_file = 'no.key': cannot be read (No such file or directory)"),
        ({"hosts": {"depot": {"address": "depot.lan"}}}, "hosts.depot.address = 'depot.lan': must be an IPv4 address"),
        (
            {"hosts": {"lab": {"address": "10.9.8.7"}}},
            "--interface = missing: must be given: the broker would listen on 10.9.8.7",
        ),
    ],
)
def test_what_is_wrong_in_hosts_yaml_is_one_line(at_home, changes, said):
    places, typed = at_home
    (problem,) = typed(places[0], *RUN, **changes)
    assert said in problem


def test_the_line_that_is_printed_can_be_typed(at_home):
    hosts = Hosts(at_home[0][0].hosts_file)
    hosts.path = Path("/our runs/hosts.yaml")
    words = ["portage", "join", "/my; scenario", "--hosts", "/our runs/hosts.yaml", "--host", "depot"]
    assert shlex.split(line_to_type(hosts, "depot", Path("/my; scenario"))) == words


def test_what_is_wrong_around_it_is_one_line(at_home):
    places, typed = at_home
    lab, depot = places
    (problem,) = typed(lab, *RUN, "--interface", "wlan77")
    assert "--interface = wlan77: this computer has no such interface or address; it has " in problem
    (problem,) = typed(lab, *RUN, "--interface", "127.0.0.9")
    assert "must have 127.0.0.1, the address of lab in hosts.yaml" in problem
    (problem,) = typed(lab, "run", "small", "--interface", "lo")
    assert "says where the broker listens for other hosts: give --hosts FILE too" in problem
    (problem,) = typed(lab, *RUN, "--use", "traffic_sumo=bpr")
    assert "traffic_sumo runs on another host: give its class to `portage join` there" in problem
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        (problem,) = typed(lab, *RUN, port=taken.getsockname()[1])
    assert "hosts.yaml: port = " in problem
    assert "cannot be had here: Address already in use; choose another number" in problem
    join = ("join", "small", "--hosts", "hosts.yaml", "--host")
    (problem,) = typed(depot, *join, "attic")
    assert "--host = attic: hosts.yaml has no such host; it has lab, depot" in problem
    (problem,) = typed(depot, *join, "lab")
    assert "is the broker's host: type `portage run` there" in problem
    (problem,) = typed(depot, *join, "depot")
    assert f"nobody is at 127.0.0.1:{PORT} after 1 s" in problem
    (depot.folder / "run.key").chmod(0o644)
    (problem,) = typed(depot, *join, "depot")
    assert "key_file = 'run.key': others than its owner may read or write it: chmod 600 run.key" in problem
    (depot.folder / "run.key").chmod(0o600)
    (depot.folder / "run.key").write_text("short")
    (problem,) = typed(depot, *join, "depot")
    assert "must hold one line of 16 to 200 letters" in problem
