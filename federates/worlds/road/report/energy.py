"""Energy of a day on the road from charger to charger: the account, its table and its figure. docs/energy_account.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.figure import Figure

from federates.boundary.names import Role
from federates.reporting.energy_account import COHORT, OUTLETS, EnergyAccount, EnergyBooks, energy_account
from federates.reporting.formatting import number, percent
from federates.reporting.sankey import sankey_figure
from federates.reporting.world import Grid, RunFigure
from federates.worlds.road.report.run import RoadRun

_TABLES = ("mves_stock", "mves_energy", "schedule")


def obstacle(run: RoadRun) -> str:
    """Return what keeps the account from being made; empty if nothing does."""
    absent = [name for name in _TABLES if not len(run.frame(name))]
    if absent:
        return run.lacks(*absent) or f"no row in table {', '.join(absent)}"
    if not run.frame("mves_energy")["drawn_kwh"].sum() > 0.0:
        return "no energy was drawn for a vehicle"
    unknown = sorted(set(run.frame("schedule")["destination"]) - set(_retention(run)))
    return f"the settings do not say what is lost on the way to {', '.join(unknown)}" if unknown else ""


def road_books(run: RoadRun) -> EnergyBooks:
    """Return what the power operators' tables of storages and the schedule say."""
    stock, energy, schedule = (run.frame(name) for name in _TABLES)
    return books_of(stock, energy, schedule, run.session.resourceful_stations, _retention(run))


def books_of(
    stock: pd.DataFrame, energy: pd.DataFrame, schedule: pd.DataFrame, origins: Sequence[str], retention: Mapping[str, float]
) -> EnergyBooks:
    """Return the books in the tables ``mves_stock``, ``mves_energy`` and ``schedule``.

    ``origins`` are the resourceful stations: of vehicles sent in one period those of the first one count as the first to arrive.
    """
    stock = stock.sort_values(["period", "bin"], kind="stable")
    sums = stock.groupby(["kind", "station", "period"], sort=False)[["vehicles", "into_kwh", "out_kwh"]].sum().reset_index()
    left, came = (sums[sums["kind"] == kind] for kind in ("rcs", "lcs"))
    ends = stock.groupby(["kind", "station"], sort=False).agg(
        into_kwh=("into_kwh", "sum"), out_kwh=("out_kwh", "sum"), stock_kwh=("stock_kwh", "last")
    )
    ends = ends.join(energy.groupby(["kind", "station"])[["drawn_kwh", "feeder_kwh"]].sum()).reset_index()
    at_r, at_q = (ends[ends["kind"] == kind] for kind in ("rcs", "lcs"))
    driven = energy[(energy["kind"] == "lcs") & (energy["traction"] == "on")].set_index(["station", "period"])["traction_kwh"]
    traction_kwh = [float(driven.get(pair, 0.0)) for pair in zip(came["station"], came["period"], strict=True)]
    turn = schedule["origin"].map({name: k for k, name in enumerate(origins)})
    sent = schedule.assign(turn=turn).sort_values(["period", "turn", "destination"], kind="stable")
    return EnergyBooks(
        sent=sent[[*COHORT, "vehicles"]],
        departures=left.rename(columns={"station": "origin", "out_kwh": "kwh"}),
        arrivals=came.rename(columns={"station": "destination", "into_kwh": "kwh"}).assign(traction_kwh=traction_kwh),
        charging=at_r.rename(columns={"station": "origin", "stock_kwh": "waiting_kwh"}),
        giving=at_q.rename(columns={"station": "destination", "feeder_kwh": "given_kwh", "stock_kwh": "parked_kwh"}),
        retention=retention,
    )


def _retention(run: RoadRun) -> dict[str, float]:
    """Return what is left in a battery after the drive by station, from the settings of the power operator that has it."""
    found: dict[str, float] = {}
    for agent in run.session.of_role(Role.POWER_OPERATOR):
        settings = (run.configuration.get(agent.name) or {}).get("settings") or {}
        share = (settings.get("mves") or {}).get("retention")
        if share is not None:
            found |= dict.fromkeys(settings.get("stations") or {}, float(share))
    return found


def road_account(run: RoadRun) -> EnergyAccount:
    """Return the account of a run on the road, with the feeders' table as one book more."""
    account = energy_account(road_books(run))
    load = run.frame("feeder_load")
    if len(load):
        kwh = (load["mves_kw"] * load["duration_s"] / 3600.0).groupby(load["station"]).sum()
        # What a power operator records as drawn is positive, what its feeder sees of it negative.
        books = run.frame("mves_energy").groupby("station")["feeder_kwh"].sum()
        account.differences["stations and feeders"] = float((kwh.reindex(books.index).fillna(0.0) - books).abs().max())
    return account


def figure(run: RoadRun) -> Figure:
    """Return the account as a Sankey figure."""
    return sankey_figure(road_account(run), f"Energy from charger to charger: {run.title}")


def reading(run: RoadRun) -> str:
    """Return how to read the figure, and whether the account closes."""
    account = road_account(run)
    total = account.total
    on_board = sum(total[name] for name in ("waiting_kwh", "under_way_kwh", "parked_kwh"))
    text = (
        "What the feeders of the resourceful stations gave, from left to right, and what became of it; widths are to scale, "
        f"losses leave downwards. Of {number(total['drawn_kwh'], 1)} kWh drawn, {number(total['given_kwh'], 1)} kWh reached the "
        f"feeders of the limited stations and {number(on_board, 1)} kWh are still in batteries at the end of the run. "
    )
    if (run.frame("mves_energy")["traction"] == "off").any():
        text += "The drive is fed from the driver's own charge and is no part of it. "
    return text + closing(account)


def closing(account: EnergyAccount) -> str:
    """Say whether the account closes, and if not, where books differ most."""
    name, worst = max(account.differences.items(), key=lambda item: item[1])
    if account.closes:
        return (
            f"The account closes: of {len(account.cohorts)} cohorts of vehicles, their total and the books of stations and "
            f"feeders, none differs by more than {worst:.1g} kWh."
        )
    total = abs(account.total["open_kwh"])
    text = (
        f"The total closes to {total:.1g} kWh, but NOT every part"
        if total <= account.tolerance_kwh
        else "THE ACCOUNT DOES NOT CLOSE"
    )
    return f"{text}: the largest difference, by {name}, is {number(worst, 6)} kWh."


def grid(run: RoadRun) -> Grid:
    """Return the account as a table, in all and by pair of stations."""
    caption = "Energy from charger to charger, kWh; cohorts by pair of stations. What had not yet left is in the total only."
    if obstacle(run):
        return Grid(caption, [], [])
    account = road_account(run)
    pairs = account.cohorts.groupby(["origin", "destination"], sort=True).sum(numeric_only=True)
    rows = []
    for name, words in {"drawn_kwh": "drawn", **OUTLETS, "open_kwh": "difference"}.items():
        share = account.total[name] / account.total["drawn_kwh"] if account.total["drawn_kwh"] else float("nan")
        rows.append([words, number(account.total[name], 3), percent(share, 2), *(number(value, 3) for value in pairs[name])])
    return Grid(caption, ["", "All", "Share of drawn", *(f"{r} to {q}" for r, q in pairs.index)], rows)


ENERGY = RunFigure("energy_account", "Energy from charger to charger", obstacle, figure, reading)
