"""Where a game puts its results: what is no place for them is said before anything starts, and a disk that fills up once."""

import errno
import threading
import time
from types import SimpleNamespace

import pytest
from game_http import Viewer, join
from small_scenario import write_small_scenario

from federates.boundary.errors import ConfigError, PortageError
from federates.cli.play import _game
from federates.play import game as games
from federates.play import kept
from federates.play.app import LECTURER
from federates.play.game import Game, Rules
from federates.play.group import Group
from federates.play.session import _look, served
from federates.runs.check import check_scenario

FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def scenario(tmp_path):
    return write_small_scenario(tmp_path)


@pytest.mark.parametrize("named", ["", "runner.json"])
def test_a_game_has_a_folder_in_the_results_of_its_scenario_however_that_is_named(scenario, named):
    game = _game(str(scenario / named), Rules(), {}, {}, None)
    assert game.folder.is_dir()
    assert (game.folder.parent, game.folder.name[:5]) == (scenario / "results", "play-")
    assert game.folder.stat().st_mode & 0o077 == 0


def test_other_results_are_taken_where_no_input_lies(scenario, tmp_path):
    place = tmp_path / "elsewhere"
    assert _game(str(scenario), Rules(), {}, {}, place).folder.parent == place
    with pytest.raises(ConfigError, match="must lie outside the scenario"):
        _game(str(scenario), Rules(), {}, {}, scenario / "power_operator")
    place = tmp_path / "file"
    place.write_text("")
    with pytest.raises(ConfigError, match=r"--results .* must be a folder, or not be there yet"):
        _game(str(scenario), Rules(), {}, {}, place)
    with pytest.raises(PortageError, match=r"cannot write results to .*: Not a directory; free the disk or choose another"):
        _game(str(scenario), Rules(), {}, {}, place / "below")


@pytest.fixture
def game(scenario, tmp_path, monkeypatch):
    monkeypatch.setattr(Group, "launch", lambda group: None)
    return Game(check_scenario(scenario), {}, Rules(), tmp_path / "game")


def _refuse(*_):
    raise FULL


def test_nobody_sits_down_whom_the_disk_does_not_take(game, monkeypatch):
    game.join("Ann", 1, "power_operator", "a")
    with monkeypatch.context() as full:
        full.setattr(games, "write_json", _refuse)
        with served(game) as play:
            status, told = join(play, "Bo", "transport_operator")
            assert (status, "no space left on the device" in told) == (409, True)
    assert [student.name for student in game.students.values()] == ["Ann"]
    assert game.played_by(1, "transport_operator") == ""
    game.stopped = False
    game.join("Cy", 1, "transport_operator", "c")  # the seat is free, and there is space again
    assert game.played_by(1, "transport_operator") == "Cy"


def test_who_sits_down_has_the_link_though_the_links_cannot_be_kept(game, monkeypatch):
    monkeypatch.setattr(kept, "write_json", _refuse)
    with served(game) as play:
        ann = join(play, "Ann", "power_operator")
        assert isinstance(ann, Viewer), ann
        assert ann.ask("GET")[0] == 200


def test_the_lecturer_can_end_a_game_on_a_full_disk(game, monkeypatch):
    game.join("Ann", 1, "power_operator", "a")
    monkeypatch.setattr(games, "write_json", _refuse)
    with served(game) as play:
        status, told = Viewer(play, play.viewers.link("", LECTURER)).post("do", {"do": "end"})
        assert (status, "no space left" in told["error"]) == (409, True)
        assert game.groups[1]._stop.why == "the lecturer has ended the game"


@pytest.mark.parametrize("error", [FULL, ValueError("something else")], ids=["disk", "anything"])
def test_what_goes_wrong_in_every_look_is_said_once(tmp_path, capfd, error):
    looks, over, fails = [], threading.Event(), [True]

    def keep():
        looks.append(1)
        if fails[0]:
            raise type(error)(*error.args)  # one that is raised again has a longer traceback

    play = SimpleNamespace(game=SimpleNamespace(look=lambda: None, folder=tmp_path), keep=keep)
    looking = threading.Thread(target=_look, args=(play, over))
    looking.start()

    def wait_for(count):
        deadline_s = time.monotonic() + 10.0
        while len(looks) < count and time.monotonic() < deadline_s:
            time.sleep(0.02)

    wait_for(3)
    fails[0] = False
    wait_for(5)
    said = capfd.readouterr().err
    fails[0] = True  # again, so it is said again
    wait_for(8)
    over.set()
    looking.join()
    assert capfd.readouterr().err == said
    if error is FULL:
        assert said == f"portage: no space left on the device: {tmp_path}; free some, or choose another folder\n"
    else:
        assert (said.count("Traceback"), said.count("ValueError: something else")) == (1, 1)
