"""A game whose groups do not all fare alike, and pages that read while a run goes on: without any run."""

import json
import sys
import threading
import time

import pytest
from game_http import Viewer
from small_scenario import write_small_scenario

from federates.boundary.errors import PortageError
from federates.play import group as groups
from federates.play.app import LECTURER
from federates.play.debrief import Debrief
from federates.play.game import Game, Rules
from federates.play.group import Group
from federates.play.seat_log import SeatLog
from federates.play.session import served
from federates.runs.check import check_scenario
from federates.runtime.hold import is_held
from federates.seat.mailbox import Mailbox, seat_folder


@pytest.fixture
def scenario(tmp_path):
    return check_scenario(write_small_scenario(tmp_path))


def _game(scenario, folder):
    return Game(scenario, {}, Rules(groups=3), folder / "game")


@pytest.fixture
def game(scenario, tmp_path, monkeypatch):
    """Return a game whose groups are launched, but have no processes; `fail` ends one."""
    monkeypatch.setattr(groups.Group, "_begin", lambda group, start: setattr(group, "_thread", threading.Thread()))
    return _game(scenario, tmp_path)


def fail(game, number):
    game.groups[number].over, game.groups[number].failure = True, "it could not start"


def test_a_run_that_fails_in_the_lobby_ends_the_game_of_nobody_else(game):
    game.join("Ann", 1, "power_operator", "a")
    fail(game, 1)
    game.look()
    assert game.state == "lobby"
    game.join("Bo", 2, "power_operator", "b")
    game.start()
    game.look()
    assert game.state == "running"
    with pytest.raises(PortageError, match="still play"):
        game.reveal()
    fail(game, 2)
    game.look()
    assert game.state == "over"
    game.reveal()


def test_a_game_that_has_started_is_over_when_nobody_plays_any_more(game):
    game.join("Ann", 1, "power_operator", "a")
    game.start()
    fail(game, 1)
    game.look()
    assert game.state == "over"


def test_a_game_that_is_taken_up_is_not_over_before_all_its_groups_go_on(game, scenario, tmp_path, monkeypatch):
    """Group 1 has come to its end, group 2 goes on, and that of group 3 had not begun; somebody looks after each."""
    game.join("Ann", 1, "power_operator", "a")
    game.join("Bo", 3, "power_operator", "b")
    game.start()
    for number in (1, 2):
        game.groups[number].folder = game.folder / f"run-{number}"
        game.groups[number].folder.mkdir()
    (game.folder / "run-1/run.json").write_text(json.dumps({"status": "complete"}))
    again, states = _game(scenario, tmp_path), []
    again.take_up(game.kept())

    def then_look(act):
        def wrapped(*args, **options):
            act(*args, **options)
            again.look()
            states.append(again.state)

        return wrapped

    monkeypatch.setattr(Group, "go_on", then_look(Group.go_on))
    monkeypatch.setattr(Group, "launch", then_look(Group.launch))
    again.look()
    again.go_on()
    assert states == ["running"] * 3
    assert [group.over for group in again.groups.values()] == [True, False, False]


def test_a_game_that_the_lecturer_has_ended_launches_nobody(game, scenario, tmp_path):
    game.join("Ann", 1, "power_operator", "a")
    game.end()
    again = _game(scenario, tmp_path)
    again.take_up(game.kept())
    again.go_on()
    assert not again.groups[1].launched


def test_a_run_is_held_before_any_seat_is_there_and_every_agent_hears_of_a_pause(scenario, tmp_path):
    group = Group(1, scenario, {}, tmp_path, {"power_operator": "power_operator"}, 60.0)
    run = tmp_path / "run"
    run.mkdir()
    group._see(run)
    group.look({}, True, 0)
    coordinator = Mailbox(seat_folder(run, "coordinator"))
    assert coordinator.held(0)
    assert is_held(run / "coordinator")
    for agent in scenario.roles:
        (run / agent).mkdir(exist_ok=True)
    group.look({}, True, 0)
    assert all(is_held(run / agent) for agent in scenario.roles)
    group.look({}, False, 1)
    assert not any(is_held(run / agent) for agent in scenario.roles)
    assert (coordinator.held(0), coordinator.held(1)) == (False, True)


def test_pages_read_while_new_questions_come(tmp_path):
    log = SeatLog(tmp_path, "power_operator")
    wrong, over = [], threading.Event()

    def read():
        while not over.is_set():
            try:
                _ = log.committed, log.messages(), log.late, log.newest, log.open
            except RuntimeError as error:
                wrong.append(error)
                return

    interval_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    reading = threading.Thread(target=read)
    reading.start()
    try:
        for n in range(1, 3001):
            log.questions[n] = {"n": n, "kind": "commit", "period": n, "deadline": None}
            log.answered[n] = {"why": "late"}
    finally:
        over.set()
        reading.join()
        sys.setswitchinterval(interval_s)
    assert wrong == []
    assert (log.committed, log.late, len(log.messages())) == (3000, 3000, 3000)


def test_the_debrief_is_computed_once_and_every_other_page_goes_on_meanwhile(game, monkeypatch):
    made, go, told = [], threading.Event(), []

    def make(debrief):
        made.append(1)
        assert go.wait(30.0)
        debrief._content = {"scenario": "small"}

    monkeypatch.setattr(Debrief, "_make", make)
    monkeypatch.setattr(Debrief, "_page", lambda debrief, alone: f"told {debrief._content['scenario']} {alone}")
    game.started = game.ended = game.revealed = True
    with served(game) as play:
        leads = Viewer(play, play.viewers.link("", LECTURER))
        pages = ["debrief", "debrief.html", "debrief"]
        asking = [threading.Thread(target=lambda page=page: told.append((page, *leads.ask("GET", page)))) for page in pages]
        for thread in asking:
            thread.start()
        deadline_s = time.monotonic() + 10.0
        while not made and time.monotonic() < deadline_s:
            time.sleep(0.01)
        assert leads.ask("GET")[0] == 200, "the server is there while it is computed"
        assert told == []
        go.set()
        for thread in asking:
            thread.join(30.0)
    assert made == [1]
    assert sorted(told) == [
        ("debrief", 200, "told small False"), ("debrief", 200, "told small False"), ("debrief.html", 200, "told small True"),
    ]  # fmt: skip
