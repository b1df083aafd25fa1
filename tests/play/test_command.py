"""``portage play`` as a process: the links that it prints, and what is left when it ends or is killed."""

import json
import re
import signal
import subprocess
import sys
import time
import urllib.request

import pytest
from processes import processes_of
from small_scenario import write_small_scenario

from federates.play.session import reached_at
from federates.web.server import LOOPBACK


def _started(scenario, environment, *options):
    """Return the process and its links, by what they are for."""
    command = [sys.executable, "-m", "federates.cli", "play", str(scenario), *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
    links = {}
    for line in process.stdout:
        if found := re.match(r"(.+): (http://\S+/)  ", line):
            links[found[1]] = found[2]
        if line.startswith("Ctrl-C"):
            return process, links
    raise AssertionError(f"it ended: {process.wait()}")


def _join(links):
    body = json.dumps({"name": "Ann", "group": 1, "agent": "power_operator"}).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{links['Students join at']}join", body)) as answer:
        return json.load(answer)["path"]


def test_links_work_and_ctrl_c_leaves_nothing(tmp_path, environment):
    process, links = _started(write_small_scenario(tmp_path), environment)
    assert list(links) == ["You lead the game at", "Students join at", "For the wall"]
    assert all(link.startswith("http://127.0.0.1:") for link in links.values())
    for link in links.values():
        with urllib.request.urlopen(link) as answer:
            assert answer.status == 200
    assert _join(links).startswith("/")
    assert process.stdout.readline() == "Ann is power_operator in group 1.\n"
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    assert processes_of(tmp_path) == []


@pytest.mark.faults
def test_a_killed_server_leaves_no_process(tmp_path, environment):
    scenario = write_small_scenario(tmp_path)
    process, links = _started(scenario, environment)
    _join(links)
    deadline_s = time.monotonic() + 60
    while not processes_of(scenario):  # in the moment in which they start, when nobody has looked for its parent
        assert time.monotonic() < deadline_s
        time.sleep(0.1)
    process.kill()
    process.wait()
    deadline_s = time.monotonic() + 60  # they begin just now, and see it as soon as they have
    while processes_of(scenario):
        assert time.monotonic() < deadline_s, processes_of(scenario)
        time.sleep(0.1)


def test_an_unknown_seat_is_said_before_anything_starts(tmp_path, environment):
    command = [sys.executable, "-m", "federates.cli", "play", str(write_small_scenario(tmp_path)), "--seats", "traffic_sumo"]
    ended = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)
    assert ended.returncode == 2
    assert "must be some of coordinator, power_operator, transport_operator" in " ".join(ended.stderr.split())


def test_the_address_for_others_is_never_the_one_that_means_all():
    assert reached_at("127.0.0.1") == LOOPBACK
    assert reached_at("::1") == "[::1]"
    assert reached_at("0.0.0.0") not in ("0.0.0.0", "")
