"""An operator with a person in its seat: what is told whatever the person types. Numbers: docs/la_small.md, period 2."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from federates.boundary.roles import Evaluate, Solve
from federates.seat.mailbox import Desk
from tests.support.seat_players import leave, wait_for
from tests.support.small_table import WAIT_S, Person, SmallTable

PERIOD = 2  # a vehicle is worth 20 usd at q1, and 4 are needed


def delivery(*values: float) -> dict[str, Any]:
    """Return quantities of springs: from r1 and from r2 to q1."""
    return {"delivery": [[[value]] for value in values]}


def price(usd: float) -> Solve:
    return Solve({"delivery": np.full((2, 2, 1), usd)})


def asked(tmp_path: Path, sends: Any, decision: Any = None, agent: str = "springs", seconds: float = WAIT_S) -> tuple[Any, Any]:
    """Return what one seat tells, and the record of it; ``sends`` is the answer, or makes it of desk and question."""
    table = SmallTable(tmp_path, {agent: seconds})
    table.open(PERIOD)
    answer = sends if callable(sends) else lambda desk, question: sends
    with Person(table.desk(agent), answer):
        told = table.ask(agent, price(10.0) if decision is None else decision)
    return told, table.desk(agent).answered(table.desk(agent).last)


def given(*values: float) -> Evaluate:
    """Return the question what these deliveries, r1 to q1, r1 to q2, r2 to q1, r2 to q2, cost."""
    whole = np.array(values).reshape(2, 2, 1)
    return Evaluate(
        {
            "springs": {"delivery": whole[:, :1]},
            "norwalk": {"delivery": whole[:, 1:]},
            "transport_operator": {"delivery": whole},
        }
    )


@pytest.mark.parametrize("sends", [{"best": True}, {"quantities": delivery(4, 0)}])
def test_the_best_answer_is_told_as_the_class_tells_it(tmp_path, sends):
    told, record = asked(tmp_path, sends)
    bare = SmallTable(tmp_path / "bare", {})
    bare.open(PERIOD)
    own = bare.ask("springs", price(10.0))
    np.testing.assert_array_equal(told.quantities["delivery"], own.quantities["delivery"])
    assert (told.cost_usd, told.bound_usd, told.bound_kind) == (own.cost_usd, own.bound_usd, own.bound_kind)
    assert (record["by"], record["why"]) == ("person", "")


def test_another_quantity_is_told_at_its_true_cost_with_the_class_s_bound(tmp_path):
    told, record = asked(tmp_path, {"quantities": delivery(0, 1)})
    assert told.quantities["delivery"].ravel().tolist() == [0.0, 1.0]
    assert told.cost_usd == pytest.approx(60.0)  # three of four missed, at 20 usd
    assert told.bound_usd == pytest.approx(40.0)  # four at 10 usd: the least of cost and price
    assert (record["own_cost_usd"], record["payment_usd"], record["own_total_usd"]) == (60.0, 10.0, 70.0)
    assert (record["best"]["cost_usd"], record["best"]["total_usd"]) == (0.0, 40.0)


def test_a_claim_is_told_and_the_true_cost_is_kept(tmp_path):
    told, record = asked(tmp_path, {"quantities": delivery(0, 1), "claimed_cost_usd": 75})
    assert (told.cost_usd, told.bound_usd) == (75.0, pytest.approx(40.0))
    assert record["own_cost_usd"] == 60.0


def test_a_claim_below_the_bound_takes_the_bound_down_with_it(tmp_path):
    told, _ = asked(tmp_path, {"best": True, "claimed_cost_usd": -50})
    assert (told.cost_usd, told.bound_usd) == (-50.0, pytest.approx(-50.0 + 40.0))


def test_of_what_is_offered_no_more_is_told_than_can_be_sent(tmp_path):
    everything = {"quantities": {"delivery": [[[15.0], [5.0]], [[0.0], [0.0]]]}}  # r1 has 10 vehicles
    told, record = asked(tmp_path, everything, agent="transport_operator")
    assert told.quantities["delivery"].ravel().tolist() == pytest.approx([7.5, 2.5, 0.0, 0.0])
    # 8 z + z^2 to q1 and 10 z + z^2 to q2.
    assert told.cost_usd == pytest.approx(8 * 7.5 + 7.5**2 + 10 * 2.5 + 2.5**2, abs=1e-5)
    assert record["told"]["quantities"] == {"delivery": [[[7.5], [2.5]], [[0.0], [0.0]]]}


def test_of_what_is_given_no_more_can_be_used(tmp_path):
    refused: list[str] = []

    def greedy(desk: Desk, question: dict[str, Any]) -> Any:
        desk.answer(question["n"], {"quantities": delivery(2, 0)})
        refused.extend(wait_for(lambda: desk.refused(question["n"])))
        return {"quantities": delivery(1, 0)}

    told, _ = asked(tmp_path, greedy, given(1, 0, 2, 0))
    assert refused == ["delivery r1 to q1: 2 is more than the 1 that is given."]
    assert told.quantities["delivery"].ravel().tolist() == [1.0, 0.0]
    assert told.cost_usd == pytest.approx(60.0)
    assert told.bound_usd == pytest.approx(20.0)  # of three that are given one is missed


NONSENSE = [
    (17, "An answer has the keys quantities"),
    ([], "An answer has the keys quantities"),
    ({}, "There must be numbers for delivery"),
    ({"quantities": delivery(1, 0), "cost": 3}, "An answer has no cost."),
    ({"quantities": {"passage": [1]}}, "There must be numbers for delivery"),
    ({"quantities": {"delivery": 4}}, "must have 2 x 1 x 1 numbers"),
    ({"quantities": {"delivery": [[[1]]]}}, "must have 2 x 1 x 1 numbers"),
    ({"quantities": {"delivery": [[[1]], [["2"]]]}}, "every entry must be a number"),
    ({"quantities": {"delivery": [[[1]], [[True]]]}}, "every entry must be a number"),
    ({"quantities": {"delivery": [[[1]], [[None]]]}}, "every entry must be a number"),
    ({"quantities": delivery(-1, 0)}, "r1 to q1: -1 must be from 0 to 1000 veh."),
    ({"quantities": delivery(0, 1001)}, "r2 to q1: 1001 must be from 0 to 1000 veh."),
    ({"quantities": delivery(0, float("nan"))}, "every number must be finite"),
    ({"quantities": delivery(0, float("inf"))}, "every number must be finite"),
    ({"quantities": delivery(0, 10**400)}, "every number must be finite"),
    ({"best": True, "claimed_cost_usd": "much"}, "The claimed cost must be a number"),
    ({"best": True, "claimed_cost_usd": 1e12}, "The claimed cost must be a number"),
    ({"best": 1}, "There must be numbers for delivery"),
]


def test_nonsense_is_refused_in_a_sentence_and_a_good_answer_may_follow(tmp_path):
    def person(desk: Desk, question: dict[str, Any]) -> Any:
        for count, (nonsense, _) in enumerate(NONSENSE, start=1):
            desk.answer(question["n"], nonsense)
            wait_for(lambda count=count: len(desk.refused(question["n"])) == count)
        return {"quantities": delivery(1, 0)}

    _, record = asked(tmp_path, person)
    assert record["by"] == "person"
    sentences = SmallTable(tmp_path, {}).desk("springs").refused(2)
    for sentence, (nonsense, words) in zip(sentences, NONSENSE, strict=True):
        assert words in sentence, nonsense
        assert sentence.endswith(".")


def test_who_is_late_or_sends_nonsense_only_is_played_by_the_class(tmp_path):
    told, record = asked(tmp_path / "late", lambda desk, question: None, seconds=0.1)
    assert (record["by"], record["why"], told.quantities["delivery"].sum()) == ("class", "late", 4.0)
    told, record = asked(tmp_path / "nonsense", 17, seconds=0.3)
    assert (record["by"], record["why"], told.quantities["delivery"].sum()) == ("class", "refused", 4.0)


def test_a_late_answer_changes_nothing_and_the_next_question_is_asked(tmp_path):
    table = SmallTable(tmp_path, {"springs": 0.2})
    table.open(PERIOD)
    desk = table.desk("springs")
    late = table.ask("springs", price(10.0))
    desk.answer(2, {"quantities": delivery(1, 0)})
    with Person(desk, lambda desk, question: {"quantities": delivery(3, 0)}):
        told = table.ask("springs", price(11.0))
    assert [values.quantities["delivery"].sum() for values in (late, told)] == [4.0, 3.0]
    assert [desk.answered(n)["by"] for n in (2, 3)] == ["class", "person"]


def test_who_is_away_is_not_waited_for_and_may_come_back(tmp_path):
    table = SmallTable(tmp_path, {"springs": WAIT_S})
    table.open(PERIOD)
    desk = table.desk("springs")
    leave(desk)
    began = time.monotonic()
    table.ask("springs", price(10.0))
    assert time.monotonic() - began < WAIT_S / 2
    assert (desk.answered(2)["by"], desk.answered(2)["why"]) == ("class", "away")

    def back(desk: Desk, question: dict[str, Any]) -> Any:
        return {"best": True}

    desk.here()
    with Person(desk, back):
        table.ask("springs", price(11.0))
    assert desk.answered(3)["by"] == "person"


def test_the_calculator_tells_costs_before_anything_is_told(tmp_path):
    drafts: list[Any] = []

    def person(desk: Desk, question: dict[str, Any]) -> Any:
        for draft in ({"quantities": delivery(1, 1)}, {"quantities": delivery(-1, 0)}, {"best": True}):
            k = desk.draft(question["n"], draft)
            drafts.append(wait_for(lambda k=k: desk.drafted(question["n"], k)))
        return {"quantities": delivery(1, 0)}

    asked(tmp_path, person)
    mine, refused, best = drafts
    assert (mine["cost_usd"], mine["payment_usd"], mine["total_usd"]) == (40.0, 20.0, 60.0)
    assert mine["used"] == delivery(1.0, 1.0)
    assert refused == {"refused": "delivery r1 to q1: -1 must be from 0 to 1000 veh."}
    assert (best["cost_usd"], best["total_usd"]) == (0.0, 40.0)


def test_what_the_class_cannot_compute_is_the_answer_s_fault(tmp_path, monkeypatch):
    table = SmallTable(tmp_path, {"springs": 1.0})
    table.open(PERIOD)
    operator = table.agents["springs"]._operator
    monkeypatch.setattr(operator, "evaluate", lambda given, openings: 1 / 0)
    with Person(table.desk("springs"), lambda desk, question: {"quantities": delivery(1, 0)}):
        told = table.ask("springs", price(10.0))
    assert told.quantities["delivery"].sum() == 4.0
    (sentence,) = table.desk("springs").refused(2)
    assert sentence == "Nothing can be computed with this answer (ZeroDivisionError: division by zero)."


def test_nobody_is_asked_the_same_question_twice(tmp_path):
    table = SmallTable(tmp_path, {"springs": WAIT_S})
    table.open(PERIOD)
    with Person(table.desk("springs"), lambda desk, question: {"quantities": delivery(1, 0)}) as person:
        told = [table.ask("springs", price(usd)) for usd in (10.0, 10.0, 11.0)]
        table.open(PERIOD)
        told.append(table.ask("springs", price(10.0)))
    assert len(person.seen) == 3
    assert [answer.quantities["delivery"].sum() for answer in told] == [1.0] * 4


def test_relaxations_are_the_class_s_own(tmp_path):
    table = SmallTable(tmp_path, {"springs": WAIT_S})
    table.open(PERIOD)
    told = table.agents["springs"].relax({"delivery": np.full((2, 1, 1), 10.0)}, table.heard["springs"])
    assert told.quantities["delivery"].sum() == 4.0
    assert table.desk("springs").open_question() is None


def test_without_seconds_nobody_is_asked_but_account_is_kept(tmp_path):
    table = SmallTable(tmp_path, {"springs": 0.0})
    table.open(PERIOD)
    assert table.ask("springs", price(10.0)).quantities["delivery"].sum() == 4.0
    table.agents["springs"].commit({"delivery": np.array([[[1.0]], [[2.0]]])})
    desk = table.desk("springs")
    notice = desk.question(desk.last)
    assert (notice["kind"], notice["deadline"]) == ("commit", None)
    assert (notice["own_cost_usd"], notice["idle_cost_usd"]) == (20.0, 80.0)  # one of four missed; all four


def test_the_sheet_has_the_own_numbers_and_the_questions_what_is_expected(tmp_path):
    table = SmallTable(tmp_path, {"springs": WAIT_S, "norwalk": WAIT_S})
    table.open(PERIOD)
    sheet, text = table.desk("springs").sheet(), (tmp_path / "springs/seat/sheet.json").read_text()
    assert (sheet["agent"], sheet["role"], sheet["class"]) == ("springs", "power_operator", "price_taker")
    assert sheet["settings"]["worth_usd_by_hour"]["q1"][16:22] == [3, 8, 20, 20, 10, 6]
    (exchange,) = sheet["exchanges"]
    assert (exchange["side"], exchange["most"], exchange["whole"]) == ("asks", 1000.0, False)
    assert [axis["names"] for axis in exchange["axes"]] == [["r1", "r2"], ["q1"], None]
    assert "24.0" not in text  # what a vehicle is worth at q2 in period 3 is norwalk's own
    (notice,) = [table.desk("springs").question(1)]
    assert notice["outlook"] == {"worth_usd": {"q1": [20.0]}, "need_veh": {"q1": [4.0]}}
