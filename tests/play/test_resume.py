"""A game goes on whose server was killed: the same links, the same students, and runs behind what they had carried out.

Small operators, by the command as a lecturer starts it, and HTTP as a browser would do it.
"""

import json
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import replace
from types import SimpleNamespace

import pytest
from game_http import Viewer
from processes import processes_of
from small_scenario import write_small_scenario

from federates.boundary.errors import ConfigError
from federates.play.kept import KEPT_RECORD, Kept, Seated

OPTIONS = ("--seats", "power_operator,transport_operator", "--answer-s", "30", "--set", "periods=3")


class Server:
    """``portage play`` in a process of its own: its links by what they are for, and viewers by link."""

    def __init__(self, environment, *words):
        command = [sys.executable, "-m", "federates.cli", "play", *map(str, words)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
        self.links, said = {}, []
        for line in self.process.stdout:
            said.append(line)
            if found := re.match(r"(.+): (http://\S+/)  ", line):
                self.links[found[1]] = found[2]
            if line.startswith("Ctrl-C"):
                break
        assert self.links, "".join(said)

    def viewer(self, link):
        """Return the viewer of a whole link."""
        address, token = link.rstrip("/").rsplit("/", 1)
        return Viewer(SimpleNamespace(address=address), f"/{token}/")

    def join(self, name, agent):
        """Return the link of a student who has taken a seat."""
        status, told = self.viewer(self.links["Students join at"]).post("join", {"name": name, "group": 1, "agent": agent})
        assert status == 200, told
        return self.links["Students join at"].rsplit("/", 2)[0] + told["path"]

    def end(self, number, code):
        self.process.send_signal(number)
        assert self.process.wait(60) == code


def answer_until(sitting, done, limit_s=120.0):
    """Answer nothing but zeros to all that the students are asked, until it is ``done``."""
    zero = {"delivery": [[[0.0, 0.0], [0.0, 0.0]]]}
    deadline_s = time.monotonic() + limit_s
    while not done():
        assert time.monotonic() < deadline_s, [viewer.view for viewer in sitting]
        for viewer in sitting:
            if (question := (viewer.view or {}).get("question")) and question["deadline"]:
                viewer.post("answer", {"n": question["n"], "quantities": zero})
        time.sleep(0.1)


@pytest.mark.parametrize("how", [signal.SIGKILL, pytest.param(signal.SIGINT, marks=pytest.mark.faults)])
def test_a_game_goes_on_with_its_links_and_students(tmp_path, environment, how):
    scenario = write_small_scenario(tmp_path, coordinator={"max_iterations": 2})
    server = Server(environment, scenario, *OPTIONS)
    ann, bo = (server.join(name, agent) for name, agent in (("Ann", "power_operator"), ("Bo", "transport_operator")))
    sitting = [server.viewer(link).events() for link in (ann, bo)]
    leads = server.viewer(server.links["You lead the game at"]).events()
    leads.do("start")
    answer_until(sitting, lambda: leads.view["groups"][0]["done"] == 1)
    leads.do("next", last_period=0)
    open_then = sitting[0].until(lambda view: view["question"] and view["period"] == 1)
    nonsense = {"n": open_then["question"]["n"], "quantities": {"delivery": []}}
    refused = sitting[0].post("answer", nonsense)
    assert refused[0] == 409
    sitting[0].until(lambda view: view["question"]["refused"])
    (folder,) = (scenario / "results").glob("play-*")
    server.end(how, -9 if how == signal.SIGKILL else 130)
    assert (folder / KEPT_RECORD).stat().st_mode & 0o077 == 0

    again = Server(environment, folder, "--resume")
    try:
        assert again.links == server.links
        led = again.viewer(again.links["You lead the game at"]).events()
        told = led.until(lambda view: view["groups"] and view["groups"][0]["done"] == 1)
        assert (told["state"], told["last_period"]) == ("running", 1)
        assert {seat["name"] for seat in told["groups"][0]["seats"]} == {"Ann", "Bo"}
        sitting = [again.viewer(link).events() for link in (ann, bo)]
        back = sitting[0].until(lambda view: view["question"])
        assert (back["me"]["name"], back["me"]["agent"], back["period"]) == ("Ann", "power_operator", 1)
        assert back["history"] == open_then["history"]
        asked = back["question"]  # the same, which has all its time again, and is refused an answer as if for the first time
        assert (asked["n"], asked["refused"]) == (nonsense["n"], [])
        assert asked["deadline"] > max(time.time(), open_then["question"]["deadline"])
        assert sitting[0].post("answer", nonsense) == refused
        led.do("all")
        answer_until(sitting, lambda: led.view["state"] == "over")
        (group,) = json.loads((folder / "game.json").read_text())["groups"]
        assert group["players"]["power_operator"] == "Ann"
        record = json.loads((folder / group["run"] / "run.json").read_text())
        assert (record["status"], record["resumed"][0]["from_period"]) == ("complete", 1), record
    finally:
        again.end(signal.SIGINT, 130)

    shown = Server(environment, folder, "--resume")  # nothing is left to play, but the debrief
    try:
        view = shown.viewer(shown.links["You lead the game at"]).events().until(lambda view: view["state"] == "over")
        assert [(group["done"], group["over"], group["failure"]) for group in view["groups"]] == [(3, True, "")]
    finally:
        shown.end(signal.SIGINT, 130)
    assert processes_of(tmp_path) == []
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(ann, timeout=5)


def test_what_is_no_game_or_of_another_version_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="it is in the folder of a game"):
        Kept.read(tmp_path)
    kept = Kept(
        scenario="x", made="2026-03-01T10:15:00", overrides={}, use={}, rules={}, runs={1: "r"},
        students=(Seated("student-1", "Ann", 1, "power_operator"),), sat=((1, "power_operator", ("Ann",)),),
        started=True, paused=False, ended=False, revealed=False, last_period=2, host="127.0.0.1", port=1, tokens={"join": "t"},
    )  # fmt: skip
    kept.write(tmp_path)
    assert Kept.read(tmp_path) == kept
    replace(kept, portage="0.0.1").write(tmp_path)
    with pytest.raises(ConfigError, match="only the same version"):
        Kept.read(tmp_path)
    (tmp_path / KEPT_RECORD).write_text('{"portage": 1, "runs": []}')
    with pytest.raises(ConfigError):
        Kept.read(tmp_path)


def test_options_that_would_change_the_game_are_refused(tmp_path, environment):
    command = [sys.executable, "-m", "federates.cli", "play", str(tmp_path), "--resume", "--groups", "2", "--hints"]
    ended = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)
    assert ended.returncode == 2
    assert "--groups and --hints" in " ".join(ended.stderr.split())
