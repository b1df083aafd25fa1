"""Wear of the batteries in the report of a day by rail."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from federates.battery.degradation import wear_of
from federates.reporting.tables import RunTables
from federates.worlds.rail.report.wear import TOGETHER, battery_wear, grid_cycles, sections

pytestmark = pytest.mark.filterwarnings("error")
BATTERY = {
    "duration_h": 2.0,
    "charge_efficiency": 0.85,
    "discharge_efficiency": 0.85,
    "start_capacity_share": 0.5,
    "start_energy_share": 0.25,
}


@pytest.fixture
def run_of(rail_days, tmp_path):
    """Return what reads a copy of a day whose settings say what a battery is."""

    def read(scheme, change=lambda folder: None, battery=BATTERY):
        folder = shutil.copytree(rail_days[scheme], tmp_path / scheme)
        path = folder / "configuration.json"
        content = json.loads(path.read_text())
        content["power_operator"]["settings"]["storage"]["battery"] = battery
        path.write_text(json.dumps(content))
        change(folder)
        return RunTables.read(folder)

    return read


def states(run, table, kind, name):
    rows = run.frame(table)
    return rows[rows[kind] == name].sort_values("period").set_index("period")


def test_fixed_batteries_cycle_as_their_energy_says(run_of):
    run = run_of("fixed")
    found = {place.name: place for place in battery_wear(run)}
    assert list(found) == [*run.session.stations, TOGETHER]
    energy = states(run, "storage_state", "station", "bus4")["energy_mwh"].to_numpy()
    soc = np.concatenate([[0.25], energy / 120.0])
    wanted = wear_of(soc, 3600.0)
    assert found["bus4"].soc == pytest.approx(soc)
    assert found["bus4"].wear.life_used_share == pytest.approx(wanted.life_used_share)
    delivered = 0.85 * np.maximum(-np.diff(soc), 0.0).sum()
    assert found["bus4"].usd_per_kwh == pytest.approx(wanted.cycle_stress / wanted.end_stress * 300.0 / delivered)
    # All three stations do the same, so all together do too, and what the grid gave and took is what they cycled.
    assert found[TOGETHER].soc == pytest.approx(soc)
    moved = np.abs(np.diff(energy, prepend=30.0)).sum() / 120.0
    assert grid_cycles(run) == pytest.approx(moved / 2.0)


def test_a_train_that_carries_nothing_is_followed_to_its_station(run_of):
    def unload(folder):
        path = folder / "power_operator/train_storage.parquet"
        table = pd.read_parquet(path)
        gone = (table["train"] == "train1") & table["period"].between(1, 3)
        table.loc[gone, ["capacity_mw", "energy_mwh"]] = 0.0
        table.to_parquet(path)

    run = run_of("mobile", unload)
    found = {place.name: place for place in battery_wear(run)}
    assert list(found) == ["train1", "train2", "bus4", "bus13", "bus15", TOGETHER]
    # Before the day and in period 0 on board: 22.5 MWh in 22.5 MW of two hours; then at its home, bus4, of 15 MW.
    home = states(run, "storage_state", "station", "bus4")["energy_mwh"].to_numpy() / 30.0
    assert found["train1"].soc[:5] == pytest.approx([0.5, 0.5, *np.minimum(home[1:4], 1.0)])
    assert found["train2"].soc[:5] == pytest.approx([0.5] * 5)


def test_the_section_says_price_source_and_rows(run_of):
    run = run_of("mobile")
    (section,) = sections(run)
    text = " ".join(section.text)
    assert "300 USD/kWh (our choice" in text
    assert "Rows share cycles and must not be added" in text
    (grid,) = section.grids
    assert [row[0] for row in grid.rows] == ["train1", "train2", "bus4", "bus13", "bus15", TOGETHER]
    assert all(len(row) == len(grid.heads) for row in grid.rows)


@pytest.mark.parametrize("case", ["no price", "no settings", "no table", "no storage", "half a day"])
def test_without_what_it_needs_there_is_no_section(run_of, case):
    scheme = "no_storage" if case == "no storage" else "mobile"

    def change(folder):
        if case == "no price":
            (folder / "published.yaml").unlink()
        if case == "no table":
            (folder / "power_operator/storage_state.parquet").unlink()
        if case == "half a day":
            path = folder / "power_operator/train_storage.parquet"
            table = pd.read_parquet(path)
            table[table["period"] < 12].to_parquet(path)

    run = run_of(scheme, change, {"duration_h": 2.0} if case == "no settings" else BATTERY)
    assert list(sections(run)) == []
