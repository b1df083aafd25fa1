"""Everything wrong with the operator's settings and data that can be found without a solver."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from federates.boundary.errors import ConfigError, Problem
from federates.boundary.session import Session
from federates.power_operator.models.unit_commitment.day_data import DayData, read_day
from federates.power_operator.models.unit_commitment.settings import UnitCommitmentSettings
from federates.power_operator.models.unit_commitment.storage_data import storage_problems
from federates.worlds.rail.session import RailSession

_CONFIG = "config.yaml"


def find_problems(settings: UnitCommitmentSettings, folder: Path, session: Session) -> list[Problem]:
    """Return the problems of all files; ``file`` of each is relative to ``folder``."""
    if not isinstance(session, RailSession):
        allowed = "unit_commitment works by rail: the scenario's world must be rail"
        return [Problem(_CONFIG, "operator", "unit_commitment", allowed)]
    try:
        day = read_day(settings, folder, session.periods, session.period_s / 3600.0)
    except ConfigError as error:
        return error.problems
    return storage_problems(settings, session, day.buses, _CONFIG) + _too_much_load(settings, day)


def find_notes(settings: UnitCommitmentSettings, day: DayData) -> list[Problem]:
    """Return units whose ramp is below their minimum: by the ramp alone they would not come on in a period."""
    units, hours = day.system.units, day.system.period_h
    file = settings.units_file or settings.case_file
    slow = np.flatnonzero(units.ramp_up_mw_per_h * hours < units.p_min_mw - 1e-6)
    return [
        Problem(
            file,
            f"ramp_mw_per_h, unit {units.names[g]}",
            f"{units.ramp_up_mw_per_h[g]:g}",
            f"is less in a period than the unit's minimum of {units.p_min_mw[g]:g} MW: it starts and stops at the minimum, "
            "and between it follows the load only so slowly, which may cost penalties",
        )
        for g in slow
    ]


def _too_much_load(settings: UnitCommitmentSettings, day: DayData) -> list[Problem]:
    """Load above all units and renewables together cannot be served, whatever is planned."""
    system = day.system
    most_mw = system.units.p_max_mw.sum() + system.renewables.available_mw.sum(axis=0)
    over = np.flatnonzero(system.total_load_mw > most_mw + 1e-6)
    if not over.size:
        return []
    t = int(over[0])
    value = f"{system.total_load_mw[t]:g} MW in period {t}"
    allowed = f"units and renewables together give at most {most_mw[t]:g} MW then"
    return [Problem(settings.load.file, "load_mw", value, allowed)]
