"""Real plans pass the independent checker of storage, and every plan that is broken on purpose is caught in words."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from schedule_checker import check_schedule
from small_rail_days import rail_day
from storage_checker import Timetable, check_storage

from federates.centralised.flow import build_flow_model
from federates.centralised.joint_data import JointData, read_joint_data
from federates.power_operator.models.unit_commitment.dispatch import StoragePlan, storage_plan
from federates.power_operator.models.unit_commitment.plan_model import PlanModel
from federates.power_operator.models.unit_commitment.planner import Planner
from federates.power_operator.models.unit_commitment.schedule import schedule_of
from federates.power_operator.models.unit_commitment.settings import SolverSettings
from federates.worlds.rail.session import RailSession

ROOT = Path(__file__).parent.parent.parent


def _timetable(session: RailSession) -> Timetable:
    home = [session.stations.index(train.home) for train in session.trains]
    return Timetable(session.trip_periods, [(station, 0) for station in home], home)


def _found(data: JointData, plan: StoragePlan, connection: np.ndarray, **how) -> list[str]:
    return check_storage(data.fleet, plan, connection, data.system.period_h, _timetable(data.session), **how)


def _planned(data: JointData) -> tuple[StoragePlan, np.ndarray, PlanModel, np.ndarray]:
    """Return the best plan of a small day, train by train."""
    model = build_flow_model(data, alike=False)
    values = model.solve(gap_usd=0.0).values
    return storage_plan(model, values), np.round(model.connection(values)), model, values


@pytest.mark.parametrize(
    "how",
    [
        {"homes": "aa", "periods": 4},
        {"homes": "ab", "trip": 2},
        {"homes": "ca", "stations": 3, "periods": 3, "alike": False},
        {"homes": "aa", "trip": 2, "slots": {"b": 1}},
    ],
)
def test_plans_of_small_days_pass(how):
    data = rail_day(3, **how)
    plan, connection, model, values = _planned(data)
    assert _found(data, plan, connection) == []
    assert check_schedule(data.system, schedule_of(model.commitment, model.lines, values)) == []


def test_a_plan_of_the_30_bus_day_passes():
    """Evaluated at a fixed route: train 1 makes one trip to bus 13, train 2 goes round."""
    data = read_joint_data(ROOT / "scenarios" / "ieee30")
    connection = np.zeros(data.session.connection_shape)
    for train, station, first, last in (
        (0, 0, 0, 3),
        (0, 1, 6, 10),
        (0, 0, 13, 23),
        (1, 0, 0, 1),
        (1, 1, 4, 12),
        (1, 2, 15, 18),
        (1, 0, 21, 23),
    ):
        connection[train, station, first : last + 1] = 1.0
    settings = SolverSettings(evaluate_gap_usd=100.0)
    planner = Planner(data.session, data.system, data.fleet, 0, np.zeros((2, 3)), settings)
    plan = planner.plan(connection)
    storage = storage_plan(plan.model, plan.values)
    assert _found(data, storage, connection) == []
    assert check_schedule(data.system, schedule_of(plan.model.commitment, plan.model.lines, plan.values)) == []
    assert np.ptp(storage.train_capacity_mw[1]) > 1.0  # batteries do move


@pytest.mark.parametrize("scheme", ["fixed", "central"])
def test_fixed_storage_of_the_30_bus_day_passes(scheme):
    data = read_joint_data(ROOT / "scenarios" / "ieee30", {"scheme": scheme})
    model = build_flow_model(data)
    plan = storage_plan(model, model.solve(gap_usd=100.0).values)
    none = np.zeros((0, len(data.fleet.stations), data.system.periods))
    assert check_storage(data.fleet, plan, none, data.system.period_h) == []
    assert len(data.fleet.stations) == (3 if scheme == "fixed" else 1)


@pytest.fixture(scope="module")
def sound() -> tuple[JointData, StoragePlan, np.ndarray]:
    """Return a day with trips, its plan and its connection; train 0 moves batteries from a to b and back."""
    data = rail_day(2, homes="aa", trip=2, periods=6)
    plan, connection, *_ = _planned(data)
    assert _found(data, plan, connection) == []
    assert connection[:, 1].any()
    return data, plan, connection


def _plus(plan: StoragePlan, **parts: tuple[tuple[int, slice], float]) -> StoragePlan:
    """Return the plan with something added to places of some of its arrays."""
    changed = {}
    for name, (place, more) in parts.items():
        array = getattr(plan, name).copy()
        array[place] += more
        changed[name] = array
    return replace(plan, **changed)


ALL, LATE = slice(None), slice(2, None)
BROKEN_PLANS = {
    "capacity of .* comes from nowhere": lambda p: _plus(p, capacity_mw=((0, slice(3, 5)), 0.5)),
    "energy of .* comes from nowhere": lambda p: _plus(p, energy_mwh=((1, slice(2, 3)), -0.5)),
    r"energy of \+.* comes from nowhere": lambda p: _plus(p, charge_mw=((0, ALL), -0.9 * p.charge_mw[0])),
    "capacity changes by .* trains there bring": lambda p: _plus(
        p, capacity_mw=((0, LATE), -0.5), train_capacity_mw=((0, LATE), 0.5)
    ),
    "energy changes by .* while it stands nowhere": lambda p: _plus(p, train_energy_mwh=((0, _travels(p)), 0.5)),
    "0 to 12 allowed": lambda p: _plus(p, capacity_mw=((0, ALL), 13.0)),
    "0 to 20 allowed": lambda p: _plus(p, train_capacity_mw=((1, ALL), 25.0)),
    "energy of -.* allowed": lambda p: _plus(p, energy_mwh=((0, LATE), -40.0)),
    "MWh in batteries for": lambda p: _plus(p, train_capacity_mw=((0, ALL), -p.train_capacity_mw[0])),
    "charges .* with batteries of": lambda p: _plus(p, charge_mw=((0, ALL), 11.9)),
    "charges .* and discharges .* at once": lambda p: _plus(p, charge_mw=((1, ALL), 0.01), discharge_mw=((1, ALL), 0.01)),
    "negative power": lambda p: _plus(p, discharge_mw=((0, ALL), -5.0)),
    "ends with a capacity": lambda p: _plus(p, capacity_mw=((0, slice(5, 6)), -1.0), train_capacity_mw=((0, slice(5, 6)), 1.0)),
    "train k0: ends with a energy": lambda p: _plus(p, train_energy_mwh=((0, slice(5, 6)), 1.0)),
}


def _travels(plan: StoragePlan) -> slice:
    """Return the second period of the trip of the first train: by then the load of a trip is fixed."""
    load_mw = plan.train_capacity_mw[0]
    moving = [t for t in range(1, 6) if np.isclose(load_mw[t], load_mw[t - 1])]
    return slice(moving[0], 6)


@pytest.mark.parametrize("words", BROKEN_PLANS)
def test_a_broken_plan_is_caught(sound, words):
    data, plan, connection = sound
    found = "\n".join(_found(data, BROKEN_PLANS[words](plan), connection))
    assert re.search(words, found), found


BROKEN_CONNECTIONS = {
    "stands at a and b at once": lambda c: _set(c, (0, ALL, 2), 1.0),
    "periods from a to b, 2 needed": lambda c: _set(_set(c, (1, 0, ALL), 1.0), (1, ALL, 3), (0.0, 1.0)),
    "end of the day: 0 periods from b to a, 2 needed": lambda c: _set(
        _set(c, (1, 0, ALL), 1.0), (1, ALL, slice(3, 6)), ((0.0,) * 3, (1.0,) * 3)
    ),
    "while it stands nowhere": lambda c: _set(c, (ALL, ALL, ALL), 0.0),
    "trains there bring 0.000": lambda c: _set(c, (ALL, 1, ALL), 0.0),
}


def _set(connection: np.ndarray, place: tuple, value: object) -> np.ndarray:
    changed = connection.copy()
    changed[place] = value
    return changed


@pytest.mark.parametrize("words", BROKEN_CONNECTIONS)
def test_a_broken_route_is_caught(sound, words):
    data, plan, connection = sound
    found = "\n".join(_found(data, plan, BROKEN_CONNECTIONS[words](connection)))
    assert words in found, found


def test_tracks_and_late_starts_are_caught(sound):
    data, plan, connection = sound
    no_track = Timetable(((0, 0), (2, 0)), [(0, 0)] * 2, [0, 0])
    assert any("there is no track from a to b" in text for text in check_storage(data.fleet, plan, connection, 1.0, no_track))
    late = Timetable(data.session.trip_periods, [(0, 1), (0, 0)], [0, 0])
    late_plan = _set(connection, (0, 0, 0), 1.0)
    assert any(
        "stands at a 1 periods before it is there" in text for text in check_storage(data.fleet, plan, late_plan, 1.0, late)
    )


def test_handing_over_more_than_a_station_holds_is_caught():
    """Two trains stand at a station that holds 12 MW; one takes 15 MW from the other within a period, (7)-(8)."""
    data = rail_day(0, homes="aa", periods=4)
    start = data.fleet.train_start_capacity_mw
    assert start.tolist() == [10.0, 10.0]
    fleet = replace(data.fleet, train_start_capacity_mw=np.array([20.0, 0.0]), train_end_capacity_mw=np.array([5.0, 15.0]))
    held = np.repeat(fleet.start_capacity_mw[:, None], 4, axis=1)
    none = np.zeros((2, 4))
    carried = np.repeat(fleet.train_end_capacity_mw[:, None], 4, axis=1)
    plan = StoragePlan(held, none, none, none, carried, none)
    no_energy = {f"{part}_energy_mwh": np.zeros(2) for part in ("start", "end", "train_start", "train_end")}
    connection = np.zeros((2, 2, 4))
    connection[:, 0] = 1.0
    found = check_storage(replace(fleet, **no_energy), plan, connection, 1.0)
    assert found == [
        "station a: period 0: trains give 15.000 MW, at most 12 in a period",
        "station a: period 0: trains take 15.000 MW, at most 12 in a period",
    ]


def test_missed_ends_may_be_paid_for(sound):
    data, plan, connection = sound
    elsewhere = replace(data.fleet, end_capacity_mw=data.fleet.end_capacity_mw + 1.0)
    late = replace(data, fleet=elsewhere)
    assert len(_found(late, plan, connection)) == len(elsewhere.stations)
    assert _found(late, plan, connection, ends=False) == []
