"""Power operator as a copperplate: economic dispatch by merit order, with the batteries that stations and trains carry.

min  sum_t h ( sum_g c_g(p[g,t]) + 10 000 shed[t] + 10 000 spill[t] ) + tie-break of storage        (usd; h period length)
s.t. sum_g p[g,t] + sum_w r[w,t] + shed[t] - spill[t] + sum_s (dis[s,t] - ch[s,t]) = load[t]
     0 <= p[g,t] <= p_max_g,  0 <= r[w,t] <= available[w,t],  and storage and trains as in `unit_commitment`, (1)-(25).

``c_g`` is convex and piecewise linear, so without storage the units run in the order of their slopes. It is a linear programme
but for the trains, which are whole. Everything else is `unit_commitment`: data files, settings, trains, and the day as it is
carried out.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from federates.boundary.errors import Problem
from federates.power_operator.models.copperplate_dispatch.merit_order import copperplate
from federates.power_operator.models.unit_commitment.day_data import DayData
from federates.power_operator.models.unit_commitment.operator import UnitCommitmentOperator
from federates.power_operator.models.unit_commitment.settings import UnitCommitmentSettings
from federates.worlds.rail.session import RailSession


class CopperplateDispatchSettings(UnitCommitmentSettings):
    """The settings of `unit_commitment`, so that one line of ``config.yaml`` changes the model.

    All files are read and checked as there. Line limits, ramps, minimum times, start-up costs and what units did before the day
    have no effect; the minimum output shapes the cost curve only (`merit_order.from_zero`).
    """


class CopperplateDispatchOperator(UnitCommitmentOperator):
    """Dispatches units by merit order, and plans batteries and trains with it."""

    Settings = CopperplateDispatchSettings

    @classmethod
    def check(cls, settings: UnitCommitmentSettings, folder: Path, session: Any) -> list[Problem]:
        """Return everything wrong with settings and data files."""
        if not isinstance(session, RailSession):
            allowed = "copperplate_dispatch works by rail: the scenario's world must be rail"
            return [Problem("config.yaml", "operator", "copperplate_dispatch", allowed)]
        return super().check(settings, folder, session)

    @classmethod
    def read_day(cls, settings: UnitCommitmentSettings, folder: Path, session: RailSession) -> DayData:
        """Return the forecast day of `unit_commitment`'s files, as a copperplate."""
        day = super().read_day(settings, folder, session)
        return replace(day, system=copperplate(day.system))
