"""What goes wrong in a game hurts nobody else: over HTTP, as a browser would do it, in a real run of small operators."""

import json
import time

import pytest
from game_http import Viewer, join
from processes import processes_of
from small_scenario import write_small_scenario

from federates.play.app import JOIN, LECTURER
from federates.play.game import Game, Rules
from federates.play.session import served
from federates.runs.check import check_scenario

ANSWER_S = 8.0
SEATS = ("power_operator", "transport_operator")


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Yield a game that has been started with two students, and what was in it."""
    folder = tmp_path_factory.mktemp("table")
    changes = {"periods": "2"}
    scenario = check_scenario(write_small_scenario(folder, coordinator={"max_iterations": 3}), changes)
    game = Game(scenario, changes, Rules(answer_s=ANSWER_S, seats=SEATS), folder / "game")
    with served(game) as play:
        ann, bo = (join(play, name, agent).events() for name, agent in (("Ann", SEATS[0]), ("Bo", SEATS[1])))
        leads = Viewer(play, play.viewers.link("", LECTURER)).events()
        leads.do("start")
        yield play, leads, ann, bo
    assert processes_of(folder) == []
    record = json.loads((game.groups[1].folder / "run.json").read_text())
    assert record["failure"].endswith("the server of the game was stopped")


def test_two_students_with_one_role_and_links_of_nobody(table):
    play, *_ = table
    assert join(play, "Cy", "power_operator") == (409, "Ann has just taken power_operator in group 1; choose another seat.")
    status, told = Viewer(play, "/no-token-of-anybody/").post("answer", {"n": 1})
    assert (status, "not valid" in told["error"]) == (403, True)
    for page in ("do", "answer", "draft", "hint"):
        status, told = Viewer(play, play.viewers.link("", JOIN)).post(page, {"do": "start"})
        assert status == 403, told
    status, told = Viewer(play, play.viewers.link("", JOIN)).ask("GET", "debrief.html")
    assert (status, "not open yet" in str(told)) == (403, True)


def test_nonsense_is_refused_in_a_sentence_and_the_question_stays_open(table):
    _, leads, ann, _ = table
    n = ann.question()["n"]
    leads.do("pause")  # the rest takes its time
    right = [[[1.0, 0.0], [1.0, 0.0]]]
    nonsense = [
        (None, b"\xff\xfe no json", 400, "not JSON"),
        (None, b'{"n": 1, "quantities": NaN}', 400, "not JSON"),
        (None, b"{" + b" " * 100_000 + b"}", 413, "longer than"),
        ([1, 2], None, 400, "JSON object"),
        ({"n": "x", "quantities": {"delivery": right}}, None, 409, "is over"),
        ({"n": n + 5, "quantities": {"delivery": right}}, None, 409, "is over"),
        ({"n": n}, None, 409, "numbers for delivery"),
        ({"n": n, "quantities": {"delivery": [[[1.0]]]}}, None, 409, "1 x 2 x 2 numbers"),
        ({"n": n, "quantities": {"delivery": [[["a", 0.0], [1.0, 0.0]]]}}, None, 409, "must be a number"),
        ({"n": n, "quantities": {"delivery": [[[-1.0, 0.0], [1.0, 0.0]]]}}, None, 409, "from 0 to"),
        ({"n": n, "quantities": {"delivery": [[[1e9, 0.0], [1.0, 0.0]]]}}, None, 409, "from 0 to"),
        ({"n": n, "best": True}, None, 409, "numbers for delivery"),
    ]
    for body, raw, wanted, words in nonsense:
        status, told = ann.post("answer", body, raw)
        assert (status, words in told["error"]) == (wanted, True), told
    status, told = ann.post("hint", {"n": n})
    assert (status, "not allowed hints" in told["error"]) == (409, True)
    assert "best" not in json.dumps(ann.view)
    status, told = ann.post("draft", {"n": n, "quantities": {"delivery": right}})
    assert status == 200, told
    assert told["cost_usd"] == pytest.approx(8.0 * (4 * 12 - 2))  # small_agents: worth times what is missed
    assert ann.post("answer", {"n": n, "quantities": {"delivery": right}}) == (200, {"told": True})
    status, told = ann.post("answer", {"n": n, "quantities": {"delivery": right}})
    assert (status, "is over" in told["error"]) == (409, True)


def test_a_pause_stops_the_clock_of_an_open_question(table):
    _, leads, _, bo = table
    asked = bo.question()  # of before the pause, which goes on
    bo.until(lambda view: view["state"] == "paused")
    time.sleep(ANSWER_S + 1.0)
    assert bo.view["question"]["n"] == asked["n"]
    leads.do("resume")
    bo.until(lambda view: view["state"] == "running")
    assert bo.view["question"]["deadline"] >= asked["deadline"] + ANSWER_S
    zero = {"delivery": [[[0.0, 0.0], [0.0, 0.0]]]}
    assert bo.post("answer", {"n": asked["n"], "quantities": zero}) == (200, {"told": True})


def test_who_is_late_is_answered_for_and_told_so(table):
    _, leads, ann, _ = table
    n = ann.question(after=1)["n"]
    ann.until(lambda view: any(row["why"] == "late" for row in view["history"]))
    assert ann.view["history"][0]["why"] == ""
    status, told = ann.post("answer", {"n": n, "quantities": {"delivery": [[[0.0, 0.0], [0.0, 0.0]]]}})
    assert (status, "is over" in told["error"]) == (409, True)
    assert leads.until(lambda view: any(seat["late"] for seat in view["groups"][0]["seats"]))["groups"][0]["failure"] == ""


def test_who_is_sent_away_is_told_so_and_the_class_plays_on(table):
    play, leads, ann, bo = table
    bo.connection.close()  # a browser that is gone
    leads.do("free", seat="1/power_operator")
    assert "freed your seat" in ann.until(lambda view: view["state"] == "gone")["words"]
    status, told = ann.post("answer", {"n": 1})
    assert status == 403
    status, told = leads.post("do", {"do": "free", "seat": "1/power_operator"})
    assert (status, "Nobody sits there" in told["error"]) == (409, True)
    again = join(play, "Di", "power_operator").events()
    assert again.until(lambda view: view["state"] == "running")["me"]["name"] == "Di"
    assert play.game.played_by(1, "power_operator") == "Ann and Di"
