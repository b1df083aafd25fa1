"""Fleet of a company (LMVES): it decides for all vehicles together, and gives up own business where a delivery earns more."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from federates.boundary.config import Config
from federates.boundary.errors import Problem
from federates.mves_fleet.models.company.settings import CompanySettings, find_problems
from federates.mves_fleet.models.flow.operator import Business, FlowFleet
from federates.mves_fleet.models.flow.vehicles import Charge
from federates.mves_fleet.models.settings import at_hour
from federates.mves_fleet.models.trips import Array
from federates.worlds.fleets.session import FleetSession


class CompanyFleet(FlowFleet):
    """See the module's text; settings: `settings.CompanySettings`."""

    Settings: ClassVar[type[Config]] = CompanySettings

    def __init__(self, settings: Any, folder: Path) -> None:
        super().__init__(settings, folder)
        self.settings: CompanySettings = settings

    @classmethod
    def check(cls, settings: Any, folder: Path, session: FleetSession) -> list[Problem]:
        """Return what keeps the vehicles from any delivery."""
        return find_problems(settings, session.vehicle_kwh[session.fleets[0]], session.period_s)

    def _charge(self) -> Charge:
        return self.settings.levels(self.kwh)

    def _charge_kwh_per_h(self) -> float:
        return self.settings.charge_kw

    def _own_kwh(self) -> Array:
        s = self.settings
        draw = np.random.default_rng(np.random.SeedSequence([self._session.seed, *self.name.encode()]))
        return draw.uniform(s.charge_least_share, s.charge_most_share, s.vehicles) * s.levels(self.kwh).most_kwh

    def _battery_kwh(self) -> float:
        return float(self.settings.battery_kwh)

    def _business(self) -> Business:
        s, hours = self.settings, self._hours()
        ready = np.ceil(s.contract_kwh / self.kwh - 1e-9)
        wanted = np.array([at_hour(s.business_share, hour) for hour in hours]) * s.vehicles
        missed = np.array([at_hour(s.business_usd_per_h, hour) for hour in hours])
        return Business(np.minimum(wanted, s.vehicles - ready), missed, s.business_kwh_per_h)
