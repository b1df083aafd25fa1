"""The small operators in the shipped scenarios, with the settings that the docs show: the day runs and the report is whole."""

import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml

from federates.runs.check import check_scenario
from federates.runs.in_process import run_in_process

ROOT = Path(__file__).parents[2]


def scenario(top, name, **configs):
    """Return a copy of a scenario with other ``config.yaml`` of some agents."""
    folder = top / "scenarios" / name
    shutil.copytree(ROOT / "scenarios" / name, folder, ignore=shutil.ignore_patterns("results", "*.log"))
    shutil.copy(ROOT / "broker.yaml", top / "broker.yaml")
    for agent, config in configs.items():
        (folder / agent / "config.yaml").write_text(yaml.safe_dump(config))
    check_scenario(folder)
    return folder


def shown(page, operator):
    """Return the configurations of ``operator`` that a page shows."""
    blocks = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / page).read_text(), re.S)]
    return [block for block in blocks if block.get("operator") == operator]


def read(folder, name):
    return pd.read_parquet(folder / f"{name}.parquet")


def figures(folder):
    assert json.loads((folder / "run.json").read_text())["status"] == "complete"
    assert (folder / "report.html").stat().st_size > 10_000
    return {path.stem for path in (folder / "figures").glob("*.png")}


OF_ALL = {"wiring", "sequence", "one_line_diagram"}
"""Who talks to whom, and the grid: figures of every run, or of none, whatever the operators are."""


@pytest.mark.long
def test_a_copperplate_and_a_timetable_in_the_30_bus_day(tmp_path):
    (changed,) = shown("power_operator.md", "copperplate_dispatch")
    power = yaml.safe_load((ROOT / "scenarios/ieee30/power_operator/config.yaml").read_text()) | changed
    by_rail, _ = shown("transport_operator.md", "timetable")
    folder = run_in_process(scenario(tmp_path, "ieee30", power_operator=power, transport_operator=by_rail))
    assert figures(folder) - OF_ALL == {"bounds", "capacity_and_routes", "dispatch", "price", "prices", "storage_energy", "wind"}
    (negotiation,) = read(folder, "coordinator/negotiations").to_dict("records")
    assert negotiation["agreed"]
    assert negotiation["gap"] <= 0.005
    moves = read(folder, "transport_operator/train_moves")
    # The trains do what the configuration says, and the batteries are where the trains are.
    realised = moves[(moves.phase == "realised") & (moves.origin != moves.destination)]
    wanted = {(trip["train"], trip["period"] + lag) for trip in by_rail["settings"]["departures"] for lag in (0, 1)}
    assert set(zip(realised.train, realised.period, strict=True)) == wanted
    total = sum(
        read(folder, f"power_operator/{name}").groupby("period").capacity_mw.sum() for name in ("storage_state", "train_storage")
    )
    assert total.to_numpy() == pytest.approx([90.0] * 24)
    costs = read(folder, "power_operator/plan_costs").set_index("phase").total_usd
    assert costs["planned"] + 80.0 == pytest.approx(negotiation["upper_bound_usd"], abs=0.01)


def test_a_price_taker_by_rail_sends_trains_apart(tmp_path):
    changes = {"schema_version": 1, "operator": "price_taker"}
    place = scenario(tmp_path, "ieee30", power_operator=changes)
    folder = run_in_process(place, {"periods": 10}, {"transport_operator": {"lateness": {}}})
    assert figures(folder) - OF_ALL == {"bounds", "prices"}
    (negotiation,) = read(folder, "coordinator/negotiations").to_dict("records")
    # All that is wanted is 25 usd x 3 stations x 10 periods. One train stays at home; the other is 6 periods at another station
    # (2 there, 2 back), for 4 periods in motion at 10 usd.
    assert negotiation["agreed"]
    assert negotiation["upper_bound_usd"] == pytest.approx(750 - 10 * 25 - 6 * 25 + 40)
    wants = read(folder, "power_operator/wants")
    assert wants.had.sum() == 16.0
    assert wants.missed_usd.sum() == pytest.approx(750 - 16 * 25)


def test_a_price_taker_and_a_timetable_in_los_angeles(tmp_path):
    (power,) = shown("power_operator.md", "price_taker")
    _, on_the_road = shown("transport_operator.md", "timetable")
    place = scenario(tmp_path, "la_gcs", power_operator=power, transport_operator=on_the_road)
    folder = run_in_process(place, {"periods": 2, "start_hour": 7}, {"traffic_sumo": {"engine": "libsumo"}})
    assert "fig6_delivery_time" in figures(folder)
    schedule = read(folder, "coordinator/schedule").set_index(["period", "origin", "destination"]).vehicles
    # q1 pays 30 usd in both hours for up to 30 vehicles, which cost 10; at q2 a vehicle is worth the 10 usd that it costs.
    assert schedule[0, "r2", "q1"] == 30
    assert schedule[1, "r2", "q1"] == 30
    assert schedule[:, "r1"].sum() == 0
    wants = read(folder, "power_operator/wants")
    assert wants[wants.station == "q1"].missed_usd.sum() == pytest.approx(0.0)
    routes = read(folder, "transport_operator/route_flow")
    assert set(routes[routes.destination == "q1"].route) == {"I5S_ELA-I710|I5S_I710-I605"}
    arrived = read(folder, "traffic_sumo/deliveries")
    assert len(arrived) == schedule.sum()
