"""The copperplate against programmes of scipy that are made from its equations, and as a relaxation of unit commitment."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from rail_brute_force import RailBruteForce
from scipy.optimize import linprog
from small_power_folder import PowerFolder, Recorder, session
from small_rail_days import rail_day

from federates.boundary.errors import ConfigError
from federates.boundary.tables import table
from federates.power_operator.models.copperplate_dispatch.merit_order import copperplate, from_zero
from federates.power_operator.models.copperplate_dispatch.operator import CopperplateDispatchOperator
from federates.power_operator.models.unit_commitment.cost_curves import CostCurve
from federates.power_operator.models.unit_commitment.operator import UnitCommitmentOperator
from federates.power_operator.models.unit_commitment.planner import Planner
from federates.power_operator.models.unit_commitment.settings import SolverSettings
from federates.worlds.rail.trains import at_home

EXACT = SolverSettings(solve_gap_usd=0.0, evaluate_gap_usd=0.0)
NO_DEVIATION = {"load_error_share": 0.0, "renewable_error_share": 0.0}


def _begun(folder, scheme, cls=CopperplateDispatchOperator, periods=24, **changes):
    operator, recorder = cls(folder.settings(**changes), folder.folder), Recorder()
    operator.begin(session(scheme=scheme, periods=periods), recorder)
    operator.open_period(0, None)
    return operator, recorder


def _nothing_moves(operator):
    shape = session(periods=operator._session.periods).connection_shape
    return operator.evaluate({"connection": np.zeros(shape)}, {"train_ready": np.zeros((2, 3))})


# --- the cost curve of a free unit


@pytest.mark.parametrize("seed", range(6))
def test_the_curve_from_zero_is_the_least_mix_of_being_off_and_of_points_of_the_curve(seed):
    rng = np.random.default_rng(seed)
    mw = np.cumsum(rng.uniform(5, 20, 5))
    slopes = np.sort(rng.uniform(5, 40, 4))
    curve = CostCurve(mw, rng.uniform(0, 800) + np.concatenate([[0.0], np.cumsum(slopes * np.diff(mw))]))
    envelope = from_zero(curve)
    points_mw, points_usd = np.concatenate([[0.0], mw]), np.concatenate([[0.0], curve.usd_per_h])
    for output in np.linspace(0.0, mw[-1], 9):
        mix = linprog(points_usd, A_eq=[points_mw, np.ones(6)], b_eq=[output, 1.0])
        assert envelope.cost_usd_per_h(output) == pytest.approx(mix.fun, abs=1e-6)
    assert (np.diff(envelope.slopes_usd_per_mwh) > 0).all()


def test_curves_of_one_point_and_from_zero_stay_what_they_are():
    assert from_zero(CostCurve(np.array([0.0]), np.array([7.0]))).usd_per_h.tolist() == [0.0]
    block = from_zero(CostCurve(np.array([40.0]), np.array([800.0])))
    assert block.slopes_usd_per_mwh.tolist() == [20.0]
    straight = CostCurve(np.array([0.0, 10.0, 20.0]), np.array([0.0, 100.0, 300.0]))
    assert from_zero(straight).usd_per_h.tolist() == [0.0, 100.0, 300.0]


# --- the day


def _mixed_day(day, storage=None):
    """Least cost of the day by weights of the points (0, 0) and of each unit's own curve; ``storage`` is a fixed fleet."""
    units, load = day.system.units, day.system.total_load_mw
    wind = day.system.renewables.available_mw.sum(axis=0)
    sizes = [len(curve.mw) for curve in units.cost_curves]
    fleets = len(storage.stations) if storage is not None else 0
    periods, weights = len(load), sum(sizes)
    width = weights + 1 + 3 * fleets  # weights, wind, and per station charge, discharge, energy
    cost, upper = np.zeros(width * periods), np.full(width * periods, np.inf)
    equal, right, less, most = [], [], [], []
    for t in range(periods):
        at = t * width
        balance = np.zeros(width * periods)
        column = at
        for curve, size in zip(units.cost_curves, sizes, strict=True):
            cost[column : column + size], balance[column : column + size] = curve.usd_per_h, curve.mw
            whole = np.zeros(width * periods)
            whole[column : column + size] = 1.0
            less.append(whole)
            most.append(1.0)  # what is missing from 1 is the weight of being off
            column += size
        balance[column], upper[column] = 1.0, wind[t]
        for s in range(fleets):
            charge, discharge, energy = (at + weights + 1 + 3 * s + i for i in range(3))
            balance[charge], balance[discharge] = -1.0, 1.0
            cost[[charge, discharge]] = storage.throughput_usd_per_mwh
            upper[[charge, discharge]], upper[energy] = storage.capacity_mw[s], storage.energy_mwh[s]
            row = np.zeros(width * periods)
            row[energy], row[charge], row[discharge] = 1.0, -storage.charge_efficiency, 1 / storage.discharge_efficiency
            if t:
                row[energy - width] = -1.0
            equal.append(row)
            right.append(0.0 if t else storage.start_energy_mwh[s])
            if t == periods - 1:
                end = np.zeros(width * periods)
                end[energy] = 1.0
                equal.append(end)
                right.append(storage.end_energy_mwh[s])
        equal.append(balance)
        right.append(load[t])
    bounds = np.column_stack([np.zeros(width * periods), upper])
    found = linprog(cost, A_ub=less, b_ub=most, A_eq=equal, b_eq=right, bounds=bounds)
    assert found.status == 0
    return found.fun


@pytest.mark.parametrize("scheme", ["no_storage", "fixed", "central"])
def test_the_cost_of_the_30_bus_day_is_that_of_a_programme_in_weights(tmp_path, scheme):
    folder = PowerFolder(tmp_path)
    operator, _ = _begun(folder, scheme)
    answer = _nothing_moves(operator)
    own = UnitCommitmentOperator.read_day(folder.settings(), folder.folder, session())
    fleet = None if scheme == "no_storage" else operator._fleet
    assert answer.cost_usd == pytest.approx(_mixed_day(own, fleet), rel=1e-7)
    assert answer.bound_usd == pytest.approx(answer.cost_usd, rel=1e-7)  # a linear programme proves its optimum


def test_units_run_in_the_order_of_their_prices(tmp_path):
    """Without storage: fill the load beyond the wind with the cheapest segments of all units; the last one sets the price."""
    operator, recorder = _begun(PowerFolder(tmp_path, 6), "no_storage", periods=6, deviation=NO_DEVIATION)
    zero = np.zeros((2, 3, 6))
    for period in range(6):
        operator.open_period(period, None)
        operator.commit({"connection": zero[:, :, period:]})
    system = operator._day.system
    rest = np.maximum(system.total_load_mw - system.renewables.available_mw.sum(axis=0), 0.0)
    segments = sorted(
        (slope, width)
        for curve in system.units.cost_curves
        for slope, width in zip(curve.slopes_usd_per_mwh, curve.widths_mw, strict=True)
    )
    ends = np.cumsum([width for _, width in segments])
    price = [segments[int(np.searchsorted(ends, mw))][0] for mw in rest]
    assert recorder.column("power_balance", "price_usd_per_mwh") == pytest.approx(price, abs=1e-6)
    starts = np.concatenate([[0.0], ends[:-1]])
    cost = [sum(slope * min(width, max(0.0, mw - s)) for (slope, width), s in zip(segments, starts, strict=True)) for mw in rest]
    assert recorder.column("power_balance", "cost_usd") == pytest.approx(cost, abs=1e-5)
    planned, realised = recorder.tables["plan_costs"]
    assert realised["total_usd"] == pytest.approx(sum(cost), rel=1e-9)
    assert planned["total_usd"] == pytest.approx(sum(cost), rel=1e-9)


# --- trains


SMALL = {"one": {"homes": "a"}, "alike": {"homes": "aa", "periods": 4}, "two homes": {"homes": "ab", "trip": 2}}


def _planner(data):
    return Planner(data.session, data.system, data.fleet, 0, at_home(data.session), EXACT)


@pytest.mark.parametrize("name", SMALL)
def test_with_trains_it_answers_as_trying_every_route_does_and_never_above_unit_commitment(name):
    committed = rail_day(3, line_mw=1e6, **SMALL[name])
    plate = replace(committed, system=copperplate(committed.system))
    brute, planner, dearer = RailBruteForce(plate), _planner(plate), _planner(committed)
    routes = np.array([connection for connection, _ in brute.plans()])
    costs = np.array([brute.cost_usd(connection) for connection in routes])
    for connection, cost_usd in list(zip(routes, costs, strict=True))[::11]:
        answer = planner.evaluate(connection)
        assert answer.cost_usd == pytest.approx(cost_usd, rel=1e-6)
        assert answer.cost_usd <= dearer.evaluate(connection).cost_usd + 1e-6
        assert answer.slopes is not None
        planes = answer.bound_usd + (answer.slopes["connection"] * (routes - connection)).sum(axis=(1, 2, 3))
        assert (planes <= costs + 1e-6).all()
    rng = np.random.default_rng(5)
    for scale in (0.0, 5.0, 60.0):
        prices = rng.uniform(-0.3, 1.0, plate.session.connection_shape) * scale
        answer = planner.solve(prices, relaxed=False)
        least = float((costs + (routes * prices).sum(axis=(1, 2, 3))).min())
        # The operator may also stand somewhere unconnected, which trying routes as they are does not: it can only be cheaper.
        assert answer.bound_usd <= least + 1e-6
        connection = answer.quantities["connection"]
        asked = planner.evaluate(connection).cost_usd + float((prices * connection).sum())
        assert asked == pytest.approx(answer.bound_usd, abs=1e-4 + 1e-6 * abs(least))


def test_lines_without_limits_and_free_units_are_the_copperplate():
    data = rail_day(7, line_mw=1e6)
    plate = replace(data, system=copperplate(data.system))
    wired = replace(data, system=replace(plate.system, network=data.system.network))
    bound = replace(data, system=replace(plate.system, network=rail_day(7, line_mw=2.0).system.network))
    home = np.zeros(data.session.connection_shape)
    home[:, 0] = 1.0
    free, same, held = (_planner(each).evaluate(home).cost_usd for each in (plate, wired, bound))
    assert same == pytest.approx(free, rel=1e-9)
    assert held > free + 1.0  # what a line holds back is what the copperplate leaves out


# --- the operator in its place


def test_a_day_leaves_every_table_but_the_lines_and_keeps_the_balance(tmp_path):
    operator, recorder = _begun(PowerFolder(tmp_path, 8), "mobile", periods=8)
    stands = np.zeros((2, 3, 8))
    stands[1, 0] = stands[0, 0, :2] = stands[0, 0, 6:] = stands[0, 1, 4] = 1.0  # train 1 visits bus 13
    for period in range(8):
        operator.open_period(period, None)
        operator.commit({"connection": stands[:, :, period:]})
    written = ("bus_prices", "grid", "plan_costs", "power_balance", "unit_dispatch", "storage_state", "train_storage")
    assert sorted(recorder.tables) == sorted(written)
    for name, row in itertools.product(written, (0, -1)):
        assert set(recorder.tables[name][row]) == set(table(name).columns)
    units = np.array([row["output_mw"] for row in recorder.tables["unit_dispatch"]]).reshape(8, -1).sum(axis=1)
    served = units + sum(recorder.column("power_balance", name) for name in ("renewable_mw", "storage_mw", "shed_mw"))
    load = recorder.column("power_balance", "load_mw") + recorder.column("power_balance", "spill_mw")
    assert served == pytest.approx(load, abs=1e-5)


def test_it_takes_the_settings_of_unit_commitment_and_no_other(tmp_path):
    folder = PowerFolder(tmp_path)
    settings = folder.settings()
    assert CopperplateDispatchOperator.Settings.model_validate(settings.model_dump()).case_file == settings.case_file
    assert CopperplateDispatchOperator.check(settings, folder.folder, session()) == []
    with pytest.raises(ValueError, match="merit"):
        CopperplateDispatchOperator.Settings.model_validate({"case_file": "c.m", "merit": 1})
    folder.cell("load.csv", 5, "load_mw", "nan")
    with pytest.raises(ConfigError, match="line 7"):
        CopperplateDispatchOperator(settings, folder.folder).begin(session(), Recorder())
    (problem,) = CopperplateDispatchOperator.check(settings, folder.folder, session())
    assert (problem.file, problem.field) == ("data/load.csv", "line 7, load_mw")
    (problem,) = CopperplateDispatchOperator.check(settings, folder.folder, object())
    assert (problem.field, problem.value) == ("operator", "copperplate_dispatch")
    assert "rail" in problem.allowed
