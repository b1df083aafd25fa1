"""Independent check of a storage plan against the data: plain loops that share no code with the model.

Equations (1)-(25) of Ding et al., JMPCE 2025, DOI 10.35833/MPCE.2023.000976. What trains and stations exchange is not read from
the plan but found from what they hold before and after each period; who stands where is all that is taken of the routes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from federates.power_operator.models.unit_commitment.dispatch import StoragePlan
from federates.power_operator.models.unit_commitment.fleet import StorageFleet

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Timetable:
    """What binds the routes of K trains between S stations.

    ``trip_periods`` (S, S) are least travel times, 0 off the diagonal for no track; ``start`` has for each train the station
    where it is first and the period from which on, ``end`` the station where it must be after the last period.
    """

    trip_periods: Sequence[Sequence[int]]
    start: Sequence[tuple[int, int]]
    end: Sequence[int]


@dataclass(frozen=True, slots=True)
class _Kind:
    """One of the two things that are exchanged: what stations (S, T) and trains (K, T) hold, with limits, starts and ends.

    ``produced`` (S, T) is what appears at a station by itself: nothing of capacity, what is charged less what is discharged of
    energy.
    """

    name: str
    unit: str
    held: Array
    on_train: Array
    produced: Array
    most: Array
    train_most: Array
    start: Array
    train_start: Array
    end: Array
    train_end: Array


def check_storage(
    fleet: StorageFleet,
    plan: StoragePlan,
    connection: ArrayLike,
    period_h: float,
    timetable: Timetable | None = None,
    *,
    ends: bool = True,
    tolerance: float = 1e-4,
) -> list[str]:
    """Return every violation in ``plan`` in words, none for a sound one.

    Parameters
    ----------
    connection : one where a train stands connected at a station in a period, (K, S, T); none of fixed storage.
    timetable : checks the routes too, (1)-(4).
    ends : whether the end states must be met; a plan may pay for missing them where a train is late.
    tolerance : MW and MWh.
    """
    standing = np.asarray(connection) > 0.5
    found: list[str] = []
    for k, train in enumerate(fleet.trains):
        found += [f"train {train}: {text}" for text in _places(fleet, standing[k])]
        if timetable is not None:
            found += [f"train {train}: {text}" for text in _travel(fleet, standing[k], timetable, k)]
    found += _powers(fleet, plan, tolerance)
    for kind in _kinds(fleet, plan, period_h):
        found += _limits(fleet, kind, tolerance)
        found += _trains_alone(fleet, kind, standing, tolerance)
        found += _stations(fleet, kind, standing, tolerance)
        found += _total(kind, tolerance)
        found += _ends(fleet, kind, tolerance) if ends else ()
    found += _batteries(fleet, plan, tolerance)
    return found


def _kinds(fleet: StorageFleet, plan: StoragePlan, period_h: float) -> tuple[_Kind, _Kind]:
    stations, periods = plan.charge_mw.shape
    charged_mwh: Array = np.zeros((stations, periods))
    for s in range(stations):
        for t in range(periods):
            into = fleet.charge_efficiency * plan.charge_mw[s, t]
            charged_mwh[s, t] = (into - plan.discharge_mw[s, t] / fleet.discharge_efficiency) * period_h
    capacity = _Kind(
        "capacity", "MW", plan.capacity_mw, plan.train_capacity_mw, np.zeros(charged_mwh.shape), fleet.capacity_mw,
        fleet.train_capacity_mw, fleet.start_capacity_mw, fleet.train_start_capacity_mw, fleet.end_capacity_mw,
        fleet.train_end_capacity_mw,
    )  # fmt: skip
    energy = _Kind(
        "energy", "MWh", plan.energy_mwh, plan.train_energy_mwh, charged_mwh, fleet.energy_mwh, fleet.train_energy_mwh,
        fleet.start_energy_mwh, fleet.train_start_energy_mwh, fleet.end_energy_mwh, fleet.train_end_energy_mwh,
    )  # fmt: skip
    return capacity, energy


def _places(fleet: StorageFleet, standing: NDArray[np.bool_]) -> Iterator[str]:
    """Check (1): a train is at one place at most."""
    for t in range(standing.shape[1]):
        here = [fleet.stations[s] for s in range(standing.shape[0]) if standing[s, t]]
        if len(here) > 1:
            yield f"period {t}: stands at {' and '.join(here)} at once"


def _travel(fleet: StorageFleet, standing: NDArray[np.bool_], timetable: Timetable, k: int) -> Iterator[str]:
    """Check (2)-(4): between two stands there is time to travel; the train begins and ends where it must."""
    place, free = timetable.start[k]
    periods = standing.shape[1]
    for t in range(periods):
        for s in range(standing.shape[0]):
            if standing[s, t]:
                yield from _trip(fleet, timetable, place, s, t - free, f"period {t}")
                place, free = s, t + 1
    yield from _trip(fleet, timetable, place, timetable.end[k], periods - free, "end of the day")


def _trip(fleet: StorageFleet, timetable: Timetable, origin: int, destination: int, time: int, when: str) -> Iterator[str]:
    needed = timetable.trip_periods[origin][destination]
    if origin == destination:
        if time < 0:
            yield f"{when}: stands at {fleet.stations[destination]} {-time} periods before it is there"
    elif needed == 0:
        yield f"{when}: there is no track from {fleet.stations[origin]} to {fleet.stations[destination]}"
    elif time < needed:
        yield f"{when}: {time} periods from {fleet.stations[origin]} to {fleet.stations[destination]}, {needed} needed"


def _powers(fleet: StorageFleet, plan: StoragePlan, tolerance: float) -> Iterator[str]:
    """Check (13)-(15): power within the batteries that are there, and never both ways."""
    for s, name in enumerate(fleet.stations):
        for t in range(plan.charge_mw.shape[1]):
            charge, discharge = float(plan.charge_mw[s, t]), float(plan.discharge_mw[s, t])
            there = float(plan.capacity_mw[s, t])
            for word, power in (("charges", charge), ("discharges", discharge)):
                if power < -tolerance:
                    yield f"station {name}: period {t}: {word} {power:.3f} MW, a negative power"
                if power > there + tolerance:
                    yield f"station {name}: period {t}: {word} {power:.3f} MW with batteries of {there:.3f} MW"
            if charge > tolerance and discharge > tolerance:
                yield f"station {name}: period {t}: charges {charge:.3f} MW and discharges {discharge:.3f} MW at once"


def _limits(fleet: StorageFleet, kind: _Kind, tolerance: float) -> Iterator[str]:
    """Check (6), (10), (17), (21): nothing negative, nothing above what a place can hold."""
    places = [(f"station {name}", kind.held[s], kind.most[s]) for s, name in enumerate(fleet.stations)]
    places += [(f"train {name}", kind.on_train[k], kind.train_most[k]) for k, name in enumerate(fleet.trains)]
    for name, held, most in places:
        for t in range(len(held)):
            if not -tolerance <= held[t] <= most + tolerance:
                yield f"{name}: period {t}: {kind.name} of {held[t]:.3f} {kind.unit}, 0 to {most:g} allowed"


def _batteries(fleet: StorageFleet, plan: StoragePlan, tolerance: float) -> Iterator[str]:
    """Check (10), (21): energy fits into the batteries that are there."""
    places = [(f"station {name}", plan.capacity_mw[s], plan.energy_mwh[s]) for s, name in enumerate(fleet.stations)]
    places += [(f"train {name}", plan.train_capacity_mw[k], plan.train_energy_mwh[k]) for k, name in enumerate(fleet.trains)]
    for name, capacity_mw, energy_mwh in places:
        for t in range(len(capacity_mw)):
            room_mwh = fleet.duration_h * capacity_mw[t]
            if energy_mwh[t] > room_mwh + tolerance * max(1.0, fleet.duration_h):
                yield f"{name}: period {t}: {energy_mwh[t]:.3f} MWh in batteries for {room_mwh:.3f} MWh"


def _gain(held: Array, start: Array, i: int, t: int) -> float:
    """Return by how much a place has more after period ``t`` than before."""
    return float(held[i, t] - (held[i, t - 1] if t else start[i]))


def _trains_alone(fleet: StorageFleet, kind: _Kind, standing: NDArray[np.bool_], tolerance: float) -> Iterator[str]:
    """Check (16)-(20), (22)-(23): what a train carries changes only while it stands."""
    for k, name in enumerate(fleet.trains):
        for t in range(kind.on_train.shape[1]):
            gain = _gain(kind.on_train, kind.train_start, k, t)
            if abs(gain) > tolerance and not standing[k, :, t].any():
                yield f"train {name}: period {t}: {kind.name} changes by {gain:.3f} {kind.unit} while it stands nowhere"


def _stations(fleet: StorageFleet, kind: _Kind, standing: NDArray[np.bool_], tolerance: float) -> Iterator[str]:
    """Check (5), (7)-(9), (11)-(12), (24)-(25): a station gets what trains give, within its limits, and nothing else."""
    for s, name in enumerate(fleet.stations):
        for t in range(kind.held.shape[1]):
            where = f"station {name}: period {t}"
            gains = [_gain(kind.on_train, kind.train_start, k, t) for k in range(len(fleet.trains)) if standing[k, s, t]]
            given = sum(-gain for gain in gains if gain < 0)
            taken = sum(gain for gain in gains if gain > 0)
            own = _gain(kind.held, kind.start, s, t) - float(kind.produced[s, t])
            if abs(own - given + taken) > tolerance:
                yield f"{where}: {kind.name} changes by {own:.3f} {kind.unit}, trains there bring {given - taken:.3f}"
            for word, amount in (("give", given), ("take", taken)):
                if amount > kind.most[s] + tolerance:
                    yield f"{where}: trains {word} {amount:.3f} {kind.unit}, at most {kind.most[s]:g} in a period"


def _total(kind: _Kind, tolerance: float) -> Iterator[str]:
    """Check the sum: what exists in all is what there was and what was charged: nothing is created, and nothing is lost."""
    total = float(kind.start.sum() + kind.train_start.sum())
    for t in range(kind.held.shape[1]):
        total += float(kind.produced[:, t].sum())
        there = float(kind.held[:, t].sum() + kind.on_train[:, t].sum())
        if abs(there - total) > tolerance * max(1, len(kind.held)):
            yield f"period {t}: {kind.name} of {there - total:+.3f} {kind.unit} comes from nowhere"
            total = there


def _ends(fleet: StorageFleet, kind: _Kind, tolerance: float) -> Iterator[str]:
    """Check the end states of stations and trains."""
    places = [(f"station {name}", kind.held[s, -1], kind.end[s]) for s, name in enumerate(fleet.stations)]
    places += [(f"train {name}", kind.on_train[k, -1], kind.train_end[k]) for k, name in enumerate(fleet.trains)]
    for name, there, wanted in places:
        if abs(there - wanted) > tolerance:
            yield f"{name}: ends with a {kind.name} of {there:.3f} {kind.unit}, {wanted:g} wanted"
