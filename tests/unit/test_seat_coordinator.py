"""A coordinator with a person in its seat. Numbers: docs/la_small.md."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
import pytest

from federates.boundary.roles import Solve
from federates.seat.mailbox import Desk
from tests.support.seat_players import Script, wait_for
from tests.support.small_table import WAIT_S, Person, SmallTable

BEST = [1.0, 2.0, 3.0, 4.0]  # r1 to q1, r1 to q2, r2 to q1, r2 to q2 in period 3


def whole(*values: float) -> dict[str, Any]:
    return {"delivery": np.array(values, dtype=float).reshape(2, 2, 1).tolist()}


def plan(commit: Any) -> list[float]:
    return commit.given["transport_operator"]["delivery"].ravel().tolist()


def numbers(decision: Any) -> list[float]:
    asked = decision.prices if isinstance(decision, Solve) else decision.given["transport_operator"]
    return np.asarray(asked["delivery"]).ravel().tolist()


def test_who_follows_the_suggestions_gets_what_the_algorithm_gets(tmp_path):
    seated, bare = SmallTable(tmp_path / "seat", {"coordinator": WAIT_S}), SmallTable(tmp_path / "bare", {})
    with Person(seated.desk("coordinator"), lambda desk, question: {"best": True}):
        for period in (1, 3):
            (commit, decisions), (own, own_decisions) = seated.negotiate(period), bare.negotiate(period)
            assert [numbers(each) for each in decisions] == [numbers(each) for each in own_decisions]
            assert (plan(commit), commit.reason, commit.agreed) == (plan(own), own.reason, own.agreed)


def test_own_prices_a_question_what_a_plan_costs_and_its_commitment(tmp_path):
    script = Script(
        {"prices": whole(10, 14, 10, 14)},
        {"commit": whole(*BEST)},  # nobody has told what this costs
        {"given": whole(*BEST)},
        {"commit": whole(*BEST)},
    )
    table = SmallTable(tmp_path, {"coordinator": WAIT_S})
    with Person(table.desk("coordinator"), script) as person:
        commit, decisions = table.negotiate(3)
    assert script.refused == ["The answers do not tell that this plan can be carried out: ask first what it costs."]
    assert [numbers(each) for each in decisions] == [[10, 14, 10, 14], BEST]
    assert plan(commit) == BEST
    assert commit.reason == "the person in the coordinator's seat committed this plan"
    *_, last = person.seen
    # At these prices all want the same: 8 + 1, 12 x 2 ... 94 usd, and no plan costs less.
    assert last["proof"]["upper_usd"] == pytest.approx(94.0, abs=1e-3)
    assert last["proof"]["lower_usd"] == pytest.approx(94.0, abs=1e-3)
    assert last["plans"][0]["quantities"] == whole(*BEST)
    desk = table.desk("coordinator")
    notice = desk.question(desk.last)
    assert (notice["kind"], notice["agreed"], notice["prices"]) == ("commit", True, whole(10, 14, 10, 14))


def test_a_plan_that_was_only_offered_in_part_cannot_be_committed(tmp_path):
    script = Script({"prices": whole(9, 9, 9, 9)}, {"commit": whole(9, 9, 9, 9)}, {"commit": whole(0, 0, 2, 1)}, {"best": True})
    table = SmallTable(tmp_path, {"coordinator": WAIT_S})
    with Person(table.desk("coordinator"), script):
        table.negotiate(3)
    assert all(sentence.startswith("The answers do not tell") for sentence in script.refused)
    assert len(script.refused) == 2  # of what is asked from r1 and offered from r2 nobody has told the cost


def test_a_draft_of_a_plan_tells_what_would_be_proven(tmp_path):
    drafted: list[Any] = []

    def person(desk: Desk, question: dict[str, Any]) -> Any:
        if question["round"] == 1:
            return {"given": whole(0, 0, 2, 2)}
        k = desk.draft(question["n"], {"commit": whole(0, 0, 2, 2)})
        drafted.append(wait_for(lambda: desk.drafted(question["n"], k)))
        return {"commit": whole(0, 0, 2, 2)}

    table = SmallTable(tmp_path, {"coordinator": WAIT_S})
    with Person(table.desk("coordinator"), person):
        commit, _ = table.negotiate(3)
    # Two of four missed at q1, 20 usd each, four of six at q2, 24 usd each; sent for 4 x 2 + 4 and 6 x 2 + 4.
    assert drafted == [
        {
            "cost_usd": pytest.approx(164.0, abs=1e-3),
            "gap": None,
            "agreed": False,
            "verdict": "the answers do not tell a lower bound",
        }
    ]
    assert plan(commit) == [0, 0, 2, 2]


@pytest.mark.parametrize(
    ("sends", "words"),
    [
        (3, "A decision has one of the keys"),
        ({"prices": whole(1, 1, 1, 1), "best": True}, "A decision has one of the keys"),
        ({"price": whole(1, 1, 1, 1)}, "A decision has one of the keys"),
        ({"prices": {"delivery": [[1, 1], [1, 1]]}}, "must have 2 x 2 x 1 numbers"),
        ({"prices": whole(1, 1, 1, 1e7)}, "must be from -1e+06 to 1e+06"),
        ({"given": whole(1, -1, 1, 1)}, "r1 to q2: -1 must be from 0 to 1000 veh."),
        ({"commit": whole(0, 0, 0, 0)}, "The answers do not tell"),
    ],
)
def test_nonsense_is_refused_and_then_the_algorithm_asks(tmp_path, sends, words):
    script = Script(sends)
    table = SmallTable(tmp_path, {"coordinator": WAIT_S})
    with Person(table.desk("coordinator"), script):
        table.open(3)
        decision = table.agents["coordinator"].start(3, table.openings)
    assert words in script.refused[0]
    assert isinstance(decision, Solve)
    record = table.desk("coordinator").answered(1)
    assert (record["by"], record["why"]) == ("class", "away")


def test_questions_of_ones_own_leave_the_algorithm_in_step(tmp_path):
    """Who leaves after the first question: the algorithm goes on as if it had never been interrupted."""
    seated, bare = SmallTable(tmp_path / "seat", {"coordinator": WAIT_S}), SmallTable(tmp_path / "bare", {})
    with Person(seated.desk("coordinator"), Script({"prices": whole(7, 7, 7, 7)})):
        commit, decisions = seated.negotiate(3)
    own, own_decisions = bare.negotiate(3)
    assert numbers(decisions[0]) == [7, 7, 7, 7]
    assert [numbers(each) for each in decisions[1:]] == [numbers(each) for each in own_decisions]
    assert plan(commit) == plan(own)


def test_the_lecturer_holds_the_run_before_a_period(tmp_path):
    table = SmallTable(tmp_path, {"coordinator": 0.0})
    desk = table.desk("coordinator")
    desk.hold(until_period=2)
    table.negotiate(1)
    thread = threading.Thread(target=table.negotiate, args=(2,), daemon=True)
    thread.start()
    time.sleep(0.3)
    assert thread.is_alive()
    desk.go_on()
    thread.join(WAIT_S)
    assert not thread.is_alive()
    assert desk.question(desk.last)["period"] == 2
