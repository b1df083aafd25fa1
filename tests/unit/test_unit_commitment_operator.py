"""Days of the unit commitment operator without HELICS: what it carries out, a late train, and what it leaves behind."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from small_power_folder import SCENARIO, PowerFolder, Recorder, session
from storage_checker import Timetable, check_storage

from federates.boundary.tables import table
from federates.power_operator.models.unit_commitment.day_data import DayData, read_day
from federates.power_operator.models.unit_commitment.dispatch import StoragePlan
from federates.power_operator.models.unit_commitment.operator import UnitCommitmentOperator
from federates.power_operator.models.unit_commitment.settings import UnitCommitmentSettings
from federates.power_operator.models.unit_commitment.storage_data import storage_fleet

QUICK = {"solver__evaluate_gap_usd": 100.0}
PLANNED = [(0, 0, 0, 6), (0, 1, 9, 15), (0, 0, 18, 23), (1, 0, 0, 1), (1, 1, 4, 12), (1, 2, 15, 20), (1, 0, 23, 23)]
"""Train, station, first and last period of every stand: the plan of the day ahead."""
LATE = [(0, 0, 0, 6), (0, 1, 10, 15), (0, 0, 18, 23), (1, 0, 0, 1), (1, 1, 4, 12), (1, 2, 15, 20), (1, 0, 23, 23)]
"""In period 8 train 1 is late: it stands at bus 13 from 10 on."""
LATER = [(0, 0, 0, 6), (0, 1, 10, 15), (0, 0, 18, 23), (1, 0, 0, 1), (1, 1, 4, 12), (1, 2, 15, 20), (1, 2, 23, 23)]
"""In period 21 train 2 cannot come home any more: it stands at bus 15 again from 23 on."""
REPLANS = {8: (LATE, [(1, 10), (1, 8)]), 21: (LATER, [(0, 21), (2, 23)])}


def _connection(stands: list[tuple[int, int, int, int]], periods: int = 24) -> np.ndarray:
    connection = np.zeros((2, 3, periods))
    for train, station, first, last in stands:
        connection[train, station, first : last + 1] = 1.0
    return connection


def _live(operator: UnitCommitmentOperator, connection: np.ndarray, replans: dict[int, Any] | None = None) -> np.ndarray:
    """Carry out a day; return the connection that was carried out."""
    done = connection.copy()
    for period in range(connection.shape[2]):
        assert operator.open_period(period, None) is None
        if replans and period in replans:
            stands, places = replans[period]
            done = _connection(stands)
            ready = np.array([(*place, 0.0) for place in places])
            answer = operator.evaluate({"connection": done[:, :, period:]}, {"train_ready": ready})
            assert answer.quantities["connection"].shape == done[:, :, period:].shape
            assert (answer.quantities["connection"] <= done[:, :, period:] + 1e-9).all()
        operator.commit({"connection": done[:, :, period:]})
    operator.open_period(connection.shape[2], None)
    return done


@lru_cache
def _day(scheme: str, late: bool) -> tuple[Recorder, np.ndarray]:
    """Return what a day of the shipped scenario leaves behind, and its connection."""
    with TemporaryDirectory() as folder:
        operator, recorder = PowerFolder(Path(folder)).begin({"scheme": scheme}, **QUICK)
        stands = PLANNED if scheme == "mobile" else []
        return recorder, _live(operator, _connection(stands), REPLANS if late else None)


DAYS = [("mobile", False), ("mobile", True), ("fixed", False), ("central", False), ("no_storage", False)]


@pytest.mark.parametrize(("scheme", "late"), DAYS)
def test_the_balance_closes(scheme, late):
    recorder, _ = _day(scheme, late)
    units = np.array([row["output_mw"] for row in recorder.tables["unit_dispatch"]]).reshape(24, -1)
    served = units.sum(axis=1) + sum(recorder.column("power_balance", name) for name in ("renewable_mw", "storage_mw", "shed_mw"))
    assert served - recorder.column("power_balance", "spill_mw") == pytest.approx(
        recorder.column("power_balance", "load_mw"), abs=1e-5
    )
    used, available = (recorder.column("power_balance", name) for name in ("renewable_mw", "available_renewable_mw"))
    assert (used <= available + 1e-6).all()
    assert used.sum() < available.sum()  # the line from the wind farm binds in every scheme
    power = recorder.grid("storage_state", "discharge_mw", "station", _stations(scheme)) - recorder.grid(
        "storage_state", "charge_mw", "station", _stations(scheme)
    )
    assert power.reshape(-1, 24).sum(axis=0) == pytest.approx(recorder.column("power_balance", "storage_mw"), abs=1e-6)
    over = recorder.column("line_flow", "flow_mw").__abs__() - recorder.column("line_flow", "limit_mw")
    assert over.max() <= 2e-3


def _stations(scheme: str) -> list[str]:
    return {"central": ["bus10"], "no_storage": []}.get(scheme, ["bus4", "bus13", "bus15"])


@lru_cache
def _data() -> tuple[UnitCommitmentSettings, DayData]:
    with TemporaryDirectory() as folder:
        settings = PowerFolder(Path(folder)).settings()
    return settings, read_day(settings, SCENARIO / "power_operator", 24, 1.0)


@pytest.mark.parametrize(
    ("scheme", "late", "phase"),
    [(*day, phase) for day in DAYS[:-1] for phase in ("", "planned_") if not (day[1] and phase)],  # one plan, not of three
)
def test_batteries_are_sound(scheme, late, phase):
    """What was carried out, and what was planned at first, pass the independent checker; so do the routes."""
    recorder, connection = _day(scheme, late)
    shared = session(scheme=scheme)
    settings, day = _data()
    fleet = storage_fleet(settings, shared, day.buses)
    names = ("capacity_mw", "energy_mwh", "charge_mw", "discharge_mw")
    stations = [recorder.grid("storage_state", phase + name, "station", _stations(scheme)) for name in names]
    trains = [recorder.grid("train_storage", phase + name, "train", fleet.trains).reshape(-1, 24) for name in names[:2]]
    plan = StoragePlan(*stations, *trains)
    # A train that the public timetable brings home no more ends where it is; the trips before are checked all the same.
    timetable = Timetable(shared.trip_periods, [(0, 0)] * 2, [0, 2 if late else 0]) if fleet.trains else None
    assert check_storage(fleet, plan, connection if fleet.trains else np.zeros((0, 1, 24)), 1.0, timetable, ends=not late) == []


@pytest.mark.parametrize(("scheme", "late"), DAYS)
def test_costs_add_up(scheme, late):
    recorder, _ = _day(scheme, late)
    rows = recorder.tables["plan_costs"]
    assert [(row["phase"], row["period"]) for row in rows] == [
        ("planned", 0), *([("planned", 8), ("planned", 21)] if late else []), ("realised", 24),
    ]  # fmt: skip
    for row in rows:
        parts = [row[name] for name in ("production_usd", "start_up_usd", "shut_down_usd", "throughput_usd", "slack_usd")]
        assert sum(parts) == pytest.approx(row["total_usd"])
        assert min(parts) >= -1e-9
    realised, per_period = rows[-1], recorder.column("power_balance", "cost_usd").sum()
    ends_usd = _ends_missed(recorder, scheme) * 1000.0
    assert realised["total_usd"] == pytest.approx(per_period + realised["throughput_usd"] + ends_usd, abs=0.01)
    assert realised["slack_usd"] == pytest.approx(ends_usd, abs=0.01)
    assert realised["production_usd"] == pytest.approx(_production_usd(recorder), rel=1e-6)
    moved = sum(
        recorder.grid("storage_state", f"{way}_mw", "station", _stations(scheme)).sum() for way in ("charge", "discharge")
    )
    assert realised["throughput_usd"] == pytest.approx(0.001 * moved, abs=1e-6)
    if not late:
        planned = recorder.column("power_balance", "planned_cost_usd").sum() + rows[0]["throughput_usd"]
        assert planned == pytest.approx(rows[0]["total_usd"], abs=0.01)


def _ends_missed(recorder: Recorder, scheme: str) -> float:
    """Return MW and MWh that stations and trains lack or have too much after the day, from what they begin with."""
    if scheme == "no_storage":
        return 0.0
    held = {
        "mobile": ([15.0] * 3, [15.0] * 3, [22.5] * 2, [22.5] * 2),
        "fixed": ([30.0] * 3, [30.0] * 3, [], []),
        "central": ([90.0], [90.0], [], []),
    }[scheme]
    places = [("storage_state", "station", _stations(scheme))] * 2 + [("train_storage", "train", ["train1", "train2"])] * 2
    missed = 0.0
    for (name, by, who), kind, wanted in zip(places, ("capacity_mw", "energy_mwh") * 2, held, strict=True):
        if wanted:
            missed += float(np.abs(recorder.grid(name, kind, by, who)[:, -1] - wanted).sum())
    return missed


def _production_usd(recorder: Recorder) -> float:
    units = _data()[1].system.units
    curve = dict(zip(units.names, units.cost_curves, strict=True))
    rows = [row for row in recorder.tables["unit_dispatch"] if row["on"]]
    return sum(float(np.interp(row["output_mw"], curve[row["unit"]].mw, curve[row["unit"]].usd_per_h)) for row in rows)


@pytest.mark.parametrize(("scheme", "late"), DAYS)
def test_tables_have_the_columns_that_are_promised(scheme, late):
    recorder, _ = _day(scheme, late)
    for name, rows in recorder.tables.items():
        assert set(rows[0]) == set(table(name).columns)
    assert len(recorder.tables["power_balance"]) == 24
    assert len(recorder.tables.get("train_storage", [])) == (48 if scheme == "mobile" else 0)


def test_a_late_train_changes_what_comes_and_not_what_was():
    plain, late = _day("mobile", False)[0], _day("mobile", True)[0]
    for name in ("power_balance", "unit_dispatch", "storage_state", "train_storage", "line_flow"):
        before = [[row for row in day.tables[name] if row["period"] < 8] for day in (plain, late)]
        assert before[0] == before[1]
        assert plain.tables[name] != late.tables[name]
    planned = [row["period"] for row in late.tables["plan_costs"] if row["phase"] == "planned"]
    for row in late.tables["storage_state"] + late.tables["train_storage"]:
        assert row["planned_in"] == max(period for period in planned if period <= row["period"])
    load = [row["capacity_mw"] for row in late.tables["train_storage"] if row["train"] == "train1"]
    assert load[7] == pytest.approx(load[8])
    assert load[8] == pytest.approx(load[9])  # under way until period 10


def test_the_same_seed_gives_the_same_day(tmp_path):
    """A short day twice, by two operators; another seed is another day."""
    days = []
    for i, seed in enumerate((1, 1, 2)):
        operator, recorder = PowerFolder(tmp_path / str(i), periods=6).begin({"scheme": "fixed", "seed": seed})
        _live(operator, np.zeros((2, 3, 6)))
        days.append(recorder.tables)
    assert days[0] == days[1]
    assert days[0]["power_balance"] != days[2]["power_balance"]


def test_a_day_as_forecast_costs_what_was_planned(tmp_path):
    exact = {"deviation": {}, "solver__evaluate_gap_usd": 0.0, "line_limits_file": ""}
    operator, recorder = PowerFolder(tmp_path, periods=6).begin({"scheme": "fixed"}, **exact)
    _live(operator, np.zeros((2, 3, 6)))
    planned, realised = recorder.tables["plan_costs"]
    assert realised["total_usd"] == pytest.approx(planned["total_usd"], rel=1e-6)


def test_a_connection_may_be_committed_without_a_negotiation(tmp_path):
    """Nobody asks the operator where the trains are: the connection itself says it, at the start and in the middle of the day."""
    operator, recorder = PowerFolder(tmp_path, periods=8).begin(**QUICK)
    first = _connection([(0, 0, 0, 1), (0, 1, 4, 5), (1, 0, 0, 7)], periods=8)
    second = _connection([(0, 0, 0, 1), (0, 1, 4, 4), (1, 0, 0, 7)], periods=8)
    second[0, 0, 7] = 1.0
    for period in range(8):
        operator.open_period(period, None)
        operator.commit({"connection": (first if period < 3 else second)[:, :, period:]})
    assert [row["period"] for row in recorder.tables["plan_costs"]] == [0, 3, 8]
    assert len(recorder.tables["train_storage"]) == 16


def test_what_a_plan_cannot_hold_is_named(tmp_path):
    """Bus 30 has load and two lines; with hardly any capacity the plan pays, and the report names the lines."""
    narrow = {"line_limits_mw": {"27-30": 1.0, "29-30": 1.0}}
    folder = PowerFolder(tmp_path, periods=4)
    assert folder.problems(**narrow) == []
    operator, recorder = folder.begin({"scheme": "fixed"}, **narrow)
    _live(operator, np.zeros((2, 3, 4)))
    constraints = [row["constraint"] for row in recorder.tables["slacks"]]
    assert any("line 27-30 (27-30): flow is" in text and "MW over the limit" in text for text in constraints)
    assert {row["planned_in"] for row in recorder.tables["slacks"]} == {0}
    assert set(recorder.tables["slacks"][0]) == set(table("slacks").columns)
    planned, realised = recorder.tables["plan_costs"]
    assert planned["slack_usd"] > 5_000.0
    assert realised["slack_usd"] > 5_000.0


def test_burning_energy_is_never_charging_and_discharging_at_once(tmp_path):
    """Units that may not stop give more than the load: cycling a battery would burn the rest, which (15) forbids."""
    folder = PowerFolder(tmp_path, periods=4)
    folder.rows("units.csv", lambda rows: [row | {"min_up_h": "24", "initial_on_h": "1"} for row in rows])
    operator, recorder = folder.begin({"scheme": "fixed"}, load__scale=0.1, storage__battery__start_energy_share=1.0)
    _live(operator, np.zeros((2, 3, 4)))
    assert recorder.column("power_balance", "spill_mw").sum() > 1.0
    both = np.minimum(recorder.column("storage_state", "charge_mw"), recorder.column("storage_state", "discharge_mw"))
    planned = np.minimum(
        recorder.column("storage_state", "planned_charge_mw"), recorder.column("storage_state", "planned_discharge_mw")
    )
    assert both.max() <= 1e-4
    assert planned.max() <= 1e-4
    assert any("have nowhere to go" in row["constraint"] for row in recorder.tables["slacks"])
