"""Life of a lithium-ion battery after Xu et al. 2018: stress of cycles and of time, and the capacity that is left.

B. Xu, A. Oudalov, A. Ulbig, G. Andersson, D. S. Kirschen, "Modeling of Lithium-Ion Battery Degradation for Cell Life
Assessment", IEEE Transactions on Smart Grid 9(2), 2018, DOI 10.1109/TSG.2016.2578950, with its coefficients for lithium
manganese oxide (LMO). docs/battery_wear.md. For reports: its exponentials are those of the C library, whose last bit depends on
the processor. Decisions use `federates.battery.depth_cost`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from federates.battery.cycles import Array, Cycles, checked_soc, cycles_of

K1, K2, K3 = 1.40e5, -0.501, -1.23e5
"""Of the stress of a cycle's depth."""
K_TIME_PER_S = 4.14e-10
K_SOC, SOC_REFERENCE = 1.04, 0.5
K_TEMPERATURE, REFERENCE_C, REFERENCE_K = 0.0693, 25.0, 298.0
ALPHA_SEI, BETA_SEI = 0.0575, 121.0
"""Share of the capacity that goes early into the solid electrolyte interphase, and how much faster."""
END_OF_LIFE_CAPACITY = 0.8
"""Share of the first capacity that is left at the end of life."""
DAY_S = 86_400.0
YEAR_S = 365.0 * DAY_S


def depth_stress(depth: ArrayLike) -> Array:
    """Return S_delta: wear by one whole cycle of a depth (share, 0 to 1), at mean state of charge 0.5 and 25 degrees Celsius."""
    share = np.asarray(depth, dtype=float)
    if (share < 0.0).any() or (share > 1.0).any():
        raise ValueError("the depth of a cycle must be a share from 0 to 1")
    power = np.maximum(share, 1e-300) ** -K2
    return np.asarray(power / (K1 + K3 * power) * (share > 0.0))


def soc_factor(soc: ArrayLike) -> Array:
    """Return S_sigma of a mean state of charge (share)."""
    return np.asarray(np.exp(K_SOC * (np.asarray(soc, dtype=float) - SOC_REFERENCE)))


def temperature_factor(temperature_c: ArrayLike) -> Array:
    """Return S_T of a temperature of the cells (degrees Celsius); for more than about 15 degrees."""
    celsius = np.asarray(temperature_c, dtype=float)
    return np.asarray(np.exp(K_TEMPERATURE * (celsius - REFERENCE_C) * REFERENCE_K / (celsius + 273.0)))


def time_stress(duration_s: ArrayLike) -> Array:
    """Return S_t: wear by time alone, at state of charge 0.5 and 25 degrees Celsius."""
    return np.asarray(K_TIME_PER_S * np.asarray(duration_s, dtype=float))


def cycle_stress(cycles: Cycles, temperature_c: float = REFERENCE_C) -> float:
    """Return the wear f by cycles: S_delta S_sigma S_T, summed over them."""
    return float(
        (cycles.count * depth_stress(cycles.depth) * soc_factor(cycles.mean_soc)).sum() * temperature_factor(temperature_c)
    )


def life_lost(stress: ArrayLike) -> Array:
    """Return L: the share of the first capacity that is lost after the wear f; f = 0 is a new battery."""
    f = np.asarray(stress, dtype=float)
    return np.asarray(1.0 - ALPHA_SEI * np.exp(-BETA_SEI * f) - (1.0 - ALPHA_SEI) * np.exp(-f))


def stress_until(capacity: float = END_OF_LIFE_CAPACITY) -> float:
    """Return the wear f at which a share of the first capacity (above 0, below 1) is left.

    Raises
    ------
    ValueError : no such share.
    """
    from scipy.optimize import brentq  # 0.2 s to load, for a curve that few ask for

    if not 0.0 < capacity < 1.0:
        raise ValueError("the capacity at the end of life must be a share above 0 and below 1")

    def excess(f: float) -> float:
        return float(life_lost(f)) - (1.0 - capacity)

    # Life lost is at most 1 - (1 - alpha) exp(-f), and at least 1 - exp(-f).
    return float(brentq(excess, 0.0, -np.log(capacity) + 1e-9, xtol=1e-15))


@dataclass(frozen=True, slots=True)
class Wear:
    """What a duration with its cycles takes of the life of a battery."""

    duration_s: float
    equivalent_full_cycles: float
    deepest_cycle: float
    """Depth of the deepest cycle or half cycle, share; 0 without any."""
    cycle_stress: float
    """Wear f by cycles."""
    time_stress: float
    """Wear f by time alone."""
    end_stress: float
    """Wear f at the end of life."""

    @property
    def life_used_share(self) -> float:
        """Share of the life that cycles and time have used; a life is over at 1."""
        return (self.cycle_stress + self.time_stress) / self.end_stress

    @property
    def cycle_life_used_share(self) -> float:
        """Share of the life that the cycles alone have used: what a battery that stands idle would not lose."""
        return self.cycle_stress / self.end_stress

    @property
    def years_to_end(self) -> float:
        """Years from new to the end of life if every such duration is like this one."""
        return self.duration_s / YEAR_S / self.life_used_share

    @property
    def years_used(self) -> float:
        """Years by which the cycles bring the end of life nearer: what an idle battery takes for the same wear."""
        return self.duration_s / YEAR_S * self.cycle_stress / self.time_stress

    def cost_usd(self, replacement_usd: float) -> float:
        """Return what the cycles cost: the share of life that they use, of what a new battery costs."""
        return self.cycle_life_used_share * replacement_usd


def wear_of(
    soc: ArrayLike,
    period_s: float,
    temperature_c: float = REFERENCE_C,
    end_capacity: float = END_OF_LIFE_CAPACITY,
) -> Wear:
    """Return what a state of charge (P,), one share every ``period_s``, takes of a battery's life.

    The state of charge is taken as straight between two points, also for the mean that time wears by.

    Raises
    ------
    ValueError : a state of charge out of range, fewer than two points, or no time between them.
    """
    series = checked_soc(soc)
    if series.size < 2 or not period_s > 0.0:
        raise ValueError("wear needs a state of charge of two points or more, and time between them")
    cycles, duration_s = cycles_of(series), float(period_s) * (series.size - 1)
    mean_soc = float((series[1:] + series[:-1]).mean() / 2.0)
    idle = float(time_stress(duration_s) * soc_factor(mean_soc) * temperature_factor(temperature_c))
    deepest = float(cycles.depth.max(initial=0.0))
    return Wear(
        duration_s, cycles.equivalent_full, deepest, cycle_stress(cycles, temperature_c), idle, stress_until(end_capacity)
    )
