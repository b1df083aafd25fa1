"""Utility-owned fleet (UMVES): a few large vehicles that do what they are asked, as far as there are vehicles.

It wants no reward: the cost that it answers is small beside what energy is worth at a limited station, and it has no other
business. It still answers prices as one who minimises cost, so that its bound holds.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from federates.boundary.config import Config
from federates.boundary.errors import Problem
from federates.mves_fleet.models.checks import too_small
from federates.mves_fleet.models.flow.operator import Business, FlowFleet
from federates.mves_fleet.models.flow.vehicles import Charge
from federates.mves_fleet.models.trips import Array
from federates.mves_fleet.models.utility.settings import UtilitySettings
from federates.worlds.fleets.session import FleetSession


class UtilityFleet(FlowFleet):
    """See the module's text; settings: `settings.UtilitySettings`."""

    Settings: ClassVar[type[Config]] = UtilitySettings

    def __init__(self, settings: Any, folder: Path) -> None:
        super().__init__(settings, folder)
        self.settings: UtilitySettings = settings

    @classmethod
    def check(cls, settings: Any, folder: Path, session: FleetSession) -> list[Problem]:
        """Return whether a vehicle holds less than what the session sells."""
        size = settings.deliverable_kwh
        return too_small("settings.deliverable_kwh", size, size, session.vehicle_kwh[session.fleets[0]])

    def _charge(self) -> Charge:
        return Charge(most_kwh=0.0)

    def _charge_kwh_per_h(self) -> float:
        return 0.0

    def _own_kwh(self) -> Array:
        return np.zeros(self.settings.vehicles)

    def _battery_kwh(self) -> float:
        return float(self.settings.deliverable_kwh)

    def _business(self) -> Business:
        nothing = np.zeros(self._session.horizon_periods)
        return Business(nothing, nothing)
