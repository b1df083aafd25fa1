"""Both centralised formulations against trying every route of every train; the rest of each day is a programme of scipy."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from rail_brute_force import RailBruteForce
from small_rail_days import rail_day

from federates.boundary.errors import ModelError
from federates.centralised.flow import build_flow_model
from federates.centralised.joint_data import JointData, read_joint_data
from federates.centralised.solve import solve_flow, solve_literal
from federates.power_operator.models.unit_commitment.dispatch import storage_plan
from federates.power_operator.models.unit_commitment.plan_ranges import least_and_most, limit_cost
from federates.power_operator.models.unit_commitment.tables import end_state_report

ROOT = Path(__file__).parents[2]


def _closed(*pairs: str, first: int = 0, last: int = 9) -> list[dict[str, object]]:
    return [{"origin": pair[0], "destination": pair[1], "from_period": first, "to_period": last} for pair in pairs]


def _with_depot(data: JointData, station: int, capacity_mw: float) -> JointData:
    """Return the day with one station that holds little, so that trains which meet there can hand over little."""
    fleet = data.fleet
    most = fleet.capacity_mw.copy()
    most[station] = capacity_mw
    parts = {"capacity_mw": most, "energy_mwh": 1.8 * most}
    for when in ("start", "end"):
        parts |= {f"{when}_capacity_mw": 0.5 * most, f"{when}_energy_mwh": 0.45 * most}
    return replace(data, fleet=replace(fleet, **parts))


DAYS = {
    "one train": lambda: rail_day(0, homes="a"),
    "one train, three stations": lambda: rail_day(5, homes="b", stations=3, periods=4),
    "one train, copperplate": lambda: rail_day(2, homes="a", line_mw=None),
    "two alike": lambda: rail_day(1, homes="aa", periods=4),
    "two alike, two-period trips": lambda: rail_day(2, homes="aa", trip=2, periods=6),
    "two alike, large stations": lambda: rail_day(1, homes="aa", periods=4, station_mw=45.0),
    "three alike": lambda: rail_day(0, homes="aaa", trip=2, periods=5),
    "two of different size": lambda: rail_day(3, homes="aa", trip=2, alike=False),
    "two homes": lambda: rail_day(1, homes="ab", trip=2),
    "two homes, three stations": lambda: rail_day(17, homes="ca", stations=3, periods=3, station_mw=45.0),
    "closed track": lambda: rail_day(2, homes="aa", periods=4, closed_tracks=_closed("ab", first=1, last=1)),
    "one way closed over noon": lambda: rail_day(1, homes="b", periods=4, closed_tracks=_closed("ba", first=1, last=2)),
    "one slot": lambda: rail_day(1, homes="aa", periods=4, slots={"b": [0, 0, 1, 0]}),
    "slots that trains must pass": lambda: rail_day(50, homes="bbb", trip=2, periods=5, station_mw=45.0, slots={"a": 1, "b": 1}),
    "handing over": lambda: _with_depot(
        rail_day(0, homes="ac", stations=3, periods=4, closed_tracks=_closed("ac", "ca")), 1, 2.0
    ),
    "three at a small station": lambda: rail_day(9, homes="abb", trip=2, periods=5, station_mw=3.0),
    "dear trips": lambda: rail_day(0, homes="aa", periods=4, cost_usd_per_period=((0.0, 9.0), (4.0, 0.0)), cost_usd_per_trip=6.0),
}


@pytest.mark.parametrize("name", DAYS)
def test_every_route_tried(name):
    data = DAYS[name]()
    cheapest_usd, connection = RailBruteForce(data).cheapest()
    found = {alike: build_flow_model(data, alike=alike).solve(gap_usd=0.0) for alike in (True, False)}
    assert found[False].objective == pytest.approx(cheapest_usd, rel=1e-6)
    assert found[True].objective == pytest.approx(cheapest_usd, rel=1e-6)
    assert found[True].bound <= cheapest_usd * (1 + 1e-6)
    assert solve_literal(data, 0.0, 60.0).total_cost_usd == pytest.approx(cheapest_usd, rel=1e-6)
    assert connection is not None


def test_what_the_days_exercise():
    """Trains move, the line binds, slots and closures cost, and a small station keeps trains from handing over."""
    data = DAYS["two alike"]()
    best, connection = RailBruteForce(data).cheapest()
    assert connection.sum() < connection.shape[0] * connection.shape[2]
    assert _flow_usd(replace(data, system=replace(data.system, network=None))) < best - 1.0
    for name, free in (("one slot", {"slots": {}}), ("closed track", {"closed_tracks": ()})):
        seed = 1 if name == "one slot" else 2
        assert _flow_usd(rail_day(seed, homes="aa", periods=4, **free)) < _flow_usd(DAYS[name]()) - 1.0
    small = DAYS["handing over"]()
    assert _flow_usd(_with_depot(small, 1, 30.0)) < _flow_usd(small) - 1.0


def _flow_usd(data: JointData) -> float:
    return float(build_flow_model(data).solve(gap_usd=0.0).objective)


def test_trains_are_only_one_flow_where_none_passes_a_station():
    """Alike trains become one flow only where that is exact: not where a way over a third station or a full one is needed."""
    assert len(build_flow_model(rail_day(0, homes="aa")).trains.groups) == 1
    for passing in ({"closed_tracks": _closed("ab")}, {"slots": {"b": 1}}):
        assert len(build_flow_model(rail_day(0, homes="aa", **passing)).trains.groups) == 2
    detour = ((0.0, 50.0, 1.0), (50.0, 0.0, 1.0), (1.0, 1.0, 0.0))
    assert len(build_flow_model(rail_day(0, homes="aa", stations=3, cost_usd_per_period=detour)).trains.groups) == 2


def test_both_formulations_report_alike():
    data = DAYS["two homes"]()
    flow, literal = solve_flow(data, 0.0, 60.0, 1), solve_literal(data, 0.0, 60.0)
    for name in ("total_cost_usd", "operating_cost_usd", "transport_cost_usd"):
        assert getattr(flow, name) == pytest.approx(getattr(literal, name), rel=1e-5, abs=1e-2)
    assert flow.operating_cost_usd + flow.transport_cost_usd == pytest.approx(flow.total_cost_usd)
    assert (flow.trips, flow.moving_periods) == (pytest.approx(literal.trips), pytest.approx(literal.moving_periods))
    assert flow.gap == pytest.approx(0.0, abs=1e-6)
    assert 0.0 < flow.wind_used_share <= 1.0


def test_fixed_batteries_agree_too():
    data = replace(rail_day(4), rail=None)
    fleet = replace(data.fleet, trains=(), **{part: np.empty(0) for part in _train_parts(data)})
    data = replace(data, fleet=fleet)
    assert _flow_usd(data) == pytest.approx(solve_literal(data, 0.0, 60.0).total_cost_usd, rel=1e-6)


def _train_parts(data: JointData) -> list[str]:
    return [name for name in type(data.fleet).__dataclass_fields__ if name.startswith("train_")]


def test_a_day_that_cannot_hold_is_named():
    """The tight form pays for what cannot hold; the published form has no slacks and says that there is no plan."""
    data = rail_day(0, homes="a")
    more = data.fleet.end_capacity_mw + np.array([0.0, 6.0])
    data = replace(data, fleet=replace(data.fleet, end_capacity_mw=more))
    plan = build_flow_model(data)
    values = plan.solve(gap_usd=0.0).values
    storage = storage_plan(plan, values)
    missing_mw = (more - storage.capacity_mw[:, -1]).sum() + (
        data.fleet.train_end_capacity_mw - storage.train_capacity_mw[:, -1]
    ).sum()
    assert missing_mw == pytest.approx(6.0, abs=1e-3)  # batteries that do not exist
    assert len(end_state_report(data.fleet, storage)) >= 1
    with pytest.raises(ModelError, match="no feasible plan"):
        solve_literal(data, 0.0, 60.0)


@pytest.mark.parametrize("name", ["one train", pytest.param("two alike", marks=pytest.mark.long)])
def test_indicators_at_a_cost_against_every_route(name):
    data, slack = DAYS[name](), 1.004
    cheapest_usd, _ = RailBruteForce(data).cheapest()
    brute = RailBruteForce(data)
    power = [column for pair in brute.power.values() for column in pair]
    best = build_flow_model(data, alike=False).solve(gap_usd=0.0)
    plan = build_flow_model(data, alike=False)
    limit_cost(plan, slack * cheapest_usd)
    stations = np.concatenate([plan.stations.charge.ravel(), plan.stations.discharge.ravel()])
    for columns, own in ((brute.wind, plan.commitment.renewable_mw), (power, stations)):
        least, most = brute.span(columns, slack * cheapest_usd)
        assert most > least + 0.5, "plans of nearly the same cost differ"
        found = least_and_most(plan, own, best.values, 1e-6, 60.0)
        assert (found.least, found.most) == pytest.approx((least, most), abs=2e-3)
        assert found.proven_least <= least + 2e-3
        assert found.proven_most >= most - 2e-3


def test_indicators_of_the_best_plan_hold_its_own():
    data = DAYS["two alike"]()
    found = solve_flow(data, 0.01, 60.0, 1, indicators=True)
    for key, span in found.ranges.items():
        assert span.proven_least - 1e-6 <= span.least <= getattr(found, key) + 1e-6
        assert getattr(found, key) - 1e-6 <= span.most <= span.proven_most + 1e-6
    assert set(found.ranges) == {"wind_used_share", "storage_utilisation"}
    assert solve_flow(data, 0.01, 60.0, 1).ranges == {}


def _thirty_buses_at_noon(folder: Path) -> JointData:
    """Return five hours of the 30-bus day with short trips and stations that hold less than its two alike trains carry."""
    scenario = folder / "ieee30"
    shutil.copytree(ROOT / "scenarios" / "ieee30", scenario, ignore=shutil.ignore_patterns("results", "calibration", "sweeps"))
    for name in ("load.csv", "renewables.csv"):
        file = scenario / "power_operator" / "data" / name
        header, *hours = file.read_text(encoding="utf-8").splitlines()
        rows = [f"{period},{hour.partition(',')[2]}" for period, hour in enumerate(hours[6:11])]
        file.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    _change(scenario / "scenario.yaml", lambda data: data | {"periods": 5, "trip_periods": [[0, 1, 1], [1, 0, 1], [1, 1, 0]]})

    def small(data: dict[str, Any]) -> dict[str, Any]:
        for station in data["settings"]["storage"]["mobile"].values():
            station |= {"capacity_mw": 10, "energy_mwh": 20}
        return data

    _change(scenario / "power_operator" / "config.yaml", small)
    return read_joint_data(scenario)


def _change(file: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    file.write_text(yaml.safe_dump(change(yaml.safe_load(file.read_text(encoding="utf-8")))), encoding="utf-8")


@pytest.mark.long
def test_what_alike_trains_hand_over_is_limited(tmp_path):
    """One flow sees it only net and is too cheap, (7)-(8) and (11)-(12); the yardstick costs trains, its bound is the flow's."""
    data = _thirty_buses_at_noon(tmp_path)
    flow = build_flow_model(data)
    assert flow.pools
    cheap_usd = flow.solve(gap_usd=0.001).objective
    found = solve_flow(data, 1e-6, 300.0, 1)
    assert found.total_cost_usd > cheap_usd + 0.2
    assert found.total_cost_usd == pytest.approx(solve_literal(data, 1e-6, 300.0).total_cost_usd, rel=3e-6)
    assert found.bound_usd <= found.total_cost_usd * (1 + 1e-9)


@pytest.mark.parametrize("seed", [0, 2])
def test_no_station_burns_energy(seed):
    """Where a unit is paid to run, the model without (15) is too cheap; the yardstick is not."""
    data = rail_day(seed, homes="a", periods=4)
    units = data.system.units
    paid = replace(units.cost_curves[0], usd_per_h=units.cost_curves[0].usd_per_h - 60.0 * units.cost_curves[0].mw)
    units = replace(units, cost_curves=(paid, *units.cost_curves[1:]))
    data = replace(data, system=replace(data.system, units=units))
    loose = build_flow_model(data)
    cheap_usd = loose.lines.solve(loose.solver, gap_abs=0.0).objective
    best_usd, _ = RailBruteForce(data).cheapest()
    assert cheap_usd < best_usd - 10.0
    assert solve_flow(data, 0.0, 60.0, 1).total_cost_usd == pytest.approx(best_usd, rel=1e-6)
    assert solve_literal(data, 0.0, 60.0).total_cost_usd == pytest.approx(best_usd, rel=1e-6)
