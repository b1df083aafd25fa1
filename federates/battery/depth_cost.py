"""Convex cost of the depth of discharge, for decisions: Xu et al. 2018, TPWRS.

B. Xu, J. Zhao, T. Zheng, E. Litvinov, D. S. Kirschen, "Factoring the Cycle Aging Cost of Batteries Participating in Electricity
Markets", IEEE Transactions on Power Systems 33(2), 2018, arXiv 1707.04567. A whole cycle of depth d uses the share
Phi(d) = 5.24e-4 d^2.03 of a battery's life. The cost counts while energy leaves the battery, none while it enters.
"""

from __future__ import annotations

from decimal import Decimal
from functools import cached_property, lru_cache
from typing import Annotated

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field

from federates.battery.cycles import Array, cycles_of
from federates.boundary.config import Config

PHI_FACTOR, PHI_EXPONENT = 5.24e-4, 2.03


@lru_cache(maxsize=4096)
def _phi(depth: float) -> float:
    # Decimals have one power on every processor; the C library's last bit differs. docs/decisions/0014
    return float(Decimal("5.24e-4") * Decimal(depth) ** Decimal("2.03"))


def cycle_life_share(depth: ArrayLike) -> Array:
    """Return Phi: the share of life that one whole cycle of a depth (share, 0 to 1) uses; a half cycle uses half.

    Raises
    ------
    ValueError : a depth that is no share.
    """
    shares = np.asarray(depth, dtype=float)
    if not ((shares >= 0.0) & (shares <= 1.0)).all():
        raise ValueError("the depth of a cycle must be a share from 0 to 1")
    return np.array([_phi(share) for share in shares.ravel().tolist()]).reshape(shares.shape)


class DepthCost(Config):
    """What energy out of a battery costs in wear: piecewise linear and convex in the energy since the battery was last full.

    Segment j of J takes the depth from (j-1)/J to j/J. Chords of a convex curve: the cost is exact at their ends and too high
    between, by at most `error_bound_usd`. An optimiser fills cheap segments first by itself.
    """

    battery_kwh: Annotated[float, Field(gt=0)]
    """Energy of the full battery, kWh."""
    replacement_usd_per_kwh: Annotated[float, Field(ge=0)]
    """Cost of a new battery per kWh of its energy."""
    segments: Annotated[int, Field(ge=1, le=1000)] = 10
    """Number J of pieces of the depth, all of one width."""
    discharge_efficiency: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of what leaves the battery that arrives where energy is counted; 1: energy is counted in the battery."""

    @property
    def replacement_usd(self) -> float:
        """Cost of a new battery."""
        return self.battery_kwh * self.replacement_usd_per_kwh

    @property
    def most_kwh(self) -> float:
        """Energy that a full battery gives, kWh where it is counted."""
        return self.battery_kwh * self.discharge_efficiency

    @cached_property
    def segment_kwh(self) -> Array:
        """Energy of each segment (J,), kWh where it is counted."""
        return np.full(self.segments, self.most_kwh / self.segments)

    @cached_property
    def segment_usd_per_kwh(self) -> Array:
        """Marginal cost c_j in each segment (J,), rising: (R / eta) J (Phi(j/J) - Phi((j-1)/J))."""
        used = cycle_life_share(np.arange(self.segments + 1) / self.segments)
        return np.asarray(self.replacement_usd_per_kwh / self.discharge_efficiency * self.segments * (used[1:] - used[:-1]))

    def cost_usd(self, kwh: ArrayLike) -> Array:
        """Return what it costs to take energy (any shape, kWh where it is counted) out of a full battery.

        Raises
        ------
        ValueError : less than 0 or more than `most_kwh`.
        """
        energy = self._checked(kwh)
        begun = np.arange(self.segments) * self.segment_kwh[0]
        in_segment = np.clip(energy[..., None] - begun, 0.0, self.segment_kwh[0])
        return np.asarray((in_segment * self.segment_usd_per_kwh).sum(axis=-1))

    def marginal_usd_per_kwh(self, kwh: ArrayLike) -> Array:
        """Return what the next kWh costs after some energy (any shape) has left a full battery; infinite where it is empty.

        Raises
        ------
        ValueError : less than 0 or more than `most_kwh`.
        """
        ends = np.arange(1, self.segments + 1) * self.segment_kwh[0]
        segment = np.searchsorted(ends * (1.0 - 1e-12), self._checked(kwh), side="right")
        return np.asarray(np.append(self.segment_usd_per_kwh, np.inf)[segment])

    def worthwhile_kwh(self, price_usd_per_kwh: ArrayLike) -> Array:
        """Return the most energy out of a full battery that costs at most a price (any shape) at the margin: the optimum."""
        segments = np.searchsorted(self.segment_usd_per_kwh, np.asarray(price_usd_per_kwh, dtype=float), side="right")
        return np.asarray(segments * self.most_kwh / self.segments)

    def exact_usd(self, depth: ArrayLike) -> Array:
        """Return the cost of one whole cycle of a depth (share) without pieces: R Phi(depth)."""
        return np.asarray(self.replacement_usd * cycle_life_share(depth))

    def cycles_usd(self, soc: ArrayLike) -> float:
        """Return the cost of the rainflow cycles of a state of charge (P,) without pieces, half cycles at half."""
        cycles = cycles_of(soc)
        return float((cycles.count * self.exact_usd(cycles.depth)).sum())

    @property
    def error_bound_usd(self) -> float:
        """Most by which `cost_usd` exceeds `exact_usd`: R Phi''(1) / (8 J^2), for Phi'' rises with the depth."""
        curvature = PHI_FACTOR * PHI_EXPONENT * (PHI_EXPONENT - 1.0)
        return self.replacement_usd * curvature / (8.0 * self.segments**2)

    def _checked(self, kwh: ArrayLike) -> Array:
        energy = np.asarray(kwh, dtype=float)
        if not ((energy >= 0.0) & (energy <= self.most_kwh * (1.0 + 1e-9))).all():
            raise ValueError(f"energy out of this battery must be from 0 to {self.most_kwh:g} kWh")
        return np.asarray(np.minimum(energy, self.most_kwh))
