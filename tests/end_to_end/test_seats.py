"""People in the seats of a run in processes: right, bluffing, late, talking nonsense, gone, served by a server that dies."""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from federates.audit.audit import audit_run
from federates.debrief.debrief import debrief
from federates.debrief.game import Game
from federates.debrief.reference import play_reference
from federates.runs.check import check_scenario
from federates.runs.launch import launch
from federates.seat.mailbox import Desk, seat_folder
from tests.support.seat_players import Players, Script, answered, typed_best

ROOT = Path(__file__).parents[2]
SMALL = ROOT / "scenarios/la_small"
SERVER = """
import sys, time
from pathlib import Path
from federates.seat.mailbox import Desk, seat_folder
results, agent = Path(sys.argv[1]), sys.argv[2]
while True:
    for run in results.iterdir() if results.exists() else ():
        desk = Desk(seat_folder(run, agent))
        question = desk.open_question()
        if question is not None and question["period"] == 0:
            desk.answer(question["n"], {"best": True})
    time.sleep(0.02)
"""


def whole(*values: float) -> dict[str, Any]:
    a, b, c, d = values
    return {"delivery": [[[a], [b]], [[c], [d]]]}


def run_with(
    results: Path, seats: dict[str, float], changes: dict[str, str], scenario: Path = SMALL, use: Any = None, **options: Any
):
    found = check_scenario(SMALL, changes)
    found = replace(found, broker=found.broker.model_copy(update={"report": False}))
    return launch(found, changes, results=results, seats=seats, **options)


def bluffer(desk: Desk, question: dict[str, Any]) -> None:
    best = question["best"]
    desk.answer(question["n"], {"quantities": best["quantities"], "claimed_cost_usd": best["cost_usd"] + 30})


def babbler(desk: Desk, question: dict[str, Any]) -> None:
    (desk.folder / f"answer-{question['n']}.json").write_bytes(b"\x00\xff{{{")


@pytest.mark.long
def test_whoever_sits_there_the_run_ends_as_a_run(tmp_path):
    """Springs bluffs, Norwalk talks nonsense until it is late, nobody is at the road's desk, and one asks own prices."""
    own = Script({"prices": whole(8, 10, 8, 10)}, {"given": whole(0, 0, 1, 1)}, {"commit": whole(0, 0, 1, 1)})
    seats = {"springs": 30.0, "norwalk": 0.3, "transport_operator": 0.3, "coordinator": 30.0}
    with Players(tmp_path, {"springs": bluffer, "norwalk": babbler, "coordinator": own}):
        run = run_with(tmp_path, seats, {"periods": "1"})
    assert run.ok, run.record
    how = {agent: {(each["by"], each["why"]) for each in answered(run.folder, agent)} for agent in seats}
    assert how["springs"] == how["coordinator"] == {("person", "")}
    assert how["norwalk"] == {("class", "refused")}
    assert how["transport_operator"] == {("class", "late")}
    schedule = pd.read_parquet(run.folder / "coordinator/schedule.parquet")
    assert schedule.vehicles.tolist() == [0, 0, 1, 1]
    costs = pd.read_parquet(run.folder / "coordinator/answer_costs.parquet")
    # Of one vehicle for four that are worth 3 usd each: three are missed, and 30 usd were claimed on top.
    assert costs[(costs.agent == "springs") & (costs["round"] == 2)].cost_usd.tolist() == [39.0]
    assert audit_run(run.folder).breaches == ()
    assert {Desk(seat_folder(run.folder, agent)).over() for agent in seats} == {"complete"}


@pytest.mark.long
def test_a_server_that_is_killed_hurts_nobody(tmp_path):
    server = subprocess.Popen([sys.executable, "-c", SERVER, str(tmp_path), "springs"])

    def kill_in_time(run: Any) -> None:
        if answered(run.folder, "springs") and server.poll() is None:
            server.send_signal(signal.SIGKILL)

    try:
        run = run_with(tmp_path, {"springs": 3.0}, {"periods": "2"}, watch=kill_in_time)
    finally:
        server.kill()
        server.wait()
    assert run.ok, run.record
    ended = [(each["by"], each["why"]) for each in answered(run.folder, "springs")]
    assert ended[0] == ("person", "")
    assert ended[-1] == ("class", "late")


@pytest.mark.long
def test_the_debrief_runs_the_day_without_people_and_certifies_it(tmp_path):
    seats = {"springs": 30.0, "norwalk": 30.0}
    with Players(tmp_path, {"springs": bluffer, "norwalk": typed_best}):
        run = run_with(tmp_path, seats, {"periods": "6"})
    game = Game(run.folder)
    reference = play_reference(game, SMALL, tmp_path)
    found = debrief(game, reference)
    assert [row["best_usd"] for row in found["periods"]] == pytest.approx([42, 75, 92, 94, 94, 79], abs=1e-3)
    assert [row["bound_usd"] for row in found["periods"]] == pytest.approx([42, 75, 92, 94, 94, 79], rel=1e-4)
    rows = {row["agent"]: row for row in found["agents"]}
    assert rows["springs"]["false_claims"] == rows["springs"]["by_person"] > 0
    assert not rows["norwalk"]["bluffed"]
    assert set(found["ranking"]) == {"springs", "norwalk"}
    operators = [row["points"] for row in found["agents"] if row["role"] != "coordinator"]
    assert sum(operators) / len(operators) == pytest.approx(rows["coordinator"]["points"], abs=1e-2)
