"""Where the quantities of a commitment stand in a model: column and row indices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from federates.power_operator.models.unit_commitment.formulations.morales_espana_2013 import StartUpColumns
from federates.power_operator.models.unit_commitment.system import PowerSystem

Values = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Injection:
    """Power in MW that variables outside the commitment inject at a bus.

    ``bus`` is the index of the bus, ``index`` (T,) the columns and ``sign`` +1 for injection (storage discharging)
    or -1 for withdrawal (charging).
    """

    bus: int
    index: Indices
    sign: float = 1.0


@dataclass(frozen=True, slots=True)
class Commitment:
    """Columns and rows of the commitment of ``system``.

    ``on``, ``start``, ``stop``, ``output_mw`` are (G, T), ``renewable_mw`` (W, T); ``shed_mw`` and ``spill_mw`` (T,)
    are spread over the buses by their share of the load; ``reserve_mw`` (G, T) and ``reserve_short_mw`` (T,) are
    None without reserve; ``balance`` (T,) and ``reserve`` (T,) are rows.
    """

    system: PowerSystem
    injections: tuple[Injection, ...]
    on: Indices
    start: Indices
    stop: Indices
    output_mw: Indices
    segment_mw: Indices
    start_up: StartUpColumns
    renewable_mw: Indices
    shed_mw: Indices
    spill_mw: Indices
    balance: Indices
    reserve_mw: Indices | None
    reserve_short_mw: Indices | None
    reserve: Indices | None

    def bus_columns(self) -> tuple[Indices, Indices, Values]:
        """Return bus (N,), columns (N, T) and sign (N,) of everything but load, shed and spill that injects power."""
        system = self.system
        bus = np.concatenate([system.units.bus, system.renewables.bus, [i.bus for i in self.injections]]).astype(np.int64)
        own = [np.asarray(i.index, dtype=np.int64).reshape(1, -1) for i in self.injections]
        columns = np.concatenate([self.output_mw, self.renewable_mw, *own])
        sign = np.concatenate([np.ones(self.output_mw.shape[0] + self.renewable_mw.shape[0]), [i.sign for i in self.injections]])
        return bus, columns, sign

    def net_injection_mw(self, values: Values) -> Values:
        """Return the net injection at each bus, (B, T), in a solution with ``values``."""
        bus, columns, sign = self.bus_columns()
        net = np.zeros(self.system.load_mw.shape)
        np.add.at(net, bus, sign[:, None] * np.where(columns >= 0, values[columns], 0.0))
        unbalanced = values[self.shed_mw] - values[self.spill_mw]
        return net - self.system.load_mw + self.system.load_share * unbalanced
