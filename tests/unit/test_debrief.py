"""The debrief against numbers found by hand (docs/la_small.md, period 3; docs/seats.md, points)."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from federates.boundary.errors import PortageError
from federates.debrief.bluffs import told_by_people
from federates.debrief.debrief import debrief, ranking
from federates.debrief.game import Game
from federates.debrief.points import points
from federates.debrief.show import sentences, tables
from tests.support.seat_players import Script
from tests.support.small_table import WAIT_S, Person, SmallTable

PERIOD = 3
ALL = dict.fromkeys(("springs", "norwalk", "transport_operator", "coordinator"), 0.0)


def whole(*values: float) -> dict[str, Any]:
    return {"delivery": np.array(values, dtype=float).reshape(2, 2, 1).tolist()}


PRICES, BEST, LESS = whole(10, 14, 10, 14), whole(1, 2, 3, 4), whole(0, 2, 2, 4)


def played(folder, plan, answers=None, seats=None) -> Game:
    """Play period 3: the coordinator posts 10 and 14 usd, asks what ``plan`` costs, and commits it."""
    table = SmallTable(folder, {**ALL, "coordinator": WAIT_S, **(seats or {})})
    people = [Person(table.desk("coordinator"), Script({"prices": PRICES}, {"given": plan}, {"commit": plan}))]
    people += [Person(table.desk(agent), answer) for agent, answer in (answers or {}).items()]
    for person in people:
        person.__enter__()
    try:
        table.negotiate(PERIOD)
    finally:
        for person in people:
            person.__exit__()
    return Game(folder)


@pytest.fixture(scope="module")
def honest(tmp_path_factory) -> Game:
    return played(tmp_path_factory.mktemp("honest"), BEST)


def test_points_are_those_of_the_page_s_example():
    reference = {"first": 150.0, "second": 100.0, "third": 50.0}
    found = points({"first": 160.0, "second": 70.0, "third": 40.0}, reference)
    assert found.operators == pytest.approx({"first": 100.0, "second": 60.0, "third": 80.0})
    assert (found.coordinator, found.efficiency) == (pytest.approx(80.0), pytest.approx(0.9))


def test_honest_play_has_a_hundred_points_and_a_transfer_changes_no_sum():
    reference = {"first": 30.0, "second": 10.0}
    assert points(reference, reference).operators == {"first": 100.0, "second": 100.0}
    moved = points({"first": 35.0, "second": 5.0}, reference)
    assert moved.operators == pytest.approx({"first": 125.0, "second": 75.0})
    assert moved.coordinator == pytest.approx(100.0)


def test_where_nothing_is_to_be_gained_nobody_has_points():
    found = points({"first": -1.0, "second": 0.0}, {"first": 0.0, "second": 0.0})
    assert (found.efficiency, found.coordinator, found.operators) == (None, None, {"first": None, "second": None})


def test_accounts_are_those_found_by_hand(honest):
    found = {agent: [(a.cost_usd, a.idle_usd, a.payment_usd) for a in rows] for agent, rows in honest.accounts.items()}
    assert found["springs"] == [(0.0, 80.0, 40.0)]
    assert found["norwalk"] == [(0.0, 144.0, 84.0)]
    assert found["transport_operator"] == [pytest.approx((94.0, 0.0, -124.0), abs=1e-4)]
    gains = {agent: honest.gain_usd(agent) for agent in honest.operators}
    assert gains == pytest.approx({"springs": 40.0, "norwalk": 60.0, "transport_operator": 30.0}, abs=1e-4)
    (agreed,) = honest.agreed
    assert agreed.agreed
    assert agreed.lower_usd == pytest.approx(94.0, abs=1e-3)


def test_a_plan_with_too_few_vehicles_costs_all_and_the_table_says_whom(honest, tmp_path):
    game = played(tmp_path, LESS)
    found = debrief(game, honest)
    # Two of four missed at q1, 40 usd; 9 + 12 usd less to drive for: r1 to q1 8 + 1, r2 to q1 (12 + 9) - (8 + 4).
    (period,) = found["periods"]
    assert (period["cost_usd"], period["best_usd"]) == pytest.approx((116.0, 94.0), abs=1e-3)
    assert (period["bound_usd"], period["idle_usd"]) == pytest.approx((94.0, 224.0), abs=1e-3)
    assert found["extra_usd"] == pytest.approx(22.0, abs=1e-3)
    assert not period["agreed"]
    assert found["price_of_disagreement_usd"] == pytest.approx(22.0, abs=1e-3)
    # Springs: 40 usd missed, 20 paid in place of 40: 20 usd less. The road: 18 usd less cost, 20 usd less paid.
    rows = {row["agent"]: row for row in found["agents"]}
    assert rows["springs"]["gain_usd"] == pytest.approx(20.0, abs=1e-3)
    assert rows["transport_operator"]["gain_usd"] == pytest.approx(28.0, abs=1e-3)
    assert found["efficiency"] == pytest.approx(108 / 130, abs=1e-4)
    expected = {"springs": 100 * (108 / 130 - 20 / (130 / 3)), "norwalk": 100 * 108 / 130, "coordinator": 100 * (216 / 130 - 1)}
    for agent, value in expected.items():
        assert rows[agent]["points"] == pytest.approx(value, abs=1e-2)


def test_who_bluffs_is_found_out_and_who_does_not_is_not(honest, tmp_path):
    def springs(desk: Any, question: dict[str, Any]) -> Any:
        if question["kind"] == "solve":
            return {"quantities": {"delivery": [[[0.0]], [[1.0]]]}}  # 60 missed + 10 paid, in place of 40 paid
        return {"best": True}

    def norwalk(desk: Any, question: dict[str, Any]) -> Any:
        return {"best": True, "claimed_cost_usd": question["best"]["cost_usd"] + 25}

    def road(desk: Any, question: dict[str, Any]) -> Any:
        return {"best": True} if question["kind"] == "solve" else {"quantities": LESS}

    seats = dict.fromkeys(("springs", "norwalk", "transport_operator"), WAIT_S)
    game = played(tmp_path, LESS, {"springs": springs, "norwalk": norwalk, "transport_operator": road}, seats)
    told = {(each.agent, each.kind): each for each in told_by_people(game)}
    assert told["springs", "solve"].forgone_usd == pytest.approx(30.0)
    assert told["springs", "solve"].is_other_answer
    assert not told["springs", "evaluate"].is_other_answer
    assert told["norwalk", "solve"].claimed_more_usd == pytest.approx(25.0)
    assert told["norwalk", "solve"].is_false_claim
    assert not told["norwalk", "solve"].is_other_answer
    found = debrief(game, honest)
    rows = {row["agent"]: row for row in found["agents"]}
    assert (rows["springs"]["other_answers"], rows["springs"]["false_claims"]) == (1, 0)
    assert (rows["norwalk"]["false_claims"], rows["norwalk"]["largest_claim_usd"]) == (2, 25.0)
    assert {row["agent"] for row in found["bluffs"]} == {"springs", "norwalk"}
    assert found["private"]["norwalk"]["outlook"] == {"3": {"worth_usd": {"q2": [24.0]}, "need_veh": {"q2": [6.0]}}}


def test_who_sends_less_than_could_be_sent_withholds(tmp_path):
    def road(desk: Any, question: dict[str, Any]) -> Any:
        return {"best": True} if question["kind"] == "solve" else {"quantities": whole(0, 1, 2, 4)}

    game = played(tmp_path, LESS, {"transport_operator": road}, {"transport_operator": WAIT_S})
    (withheld,) = [each for each in told_by_people(game) if each.kind == "evaluate"]
    assert (withheld.withheld, withheld.is_other_answer) == (1.0, True)


def test_the_terminal_shows_it_and_json_takes_it(honest, tmp_path):
    game = played(tmp_path, LESS, {"springs": lambda desk, question: {"best": True}}, {"springs": WAIT_S})
    found = debrief(game, honest)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert set(found["ranking"]) == {"coordinator", "springs"}
    console = Console(record=True, width=80)
    for table in tables(found):
        console.print(table)
    text = console.export_text()
    assert "…" not in text  # nothing is cut on the narrowest terminal
    assert "transport_operator" in text
    for words in ("springs", "116.00", "94.00", "22.00", "no"):
        assert words in text
    assert " ".join(sentences(found)).startswith("Together 83% of what the day had to give was reached; 22.00 usd were lost.")


def test_only_who_was_played_is_ranked_and_equal_points_by_name():
    rows = [{"agent": a, "seconds": s, "points": p} for a, s, p in (("b", 9, 1.0), ("a", 9, 1.0), ("c", 0, 5.0), ("d", 9, 2.0))]
    assert ranking(rows) == ["d", "a", "b"]


def test_a_run_without_seats_has_no_debrief(tmp_path):
    SmallTable(tmp_path, {})
    with pytest.raises(PortageError, match="nobody had a seat"):
        Game(tmp_path)
    with pytest.raises(PortageError, match="is no run"):
        Game(tmp_path / "nowhere")
