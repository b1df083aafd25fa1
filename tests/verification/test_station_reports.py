"""The power operator that knows its stations' reports only: closed forms, brute force, and planes that lie below its cost."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from power_days import Memory
from station_days import fleet_session

from federates.boundary.config import parse_config
from federates.power_operator.models.station_reports.operator import StationReportsOperator
from federates.worlds.fleets.messages import Balance
from federates.worlds.fleets.session import FleetSession
from federates.worlds.road.messages import Gate

BROUGHT = 0.99 * 0.95
"""kWh that the limited feeder gets of a kWh in batteries at departure, by the assumed efficiencies."""


def _small(horizon=1, bins=1, periods=4):
    roles = {name: name for name in ("coordinator", "power_operator", "transport_operator", "traffic_sumo")}
    roles |= {"r": "charging_station", "q": "charging_station", "cars": "mves_fleet"}
    return FleetSession(
        schema_version=1,
        name="small",
        resourceful_stations=("r",),
        limited_stations=("q",),
        links=("a",),
        periods=periods,
        horizon_periods=horizon,
        bins_per_period=bins,
        vehicle_kwh={"cars": 10.0},
        agents=[{"name": name, "role": role} for name, role in roles.items()],
    )


def _operator(session, period=0, **settings):
    operator = StationReportsOperator(parse_config(settings, StationReportsOperator.Settings, "config.yaml"), Path())
    operator.begin(session.view("power_operator"), Memory())
    operator.open_period(period, None)
    return operator


def _told(session, need, surplus=None, due=None, road_time_s=0.0, gate_s=0.0, spots=1e3):
    """Return openings; need, surplus and due broadcast to (Q, H, B), (R, H, B) and (Q, H, B)."""
    resourceful, limited, horizon = session.connection_shape
    own, other = (limited, horizon, session.bins_per_period), (resourceful, horizon, session.bins_per_period)
    parts = [np.broadcast_to(0.0 if part is None else part, own) for part in (need, due)]
    need, due = (np.concatenate([np.zeros(other), part]) for part in parts)
    surplus = np.concatenate([np.broadcast_to(1e4 if surplus is None else surplus, other), np.zeros(own)])
    stations = len(session.stations)
    return {
        "gate": Gate(np.full(stations, gate_s), np.full(stations, spots)),
        "balance": Balance(need, surplus, due),
        "receipts": np.zeros((stations, len(session.fleets), 3)),
        "road_time_s": np.broadcast_to(road_time_s, (resourceful, limited)),
    }


def _solve(session, told, reward, **settings):
    prices = {"delivery": np.full(session.connection_shape, reward)}
    answer = _operator(session, lead_time_s=0.0, **settings).solve(prices, told)
    value = answer.cost_usd + float((prices["delivery"] * answer.quantities["delivery"]).sum())
    assert value - 1e-6 * max(1.0, abs(value)) <= answer.bound_usd <= value + 1e-12 * abs(value)
    return answer.quantities["delivery"], answer.cost_usd


@pytest.mark.parametrize(
    ("reward", "due", "surplus", "kwh"),
    [
        (0.0, 0.0, 1e4, 50.0 / BROUGHT),
        (0.0, 20.0, 1e4, 30.0 / BROUGHT),  # less what is due
        (0.0, 0.0, 40.0, 0.95 * 40.0),  # no more than r can charge
        # A kWh brings BROUGHT of 5 usd each and takes 0.12 / 0.95 usd at r: worth 4.5763 usd.
        (4.57, 0.0, 1e4, 50.0 / BROUGHT),
        (4.58, 0.0, 1e4, 0.0),
    ],
)
def test_one_bin_by_hand(reward, due, surplus, kwh):
    """All who leave are there in the same hour: r gives what q needs, as long as that is cheaper than want."""
    session = _small()
    got, cost = _solve(session, _told(session, 50.0, surplus, due), reward)
    # Vehicles that take no time are there in the hour in which they leave; nothing is needed behind the horizon.
    assert got[0, 0, 0] == pytest.approx(kwh, abs=1e-6)
    assert cost == pytest.approx(0.12 / 0.95 * kwh + 5.0 * max(0.0, 50.0 - due - BROUGHT * kwh), abs=1e-4)


def test_the_price_of_energy_is_the_hour_s():
    session = _small()
    prices = [0.10 + 0.01 * hour for hour in range(24)]
    operator = _operator(session, period=3, energy_price_usd_per_kwh=prices, lead_time_s=0.0)
    answer = operator.solve({"delivery": np.zeros((1, 1, 1))}, _told(session, 9.405))
    assert answer.cost_usd == pytest.approx(10.0 * 0.13 / 0.95)


def test_half_an_hour_on_the_road_brings_half_a_period_later():
    """H = 1, an hour's need in two bins of which the road allows the second only; waiting costs nothing here.

    What leaves evenly arrives evenly from half past on: half of it in time for the second bin.
    """
    session = _small(bins=2)
    told = _told(session, np.array([[[0.0, 10.0]]]), road_time_s=1800.0)
    got, _ = _solve(session, told, 0.0, waiting_usd_per_kwh_h=0.0)
    # Bins 2 and 3 are behind the horizon, and those who leave within it reach bin 2 only, in which nothing is needed.
    assert got[0, 0, 0] == pytest.approx(2 * 10.0 / BROUGHT, rel=1e-6)


def _by_hand(session, told, z, waiting_usd, unmet_usd=5.0):
    """Return the least cost of sending ``z`` (H,) kWh with no way in between.

    Every bin takes what came last first: who waits waits the shortest, and what nobody takes is thrown away. Waiting is always
    cheaper than want here.
    """
    bins, cost = session.bins_per_period, 0.12 / 0.95 * z.sum()
    need, here = told["balance"].need_kwh[1].ravel(), told["balance"].due_kwh[1].ravel().copy()
    for j in range(need.size):
        here[j] += BROUGHT * z[j // bins] / bins
        left = need[j]
        for i in reversed(range(j + 1)):
            given = min(left, here[i])
            here[i] -= given
            left -= given
            cost += waiting_usd / bins * (j - i) * given
        cost += unmet_usd * left
    return cost


@pytest.mark.parametrize("seed", range(6))
def test_against_brute_force(seed):
    """Every plan on a grid of kWh for two hours of two bins, against the programme: none is better, the best is as good."""
    rng = np.random.default_rng(seed)
    session = _small(horizon=2, bins=2)
    need, due = rng.integers(0, 8, (1, 2, 2)).astype(float), rng.integers(0, 3, (1, 2, 2)).astype(float)
    told = _told(session, need, rng.integers(4, 14, (1, 2, 2)).astype(float), due)
    surplus = told["balance"].surplus_kwh[0]
    most = 0.95 * np.minimum(surplus.sum(axis=1), 2.0 * surplus[:, 0])  # who leaves in the first half has charged before
    reward, waiting = float(rng.uniform(0.0, 4.0)), float(rng.uniform(0.0, 3.0))
    settings = {"waiting_usd_per_kwh_h": waiting, "most_wait_s": 36_000.0}
    got, cost = _solve(session, told, reward, **settings)
    grids = [np.arange(0.0, limit + 1e-9, 0.25) for limit in most]
    values = [_by_hand(session, told, np.array(z), waiting) + reward * sum(z) for z in itertools.product(*grids)]
    value = cost + reward * got.sum()
    assert value <= min(values) + 1e-3
    # Between two grid points cost changes by at most its slope times the step.
    assert min(values) <= value + 2 * 0.25 * (5.0 + reward + 2 * waiting)
    assert value == pytest.approx(_by_hand(session, told, got[0, 0], waiting) + reward * got.sum(), abs=1e-3)


@pytest.mark.parametrize("seed", range(4))
def test_the_plane_of_an_evaluation_lies_below_every_other(seed):
    rng = np.random.default_rng(seed)
    session = fleet_session(horizon=3, bins=2)
    told = _told(
        session, rng.uniform(0, 60, (2, 3, 2)), rng.uniform(10, 90, (2, 3, 2)), None, rng.uniform(300, 2500, (2, 2)), 600.0
    )
    operator = _operator(session)
    here = rng.uniform(0.0, 120.0, session.connection_shape) * rng.integers(0, 2, session.connection_shape)
    plane = operator.evaluate({"delivery": here}, told)
    assert plane.bound_usd == pytest.approx(plane.cost_usd, rel=1e-7)
    assert plane.slopes["delivery"].min() < -0.1
    for _ in range(25):
        other = rng.uniform(0.0, 150.0, session.connection_shape) * rng.integers(0, 2, session.connection_shape)
        cost = operator.evaluate({"delivery": other}, told).cost_usd
        below = plane.bound_usd + float((plane.slopes["delivery"] * (other - here)).sum())
        assert below <= cost + 1e-6 * max(1.0, abs(cost))


def test_uses_at_most_what_is_given_and_nothing_where_nothing_is_needed():
    session = fleet_session()
    operator = _operator(session)
    given = np.random.default_rng(1).uniform(0, 50, session.connection_shape)
    used = operator.evaluate({"delivery": given}, _told(session, 30.0, road_time_s=900.0)).quantities["delivery"]
    assert (used <= given + 1e-9).all()
    assert used.sum() > 0.0
    idle = operator.evaluate({"delivery": given}, _told(session, 0.0, road_time_s=900.0))
    assert idle.quantities["delivery"].max() == 0.0
    assert idle.cost_usd == 0.0


def test_what_is_recorded_is_the_plan_and_what_was_heard():
    session = fleet_session(periods=2)
    operator = _operator(session, period=1)
    told = _told(session, 20.0, road_time_s=0.0)
    told["receipts"][:] = np.arange(24.0).reshape(4, 2, 3)
    asked = operator.solve({"delivery": np.zeros(session.connection_shape)}, told).quantities
    operator.commit(asked)
    tables = operator._recorder.tables
    assert [row["station"] for row in tables["energy_plan"]] == ["q1", "q2"]
    assert tables["energy_plan"][0]["need_kwh"] == pytest.approx(80.0)
    costs = tables["power_costs"][0]
    assert costs["drawn_kwh"] == pytest.approx(asked["delivery"][:, :, 0].sum() / 0.95)
    assert costs["total_usd"] == pytest.approx(costs["energy_usd"] + costs["waiting_usd"] + costs["unmet_usd"])
    assert [row["vehicles"] for row in tables["power_receipts"]] == [3.0, 15.0, 27.0, 39.0]
    assert tables["power_receipts"][0]["period"] == 0


def test_a_shortage_of_the_group_is_said():
    """The stations can give half of what is needed: the plan says that energy is short, not that too little was asked for."""
    session = fleet_session(periods=6)
    operator, memory = _operator(session), None
    for period in range(3):
        operator.open_period(period, None)
        told = _told(session, 60.0, 30.0, road_time_s=0.0)
        operator.commit(operator.solve({"delivery": np.zeros(session.connection_shape)}, told).quantities)
    memory = operator._recorder
    assert all(row["supply_limited"] for row in memory.tables["energy_plan"])
    plenty = _operator(session)
    plenty.commit(plenty.solve({"delivery": np.full(session.connection_shape, 9.0)}, _told(session, 60.0)).quantities)
    rows = plenty._recorder.tables["energy_plan"]
    assert rows[0]["unmet_kwh"] > 100.0
    assert not any(row["supply_limited"] for row in rows)


def test_a_company_needs_a_station_of_each_kind():
    session = fleet_session()
    only_q = session.model_copy(update={"resourceful_stations": ()})
    settings = parse_config({"most_wait_s": 60.0}, StationReportsOperator.Settings, "config.yaml")
    first, second = (str(problem) for problem in StationReportsOperator.check(settings, Path(), only_q))
    assert "no resourceful station" in first
    assert "settings.most_wait_s = 60: must be more than lead_time_s = 120" in second
    assert StationReportsOperator.check(StationReportsOperator.Settings(), Path(), session) == []
