"""The joint optimum of an hour of fleets lies between the bounds that were negotiated; a second formulation of every party."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from load_file import load_file
from scipy.optimize import minimize_scalar
from typer.testing import CliRunner

from federates.boundary.errors import ConfigError
from federates.centralised.fleets.day import HourReference, negotiate_day
from federates.centralised.fleets.fleet_parts import add_drivers, add_owned_fleet
from federates.centralised.fleets.joint import solve_hour
from federates.centralised.fleets.parties import CompanyHour, DriversHour, Hour, RoadHour, Route
from federates.centralised.fleets.power_part import add_company
from federates.cli.app import app
from federates.lp.linear_model import LinearModel
from federates.mves_fleet.models.flow.programme import FlowProgramme
from federates.mves_fleet.models.private.choice import decide
from federates.power_operator.delivery_programme import PlanData, Programme
from federates.transport_operator.models.joint_graph.delay import EdgeCosts, TimeCurve

ROOT = Path(__file__).parents[2]
BPR = {"traffic_sumo": "bpr"}
GAP = 0.002
FEWER = {"commuters": {"drivers": 1500}, "residents": {"drivers": 1500}}


@pytest.fixture(scope="module")
def hours(tmp_path_factory):
    """Two afternoon hours of `la_fleets` with fewer drivers, negotiated nearer than the shipped day."""
    top = tmp_path_factory.mktemp("reference")
    scenario = top / "scenarios/la_fleets"
    shutil.copytree(ROOT / "scenarios/la_fleets", scenario, ignore=shutil.ignore_patterns("results", "*.log"))
    shutil.copy(ROOT / "broker.yaml", top)
    for agent, own in (FEWER | {"coordinator": {"gap_target": GAP, "max_iterations": 80}}).items():
        file = scenario / agent / "config.yaml"
        config = yaml.safe_load(file.read_text(encoding="utf-8"))
        config["settings"] |= own
        file.write_text(yaml.safe_dump(config), encoding="utf-8")
    overrides = {"periods": 2, "start_hour": 16, "horizon_periods": 2}
    return negotiate_day(scenario, overrides=overrides, use=BPR)


def test_the_optimum_lies_between_the_bounds(hours):
    assert len(hours) == 2
    for hour in hours:
        found = HourReference(hour, solve_hour(hour.parties))
        assert hour.agreed
        assert hour.certified_usd <= 0.01 * hour.plan_usd  # whole vehicles cost more than the target
        assert found.optimum.upper_usd - found.optimum.lower_usd <= hour.allowance_usd(1e-7)
        assert hour.lower_usd <= found.optimum.lower_usd + hour.allowance_usd()
        assert found.optimum.upper_usd <= hour.plan_usd + hour.allowance_usd()
        assert found.above_usd <= hour.certified_usd + hour.allowance_usd()
        assert found.enclosed
        assert found.optimum.delivery_kwh.sum() > 100.0


@pytest.mark.parametrize("change", ["energy", "drivers", "road"])
def test_a_problem_that_differs_by_a_little_lies_outside(hours, change):
    """So the bounds would show a fault in a party's cost of some per mille."""
    hour = hours[1]
    parties = hour.parties
    if change == "energy":
        companies = (replace(own, data=replace(own.data, cost_usd=1.05 * own.data.cost_usd)) for own in parties.companies)
        other = replace(parties, companies=tuple(companies))
    elif change == "drivers":
        other = replace(parties, drivers=())
    else:
        costs = parties.road.costs
        other = replace(parties, road=replace(parties.road, costs=replace(costs, fixed_usd=costs.fixed_usd + 0.2)))
    assert not HourReference(hour, solve_hour(other)).enclosed


def _alone(model, parts, reward, toll):
    """Return the least of a fleet's cost less reward for what it carries plus toll for what it drives."""
    for amount, index in parts.delivery:
        _price(model, amount, index, -reward.ravel())
    for amount, index in parts.passage:
        _price(model, amount, index, toll.ravel())
    return model.solver().solve().objective


def _price(model, amount, index, prices):
    model.add_cost(index.ravel(), prices if isinstance(amount, float) else amount.T @ prices)


@pytest.mark.parametrize("seed", range(3))
def test_every_party_alone_is_what_its_own_model_finds(hours, seed):
    draw = np.random.default_rng(seed)
    parties = hours[seed % 2].parties
    reward, toll = draw.uniform(0.0, 4.0, parties.shape), draw.uniform(0.0, 10.0, parties.shape)
    for company in parties.companies:
        model = LinearModel()
        model.add_cost(add_company(model, company), reward)
        mine = Programme(company.data).solve(reward)
        assert model.solver().solve().objective == pytest.approx(mine.bound_usd, rel=1e-7)
    for fleet in parties.owned:
        model = LinearModel()
        mine = FlowProgramme(fleet.data).best(reward, toll)
        assert _alone(model, add_owned_fleet(model, fleet.data), reward, toll) == pytest.approx(mine.bound_usd, abs=1e-5)
    for fleet in parties.drivers:
        model = LinearModel()
        mine = decide(fleet.cost_usd.reshape(len(fleet.cost_usd), -1), (fleet.kwh * reward - toll).ravel())
        assert _alone(model, add_drivers(model, fleet), reward, toll) == pytest.approx(mine.bound_usd, abs=1e-5)


def test_an_hour_by_calculus():
    """One pair of stations, one road, drivers of costs 0, 0.1, ...: the best number of them is that of a scalar problem."""
    drivers, kwh, brought, need_kwh, unmet_usd, most = 200, 10.0, 0.9, 1e5, 5.0, 1000.0
    wide, one = np.full((1, 1, 1), 0.0), np.ones((1, 1))
    data = PlanData(
        period=0,
        cost_usd=wide + 0.12,
        kwh_per_vehicle=brought * one,
        share=wide + 1.0,
        need_kwh=need_kwh * one,
        due_kwh=0.0 * one,
        stock_kwh=np.zeros(1),
        holdable_kwh=0.0 * one,
        surplus_veh=1e5 * one,
        charging_veh=1e5 * one,
        discharging_kwh=np.array([1e5]),
        waiting_usd_per_kwh=np.ones(1),
        wait_bins=1,
        bins=1,
        unmet_usd_per_kwh=unmet_usd,
    )
    curve = TimeCurve(np.array([300.0, 0.0]), np.array([45.0, 0.0]), np.array([100.0, 1.0]))
    costs = EdgeCosts(curve, np.array([[90.0, 0.0]]), np.array([[0.0, -1.5]]), np.zeros(2), 20.0, 20.0)
    road = RoadHour(costs, (Route(0, 0, (0, 1)),), np.array([most]), None, 1.0)
    cost_usd = 0.1 * np.arange(drivers).reshape(-1, 1, 1, 1)
    found = solve_hour(Hour((1, 1, 1), (CompanyHour(data, (0,), (0,)),), (), (DriversHour(kwh, cost_usd),), road))

    def total_usd(vehicles):
        whole = int(vehicles)
        own = 0.1 * (whole * (whole - 1) / 2 + (vehicles - whole) * whole)
        power = unmet_usd * (need_kwh - brought * kwh * vehicles) + 0.12 * kwh * vehicles
        hours = (300.0 + 45.0 * ((90.0 + vehicles) / 100.0) ** 4) / 3600.0
        empty = (300.0 + 45.0 * 0.9**4) / 3600.0
        return own + power + 20.0 * (90.0 * (hours - empty) + vehicles * hours) - 1.5 * vehicles

    best = minimize_scalar(total_usd, bounds=(0.0, drivers), method="bounded", options={"xatol": 1e-9})
    assert 10.0 < best.x < drivers - 10.0
    assert found.upper_usd == pytest.approx(best.fun, rel=1e-7)
    assert found.lower_usd <= best.fun + 1e-6
    assert found.vehicles[0, 0, 0] == pytest.approx(best.x, abs=0.2)


def test_another_world_or_scheme_has_no_reference():
    with pytest.raises(ConfigError, match="must be fleets"):
        negotiate_day(ROOT / "scenarios/la_gcs", use=BPR)
    with pytest.raises(ConfigError, match="must be proposed"):
        negotiate_day(ROOT / "scenarios/la_fleets", overrides={"scheme": "no_mves"}, use=BPR)


def test_the_command_prints_the_hours_and_fails_where_one_is_not_enclosed(hours, monkeypatch):
    def said(day, *words):
        monkeypatch.setattr("federates.centralised.fleets.day.reference_day", lambda *_, **__: day)
        return CliRunner().invoke(app, ["centralised", str(ROOT / "scenarios/la_fleets"), *words])

    day = [HourReference(hour, solve_hour(hour.parties)) for hour in hours]
    good = said(day)
    assert good.exit_code == 0, good.output
    assert "between the negotiated bounds in 2 of 2 hours" in good.output
    assert f"{day[1].optimum.upper_usd:.2f}" in good.output
    wrong = HourReference(replace(hours[1], plan_usd=hours[1].lower_usd - 1.0), day[1].optimum)
    bad = said([day[0], wrong], "--json")
    assert bad.exit_code == 1
    assert [row["enclosed"] for row in json.loads(bad.output)] == [True, False]


@pytest.mark.parametrize(
    ("scenario", "words", "option"),
    [("la_fleets", ["--formulation", "flow"], "--formulation"), ("ieee30", ["--use", "coordinator=cuts"], "--use")],
)
def test_options_of_the_other_kind_of_day_are_refused(scenario, words, option):
    done = CliRunner().invoke(app, ["centralised", str(ROOT / "scenarios" / scenario), *words])
    assert done.exit_code == 2
    assert option in done.output


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_the_whole_day_is_enclosed_and_the_page_shows_it():
    study = load_file(ROOT / "studies/make_fleets_reference.py")
    day = study.whole_day()
    assert len(day) == 24
    for found in day:
        hour = found.negotiated
        assert found.enclosed
        assert found.above_usd <= hour.certified_usd + hour.allowance_usd()
    texts = study.page(day), study.PAGE.read_text(encoding="utf-8")
    number = re.compile(r"\d+\.\d+")
    assert number.sub("#", texts[0]) == number.sub("#", texts[1])
    made, shown = ([float(word) for word in number.findall(text)] for text in texts)
    # The optimum is known to a ten-millionth, so the last digit may differ by processor.
    np.testing.assert_allclose(made, shown, rtol=2e-7, atol=0.011)
