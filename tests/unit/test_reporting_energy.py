"""The energy account in the report of a day on the road."""

import shutil

import pandas as pd
import pytest

from federates.reporting.energy_account import OUTLETS
from federates.reporting.report import write_report
from federates.reporting.tables import RunTables
from federates.worlds.road.report.energy import ENERGY, grid, obstacle, road_account

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture
def folder(road_days, tmp_path):
    """Return a day with books of batteries; its feeders' table, which knows nothing of them, is left out."""
    folder = shutil.copytree(road_days["proposed"], tmp_path / "run")
    (folder / "power_operator/feeder_load.parquet").unlink()
    return folder


def test_the_account_stands_in_the_report(folder):
    run = RunTables.read(folder)
    account = road_account(run)
    assert account.closes
    vehicles = run.frame("schedule").vehicles.sum()
    assert account.total["given_kwh"] == pytest.approx(9.9 * 0.95 * vehicles)
    assert account.total["traction_kwh"] == 0.0, "the drivers' own charge"
    heads, rows = grid(run).heads, grid(run).rows
    assert heads == ["", "All", "Share of drawn", "r1 to q1", "r1 to q2", "r2 to q1", "r2 to q2"]
    assert [row[0] for row in rows] == ["drawn", *OUTLETS.values(), "difference"]
    assert next(row for row in rows if row[0] == "given")[2] == "89.35 %"
    assert "The account closes: of 96 cohorts" in ENERGY.reading(run)
    text = write_report(folder).read_text(encoding="utf-8")
    assert ENERGY.title in text
    assert "fed from the driver&#39;s own charge" in text


def test_a_book_that_lies_is_said_in_the_report(folder):
    path = folder / "power_operator/mves_stock.parquet"
    stock = pd.read_parquet(path)
    row = stock[(stock.kind == "lcs") & (stock.vehicles > 0)].index[0]
    stock.loc[row, ["into_kwh", "out_kwh"]] += 2.0
    stock.to_parquet(path)
    assert "THE ACCOUNT DOES NOT CLOSE" in ENERGY.reading(RunTables.read(folder))
    assert "2.000000 kWh" in ENERGY.reading(RunTables.read(folder))


def test_feeders_are_one_book_more(folder, road_days):
    shutil.copy(road_days["proposed"] / "power_operator/feeder_load.parquet", folder / "power_operator")
    account = road_account(RunTables.read(folder))
    assert account.differences["stations and feeders"] > 1.0, "the example's feeders know nothing of these batteries"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda folder: (folder / "power_operator/mves_stock.parquet").unlink(), "no row in table mves_stock"),
        (lambda folder: (folder / "configuration.json").unlink(), "the settings do not say what is lost on the way to q1, q2"),
        (lambda folder: (folder / "coordinator/schedule.parquet").unlink(), "table schedule was not written"),
    ],
    ids=["no book", "no settings", "no schedule"],
)
def test_what_keeps_it_from_being_made_is_said(folder, change, why):
    change(folder)
    run = RunTables.read(folder)
    assert obstacle(run) == why
    assert grid(run).rows == []
    assert "mves_stock" not in run.missing, "another model of the power operator keeps no such book"
