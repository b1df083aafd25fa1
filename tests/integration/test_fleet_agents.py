"""Fleets as agents, in one process with a session of the world of fleets: what must hold of any answer, and of every vehicle."""

from pathlib import Path

import fleet_days as days
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from federates.boundary.bound_kinds import BoundKind
from federates.boundary.config import ConfigError, parse_config
from federates.boundary.errors import ModelError
from federates.boundary.messages import Answer
from federates.boundary.negotiation import Agreement, Problem
from federates.boundary.roles import RoundResult
from federates.boundary.world import parse_session
from federates.mves_fleet.models.company.operator import CompanyFleet
from federates.mves_fleet.models.fleet import roundable
from federates.mves_fleet.models.private.account import LEAST
from federates.mves_fleet.models.private.operator import PrivateFleet
from federates.mves_fleet.models.utility.operator import UtilityFleet
from federates.worlds.fleets.day import FleetsDay
from tests.support.small_fleets import SESSION

SMALL_COMPANY = {"vehicles": 12, "driver_usd_per_h": 4.0}
SMALL_PRIVATE = {"drivers": 400, "value_of_time_median_usd_per_h": 8.0}
FLEETS = (
    pytest.param(UtilityFleet, 400.0, {}, id="utility"),
    pytest.param(CompanyFleet, 10.0, SMALL_COMPANY, id="company"),
    pytest.param(PrivateFleet, 10.0, SMALL_PRIVATE, id="private"),
)


@pytest.mark.parametrize(("kind", "kwh", "own"), FLEETS)
def test_answers_are_optimal_bounded_and_monotone(kind, kwh, own):
    session, openings, draw = days.view(kwh, periods=3), days.told(), np.random.default_rng(5)
    fleet, _ = days.made(kind, session, **own)
    fleet.open_period(0, None)
    shape = session.connection_shape
    at = [{"delivery": draw.uniform(0, 2.5, shape), "passage": draw.uniform(0, 2, shape)} for _ in range(4)]
    answers = [fleet.solve(prices, openings) for prices in at]
    assert any(answer.quantities["delivery"].sum() > 0 for answer in answers)
    asked = [{n: f * v for n, v in a.quantities.items()} for a in answers for f in (1.0, 0.45)]
    served = [fleet.evaluate(z, openings) for z in asked]
    for z, answer in zip(asked, served, strict=True):
        assert all((answer.quantities[n] <= z[n] + 1e-6).all() for n in z)
        assert answer.bound_usd <= answer.cost_usd + 1e-6
        assert answer.bound_usd == pytest.approx(answer.cost_usd, abs=1e-3)
    for number, (prices, answer) in enumerate(zip(at, answers, strict=True)):
        assert answer.bound_usd <= days.value_usd(answer, prices) + 1e-6
        assert days.value_usd(answer, prices) == pytest.approx(answer.bound_usd, abs=1e-3)
        for other in (*answers, *served):
            assert answer.bound_usd <= days.value_usd(other, prices) + 1e-6
        whole = served[2 * number]  # what it offered itself, it can send, at the same cost
        assert whole.quantities["delivery"] == pytest.approx(answer.quantities["delivery"], abs=1e-6)
        assert whole.cost_usd == pytest.approx(answer.cost_usd, abs=1e-4)
    for a, first in zip(at, answers, strict=True):
        for b, second in zip(at, answers, strict=True):
            change = ((a["passage"] - b["passage"]) * (first.quantities["passage"] - second.quantities["passage"])).sum()
            change -= ((a["delivery"] - b["delivery"]) * (first.quantities["delivery"] - second.quantities["delivery"])).sum()
            assert change <= 1e-3
    again = fleet.solve(at[0], openings)
    assert np.array_equal(again.quantities["delivery"], answers[0].quantities["delivery"])
    assert (again.cost_usd, again.bound_usd) == (answers[0].cost_usd, answers[0].bound_usd)
    for z, answer in zip(asked, served, strict=True):
        more = fleet.evaluate({"delivery": z["delivery"], "passage": z["passage"] + 1.0}, openings)
        assert more.cost_usd <= answer.cost_usd + 1e-4


@pytest.mark.parametrize(("kind", "kwh", "own"), FLEETS)
@pytest.mark.parametrize("reward", [0.0, -2.0])
def test_nobody_goes_for_nothing_or_less(kind, kwh, own, reward):
    session = days.view(kwh)
    fleet, _ = days.made(kind, session, **own)
    fleet.open_period(0, None)
    answer = fleet.solve(days.prices(reward), days.told())
    assert answer.quantities["delivery"].sum() == 0
    assert answer.quantities["passage"].sum() == 0
    fleet.commit(days.rounded_up(answer.quantities, kwh))


@pytest.mark.parametrize(("kind", "kwh", "own"), FLEETS)
def test_what_nobody_can_do_is_answered_and_leaves_no_trace(kind, kwh, own):
    session, openings = days.view(kwh), days.told()
    fleet, _ = days.made(kind, session, **own)
    fleet.open_period(0, None)
    modest = {"delivery": np.full((2, 2, 4), 0.7 * kwh / 4), "passage": np.full((2, 2, 4), 1.0)}
    first = fleet.evaluate(modest, openings)
    huge = fleet.evaluate({"delivery": np.full((2, 2, 4), 1e6 * kwh), "passage": np.full((2, 2, 4), 1e6)}, openings)
    assert 0 < huge.quantities["passage"].sum() < 10_000
    assert huge.bound_usd <= huge.cost_usd
    last = fleet.evaluate(modest, openings)
    assert np.array_equal(first.quantities["delivery"], last.quantities["delivery"])
    assert first.cost_usd == last.cost_usd


@pytest.mark.parametrize(("kind", "kwh", "own"), FLEETS)
@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_vehicles_are_conserved_and_none_is_sent_twice(kind, kwh, own, seed):
    draw = np.random.default_rng(seed)
    session, openings = days.view(kwh, periods=5), days.told(road_s=float(draw.uniform(300, 4000)))
    fleet, notes = days.made(kind, session, **own)
    total = own.get("vehicles") or own.get("drivers") or 4
    for held in days.hold_day(fleet, session, openings, draw, reward_usd=2.0):
        if kind is PrivateFleet:
            assert (fleet._drivers.own_kwh >= 0.2 * fleet._drivers.battery_kwh - 1e-9).all()
        else:
            assert fleet._vehicles.count == total
            assert (fleet._vehicles.own_kwh >= 0).all()
        state = [row["vehicles"] for row in notes.tables["fleet_state"] if row["period"] == held.period]
        assert sum(state) == total
        assert min(state) >= 0
    trips = notes.tables.get("fleet_trips", [])
    assert all(row["not_sent"] == 0 for row in trips)
    assert all(row["kwh"] <= kwh * row["vehicles"] + 1e-9 for row in trips)
    away_s = 2 * openings["road_time_s"][0, 0] + 2 * max(600.0, 3600 * 400 / 150 if kind is UtilityFleet else 0.0)
    for row in trips:
        assert row["expected_back_period"] == row["period"] + max(1, np.ceil(away_s / 3600))
    for period in range(session.periods):
        out = sum(row["vehicles"] for row in trips if row["period"] <= period < row["expected_back_period"])
        assert out <= total
        away = next(r["vehicles"] for r in notes.tables["fleet_state"] if (r["period"], r["place"]) == (period, "away"))
        assert away == out


def test_what_a_fleet_says_it_can_send_near_and_far_it_sends():
    """The near place is served first: it must leave the only vehicle with charge enough for the far one."""
    session, openings = days.view(), days.told()
    openings["road_time_s"] = np.array([[600.0, 3000.0], [600.0, 3000.0]])
    fleet, notes = days.made(CompanyFleet, session, vehicles=4)
    at_r1 = np.flatnonzero(fleet._vehicles.place == 0)
    fleet._vehicles.own_kwh[at_r1] = [44.0, 12.0]
    fleet.open_period(0, None)
    one_each = {name: np.zeros(session.connection_shape) for name in ("delivery", "passage")}
    one_each["delivery"][0, :, 0], one_each["passage"][0, :, 0] = 10.0, 1.0
    served = fleet.evaluate(one_each, openings)
    assert served.quantities["delivery"] == pytest.approx(one_each["delivery"])
    near, far = (float(kwh) for kwh in fleet._traction_kwh[0, :, 0])
    assert near < 12.0 < far < 44.0
    fleet.commit(one_each)
    assert [(row["vehicles"], row["not_sent"]) for row in notes.tables["fleet_trips"]] == [(1, 0), (1, 0)]


@pytest.mark.parametrize(("kind", "kwh", "own"), FLEETS)
def test_two_days_are_the_same(kind, kwh, own):
    tables = []
    for _ in range(2):
        session = days.view(kwh, periods=3)
        fleet, notes = days.made(kind, session, **own)
        list(days.hold_day(fleet, session, days.told(), np.random.default_rng(2), reward_usd=2.0))
        tables.append(notes.tables)
    assert tables[0] == tables[1]
    assert tables[0]["fleet_trips"]
    rows = tables[0]["acceptance"]
    parts = ("accepted", "away", "refused_no_energy", "elsewhere", "refused_time", "refused_traction", "refused_wear")
    for row in rows:
        assert sum(row[f"{part}_veh"] for part in parts) + row["refused_threshold_veh"] == row["near_veh"]


@pytest.mark.parametrize(("kind", "kwh", "own"), FLEETS)
def test_vehicles_cannot_leave_before_times_are_told(kind, kwh, own):
    fleet, _ = days.made(kind, days.view(kwh), **own)
    fleet.open_period(0, None)
    fleet.commit({"delivery": np.zeros((2, 2, 4)), "passage": np.zeros((2, 2, 4))})
    fleet.open_period(1, None)
    with pytest.raises(ModelError, match="fleet: vehicles are to leave"):
        fleet.commit({"delivery": np.full((2, 2, 4), kwh), "passage": np.ones((2, 2, 4))})


def test_parts_of_vehicles_are_left_out_where_there_is_no_whole_one():
    # Two vehicles: of 1.5 and 0.6 the first takes two, so nothing is left for the second.
    wanted = np.array([[1.4, 0.6], [2.0, 3.0]])
    assert roundable(wanted, np.array([2, 9])).tolist() == [[1.0, 0.6], [2.0, 3.0]]
    assert roundable(wanted, np.array([3, 9])).tolist() == wanted.tolist()
    assert roundable(np.array([[0.5, 0.5]]), np.array([1])).tolist() == [[0.5, 0.0]]


def test_the_utility_fleet_obeys_and_carries_much_by_few_passages():
    session, openings = days.view(400.0), days.told()
    fleet, _ = days.made(UtilityFleet, session)
    fleet.open_period(0, None)
    answer = fleet.solve(days.prices(5.0), openings)  # what a lost kWh is worth
    assert answer.quantities["delivery"].sum() == pytest.approx(4 * 400)
    assert answer.quantities["passage"].sum() == pytest.approx(4)
    # 30 + 10 usd/h for 2 x 2.67 h at 150 kW and 2 x 0.25 h on the road; 50 kWh for the drive; wear of four full cycles.
    hours, wear = 2 * 400 / 150 + 0.5, 150 * 400 * 5.24e-4
    assert answer.cost_usd == pytest.approx(4 * (40 * hours + 0.15 * 50 + wear), abs=1e-3)


def test_a_contract_keeps_vehicles_ready():
    session, openings = days.view(10.0), days.told()
    busy = {"vehicles": 10, "business_share": 1.0, "business_usd_per_h": 500.0}
    for contract, vehicles in ((0.0, 0), (40.0, 4)):
        fleet, _ = days.made(CompanyFleet, session, **busy, contract_kwh=contract)
        fleet.open_period(0, None)
        answer = fleet.solve(days.prices(5.0), openings)
        assert answer.quantities["passage"][:, :, 0].sum() == pytest.approx(vehicles)


def test_incentives_make_more_drivers_accept():
    session, openings, counts = days.view(10.0), days.told(gate_s=1200.0), {}
    for name, own in {"none": {}, "priority": {"charging_priority_share": 0.5}, "warranty": {"battery_warranty": True}}.items():
        fleet, _ = days.made(PrivateFleet, session, drivers=2000, replacement_usd_per_kwh=1500.0, **own)
        fleet.open_period(0, None)
        counts[name] = fleet.solve(days.prices(1.2), openings).quantities["passage"].sum()
    assert counts["priority"] > counts["none"] > 0
    assert counts["warranty"] > counts["none"]


def test_no_row_tells_a_single_drivers_value_of_time():
    session, openings = days.view(10.0, periods=6), days.told(road_s=9000.0)  # so far that everybody goes once
    fleet, notes = days.made(PrivateFleet, session, drivers=300, traction_kwh_per_h=0.0, detour_most_s=0.0)
    values = fleet._drivers.value_of_time_usd_per_h
    for period in range(session.periods):  # one driver a period
        fleet.open_period(period, None)
        one = {name: np.zeros((2, 2, 4)) for name in ("delivery", "passage")}
        one["delivery"][0, 0, 0], one["passage"][0, 0, 0] = 10.0, 1.0
        fleet.evaluate(one, openings)
        fleet.commit(one)
    assert sum(row["vehicles"] for row in notes.tables["fleet_trips"]) == session.periods
    (row,) = notes.tables["fleet_costs"]  # all six in one row: five would be enough, one more was left
    assert row["vehicles"] == session.periods > LEAST
    written = [value for rows in notes.tables.values() for r in rows for value in r.values() if isinstance(value, float)]
    per_h = np.array(written) / (10_200 / 3600)  # as if a number were the cost of one driver's time on the trip
    assert not np.isclose(np.concatenate([written, per_h])[:, None], values[None, :], rtol=1e-9).any()
    assert {r["quantity"] for r in notes.tables["fleet_drivers"]} >= {"value_of_time_usd_per_h"}
    alone, few = days.made(PrivateFleet, session, drivers=20)
    assert "fleet_drivers" not in few.tables
    assert alone.name == "fleet"


@pytest.mark.parametrize(
    ("kind", "own", "kwh", "field"),
    [
        (UtilityFleet, {"deliverable_kwh": 300.0}, 400.0, "settings.deliverable_kwh"),
        (CompanyFleet, {"battery_kwh": 10.0}, 10.0, "settings.battery_kwh"),
        (CompanyFleet, {"battery_kwh": 12.5, "reserve_share": 0.2}, 10.0, "settings.battery_kwh"),
        (CompanyFleet, {"charge_kw": 1.0}, 10.0, "settings.charge_classes"),
        (CompanyFleet, {"contract_kwh": 1e5}, 10.0, "settings.contract_kwh"),
        (PrivateFleet, {"battery_least_kwh": 5.0, "battery_most_kwh": 11.0}, 10.0, "settings.battery_most_kwh"),
        (PrivateFleet, {"charge_least_share": 0.05, "charge_most_share": 0.1}, 10.0, "settings.charge_most_share"),
    ],
)
def test_a_fleet_that_can_deliver_nothing_is_refused(kind, own, kwh, field):
    (problem,) = kind.check(kind.Settings.model_validate(own), Path(), days.view(kwh))
    assert problem.field == field


@pytest.mark.parametrize(
    ("kind", "own", "field"),
    [
        (UtilityFleet, {"vehicles": 0}, "vehicles"),
        (CompanyFleet, {"vehicles": -3}, "vehicles"),
        (PrivateFleet, {"drivers": 0}, "drivers"),
        (PrivateFleet, {"charge_most_share": 1.2}, "charge_most_share"),
        (PrivateFleet, {"charge_least_share": 0.9, "charge_most_share": 0.5}, "charge_least_share"),
        (CompanyFleet, {"charge_least_share": -0.1}, "charge_least_share"),
        (CompanyFleet, {"charge_least_share": 0.9, "charge_most_share": 0.5}, "charge_least_share"),
        (PrivateFleet, {"threshold_least_usd": -1.0}, "threshold_least_usd"),
        (UtilityFleet, {"driver_usd_per_h": -1.0}, "driver_usd_per_h"),
        (PrivateFleet, {"value_of_time_median_usd_per_h": 0.0}, "value_of_time_median_usd_per_h"),
    ],
)
def test_settings_out_of_range_are_refused(kind, own, field):
    with pytest.raises(ConfigError) as caught:
        parse_config(own, kind.Settings, "config.yaml")
    assert [problem.field for problem in caught.value.problems] == [field]


def test_bounds_say_what_they_rest_on():
    kinds = {}
    for kind, kwh in ((UtilityFleet, 400.0), (CompanyFleet, 10.0), (PrivateFleet, 10.0)):
        fleet, _ = days.made(kind, days.view(kwh))
        fleet.open_period(0, None)
        kinds[kind] = fleet.solve(days.prices(1.0), days.told()).bound_kind
    assert kinds == {UtilityFleet: BoundKind.LINEAR, CompanyFleet: BoundKind.LINEAR, PrivateFleet: BoundKind.EXACT}


def test_a_plan_is_cut_where_its_whole_vehicles_are_more_than_there_are():
    # Two vehicles at r1: 1.5 for q1 and 0.5 for q2 fit together, but rounded up they are three.
    session = days.session(400.0)
    fleet, _ = days.made(UtilityFleet, session.view("fleet"))
    fleet.open_period(0, None)
    problem = Problem.of(session, 0, {})
    layout, delivery = problem.layout, np.zeros((2, 2, 4))
    delivery[0, :, 0] = 600.0, 200.0
    plan = {a: layout.own(a, {"delivery": delivery, "passage": delivery / 400.0}) for a in layout.agents}

    def negotiate(_):
        yield from ()
        return Agreement(plan, agreed=True, reason="as given", lower_bound_usd=0.0)

    rounds, asked, commit = FleetsDay(session).rounds(0, {}, negotiate), [], None
    decision = next(rounds)
    while commit is None:
        asked.append(decision)
        answers = {name: Answer(given, 0.0, 0.0) for name, given in decision.given.items()}
        answers["fleet"] = fleet.evaluate(decision.given["fleet"], days.told())
        try:
            decision = rounds.send(RoundResult(answers))
        except StopIteration as end:
            commit = end.value
    given = commit.given["fleet"]
    assert given["delivery"][0, :, 0] == pytest.approx([600.0, 0.0])
    assert given["passage"][0, :, 0].tolist() == [2.0, 0.0]
    assert np.array_equal(commit.given["power_operator"]["delivery"], given["delivery"])
    assert np.array_equal(commit.given["transport_operator"]["passage"], given["passage"])
    assert len(asked) == 2  # what can be sent, and what the plan without the rest costs
    fleet.commit(given)
    assert sum(fleet._vehicles.free_from > 0) == 2


@pytest.mark.parametrize(
    ("most_usd", "carried"), [(12.0, {"u": (0.0, 0), "c": (82.0, 9)}), (7.0, {"u": (32.0, 1), "c": (50.0, 5)})]
)
def test_a_nearly_empty_vehicle_goes_where_its_load_would_cost_the_agreement(most_usd, carried):
    # A twelfth of the truck's load could go by nine vans instead of five; that plan costs 10 usd.
    session = parse_session(SESSION, "session")
    problem = Problem.of(session, 0, {})
    layout, kwh = problem.layout, {"u": 32.0, "c": 50.0}
    opened = np.zeros(layout.shapes["delivery"])
    opened[0, 0, 0] = 1.0
    fleets = {f: layout.own(f, {"delivery": kwh[f] * opened, "passage": kwh[f] / session.vehicle_kwh[f] * opened}) for f in kwh}
    plan = fleets | {
        "power_operator": layout.own("power_operator", {"delivery": 82.0 * opened}),
        "transport_operator": layout.own("transport_operator", {"passage": (32.0 / 400.0 + 5.0) * opened}),
    }

    def negotiate(_):
        yield from ()
        return Agreement(plan, agreed=True, reason="as given", lower_bound_usd=5.0, most_usd=most_usd)

    rounds, commit = FleetsDay(session).rounds(0, {}, negotiate), None
    decision = next(rounds)
    while commit is None:
        answers = {name: Answer(given, 10.0 / len(decision.given), 0.0) for name, given in decision.given.items()}
        try:
            decision = rounds.send(RoundResult(answers))
        except StopIteration as end:
            commit = end.value
    sent = {f: tuple(float(commit.given[f][name][0, 0, 0]) for name in ("delivery", "passage")) for f in kwh}
    assert sent == {f: pytest.approx(values) for f, values in carried.items()}
