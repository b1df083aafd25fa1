"""Storage stations and the trains that carry batteries between them: the power operator's private data about them.

Index sets: S stations, K trains. Symbols and equation numbers: Ding et al., JMPCE 2025, DOI 10.35833/MPCE.2023.000976.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class StorageFleet:
    """Batteries at stations and on trains.

    ``bus`` (S,) are bus indices; ``capacity_mw`` (S,) and ``energy_mwh`` (S,) are the most a station holds (c_max_s, e_max_s),
    the ``start_`` arrays what is there before the first period; likewise with K for trains. ``duration_h`` is beta: a battery
    of 1 MW holds beta MWh. ``throughput_usd_per_mwh`` breaks ties: cycling that burns curtailed energy is not free.
    ``end_`` is what must be there after the last period.
    """

    stations: tuple[str, ...]
    bus: Index
    capacity_mw: Array
    energy_mwh: Array
    start_capacity_mw: Array
    start_energy_mwh: Array
    end_capacity_mw: Array
    end_energy_mwh: Array
    trains: tuple[str, ...]
    train_capacity_mw: Array
    train_energy_mwh: Array
    train_start_capacity_mw: Array
    train_start_energy_mwh: Array
    train_end_capacity_mw: Array
    train_end_energy_mwh: Array
    duration_h: float
    charge_efficiency: float
    discharge_efficiency: float
    throughput_usd_per_mwh: float
    end_slack_usd_per_mwh: float

    @property
    def total_capacity_mw(self) -> float:
        """Return C of indicator (47): the batteries that exist, MW. They start at stations and on trains."""
        return float(self.start_capacity_mw.sum() + self.train_start_capacity_mw.sum())
