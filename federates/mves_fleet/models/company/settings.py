"""Settings of a company's fleet: the part ``settings`` of ``config.yaml``, and what is wrong with them."""

from __future__ import annotations

from typing import Annotated, Self, TypeAlias

from pydantic import Field, model_validator

from federates.boundary.config import NotNegative, Positive, Share, unfit
from federates.boundary.errors import Problem
from federates.boundary.units import hours
from federates.mves_fleet.models.checks import too_small
from federates.mves_fleet.models.flow.settings import OwnedFleetSettings
from federates.mves_fleet.models.flow.vehicles import Charge
from federates.mves_fleet.models.settings import ByHour

ShareByHour: TypeAlias = Share | Annotated[list[Share], Field(min_length=24, max_length=24)]


class CompanySettings(OwnedFleetSettings):
    """Settings of `CompanyFleet`."""

    vehicles: Annotated[int, Field(ge=1, le=100_000)] = 250
    """Number of vehicles; at the start of the run they stand at the resourceful stations in turn."""
    approach_most_s: NotNegative = 900.0
    """Longest way to a resourceful station, s: vehicles are spread around it evenly, and the nearest go first."""
    battery_kwh: Positive = 60.0
    """Battery of a vehicle, kWh."""
    reserve_share: Share = 0.1
    """State of charge below which no vehicle goes."""
    charge_least_share: Share = 0.5
    """Least own charge at the start of the run, as a share of the most; drawn uniformly, by the session's seed."""
    charge_most_share: Share = 1.0
    """Highest own charge at the start of the run, as a share of the most."""
    charge_classes: Annotated[int, Field(ge=2, le=20)] = 9
    """Classes of own charge in the plan, from empty to full: a finer plan takes longer to find."""
    charge_kw: Positive = 22.0
    """Power at which a vehicle that stands charges for its own use, kW."""
    power_kw: Positive | None = None
    """Power at which a vehicle charges and discharges what it delivers, kW; a gate that tells a longer time decides. None: the
    gate's time is right for it."""
    driver_usd_per_h: NotNegative = 20.0
    """Wage of a driver, for the whole trip with its time at the gates, usd/h."""
    vehicle_usd_per_h: NotNegative = 2.0
    """Value of a vehicle's time, for the whole trip, usd/h."""
    business_share: ShareByHour = 0.5
    """Part of the vehicles that the company's own customers want: one share, or 24 for the hours of the day."""
    business_usd_per_h: ByHour = 12.0
    """What a vehicle that its customers want and do not get loses the company, usd/h: one value, or 24."""
    business_kwh_per_h: NotNegative = 4.0
    """Own charge that a vehicle at work for its customers uses, kWh/h."""
    contract_kwh: NotNegative = 0.0
    """Energy that a contract with the power company wants ready in each period, kWh: so many vehicles are kept from the own
    business, and are offered at the cost of their trips alone."""

    @model_validator(mode="after")
    def _range_is_in_order(self) -> Self:
        if self.charge_least_share > self.charge_most_share:
            allowed = f"must not exceed charge_most_share = {self.charge_most_share:g}"
            raise unfit("charge_least_share", self.charge_least_share, allowed)
        return self

    def levels(self, kwh: float) -> Charge:
        """Return the classes of own charge of a vehicle that carries ``kwh`` beside it."""
        return Charge(self.battery_kwh * (1.0 - self.reserve_share) - kwh, self.charge_classes)


def find_problems(settings: CompanySettings, kwh: float, period_s: float) -> list[Problem]:
    """Return what keeps the vehicles from any delivery of ``kwh``, and a contract beyond the fleet."""
    usable_kwh = settings.battery_kwh * (1.0 - settings.reserve_share)
    field, value = "settings.battery_kwh", settings.battery_kwh
    problems = too_small(field, value, usable_kwh, kwh, f"with reserve_share = {settings.reserve_share:g}")
    levels = settings.levels(kwh)
    if not problems and levels.most_kwh <= 0.0:
        allowed = f"a delivery of {kwh:g} kWh leaves no charge for the drive"
        problems.append(Problem("config.yaml", field, f"{value:g}", allowed))
    elif not problems and settings.charge_kw * hours(period_s) < levels.width_kwh:
        allowed = f"a class is {levels.width_kwh:.3g} kWh, more than a vehicle charges in a period: use more classes"
        problems.append(Problem("config.yaml", "settings.charge_classes", str(settings.charge_classes), allowed))
    if settings.contract_kwh > settings.vehicles * kwh:
        allowed = f"the fleet carries at most {settings.vehicles * kwh:g} kWh at a time"
        problems.append(Problem("config.yaml", "settings.contract_kwh", f"{settings.contract_kwh:g}", allowed))
    return problems
