"""Who may sit where, and how far a game may go: without any run."""

import json

import pytest
from small_scenario import write_small_scenario

from federates.boundary.errors import ConfigError, PortageError
from federates.play import group as groups
from federates.play.game import Game, Rules, open_seats
from federates.play.views import join_view, lecturer_view, student_view
from federates.runs.check import check_scenario


@pytest.fixture
def scenario(tmp_path):
    return check_scenario(write_small_scenario(tmp_path))


@pytest.fixture
def game(scenario, tmp_path, monkeypatch):
    launched = []
    monkeypatch.setattr(groups.Group, "launch", lambda group: launched.append(group.number))
    made = Game(scenario, {}, Rules(groups=2), tmp_path / "game")
    made.launched = launched
    return made


def test_two_students_with_one_role_are_told_so_and_the_first_keeps_it(game):
    game.join("Ann", 1, "power_operator", "a")
    with pytest.raises(PortageError, match="Ann has just taken power_operator in group 1"):
        game.join("Bo", 1, "power_operator", "b")
    game.join("Bo", 2, "power_operator", "b")
    assert [game.sits(group, "power_operator").name for group in (1, 2)] == ["Ann", "Bo"]
    assert game.launched == [1, 2]


@pytest.mark.parametrize(
    ("name", "group", "agent", "words"),
    [
        (" \t\n", 1, "power_operator", "Type a name"),
        ("Ann", 3, "power_operator", "no such seat"),
        ("Ann", 1, "traffic_sumo", "no such seat"),
        ("Ann", 1, "../power_operator", "no such seat"),
    ],
)
def test_nonsense_takes_no_seat(game, name, group, agent, words):
    with pytest.raises(PortageError, match=words):
        game.join(name, group, agent, "a")
    assert game.students == {}
    assert game.launched == []


def test_a_name_is_one_short_line(game):
    assert game.join("  An\x00n\n<b>" + "x" * 99, 1, "coordinator", "a").name == "An n <b>" + "x" * 32


def test_a_freed_seat_can_be_taken_again_and_its_student_is_gone(game):
    game.join("Ann", 1, "power_operator", "a")
    assert game.free(1, "power_operator") == "a"
    assert game.free(1, "power_operator") is None
    assert student_view(game, "a")["state"] == "gone"
    game.join("Bo", 1, "power_operator", "b")
    assert [seat["name"] for seat in join_view(game)["groups"][0]["seats"]].count("Bo") == 1


def test_a_game_starts_with_somebody_and_goes_on_hour_by_hour(game):
    with pytest.raises(PortageError, match="Nobody has joined"):
        game.start()
    game.join("Ann", 1, "power_operator", "a")
    assert (game.state, game.last_period) == ("lobby", 0)
    game.start()
    game.next_period()
    game.pause(True)
    assert (game.state, game.last_period) == ("paused", 1)
    game.pause(False)
    for _ in range(5):
        game.next_period()
    assert (game.state, game.last_period) == ("running", 2)  # three periods
    game.next_period(everything=True)
    assert game.last_period is None
    with pytest.raises(PortageError, match="still play"):
        game.reveal()


def test_after_the_end_nobody_joins(game):
    game.join("Ann", 1, "power_operator", "a")
    game.start()
    game.end()
    with pytest.raises(PortageError, match="is over"):
        game.join("Bo", 2, "power_operator", "b")


def test_seats_are_limited_by_name_or_role(scenario):
    assert list(open_seats(scenario, ())) == ["coordinator", "power_operator", "transport_operator"]
    assert list(open_seats(scenario, ("transport_operator", "power_operator"))) == ["power_operator", "transport_operator"]
    with pytest.raises(ConfigError, match="traffic_sumo"):
        open_seats(scenario, ("traffic_sumo",))


def test_what_is_kept_of_a_game_has_names_and_no_link(game):
    game.join("Ann", 2, "transport_operator", "student-0123456789ab")
    kept = (game.folder / "game.json").read_text()
    assert "student-0123456789ab" not in kept
    assert json.loads(kept)["seats"] == list(game.seats)


def test_the_lecturers_page_has_no_quantity_and_no_cost(game):
    game.join("Ann", 1, "power_operator", "a")
    seat = lecturer_view(game)["groups"][0]["seats"][1]
    assert set(seat) == {"agent", "role", "name", "here", "deadline", "late", "answers"}
