"""Runs with people in the seats, in threads: the tables are those of a run without people where the best is always told."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from federates.boundary.errors import ConfigError
from federates.debrief.game import Game
from federates.runs.in_process import run_in_process
from federates.runs.scenario import load_scenario
from federates.runs.seats import players, seat_problems
from federates.seat.mailbox import Desk
from tests.support.seat_players import Players, Strategy, always_best, answered, typed_best

ROOT = Path(__file__).parents[2]
LIGHT = {"power_operator": "price_taker", "transport_operator": "timetable", "coordinator": "posted_price"}
WAIT_S = 60.0
FEW = {"coordinator": {"max_iterations": 3}}


def tables(folder: Path) -> dict[str, dict[str, str]]:
    """Return the hash of every table of a run, by agent."""
    return {path.parent.name: json.loads(path.read_text())["tables_sha256"] for path in folder.glob("*/finished.json")}


def played(scenario: Path, results: Path, strategies: dict[str, Strategy], changes: dict[str, Any], **options: Any) -> Path:
    with Players(results, strategies):
        seats = dict.fromkeys(strategies, WAIT_S)
        return run_in_process(scenario, changes, seats=seats, results=results, report=False, **options)


def test_four_people_who_tell_the_best_leave_the_tables_of_a_run_without_them(tmp_path):
    scenario, changes = ROOT / "scenarios/la_small", {"periods": 2}
    alone = run_in_process(scenario, changes, results=tmp_path / "alone", report=False)
    strategies: dict[str, Strategy] = dict.fromkeys(("springs", "norwalk", "transport_operator"), typed_best)
    together = played(scenario, tmp_path / "together", {**strategies, "coordinator": always_best}, changes)
    assert tables(together) == tables(alone)
    for agent in (*strategies, "coordinator"):
        assert {record["by"] for record in answered(together, agent)} == {"person"}
    game = Game(together)
    assert sum(game.idle_by_period().values()) == pytest.approx(42 + 80)
    assert sum(game.cost_by_period().values()) == pytest.approx(42 + 77, abs=1e-4)


def test_light_operators_on_rails_have_seats_too(tmp_path):
    scenario, changes = ROOT / "scenarios/ieee30", {"periods": 4}
    alone = run_in_process(scenario, changes, use=LIGHT, results=tmp_path / "alone", report=False)
    strategies: dict[str, Strategy] = {"power_operator": typed_best, "transport_operator": typed_best, "coordinator": always_best}
    together = played(scenario, tmp_path / "together", strategies, changes, use=LIGHT)
    assert tables(together) == tables(alone)
    (first, *_) = answered(together, "transport_operator")
    assert first["by"] == "person"
    assert Game(together).agreed[0].period == 0


@pytest.mark.long
def test_a_fleet_has_a_seat_in_a_world_of_two_exchanges(tmp_path):
    """An hour of la_fleets' evening, few rounds of it: both kinds of fleets, a company and private drivers."""
    scenario, changes = ROOT / "scenarios/la_fleets", {"periods": 1, "start_hour": 17}
    options: dict[str, Any] = {"use": {"traffic_sumo": "bpr"}, "settings": FEW}
    alone = run_in_process(scenario, changes, results=tmp_path / "alone", report=False, **options)
    fleets: dict[str, Strategy] = {"express": typed_best, "commuters": typed_best}
    together = played(scenario, tmp_path / "together", fleets, changes, **options)
    assert tables(together) == tables(alone)
    for fleet in fleets:
        assert {record["by"] for record in answered(together, fleet)} == {"person"}
        assert any(np.any(record["told"]["quantities"]["delivery"]) for record in answered(together, fleet))


def commits_what_it_can(desk: Desk, question: dict[str, Any]) -> None:
    """As coordinator: follow until the answers tell what a plan costs that moves something, then commit the cheapest such."""
    moving = [plan for plan in question["plans"] if any(np.any(values) for values in plan["quantities"].values())]
    desk.answer(question["n"], {"commit": moving[0]["quantities"]} if moving else {"best": True})


def test_a_person_s_plan_for_trains_holds_for_the_day(tmp_path):
    scenario, changes = ROOT / "scenarios/ieee30", {"periods": 4}
    run = played(scenario, tmp_path, {"coordinator": commits_what_it_can}, changes, use=LIGHT)
    *_, last = answered(run, "coordinator")
    assert (last["by"], last["period"]) == ("person", 0)
    table = pd.read_parquet(run / "coordinator/negotiations.parquet")
    assert table.period.tolist() == [0]  # in the other three periods the plan went on, and nobody was asked
    assert table.reason.tolist() == ["the person in the coordinator's seat committed this plan"]
    committed = np.array(last["decision"]["commit"]["connection"])
    stands = pd.read_parquet(run / "coordinator/connections.parquet")
    assert len(stands) == committed.sum() > 0


@pytest.mark.long
def test_a_person_s_plan_of_parts_of_vehicles_is_sent_in_whole_ones(tmp_path):
    scenario, changes = ROOT / "scenarios/la_fleets", {"periods": 1, "start_hour": 17}
    options: dict[str, Any] = {"use": {"traffic_sumo": "bpr"}, "settings": FEW}
    run = played(scenario, tmp_path, {"coordinator": commits_what_it_can}, changes, **options)
    *_, last = answered(run, "coordinator")
    assert (last["by"], list(last["decision"])) == ("person", ["commit"])
    questions = pd.read_parquet(run / "coordinator/rounds.parquet")
    assert len(questions) > last["round"] - 1  # the world asked fleets for whole vehicles before it committed
    passages = [each["given"]["passage"] for each in Game(run).notices("express", "commit").values()]
    opened = np.array(passages)[..., 0]
    assert np.array_equal(opened, np.rint(opened))


@pytest.mark.parametrize(
    ("seats", "words"),
    [
        ({"nobody": 5.0}, "seats: nobody = no agent of the scenario"),
        ({"traffic_sumo": 5.0}, "it is never asked anything; must be one of springs, norwalk, transport_operator, coordinator"),
        ({"springs": -1.0}, "must be a number of seconds for an answer"),
        ({"springs": float("nan")}, "must be a number of seconds for an answer"),
        ({"springs": True}, "must be a number of seconds for an answer"),
        ({"springs": 4000.0}, "from 0 (never asked) to 3600"),
    ],
)
def test_a_seat_that_cannot_be_is_refused_before_anything_starts(tmp_path, seats, words):
    with pytest.raises(ConfigError) as refused:
        run_in_process(ROOT / "scenarios/la_small", seats=seats, results=tmp_path)
    assert words in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_a_program_in_another_language_has_no_seat(tmp_path):
    folder = tmp_path / "la_small"
    shutil.copytree(ROOT / "scenarios/la_small", folder, ignore=shutil.ignore_patterns("results"))
    shutil.copy(ROOT / "broker.yaml", tmp_path / "broker.yaml")
    runner = json.loads((folder / "runner.json").read_text())
    for entry in runner["federates"]:
        entry["exec"] = entry["exec"].replace("../../broker.yaml", "../broker.yaml")
        if entry["name"] == "norwalk":
            entry["exec"] = "python -u -m federates.executable power_operator -- ./program"
    (folder / "runner.json").write_text(json.dumps(runner))
    scenario = load_scenario(folder)
    assert players(scenario) == ("springs", "transport_operator", "coordinator")
    (problem,) = seat_problems(scenario, {"norwalk": 5.0, "springs": 5.0})
    assert (problem.field, problem.value) == ("norwalk", "an executable")


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "changes", "options"),
    [
        ("la_gcs", {"periods": 2, "start_hour": 16}, {"use": {"traffic_sumo": "bpr"}}),
        ("la_fleets", {"periods": 1, "start_hour": 17}, {"use": {"traffic_sumo": "bpr"}, "settings": FEW}),
        ("la_two_companies", {"periods": 1, "start_hour": 17}, {"use": {"traffic_sumo": "bpr"}, "settings": FEW}),
        ("ieee30", {"periods": 4}, {}),
    ],
)
def test_to_keep_account_changes_no_table_of_any_shipped_class(tmp_path, name, changes, options):
    scenario = ROOT / "scenarios" / name
    alone = run_in_process(scenario, changes, results=tmp_path / "alone", report=False, **options)
    seats = dict.fromkeys(players(load_scenario(scenario)), 0.0)
    kept = run_in_process(scenario, changes, results=tmp_path / "kept", report=False, seats=seats, **options)
    assert tables(kept) == tables(alone)
    game = Game(kept)
    assert set(game.operators) == set(seats) - {"coordinator"}
    assert game.cost_by_period().keys() == game.idle_by_period().keys() != set()
    json.dumps([game.sheets, game.questions], allow_nan=False)
