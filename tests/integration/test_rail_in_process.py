"""A federation by rail in one process: a negotiated day, carried out period by period; a late train leads to a new negotiation.

Closed form of `small_rail_agents`: all worth is 20 dollars; standing at b in periods 1 and 2 is worth 18 of it, and going there
and back costs 4, so the joint optimum is 20 - 18 + 4 = 6. A train that is late in period 0 misses one of the two: 15.
"""

import json

import pandas as pd
import pytest
from small_rail_scenario import RAIL_AGENTS, write_small_rail_scenario

from federates.boundary.errors import ConfigError, FederationError
from federates.runs.in_process import run_in_process


def read(folder, name):
    return pd.read_parquet(folder / f"{name}.parquet")


def standing(folder, negotiated_in):
    table = read(folder, "coordinator/connections").query(f"negotiated_in == {negotiated_in}")
    return list(zip(table.station, table.period, strict=True))


def test_the_day_is_negotiated_once_and_carried_out_period_by_period(tmp_path):
    folder = run_in_process(write_small_rail_scenario(tmp_path, broker={"report": True}))
    record = json.loads((folder / "run.json").read_text())
    assert record["status"] == "complete"
    assert set(record["agents"]) == set(RAIL_AGENTS)
    assert json.loads((folder / "session.json").read_text())["world"] == "rail"
    assert (folder / "report.html").exists()
    (negotiation,) = read(folder, "coordinator/negotiations").to_dict("records")
    assert negotiation["lower_bound_usd"] == pytest.approx(6.0)
    assert negotiation["upper_bound_usd"] == pytest.approx(6.0)
    assert standing(folder, 0) == [("b", 1), ("b", 2)]
    # In every period the operators are told the connection of the whole day.
    plan = read(folder, "power_operator/plan")
    assert plan.period.tolist() == [0, 1, 2, 3]
    assert plan.standing.tolist() == [0, 1, 1, 0]
    assert plan.whole_day.tolist() == [2, 2, 2, 2]
    assert read(folder, "transport_operator/moves").period.tolist() == [0, 3]
    # Nobody models traffic, and the table of vehicles is the road's.
    assert not (folder / "traffic_sumo").exists()
    assert not (folder / "coordinator/schedule.parquet").exists()


@pytest.mark.parametrize("agent", ["power_operator", "transport_operator"])
def test_operators_are_asked_relaxed_solved_and_evaluated_in_the_algorithms_order(tmp_path, agent):
    timings = read(run_in_process(write_small_rail_scenario(tmp_path)), f"{agent}/timings")
    first = timings[timings.period == 0].activity.tolist()
    assert first == ["open", "relax", "solve", "evaluate", "solve", "evaluate", "commit", "checkpoint"]
    assert timings[timings.period == 2].activity.tolist() == ["open", "commit", "checkpoint"]
    assert timings[timings.period == 4].activity.tolist() == ["open"]


def test_a_late_train_is_told_and_leads_to_a_new_negotiation(tmp_path):
    folder = run_in_process(write_small_rail_scenario(tmp_path, transport={"late_period": 0}))
    negotiations = read(folder, "coordinator/negotiations")
    assert negotiations.period.tolist() == [0, 1]
    assert negotiations.cause.tolist() == ["day ahead", "k1 stands at b from period 2, and cannot be at b in period 1"]
    assert negotiations.upper_bound_usd.tolist() == pytest.approx([6.0, 15.0])
    assert standing(folder, 1) == [("b", 2)]
    # The power operator hears where the train is: at station 1 from period 2 on.
    asked = read(folder, "power_operator/asked")
    assert asked[asked.period == 0].ready.unique().tolist() == ["0@0"]
    assert asked[asked.period == 1].ready.unique().tolist() == ["1@2"]
    assert read(folder, "power_operator/plan").standing.tolist() == [0, 0, 1, 0]


def test_a_day_without_trains(tmp_path):
    """Messages without any value cross the boundary too."""
    folder = run_in_process(write_small_rail_scenario(tmp_path, session={"trains": []}))
    assert read(folder, "coordinator/negotiations").upper_bound_usd.tolist() == [0.0]
    assert read(folder, "power_operator/plan").standing.tolist() == [0, 0, 0, 0]


def test_two_runs_are_identical_but_for_wall_times(tmp_path):
    scenario = write_small_rail_scenario(tmp_path, transport={"late_period": 0})
    first, second = (run_in_process(scenario) for _ in range(2))
    names = sorted(p.relative_to(first) for p in first.glob("*/*.parquet") if p.stem != "timings")
    assert len(names) >= 5
    for name in names:
        pd.testing.assert_frame_equal(pd.read_parquet(first / name), pd.read_parquet(second / name))


def test_an_operator_without_a_plan_ends_the_run_and_is_named(tmp_path):
    scenario = write_small_rail_scenario(tmp_path, power={"fault": "raise"})
    with pytest.raises(FederationError, match="power_operator: no feasible plan"):
        run_in_process(scenario)
    (folder,) = (scenario / "results").iterdir()
    record = json.loads((folder / "run.json").read_text())
    assert record["status"] == "failed"
    assert set(record["agents"]) == set(RAIL_AGENTS)


def test_the_world_is_no_setting_of_a_run(tmp_path):
    scenario = write_small_rail_scenario(tmp_path)
    with pytest.raises(ConfigError, match="world = 'road': must be rail, as in the file"):
        run_in_process(scenario, {"world": "road"})
    folder = run_in_process(
        scenario,
        {"world": "rail", "scheme": "fixed", "periods": "3", "name": "other"},
        {"power_operator": {"worth_usd": [[1, 0, 0], [0, 9, 9]]}},
    )
    session = json.loads((folder / "session.json").read_text())
    assert (session["scheme"], session["periods"], session["name"]) == ("fixed", 3, "other")
