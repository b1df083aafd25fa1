"""Energy of a day of fleets from charger to charger, by what the stations recorded. docs/energy_account.md."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from federates.reporting.energy_account import OUTLETS, EnergyAccount
from federates.reporting.formatting import number, percent
from federates.reporting.sankey import sankey_figure
from federates.reporting.world import Grid, RunFigure
from federates.worlds.fleets.report.run import FleetRun


def obstacle(run: FleetRun) -> str:
    """Return what keeps the account from being made; empty if nothing does."""
    missing = run.lacks("station_energy", "mves_stock")
    return missing or ("" if run.frame("station_energy")["drawn_kwh"].sum() > 0.0 else "no energy was drawn for a vehicle")


def account(run: FleetRun) -> EnergyAccount:
    """Return where the energy went: the stations' books of the day, joined; every fleet's cohorts are in its own folder."""
    books, stock = run.frame("station_energy"), run.frame("mves_stock")
    at_r, at_q = (books[books["kind"] == kind] for kind in ("rcs", "lcs"))
    into, out = (float(stock.loc[stock["kind"] == "lcs", column].sum()) for column in ("into_kwh", "out_kwh"))

    def total(table: pd.DataFrame, column: str) -> float:
        return float(table[column].sum())

    drawn = total(at_r, "drawn_kwh") + total(at_r, "own_charge_kwh")
    given = total(at_q, "given_kwh")
    found = {
        "drawn_kwh": drawn,
        "charging_loss_kwh": total(at_r, "loss_kwh"),
        "waiting_kwh": total(at_r, "stock_kwh"),
        "retention_loss_kwh": total(at_q, "counted_kwh") - into,
        "traction_kwh": 0.0,
        # What q no longer expects (lost_kwh) is a part of what is under way to it. Who has not left r yet is announced at both
        # ends, and has nothing on board for the way.
        "under_way_kwh": total(at_q, "under_way_kwh") - total(at_r, "under_way_kwh"),
        "parked_kwh": total(at_q, "stock_kwh"),
        "discharging_loss_kwh": out - given,
        "given_kwh": given,
    }
    found["open_kwh"] = drawn - sum(found[name] for name in OUTLETS)
    differences = {"total": abs(found["open_kwh"])}
    differences |= {row["station"]: abs(float(row["closure_kwh"])) for row in books.to_dict("records")}
    heard, told = run.frame("power_receipts"), run.frame("station_receipts")
    told = told[told["period"].isin(heard["period"])]  # of the last period nobody hears any more
    heard, told = (table.groupby("station")["feeder_kwh"].sum() for table in (heard, told))
    if len(heard):
        differences["what a company heard of its stations"] = float((heard - told.reindex(heard.index)).abs().max())
    return EnergyAccount(pd.DataFrame(), found, differences)


def _figure(run: FleetRun) -> Figure:
    return sankey_figure(account(run), f"Energy from charger to charger: {run.title}")


def _reading(run: FleetRun) -> str:
    found = account(run)
    name, worst = max(found.differences.items(), key=lambda item: item[1])
    closes = "The account closes" if found.closes else "THE ACCOUNT DOES NOT CLOSE"
    return (
        "What the feeders of the resourceful stations gave, from left to right, and what became of it; widths are to scale, "
        f"losses leave downwards. Of {number(found.total['drawn_kwh'], 1)} kWh drawn, "
        f"{number(found.total['given_kwh'], 1)} kWh reached "
        "the feeders of the limited stations. The drive is fed from the vehicles' own charge and is no part of it. "
        f"{closes}: the largest difference, by {name}, is {worst:.1g} kWh."
    )


ENERGY = RunFigure("energy_account", "Energy from charger to charger", obstacle, _figure, _reading)


def grid(run: FleetRun) -> Grid:
    """Return the account as a table."""
    caption = "Energy from charger to charger."
    if obstacle(run):
        return Grid(caption, [], [])
    total = account(run).total
    rows = [
        [words, number(total[name], 3), percent(total[name] / total["drawn_kwh"], 2)]
        for name, words in {"drawn_kwh": "drawn", **OUTLETS, "open_kwh": "difference"}.items()
    ]
    return Grid(caption, ["", "kWh", "Share of drawn"], rows)
