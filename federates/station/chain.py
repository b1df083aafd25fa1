"""One station's chargers as a chain M/M/c/K that is carried from bin to bin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np

from federates.station.queues import Array, busy, stationary, transient


@dataclass(frozen=True, slots=True)
class ChargerState:
    """Means over a stretch of time; ``probability`` has shape (K+1,)."""

    probability: Array
    servers: int
    charger_kw: float

    @property
    def mean_kw(self) -> float:
        """Return the mean charging load, kW."""
        return self.charger_kw * float((self.probability * busy(self.servers, self.probability.size - 1)).sum())

    @property
    def all_busy(self) -> float:
        """Return P(all chargers busy): the share of arrivals that is turned away or waits."""
        return float(self.probability[self.servers :].sum())

    def exceeds(self, limit_kw: float) -> float:
        """Return P(charging load > ``limit_kw``)."""
        load_kw = self.charger_kw * busy(self.servers, self.probability.size - 1)
        return float(self.probability[load_kw > limit_kw + 1e-9].sum())


class ChargerChain:
    """Chargers of a station; `step` moves them on, `copy` lets a forecast look ahead without moving the original."""

    def __init__(
        self, servers: int, capacity: int, charger_kw: float, service_per_h: float, method: Literal["transient", "stationary"]
    ) -> None:
        self._servers = servers
        self._capacity = capacity
        self._charger_kw = charger_kw
        self._service_per_h = service_per_h
        self._method = method
        self._probability: Array = np.eye(1, capacity + 1)[0]

    def settle(self, arrivals_per_h: float) -> None:
        """Put the chain into its stationary state at ``arrivals_per_h``: how it is found before the first period."""
        self._probability = stationary(arrivals_per_h, self._service_per_h, self._servers, self._capacity)

    def step(self, arrivals_per_h: float, duration_h: float) -> ChargerState:
        """Move the chain on by ``duration_h`` with constant arrivals and return the means over that time."""
        if self._method == "stationary":
            self.settle(arrivals_per_h)
            mean = self._probability
        else:
            self._probability, mean = transient(self._probability, arrivals_per_h, self._service_per_h, self._servers, duration_h)
        return ChargerState(mean, self._servers, self._charger_kw)

    def copy(self) -> Self:
        """Return a chain in the same state."""
        twin = type(self)(self._servers, self._capacity, self._charger_kw, self._service_per_h, self._method)
        twin._probability = self._probability.copy()
        return twin
