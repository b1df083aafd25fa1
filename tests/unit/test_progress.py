"""What is shown of a run that goes on, from the lines that its agents write."""

from __future__ import annotations

import io
import json
from types import SimpleNamespace

import pytest
from rich.console import Console

from federates.boundary.names import RAIL, ROAD
from federates.cli.progress import ProgressView
from federates.cli.run_tail import RunTail

ROLES = ("coordinator", "power_operator", "transport_operator", "traffic_sumo")


class Run:
    """A run's folder, and what `ProgressView` wants of a `Launch`."""

    def __init__(self, folder, world=ROAD, periods=4, start_hour=8):
        agents = {role: role for role in (ROLES if world == ROAD else ROLES[:3])}
        self.folder, self.over = folder, False
        self.identity = SimpleNamespace(run_id="20260101-120000-abcd", run_folder=str(folder), agents=agents, world=world)
        for agent in agents:
            (folder / agent).mkdir()
        agreed = {"periods": periods, "start_hour": start_hour, "period_s": 3600}
        (folder / "coordinator/session.json").write_text(json.dumps(agreed))

    def say(self, agent, **fields):
        with (self.folder / agent / "progress.jsonl").open("a") as file:
            file.write(json.dumps(fields) + "\n")

    def commit(self, period, sent):
        self.say("coordinator", period=period, round=9, gap=0.004)
        self.say("coordinator", committed=period, hour=8.0 + period, vehicles_sent=sent, agreed=True)

    def load(self, period, kw):
        self.say("power_operator", period=period, q1_load_kw=kw, q1_limit_kw=420.0)


@pytest.fixture
def road(tmp_path):
    return Run(tmp_path)


def test_a_load_stands_beside_the_hour_that_it_is_of(road):
    tail = RunTail(road.identity)
    road.commit(0, 105)
    assert tail.read() == []
    road.load(0, 440.0)
    assert tail.read() == []
    assert tail.cells()["load/limit kW"] == "08:00 q1 440/420"
    road.commit(1, 80)
    assert tail.read() == ["hour 08:00  rounds 9  gap 0.40%  sent 105  load/limit kW q1 440/420"]
    assert tail.cells()["hour"] == "09:00"
    assert tail.cells()["day"] == "25%"


def test_the_load_of_the_last_hour_is_shown_when_the_run_has_ended(road):
    tail = RunTail(road.identity)
    road.commit(3, 5)
    tail.read()
    road.load(3, 399.6)
    assert tail.read(ended=True) == ["hour 11:00  rounds 9  gap 0.40%  sent 5  load/limit kW q1 400/420"]


def test_the_loads_of_two_companies_stand_beside_each_other(tmp_path):
    run = Run(tmp_path)
    run.identity.agents = {"coordinator": "coordinator", "north": "power_operator", "south": "power_operator"}
    tail = RunTail(run.identity)
    for name, station in (("south", "q2"), ("north", "q1")):
        (tmp_path / name).mkdir()
        run.say(name, period=0, **{f"{station}_load_kw": 400.0, f"{station}_limit_kw": 420.0})
    run.commit(0, 7)
    assert tail.read(ended=True) == ["hour 08:00  rounds 9  gap 0.40%  sent 7  load/limit kW q1 400/420, q2 400/420"]
    assert tail.cells()["load/limit kW"] == "08:00 q1 400/420, q2 400/420"


def test_in_another_world_round_and_gap_are_shown(tmp_path):
    run = Run(tmp_path, world="market")
    tail = RunTail(run.identity)
    run.say("coordinator", period=0, round=3, gap=0.01)
    run.say("coordinator", committed=0, trade=5.0)
    assert tail.read(ended=True) == ["hour 08:00  rounds 3  gap 1.00%"]
    assert {name: tail.cells()[name] for name in ("round", "gap")} == {"round": "3", "gap": "1.00%"}


def test_an_operator_that_tells_no_load_still_has_a_line_for_every_hour(road):
    tail = RunTail(road.identity)
    for period in range(3):
        road.commit(period, period)
    assert tail.read() == [f"hour {8 + p:02d}:00  rounds 9  gap 0.40%  sent {p}" for p in range(2)]


def test_a_second_negotiation_is_announced_and_has_a_gap_of_its_own(tmp_path):
    run = Run(tmp_path, RAIL, periods=24, start_hour=0)
    tail = RunTail(run.identity)
    run.say("coordinator", asked_period=0, asked_round=1, asked="relax")
    run.say("coordinator", period=0, round=1, gap=0.001)
    run.say("coordinator", committed=0, hour=0.0, trains_standing=2, agreed=True)
    assert tail.read() == []
    assert tail.cells()["negotiation"] == "day ahead"
    run.say("coordinator", asked_period=1, asked_round=1, asked="relax")
    assert tail.read() == ["from 01:00 on the operators negotiate the rest of the day again"]
    assert tail.cells()["negotiation"] == "again from 01:00"
    assert tail.cells()["gap"] == "-"
    run.say("coordinator", period=1, round=1, gap=0.6338)
    tail.read()
    assert tail.cells()["gap"] == "63.38%"


def test_lines_stay_and_a_run_that_has_ended_leaves_the_table(road):
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=80, soft_wrap=True)
    with ProgressView(console) as view:
        road.commit(0, 1)
        view.update(road)
        road.load(0, 440.0)
        road.over = True
        view.update(road)
        assert view._table().row_count == 0
    assert "abcd  hour 08:00  rounds 9  gap 0.40%  sent 1  load/limit kW q1 440/420" in out.getvalue()


def test_without_a_terminal_there_is_a_line_an_hour(road):
    out = io.StringIO()
    with ProgressView(Console(file=out, width=80, soft_wrap=True)) as view:
        for period in range(4):
            road.commit(period, 1)
            road.load(period, 100.0 + period)
            view.update(road)
        road.over = True
        view.update(road)
    assert [line.split("q1 ")[1] for line in out.getvalue().splitlines()] == ["100/420", "101/420", "102/420", "103/420"]
