"""Bad input of the unit commitment operator: one clear problem each, with file, field, value and what is allowed."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import yaml
from small_power_folder import SCENARIO, PowerFolder, session

from federates.boundary.config import parse_config
from federates.boundary.errors import ConfigError, Problem
from federates.boundary.world import parse_session
from federates.cli.app import main
from federates.power_operator.models.unit_commitment.operator import UnitCommitmentOperator
from federates.power_operator.models.unit_commitment.settings import UnitCommitmentSettings


def _without(column: str) -> Any:
    return lambda rows: [{k: v for k, v in row.items() if k != column} for row in rows]


def _in_case(folder: PowerFolder, table: str, change: Callable[[list[str]], None]) -> None:
    """Change the values of every row of a table of the case file."""
    path = folder.folder / "data" / "pglib_opf_case30_as.m"
    lines, inside = [], False
    for line in path.read_text(encoding="utf-8").splitlines():
        inside = (inside or line.startswith(f"mpc.{table} ")) and not line.startswith("]")
        cells = line.split(";")[0].split()
        if inside and len(cells) > 9 and "=" not in line:
            change(cells)
            line = "\t".join(cells) + ";"
        lines.append(line)
    path.write_text("\n".join(lines), encoding="utf-8")


def _isolate(folder: PowerFolder, bus: int) -> None:
    """Take every line of a bus out of service in the case file."""

    def change(cells: list[str]) -> None:
        cells[10] = "0" if str(bus) in cells[:2] else cells[10]

    _in_case(folder, "branch", change)


def _idle(folder: PowerFolder, bus: int) -> None:
    """Take the unit of a bus out of service in the case file."""

    def change(cells: list[str]) -> None:
        cells[7] = "0" if cells[0] == str(bus) else cells[7]

    _in_case(folder, "gen", change)


def _no_load(folder: PowerFolder) -> None:
    def change(cells: list[str]) -> None:
        cells[2] = cells[4] = "0"

    _in_case(folder, "bus", change)


def _begins_at(folder: PowerFolder, mw: str) -> None:
    """Give a column of outputs before the day; the second unit's is ``mw``, all others' their minimum."""
    folder.rows(
        UNITS, lambda rows: [row | {"initial_output_mw": mw if i == 1 else row["p_min_mw"]} for i, row in enumerate(rows)]
    )


LOAD, WIND, UNITS, LIMITS, CASE = "load.csv", "renewables.csv", "units.csv", "line_limits.csv", "pglib_opf_case30_as.m"
FINITE = "must be a finite number"
DATA = {
    "23 rows": (lambda f: f.rows(LOAD, lambda rows: rows[:23]), LOAD, "period", "23 missing", "a row for each of 0 to 23"),
    "no rows": (lambda f: _write(f, LOAD, "period,load_mw\n"), LOAD, r"\(file\)", "no rows", "at least one row"),
    "empty": (lambda f: _write(f, UNITS, ""), UNITS, r"\(file\)", "empty", "at least one row"),
    "NaN": (lambda f: f.cell(LOAD, 5, "load_mw", "nan"), LOAD, "line 7, load_mw", "'nan'", FINITE),
    "infinite": (lambda f: f.cell(WIND, 5, "wind", "1e999"), WIND, "line 7, wind", "'1e999'", FINITE),
    "text": (lambda f: f.cell(WIND, 0, "wind", "calm"), WIND, "line 2, wind", "'calm'", FINITE),
    "empty cell": (lambda f: f.cell(WIND, 3, "wind", ""), WIND, "line 5, wind", "''", FINITE),
    "negative load": (lambda f: f.cell(LOAD, 2, "load_mw", "-3"), LOAD, "line 4, load_mw", "-3", "at least 0"),
    "too many values": (lambda f: f.text(LOAD, "\n0,", "\n0,7,"), LOAD, "line 2", "3 values", "2, one for each column"),
    "load above all": (lambda f: f.cell(LOAD, 7, "load_mw", "900"), LOAD, "load_mw", "900 MW in period 7", "at most"),
    "cost": (lambda f: f.cell(UNITS, 1, "start_up_usd", "-74"), UNITS, "line 3, start_up_usd", "-74", "at least 0"),
    "column": (lambda f: f.rows(UNITS, _without("min_up_h")), UNITS, "min_up_h", "missing", "the file has: bus"),
    "profile": (lambda f: f.rows(WIND, _without("wind")), WIND, "wind", "missing", "the file has: period"),
    "bus without a unit": (lambda f: f.rows(UNITS, lambda r: [*r, r[0] | {"bus": "99"}]), UNITS, "bus", "99", "bus of the case"),
    "unit without a row": (lambda f: f.rows(UNITS, lambda r: r[1:]), UNITS, "bus", "1 missing", "unit at this bus"),
    "unit twice": (lambda f: f.rows(UNITS, lambda r: [*r, r[0]]), UNITS, "line 8, bus", "1", "twice, first in line 2"),
    "minimum": (lambda f: f.cell(UNITS, 0, "p_min_mw", "5000"), UNITS, "p_min_mw, bus 1", "5000", "exceed the unit's maximum"),
    "state": (lambda f: f.cell(UNITS, 4, "initial_on_h", "0"), UNITS, "initial_on_h, bus 11", "0", "hours on"),
    "output": (
        lambda f: _begins_at(f, "900"),
        UNITS,
        "initial_output_mw, bus 2",
        "900",
        "between the unit's minimum and maximum",
    ),
    "unit out of service": (lambda f: _idle(f, 8), UNITS, "bus", "8", "the unit there is out of service in the case"),
    "no load in the case": (_no_load, CASE, "bus, PD and GS", "0 MW together", "load.csv is shared out among them"),
    "no branch": (lambda f: f.cell(LIMITS, 0, "to_bus", "14"), LIMITS, "line 2", "16 from 12 to 14", "branch of the case"),
    "line": (lambda f: f.cell(LIMITS, 0, "line", "400"), LIMITS, "line 2", "400 from 12 to 13", "branch of the case"),
    "limit": (lambda f: f.cell(LIMITS, 0, "limit_mw", "-1"), LIMITS, "line 2, limit_mw", "-1", "at least 0"),
    "bus apart": (lambda f: _isolate(f, 26), CASE, "network", "1 buses apart: 26", "connected"),
    "no case": (lambda f: _write(f, CASE, "hello"), CASE, r"\(file\)", ".", "MATPOWER case"),
}
MISSING = [LOAD, UNITS, WIND, LIMITS, CASE]
ONE = {"capacity_mw": 1, "energy_mwh": 1}
BUS, SHARE = "must be a bus of the case", "storage.battery.start_energy_share"
SETTINGS: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "station's bus": ({"storage__mobile__bus13__bus": 99}, "storage.mobile.bus13.bus", "99", BUS),
    "fixed storage's bus": ({"storage__central__bus10__bus": 0}, "storage.central.bus10.bus", "0", BUS),
    "wind's bus": ({"renewables__wind__bus": 31}, "renewables.wind.bus", "31", BUS),
    "no such station": (
        {"storage__mobile": {"bus4": ONE | {"bus": 4}, "bus15": ONE | {"bus": 15}, "bus12": ONE | {"bus": 12}}},
        "storage.mobile.bus13", "missing", "given: bus4, bus15, bus12",
    ),
    "no such train": ({"storage__trains": {"train1": ONE}}, "storage.trains.train2", "missing", "given: train1"),
    "too full": ({"storage__battery__start_energy_share": 0.9}, SHARE, "0.9", "bus4 with 54 MWh in .* for 30 MWh.*train2"),
    "train too full": ({"storage__trains__train1__energy_mwh": 300}, SHARE, "0.25", "train1 with 75 MWh in .* for 45 MWh$"),
    "unlike trains": (
        {"storage__trains__train2__capacity_mw": 40},
        "storage.trains.train2.capacity_mw", "40", "must be that of train1, 45: .* kind of its own"
    ),
    "no such line": ({"line_limits_mw": {"12-14x": 5.0}}, "line_limits_mw.12-14x", "12-14x", "two joined buses"),
}  # fmt: skip


def _write(folder: PowerFolder, name: str, text: str) -> None:
    (folder.folder / "data" / name).write_text(text, encoding="utf-8")


def _is(problem: Problem, file: str, field: str, value: str, allowed: str) -> None:
    for text, pattern in ((problem.file, file), (problem.field, field), (problem.value, value), (problem.allowed, allowed)):
        assert re.search(pattern, text), str(problem)


def test_the_shipped_scenarios_are_sound(tmp_path):
    assert PowerFolder(tmp_path).problems() == []
    for scheme in ("fixed", "central", "no_storage"):
        assert PowerFolder(tmp_path / scheme).problems({"scheme": scheme}) == []


@pytest.mark.parametrize("scheme", ["fixed", "central"])
def test_fixed_energy_needs_batteries(tmp_path, scheme):
    """It starts with energy that nothing there can hold: the day would be infeasible without a word."""
    name = {"fixed": "bus13", "central": "bus10"}[scheme]
    field = f"storage__{scheme}__{name}__"
    folder = PowerFolder(tmp_path)
    (found,) = folder.problems({"scheme": scheme}, **{field + "capacity_mw": 0})
    _is(found, "config.yaml", rf"storage\.{scheme}\.{name}\.capacity_mw", "0", "must be above 0: the place starts with .* MWh")
    assert folder.problems({"scheme": scheme}, **{field + "capacity_mw": 0, field + "energy_mwh": 0}) == []


@pytest.mark.parametrize("name", DATA)
def test_bad_data_is_one_problem(tmp_path, name):
    change, *wanted = DATA[name]
    folder = PowerFolder(tmp_path)
    change(folder)
    found = folder.problems()
    assert len(found) == 1, [str(problem) for problem in found]
    _is(found[0], *wanted)


def test_a_unit_begins_at_the_output_that_it_is_said_to_have(tmp_path):
    folder = PowerFolder(tmp_path)
    shared, settings = session(), folder.settings()
    plain = UnitCommitmentOperator.read_day(settings, folder.folder, shared).system.units
    assert (plain.initial_output_mw == np.where(plain.initially_on, plain.p_min_mw, 0.0)).all()
    _begins_at(folder, "33.5")
    assert folder.problems() == []
    known = UnitCommitmentOperator.read_day(settings, folder.folder, shared).system.units
    assert known.initial_output_mw.tolist() == [33.5 if i == 1 else mw for i, mw in enumerate(plain.initial_output_mw)]


def test_the_first_periods_of_the_profiles_are_read(tmp_path):
    """`--set periods=6`: rows beyond the day are not read, too few are one problem."""
    folder = PowerFolder(tmp_path)
    short, whole = (UnitCommitmentOperator.read_day(folder.settings(), folder.folder, session(periods=n)) for n in (6, 24))
    assert (short.system.load_mw == whole.system.load_mw[:, :6]).all()
    assert (short.system.renewables.available_mw == whole.system.renewables.available_mw[:, :6]).all()
    assert [problem.value for problem in PowerFolder(tmp_path / "25", 25).problems()] == ["24 missing", "24 missing"]


def test_a_unit_that_is_slower_than_its_minimum_is_noted(tmp_path):
    """PyPSA #1282 and kin: a minimum of 30 MW and 5 MW/h; the day runs, and costs penalties."""
    folder = PowerFolder(tmp_path)
    settings = folder.settings()
    assert UnitCommitmentOperator.notes(settings, folder.folder, session()) == []
    folder.cell(UNITS, 1, "p_min_mw", "30")
    folder.cell(UNITS, 1, "ramp_mw_per_h", "5")
    assert folder.problems() == []
    (note,) = UnitCommitmentOperator.notes(settings, folder.folder, session())
    _is(note, "units.csv", "ramp_mw_per_h, unit g2", "5", "less in a period than the unit's minimum of 30 MW")


@pytest.mark.parametrize("name", MISSING)
def test_a_missing_file_is_one_problem(tmp_path, name):
    folder = PowerFolder(tmp_path)
    (folder.folder / "data" / name).unlink()
    found = folder.problems()
    assert found == [Problem(f"data/{name}", "(file)", "missing", "this file must exist")]


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_that_do_not_fit_are_one_problem(tmp_path, name):
    changes, field, value, allowed = SETTINGS[name]
    found = PowerFolder(tmp_path).problems(**changes)
    assert len(found) == 1, [str(problem) for problem in found]
    _is(found[0], "config.yaml", f"^settings.{re.escape(field)}$", f"^{re.escape(value)}$", allowed)


def test_every_problem_is_found_at_once(tmp_path):
    folder = PowerFolder(tmp_path)
    folder.cell("load.csv", 0, "load_mw", "x")
    folder.cell("units.csv", 0, "start_up_usd", "-1")
    folder.cell("line_limits.csv", 0, "line", "0")
    (folder.folder / "data" / "renewables.csv").unlink()
    assert [problem.file for problem in folder.problems()] == [f"data/{name}" for name in (LOAD, UNITS, WIND, LIMITS)]


VALUES = [
    ("storage.battery.start_energy_share", 1.2, "less than or equal to 1"),
    ("storage.battery.start_capacity_share", -0.1, "greater than or equal to 0"),
    ("storage.battery.charge_efficiency", 0.0, "greater than 0"),
    ("storage.mobile.bus4.capacity_mw", -30, "greater than or equal to 0"),
    ("deviation.renewable_error_share", 1.0, "less than 1"),
    ("deviation.persistence", 1.0, "less than 1"),
    ("prices.shed_usd_per_mwh", 0, "greater than 0"),
    ("cost_segments", 0, "greater than or equal to 1"),
    ("solver.threads", 0, "greater than or equal to 1"),
    ("load.scale", float("inf"), "finite"),
    ("storage.battery.duration", 2, "did you mean 'duration_h'"),
]


@pytest.mark.parametrize(("field", "value", "allowed"), VALUES)
def test_values_out_of_range_are_one_problem(field, value, allowed):
    data = yaml.safe_load((SCENARIO / "power_operator" / "config.yaml").read_text(encoding="utf-8"))["settings"]
    *parents, last = field.split(".")
    inside = data
    for parent in parents:
        inside = inside.setdefault(parent, {})
    inside[last] = value
    with pytest.raises(ConfigError) as caught:
        parse_config(data, UnitCommitmentSettings, "config.yaml")
    assert len(caught.value.problems) == 1
    problem = caught.value.problems[0]
    assert (problem.file, problem.field) == ("config.yaml", field)
    assert allowed in problem.allowed


SHARED = [
    ({"trip_periods": [[0, 25, 2], [2, 0, 2], [2, 2, 0]]}, r"\[bus4\]\[bus13\] = 25: must be from 1 to 24, the periods"),
    ({"trip_periods": [[0, 2, 2], [2, 1, 2], [2, 2, 0]]}, r"trip_periods\[bus13\]\[bus13\] = 1: must be 0"),
    ({"trip_periods": [[0, 2], [2, 0]]}, "must be 3 rows of 3 numbers"),
    ({"trains": [{"name": "train1", "home": "bus5"}]}, "train1.home = 'bus5': must be one of bus4, bus13, bus15"),
    ({"scheme": "flying"}, "mobile"),
]


@pytest.mark.parametrize(("changes", "allowed"), SHARED)
def test_a_bad_public_agreement_is_one_problem(changes, allowed):
    data = yaml.safe_load((SCENARIO / "scenario.yaml").read_text(encoding="utf-8")) | changes
    with pytest.raises(ConfigError) as caught:
        parse_session(data, "scenario.yaml")
    assert len(caught.value.problems) == 1
    assert re.search(allowed, str(caught.value.problems[0]))


def test_the_road_is_another_world(tmp_path):
    names = {"resourceful_stations": ["a"], "limited_stations": ["b"], "links": ["l"]}
    road = parse_session({"schema_version": 1, "name": "x", **names}, "scenario.yaml")
    folder = PowerFolder(tmp_path)
    found = UnitCommitmentOperator.check(folder.settings(), folder.folder, road)
    assert [(problem.field, problem.value) for problem in found] == [("operator", "unit_commitment")]


def test_the_command_shows_the_problem_and_no_traceback(tmp_path, monkeypatch, capsys):
    """``portage check`` on a copy of the scenario whose load has a row too few."""
    scenario = tmp_path / "ieee30"
    shutil.copytree(SCENARIO, scenario, ignore=shutil.ignore_patterns("results"))
    path = scenario / "power_operator" / "data" / LOAD
    path.write_text("\n".join(path.read_text(encoding="utf-8").splitlines()[:-1]) + "\n", encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["portage", "check", str(scenario)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    shown = "".join(capsys.readouterr().err.split())
    assert "Traceback" not in shown
    assert "1problemfound" in shown
    assert "power_operator/data/load.csv:period=23missing:theremustbearowforeachof0to23" in shown
