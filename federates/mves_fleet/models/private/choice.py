"""What each driver decides alone: the best trip within the horizon, or to stay.

Driver i accepts option o = (r, q, h) at reward x kWh - toll - c_io, if the best of them is above 0, with

    c_io = value of time_i x (time(r, q) + detour_iq) + price x traction(r, q) + wear_i + threshold_i + inconvenience_ih

The fleet's answer to prices is the sum of these decisions, and since no driver's decision depends on another's, the sum of the
single minima is the minimum: the bound is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from federates.lp.safe_bound import lower_sum
from federates.mves_fleet.models.records import Acceptance
from federates.mves_fleet.models.trips import Array, Whole

STAY = -1
PARTS = ("time", "traction", "wear", "threshold")
Flags: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Costs:
    """Costs of drivers' trips, usd; the parts are those of `PARTS`."""

    time_usd: Array
    """(n, R, Q)."""
    energy_usd: Array
    """(R, Q, H): the price of energy depends on the hour."""
    wear_usd: Array
    """(n,); 0 where a warranty covers it."""
    threshold_usd: Array
    """(n, H): threshold and inconvenience."""

    def parts(self) -> Array:
        """Return the parts in the opened period, (4, n, R, Q)."""
        shape = self.time_usd.shape
        wear, threshold = (np.broadcast_to(v[:, None, None], shape) for v in (self.wear_usd, self.threshold_usd[:, 0]))
        return np.stack([self.time_usd, np.broadcast_to(self.energy_usd[..., 0], shape), wear, threshold])

    def total(self) -> Array:
        """Return what a trip costs a driver, (n, R, Q, H)."""
        own = self.wear_usd[:, None] + self.threshold_usd
        return np.asarray(self.time_usd[..., None] + self.energy_usd[None] + own[:, None, None, :])


@dataclass(frozen=True, slots=True)
class Decisions:
    """What drivers decide; ``option`` (n,) is the index of (r, q, h) in the flat shape (R, Q, H), -1 where a driver stays."""

    option: Whole
    accepted: Array
    """Drivers by option, (R * Q * H,)."""
    cost_usd: float
    bound_usd: float


def decide(cost_usd: Array, pay_usd: Array) -> Decisions:
    """Return the best decision of each driver.

    Parameters
    ----------
    cost_usd : (n, K), infinite where a driver cannot take the option.
    pay_usd : (K,), what a trip earns: reward less toll.
    """
    gain = pay_usd[None, :] - cost_usd
    best = np.argmax(gain, axis=1)
    rows = np.arange(len(best))
    most = gain[rows, best]
    goes = most > 0.0
    option = np.where(goes, best, STAY)
    accepted = np.bincount(best[goes], minlength=pay_usd.size).astype(np.float64)
    cost = float(cost_usd[rows[goes], best[goes]].sum())
    # One more step of a float covers the rounding of each difference.
    bound = lower_sum(-np.nextafter(most[goes], np.inf))
    return Decisions(option, accepted, cost, bound)


def acceptance(near: Flags, back: Flags, able: Flags, costs: Costs, option: Whole, horizon: int) -> Acceptance:
    """Return what becomes of the drivers near a station.

    Parameters
    ----------
    near : (n, R), who is near r in the opened period.
    back : (n,), who is not away.
    able : (n, R, Q), who has enough charge and room.
    option : (n,), decisions, see `Decisions`.
    """
    shape = able.shape[1:]
    here = near[:, :, None] & np.ones(able.shape, dtype=bool)
    may = here & back[:, None, None] & able
    chosen = np.where(option >= 0, option, STAY)
    first = np.arange(np.prod(shape, dtype=int)).reshape(shape) * horizon
    takes = may & (chosen[:, None, None] == first[None])
    other = may & ~takes & (chosen >= 0)[:, None, None]
    stays = may & (chosen < 0)[:, None, None]
    main = np.argmax(costs.parts(), axis=0)
    groups = {"near": here, "accepted": takes, "away": here & ~back[:, None, None], "elsewhere": other}
    groups |= {"energy": here & back[:, None, None] & ~able} | {name: stays & (main == k) for k, name in enumerate(PARTS)}
    return Acceptance(**{name: np.asarray(group.sum(axis=0)) for name, group in groups.items()})
