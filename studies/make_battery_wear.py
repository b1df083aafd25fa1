"""Put the comparison of mobile delivery with stationary batteries into docs/battery_wear.md.

``python studies/make_battery_wear.py`` runs the Los Angeles day by formula (a minute); with the folder of a run of la_gcs it
takes that one. tests/verification/test_stationary_battery.py holds the page against the run.
"""

import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from federates.battery.cycles import Cycles
from federates.battery.degradation import cycle_stress, stress_until, wear_of
from federates.battery.stationary import StationaryBattery, smallest_battery, sufficient_limit_kw
from federates.boundary.markdown import markdown_table
from federates.reporting.formatting import number, percent
from federates.reporting.tables import RunTables
from federates.scaffold.scenario import new_scenario
from federates.worlds.road.report.energy import road_account

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests/support"))

PAGE = ROOT / "docs/battery_wear.md"
MARKS = re.compile(r"(<!-- stationary: made by `python studies/make_battery_wear.py` -->\n).*?(<!-- end -->\n)", re.DOTALL)
CELLS_USD_PER_KWH, CONVERTER_USD_PER_KW, INTEREST, CONVERTER_YEARS = 300.0, 250.0, 0.06, 15
"""Choices: cells as in the scenarios by rail; power converter with installation, paid off as an annuity."""
VEHICLE_KWH = 60.0
"""Choice: battery of a vehicle; the scenario says only what it carries for a delivery."""
EFFICIENCY = 0.95
"""Of charging and of discharging, as the scenario's vehicles."""


@dataclass(frozen=True)
class Way:
    """A way to do the job of a day; costs in USD a day."""

    name: str
    done_kwh: float
    """Energy above today's feeder limits that no longer is."""
    battery_kwh: float
    more_feeder_kw: float
    lost_kwh: float
    cells_usd: float
    converter_usd: float
    energy_usd: float
    drivers_usd: float
    traction_kwh: float = 0.0
    """Part of the energy lost: the drivers' own."""

    @property
    def total_usd(self) -> float:
        """Sum of the costs."""
        return self.cells_usd + self.converter_usd + self.energy_usd + self.drivers_usd


def converter_usd(power_kw: float) -> float:
    """Return what a power converter costs a day."""
    annuity = INTEREST / (1.0 - (1.0 + INTEREST) ** -CONVERTER_YEARS)
    return power_kw * CONVERTER_USD_PER_KW * annuity / 365.0


def feeders(run: RunTables[Any]) -> dict[str, pd.DataFrame]:
    """Return the bins of every limited station."""
    load = run.frame("feeder_load").sort_values("time_s")
    return {q: load[load["station"] == q].assign(hours=load["duration_s"] / 3600.0) for q in run.session.limited_stations}


def above_kwh(bins: pd.DataFrame, column: str) -> float:
    """Return the energy of a load above the limit of its feeder."""
    return float((np.maximum(bins[column] - bins["limit_kw"], 0.0) * bins["hours"]).sum())


def stationary(bins: pd.DataFrame, limit_kw: float) -> StationaryBattery:
    """Return the smallest battery that does what can be done at a feeder of ``limit_kw``."""
    load, hours = bins["load_without_kw"].to_numpy(float), bins["hours"].to_numpy(float)
    return smallest_battery(np.maximum(load - limit_kw, 0.0) * hours, np.maximum(limit_kw - load, 0.0) * hours, EFFICIENCY)


def stationary_way(run: RunTables[Any], name: str, price: float, *, enough: bool) -> Way:
    """Return the way by stationary batteries, at the feeders as they are or at feeders that are just enough for them."""
    sums = np.zeros(7)
    for bins in feeders(run).values():
        old_kw, load = float(bins["limit_kw"].iloc[0]), bins["load_without_kw"].to_numpy(float)
        limit_kw = sufficient_limit_kw(load, EFFICIENCY) if enough else old_kw
        battery, hours = stationary(bins, limit_kw), bins["hours"].to_numpy(float)
        wear = wear_of(battery.soc, float(bins["duration_s"].iloc[0]))
        through_kwh = float((np.clip(load, old_kw, limit_kw) - old_kw) @ hours) if enough else 0.0
        cells_usd = wear.life_used_share * CELLS_USD_PER_KWH * battery.battery_kwh
        power_kw = float((np.maximum(battery.given_kwh, battery.drawn_kwh) / hours).max())
        done_kwh = battery.given_kwh.sum() + through_kwh
        sums += [done_kwh, battery.battery_kwh, limit_kw - old_kw, battery.lost_kwh, cells_usd, converter_usd(power_kw), 0.0]
    done_kwh, battery_kwh, more_kw, lost_kwh, cells_usd, converter, _ = sums.tolist()
    return Way(name, done_kwh, battery_kwh, more_kw, lost_kwh, cells_usd, converter, price * lost_kwh, 0.0)


def mobile_way(run: RunTables[Any], name: str, price: float) -> Way:
    """Return what the run did: wear by cycles only, for a vehicle ages in time whether it delivers or not."""
    settings = run.configuration["power_operator"]["settings"]
    account, stock = road_account(run).total, run.frame("mves_stock")
    bins = feeders(run).values()
    done_kwh = sum(above_kwh(b, "load_without_kw") - above_kwh(b, "load_with_kw") for b in bins)
    vehicles = float(stock.loc[stock["kind"] == "rcs", "vehicles"].sum())
    depth = settings["mves"]["energy_kwh"] / VEHICLE_KWH
    one = cycle_stress(Cycles(np.array([depth]), np.array([0.5]), np.array([1.0]))) / stress_until()
    lost_kwh = sum(account[f"{name}_loss_kwh"] for name in ("charging", "retention", "discharging"))
    traction_kwh = float(run.frame("mves_energy").query("kind == 'lcs'")["traction_kwh"].sum())
    lost_kwh += traction_kwh
    spots = run.frame("stations").set_index("station")["spots"]
    power_kw = sum(spots[station] * each["mves_spot_kw"] for station, each in settings["stations"].items())
    drivers_usd = run.frame("transport_costs")["storage_time_usd"].sum() + run.frame("power_costs")["waiting_usd"].sum()
    cells_usd = vehicles * one * CELLS_USD_PER_KWH * VEHICLE_KWH
    energy_usd = price * lost_kwh
    return Way(
        name, done_kwh, 0.0, 0.0, lost_kwh, cells_usd, converter_usd(power_kw), energy_usd, float(drivers_usd), traction_kwh
    )


def ways(run: RunTables[Any]) -> list[Way]:
    """Return the three ways of the page."""
    price = float(run.configuration["power_operator"]["settings"]["costs"]["energy_price_usd_per_kwh"])
    return [
        stationary_way(run, "stationary, feeders as they are", price, enough=False),
        stationary_way(run, "stationary, feeders just enough", price, enough=True),
        mobile_way(run, "mobile", price),
    ]


def table(run: RunTables[Any]) -> str:
    """Return the table of the page."""
    found, job_kwh = ways(run), sum(above_kwh(b, "load_without_kw") for b in feeders(run).values())
    lines: dict[str, list[str]] = {
        "job done (kWh a day)": [number(way.done_kwh) for way in found],
        "share of the job": [percent(way.done_kwh / job_kwh) for way in found],
        "battery to buy (kWh)": [number(way.battery_kwh) for way in found],
        "feeders to add (kW)": [number(way.more_feeder_kw) for way in found],
        "energy lost (kWh a day)": [number(way.lost_kwh) for way in found],
        "of it traction (kWh a day)": [number(way.traction_kwh) for way in found],
        "cells (USD a day)": [number(way.cells_usd) for way in found],
        "converters (USD a day)": [number(way.converter_usd) for way in found],
        "energy lost (USD a day)": [number(way.energy_usd) for way in found],
        "drivers' time (USD a day)": [number(way.drivers_usd) for way in found],
        "sum without drivers' time (USD a day)": [number(way.total_usd - way.drivers_usd) for way in found],
        "sum (USD a day)": [number(way.total_usd) for way in found],
        "sum (USD per kWh of the job done)": [number(way.total_usd / way.done_kwh, 3) for way in found],
    }
    return markdown_table(["", *(way.name for way in found)], [[head, *cells] for head, cells in lines.items()], 1)


def day(target: Path) -> RunTables[Any]:
    """Run the Los Angeles day by formula and return it."""
    from quick_runs import quick_run

    return RunTables.read(quick_run(new_scenario(target / "la_gcs", "la_gcs"), {}, {}, {"traffic_sumo": "bpr"}))


def shown() -> str:
    """Return the table as it stands on the page."""
    found = MARKS.search(PAGE.read_text(encoding="utf-8"))
    assert found is not None, "battery_wear.md has lost the marks of its table"
    return found[0][len(found[1]) : -len(found[2])]


def main(folder: str | None = None) -> None:
    """Write the table into the page."""
    with tempfile.TemporaryDirectory(prefix="portage-wear-") as target:
        made = table(RunTables.read(Path(folder)) if folder else day(Path(target)))
    PAGE.write_text(MARKS.sub(lambda marks: marks[1] + made + marks[2], PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:2])
