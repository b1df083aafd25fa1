"""Energy from charger to charger: what was drawn is given, lost on the way, or still on board. docs/energy_account.md.

Two sides keep books: stations of what goes through their chargers, and the schedule of who was sent from where to where. The
account joins them and says by how much they differ; it fills in nothing. A cohort are the vehicles that were sent in one period
from one station to one other one. Vehicles are anonymous on the road, so cohorts arrive first in, first out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[np.float64]
COHORT = ["period", "origin", "destination"]
OUTLETS: dict[str, str] = {
    "charging_loss_kwh": "charging loss",
    "waiting_kwh": "on board, not yet left",
    "retention_loss_kwh": "lost in the battery on the way",
    "traction_kwh": "traction",
    "under_way_kwh": "on board, under way",
    "parked_kwh": "on board, parked",
    "discharging_loss_kwh": "discharging loss",
    "given_kwh": "given",
}
"""What can become of energy that was drawn, in the order of its way."""
TOLERANCE_KWH, TOLERANCE_SHARE = 1e-6, 1e-10
"""By how much books may differ: kWh, or a share of what was drawn where that is more, for tables have ten digits."""


@dataclass(frozen=True, slots=True)
class EnergyBooks:
    """What stations and schedule recorded of a run; energies in kWh, at the battery if nothing else is said."""

    sent: pd.DataFrame
    """A row for every cohort, in the order of arrival: period, origin, destination, vehicles."""
    departures: pd.DataFrame
    """In order of time: period, origin, vehicles, kwh in their batteries."""
    arrivals: pd.DataFrame
    """In order of time: period, destination, vehicles, kwh in their batteries, traction_kwh that came out of them."""
    charging: pd.DataFrame
    """By station of departure: origin, drawn_kwh at the feeder, into_kwh, waiting_kwh at the end."""
    giving: pd.DataFrame
    """By station of arrival: destination, out_kwh, given_kwh at the feeder, parked_kwh at the end."""
    retention: Mapping[str, float]
    """Share that is still in the battery after the drive, traction aside, by station of arrival."""


@dataclass(frozen=True, slots=True)
class EnergyAccount:
    """Where the energy of a run has gone."""

    cohorts: pd.DataFrame
    """A row for every cohort: `COHORT`, vehicles, arrived_veh, drawn_kwh, `OUTLETS`, and open_kwh, the rest that should be 0."""
    total: dict[str, float]
    """drawn_kwh, `OUTLETS` and open_kwh of all stations together, kWh, by the stations' books."""
    differences: dict[str, float]
    """By how much two books differ at most, kWh, by what they are about."""

    @property
    def closes(self) -> bool:
        """Whether nothing is missing: every cohort, the total and any two books agree within the tolerance."""
        return max(self.differences.values(), default=0.0) <= self.tolerance_kwh

    @property
    def tolerance_kwh(self) -> float:
        """By how much books may differ."""
        return max(TOLERANCE_KWH, TOLERANCE_SHARE * self.total["drawn_kwh"])


def first_in_first_out(held: Array, taken: Array) -> Array:
    """Return how much of each lot each taking gets, (takings, lots): lots ``held`` are used up in their order by ``taken``."""
    lots, takings = (np.concatenate(([0.0], np.cumsum(amounts))) for amounts in (held, taken))
    low = np.maximum(takings[:-1, None], lots[None, :-1])
    high = np.minimum(takings[1:, None], lots[None, 1:])
    return np.asarray(np.maximum(high - low, 0.0))


def energy_account(books: EnergyBooks) -> EnergyAccount:
    """Return the account of a run."""
    cohorts, differences = _left(books)
    parts = [_arrived(part, books, differences) for _, part in cohorts.groupby("destination", sort=False)]
    cohorts = pd.concat(parts).sort_index() if parts else cohorts.assign(**dict.fromkeys([*OUTLETS, "arrived_veh"], 0.0))
    cohorts["waiting_kwh"] = 0.0
    cohorts["open_kwh"] = cohorts["drawn_kwh"] - cohorts[list(OUTLETS)].sum(axis=1)
    total = _total(books, cohorts)
    differences["cohort"] = float(cohorts["open_kwh"].abs().max()) if len(cohorts) else 0.0
    differences["total"] = abs(total["open_kwh"])
    columns = [*COHORT, "vehicles", "arrived_veh", "drawn_kwh", *OUTLETS, "open_kwh"]
    return EnergyAccount(cohorts[columns].reset_index(drop=True), total, differences)


def _per_vehicle(table: pd.DataFrame, column: str) -> Array:
    vehicles = table["vehicles"].to_numpy(float)
    return np.divide(table[column].to_numpy(float), vehicles, out=np.zeros(len(table)), where=vehicles > 0.0)


def _left(books: EnergyBooks) -> tuple[pd.DataFrame, dict[str, float]]:
    """Return cohorts with what they left with, and how the stations' books of charging and of departures differ."""
    cohorts = books.sent.reset_index(drop=True).copy()
    for column in ("left_veh", "left_kwh", "drawn_kwh", "charging_loss_kwh"):
        cohorts[column] = 0.0
    worst = {"charged and left": 0.0, "sent and left, in vehicles": 0.0}
    for row in books.charging.itertuples():
        gone = books.departures[books.departures["origin"] == row.origin]
        mine = cohorts["origin"] == row.origin
        shares = first_in_first_out(cohorts.loc[mine, "vehicles"].to_numpy(float), gone["vehicles"].to_numpy(float))
        left_kwh = (shares * _per_vehicle(gone, "kwh")[:, None]).sum(axis=0)
        drawn_kwh = left_kwh * (row.drawn_kwh / row.into_kwh if row.into_kwh > 0.0 else 1.0)
        cohorts.loc[mine, "left_veh"] = shares.sum(axis=0)
        cohorts.loc[mine, "left_kwh"] = left_kwh
        cohorts.loc[mine, "drawn_kwh"] = drawn_kwh
        cohorts.loc[mine, "charging_loss_kwh"] = drawn_kwh - left_kwh
        _widen(worst, "charged and left", row.into_kwh - row.waiting_kwh - gone["kwh"].sum())
        _widen(worst, "sent and left, in vehicles", gone["vehicles"].sum() - shares.sum())
    return cohorts, worst


def _arrived(part: pd.DataFrame, books: EnergyBooks, worst: dict[str, float]) -> pd.DataFrame:
    """Return the cohorts of one destination with what became of their energy; note where books differ."""
    name = part["destination"].iloc[0]
    retention = float(books.retention[name])
    came = books.arrivals[books.arrivals["destination"] == name]
    left_kwh = _per_vehicle(part.rename(columns={"vehicles": "_", "left_veh": "vehicles"}), "left_kwh")
    shares = first_in_first_out(part["left_veh"].to_numpy(float), came["vehicles"].to_numpy(float))
    traction_kwh = shares * _per_vehicle(came, "traction_kwh")[:, None]
    expected_kwh = shares * left_kwh * retention - traction_kwh
    missing_kwh = came["kwh"].to_numpy(float) - expected_kwh.sum(axis=1)
    # What the station's book says more or less than the vehicles brought is spread over them, and stands open in each.
    known = shares.sum(axis=1)
    spread = np.divide(missing_kwh, known, out=np.zeros(len(known)), where=known > 0.0)
    arrived_kwh = expected_kwh + shares * spread[:, None]
    _widen(worst, "left and arrived", *missing_kwh)
    part = part.assign(
        arrived_veh=shares.sum(axis=0),
        retention_loss_kwh=shares.sum(axis=0) * left_kwh * (1.0 - retention),
        traction_kwh=traction_kwh.sum(axis=0),
        under_way_kwh=(part["left_veh"].to_numpy(float) - shares.sum(axis=0)) * left_kwh,
    )
    return part.assign(**_given(name, arrived_kwh, books, worst))


def _given(name: str, arrived_kwh: Array, books: EnergyBooks, worst: dict[str, float]) -> dict[str, Array]:
    """Return what the energy of each cohort (arrivals, cohorts) was used for at a station: the first that came is given first."""
    book = books.giving[books.giving["destination"] == name].sum(numeric_only=True)
    used = first_in_first_out(arrived_kwh.ravel(), np.array([book["out_kwh"]]))[0].reshape(arrived_kwh.shape).sum(axis=0)
    given = used * (book["given_kwh"] / book["out_kwh"] if book["out_kwh"] > 0.0 else 1.0)
    came_kwh = books.arrivals.loc[books.arrivals["destination"] == name, "kwh"].sum()
    _widen(worst, "arrived and given", came_kwh - book["out_kwh"] - book["parked_kwh"])
    return {"parked_kwh": arrived_kwh.sum(axis=0) - used, "discharging_loss_kwh": used - given, "given_kwh": given}


def _total(books: EnergyBooks, cohorts: pd.DataFrame) -> dict[str, float]:
    charging, giving = books.charging.sum(numeric_only=True), books.giving.sum(numeric_only=True)
    total = {
        "drawn_kwh": charging["drawn_kwh"],
        "charging_loss_kwh": charging["drawn_kwh"] - charging["into_kwh"],
        "waiting_kwh": charging["waiting_kwh"],
        **{name: cohorts[name].sum() for name in ("retention_loss_kwh", "traction_kwh", "under_way_kwh")},
        "parked_kwh": giving["parked_kwh"],
        "discharging_loss_kwh": giving["out_kwh"] - giving["given_kwh"],
        "given_kwh": giving["given_kwh"],
    }
    total["open_kwh"] = total["drawn_kwh"] - sum(total[name] for name in OUTLETS)
    return {name: float(value) for name, value in total.items()}


def _widen(worst: dict[str, float], name: str, *differences: float) -> None:
    worst[name] = max(worst.get(name, 0.0), *(abs(float(value)) for value in differences), 0.0)
