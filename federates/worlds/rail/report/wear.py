"""Wear of the batteries by rail in the day as carried out: cycles, life, and what a delivered kWh costs. docs/battery_wear.md.

Batteries are alike and change places, and the power operator knows how many stand where, not which. So a row follows a battery
of mean state of charge: one that travels with a train, on board while the train carries any and at the station where it stands
while it carries none; or one that stays at a station. The energy of a place over what its batteries hold is its state of charge.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from federates.battery.degradation import Wear, wear_of
from federates.reporting.formatting import number, percent, ratio
from federates.reporting.world import Grid, Section
from federates.worlds.rail.published import BatteryWear, RailPublished
from federates.worlds.rail.report.metrics import moves
from federates.worlds.rail.report.run import RailRun
from federates.worlds.rail.report.storage import stations_of
from federates.worlds.rail.session import RailScheme

Array = NDArray[np.float64]
TOGETHER = "all batteries"
_NEEDED = {"charge_efficiency", "discharge_efficiency", "duration_h", "start_capacity_share", "start_energy_share"}
"""What must be known of a battery."""
_SMALLEST_MW = 1e-3
"""Less capacity than this is none: its state of charge would be rounding."""


@dataclass(frozen=True, slots=True)
class PlaceWear:
    """What the day took of the life of the batteries of a place."""

    name: str
    soc: Array
    """State of charge (T + 1,), from before the first period on."""
    wear: Wear
    usd_per_kwh: float
    """Wear by cycles per kWh that it delivered; NaN if it delivered none."""


def battery_wear(run: RailRun) -> list[PlaceWear]:
    """Return the wear of a battery of every train and every station, then of all together; empty if it cannot be told.

    All together are one battery: what its parts do to each other by discharging one while charging another is not in it.
    """
    stated, settings = _stated(run), _storage_settings(run)
    if stated is None or not settings or run.lacks("storage_state") or run.session.scheme is RailScheme.NO_STORAGE:
        return []
    energy, full = _energies(run, settings)
    if not len(energy) or energy.isna().any(axis=None):
        return []
    at = _train_places(run) if run.session.scheme is RailScheme.MOBILE else pd.DataFrame()
    found = []
    for name in [*(train.name for train in run.session.trains if train.name in energy), *stations_of(run)]:
        own = _state_of_charge(energy[name], full[name])
        if name in at:
            stands = _column_by_row(pd.DataFrame({s: _state_of_charge(energy[s], full[s]) for s in stations_of(run)}), at[name])
            own = own.fillna(pd.Series(stands, own.index))
        series = own.ffill().bfill()
        if series.notna().all():
            found.append(_place(run, name, series.to_numpy(float), stated, settings))
    return [*found, _place(run, TOGETHER, (energy.sum(axis=1) / full.sum(axis=1)).to_numpy(float), stated, settings)]


def _place(run: RailRun, name: str, soc: Array, stated: BatteryWear, settings: dict[str, Any]) -> PlaceWear:
    soc = np.clip(soc, 0.0, 1.0)
    wear = wear_of(soc, run.session.period_s, stated.temperature_c, stated.end_capacity_share)
    efficiency = float(settings["battery"]["discharge_efficiency"])
    delivered = efficiency * float(np.maximum(-np.diff(soc), 0.0).sum())
    return PlaceWear(name, soc, wear, ratio(wear.cost_usd(stated.replacement_usd_per_kwh), delivered))


def _stated(run: RailRun) -> BatteryWear | None:
    return cast(RailPublished, run.published).battery_wear


def _storage_settings(run: RailRun) -> dict[str, Any]:
    settings = (run.configuration.get("power_operator") or {}).get("settings") or {}
    storage: dict[str, Any] = settings.get("storage") or {}
    return storage if set(storage.get("battery") or {}) >= _NEEDED else {}


def _energies(run: RailRun, settings: dict[str, Any]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return energy and the most of it, MWh, by end of period (rows -1 to T - 1) and place (columns); -1 is before the day."""
    tables = [("station", "storage_state", settings.get(run.session.scheme.value) or {})]
    mobile = run.session.scheme is RailScheme.MOBILE
    if mobile:
        tables.append(("train", "train_storage", settings.get("trains") or {}))
    energy, full = {}, {}
    battery = settings["battery"]
    for kind, name, places in tables:
        table = run.frame(name)
        for place, rows in table.groupby(kind):
            limits = places.get(place) or {}
            if not {"capacity_mw", "energy_mwh"} <= set(limits):
                continue
            held = rows.set_index("period").reindex(range(run.session.periods))
            start_mwh = battery["start_energy_share"] * limits["energy_mwh"]
            start_mw = (battery["start_capacity_share"] if mobile else 1.0) * limits["capacity_mw"]
            # Fixed storage holds what its place says; a battery that moves holds so many hours of its power.
            hours = battery["duration_h"] if mobile else limits["energy_mwh"] / max(limits["capacity_mw"], _SMALLEST_MW)
            energy[place] = pd.concat([pd.Series({-1: start_mwh}), held["energy_mwh"]])
            full[place] = hours * pd.concat([pd.Series({-1: start_mw}), held["capacity_mw"]])
    return pd.DataFrame(energy), pd.DataFrame(full)


def _state_of_charge(energy_mwh: pd.Series[float], full_mwh: pd.Series[float]) -> pd.Series[float]:
    return (energy_mwh / full_mwh.where(full_mwh > _SMALLEST_MW)).clip(0.0, 1.0)


def _train_places(run: RailRun) -> pd.DataFrame:
    """Return at which station a train is at the end of a period, or which it has left; rows -1 to T - 1, columns trains."""
    table = moves(run, "realised")
    places = table.pivot_table(index="period", columns="train", values="origin", aggfunc="last")
    return places.reindex(range(-1, run.session.periods)).bfill().ffill()


def _column_by_row(table: pd.DataFrame, names: pd.Series[str]) -> Array:
    """Return of every row the value in the column that is named for it; NaN where there is no such column."""
    place = table.columns.get_indexer(pd.Index(names.reindex(table.index)))
    values = table.to_numpy(float)[np.arange(len(table)), place]
    return np.where(place >= 0, values, np.nan)


def sections(run: RailRun) -> Iterator[Section]:
    """Yield the section about wear, if the scenario states what a battery costs and the run has its tables."""
    found, stated = battery_wear(run), _stated(run)
    if not found or stated is None:
        return
    rows = [_row(place) for place in found]
    capacity = percent(stated.end_capacity_share, 0)
    heads = ["Battery", "Equivalent full cycles", "Deepest cycle", "Life used, cycles", "Life used, cycles and time"]
    heads += [f"Years to {capacity}", "Wear (USD per delivered kWh)"]
    text = (
        "What the day as carried out takes of the life of a battery, if every day were like it. Cycles by rainflow (ASTM "
        f"E1049-85), life after Xu et al. 2018 at {number(stated.temperature_c)} °C until {capacity} of the capacity are left; a "
        f"new battery costs {number(stated.replacement_usd_per_kwh)} USD/kWh ({stated.source}). Wear is no part of any cost in "
        "this report: no operator knows of it.",
        f"{_ROWS[run.session.scheme is RailScheme.MOBILE]} The last row takes all as one battery, a low estimate: what one "
        "discharges while another charges is not in it. What the grid gave and took, station by station, is "
        f"{number(grid_cycles(run), 2)} equivalent full cycles of all batteries.",
    )
    caption = "Wear of the batteries in the day as carried out."
    yield Section("wear", "Battery wear", contents="Battery wear", text=text, grids=(Grid(caption, heads, rows),))


def grid_cycles(run: RailRun) -> float:
    """Return the energy through all batteries from and to the grid, as equivalent full cycles of all of them."""
    settings = _storage_settings(run)
    battery, stations = settings["battery"], run.frame("storage_state")
    _, full = _energies(run, settings)
    through_mw = battery["charge_efficiency"] * stations["charge_mw"] + stations["discharge_mw"] / battery["discharge_efficiency"]
    return float(through_mw.sum()) * run.period_h / 2.0 / float(full.iloc[0].sum())


_ROWS = {
    True: "A row follows a battery of mean state of charge, on the train and where the train stands, or at a station. Where full "
    "batteries are exchanged for empty ones it looks charged or discharged: a row is a high estimate. Rows share cycles and must "
    "not be added.",
    False: "Batteries stay where they are, so every row is what its batteries did.",
}


def _row(place: PlaceWear) -> list[str]:
    wear = place.wear
    cycles, whole = wear.cycle_life_used_share, wear.life_used_share
    return [
        place.name,
        number(wear.equivalent_full_cycles, 2),
        percent(wear.deepest_cycle, 0),
        percent(cycles, 4),
        percent(whole, 4),
        number(wear.years_to_end, 1),
        number(place.usd_per_kwh, 4),
    ]
