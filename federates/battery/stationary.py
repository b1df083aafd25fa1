"""The smallest stationary battery that does a job at a limited feeder: what a delivery from elsewhere stands against.

It gives energy where the load is above the limit and charges from the same feeder where the load leaves room, in a day that
repeats itself. It moves energy in time only: what the feeder cannot give in the whole day it cannot give either.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq, linprog

from federates.battery.cycles import Array


@dataclass(frozen=True, slots=True)
class StationaryBattery:
    """A battery and how it spends the day; energies in kWh, ``given`` and ``drawn`` at the feeder, by bin (B,)."""

    battery_kwh: float
    """Energy between empty and full."""
    given_kwh: Array
    drawn_kwh: Array
    stored_kwh: Array
    """At the ends of the bins, from before the first one on (B + 1,); the last is the first."""

    @property
    def soc(self) -> Array:
        """State of charge (B + 1,), share."""
        full = max(self.battery_kwh, 1e-12)
        return np.asarray(np.clip(self.stored_kwh / full, 0.0, 1.0))

    @property
    def lost_kwh(self) -> float:
        """Energy that charging and discharging lose in the day."""
        return float(self.drawn_kwh.sum() - self.given_kwh.sum())


def most_given_kwh(job_kwh: ArrayLike, room_kwh: ArrayLike, efficiency: float) -> float:
    """Return how much of a job (B,) any stationary battery can do with the room (B,) that the feeder leaves in the same day.

    ``efficiency`` is of charging and of discharging, each.
    """
    return float(min(np.sum(job_kwh), efficiency**2 * np.sum(room_kwh)))


def smallest_battery(job_kwh: ArrayLike, room_kwh: ArrayLike, efficiency: float) -> StationaryBattery:
    """Return the smallest battery that gives `most_given_kwh` of a job, and among its days the one that charges latest.

    A linear programme: energy given is at most the job, energy drawn at most the room, the day ends as it begins.

    Parameters
    ----------
    job_kwh, room_kwh : (B,)
        Energy wanted and energy free at the feeder, by bin, at least 0.
    efficiency : float
        Of charging and of discharging, each; above 0, at most 1.
    """
    job, room = np.asarray(job_kwh, dtype=float), np.asarray(room_kwh, dtype=float)
    if job.shape != room.shape or job.ndim != 1 or (job < 0.0).any() or (room < 0.0).any() or not 0.0 < efficiency <= 1.0:
        raise ValueError("a job and the room for it are two series of energies of one length, none below 0, efficiency in (0, 1]")
    bins, most = job.size, most_given_kwh(job, room, efficiency)
    if most <= 0.0:
        return StationaryBattery(0.0, np.zeros(bins), np.zeros(bins), np.zeros(bins + 1))
    # Columns: given (B), drawn (B), stored at the end of each bin (B), battery.
    eye = np.eye(bins)
    balance = np.hstack([eye / efficiency, -efficiency * eye, eye - np.roll(eye, -1, axis=1), np.zeros((bins, 1))])
    total = np.concatenate([np.ones(bins), np.zeros(2 * bins + 1)])
    fits = np.hstack([np.zeros((bins, 2 * bins)), eye, -np.ones((bins, 1))])
    bounds = [(0.0, value) for value in (*job, *room)] + [(0.0, None)] * (bins + 1)
    size = np.concatenate([np.zeros(3 * bins), [1.0]])
    equal, wanted = np.vstack([balance, total]), np.concatenate([np.zeros(bins), [most * (1.0 - 1e-9)]])
    first = linprog(size, A_ub=fits, b_ub=np.zeros(bins), A_eq=equal, b_eq=wanted, bounds=bounds)
    bounds[-1] = (0.0, float(first.fun) * (1.0 + 1e-9))
    late = np.concatenate([np.zeros(2 * bins), np.ones(bins), [0.0]])
    best = linprog(late, A_ub=fits, b_ub=np.zeros(bins), A_eq=equal, b_eq=wanted, bounds=bounds)
    given, drawn, stored = best.x[: 3 * bins].reshape(3, bins)
    return StationaryBattery(float(first.fun), given, drawn, np.concatenate([stored[-1:], stored]))


def sufficient_limit_kw(load_kw: ArrayLike, efficiency: float) -> float:
    """Return the lowest feeder limit (kW) at which a stationary battery can hold a load (B,), bins of one length, all day."""
    load = np.asarray(load_kw, dtype=float)

    def lacking(limit: float) -> float:
        return float(np.maximum(load - limit, 0.0).sum() - efficiency**2 * np.maximum(limit - load, 0.0).sum())

    return float(brentq(lacking, load.min() - 1.0, load.max() + 1.0, xtol=1e-9))
