"""Settings of a fleet of private drivers: the part ``settings`` of ``config.yaml``, and what is wrong with them."""

from __future__ import annotations

from typing import Annotated, Self, TypeAlias

from pydantic import Field, model_validator

from federates.boundary.config import Config, NotNegative, Positive, Share, unfit
from federates.boundary.errors import Problem
from federates.mves_fleet.models.checks import too_small
from federates.mves_fleet.models.settings import FleetSettings

Hour: TypeAlias = Annotated[float, Field(ge=0.0, le=24.0)]


class Diary(Config):
    """Where drivers are over the day: at home until they leave, then at work until they go home; asleep nobody accepts."""

    home_share: Share = 0.15
    """Drivers who live near a resourceful station; each of them is near one, with the same probability."""
    work_share: Share = 0.15
    """Drivers who work near a resourceful station."""
    leave_home_h: Hour = 7.5
    """Mean hour of the day at which they leave home, h."""
    leave_work_h: Hour = 17.0
    """Mean hour of the day at which they go home, h."""
    spread_h: Annotated[float, Field(ge=0.0, le=12.0)] = 1.5
    """Standard deviation of both, h."""
    wake_h: Hour = 6.0
    """From this hour of the day on they may accept, h."""
    sleep_h: Hour = 23.0
    """From this hour of the day on they do not, h."""


class PrivateSettings(FleetSettings):
    """Settings of `PrivateFleet`. Ranges are drawn from uniformly; draws follow from the session's seed and the fleet's name."""

    drivers: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    """Number of drivers, each with a vehicle."""
    return_share: Share = 0.0
    """Part of the way back whose time and energy a driver counts; 0: the driver goes on from the limited station anyway."""
    value_of_time_median_usd_per_h: Positive = 15.0
    """Median of the drivers' values of time, which are lognormal, usd/h."""
    value_of_time_sigma: Annotated[float, Field(ge=0.0, le=3.0)] = 0.6
    """Standard deviation of their logarithm, dimensionless."""
    threshold_least_usd: NotNegative = 0.0
    """Least that a driver wants to earn beyond all own costs, usd: who wants least of all."""
    threshold_most_usd: NotNegative = 4.0
    """The same, who wants most of all, usd."""
    detour_most_s: NotNegative = 900.0
    """Time by which the way by a limited station takes longer than told, s: from 0 to this, for each driver and station."""
    inconvenience_most_usd: NotNegative = 3.0
    """What a driver wants beyond the threshold in an hour of the day, usd: from 0 to this, for each driver and hour."""
    battery_least_kwh: Positive = 40.0
    """Smallest battery, kWh."""
    battery_most_kwh: Positive = 90.0
    """Largest battery, kWh."""
    charge_least_share: Share = 0.3
    """Least state of charge at the start of the run, as a share of the battery."""
    charge_most_share: Share = 0.95
    """Highest state of charge at the start of the run, as a share of the battery."""
    reserve_share: Share = 0.2
    """A trip must leave at least this state of charge, beside what is delivered."""
    diary: Diary = Diary()
    """Where drivers are over the day."""
    charging_priority_share: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    """Incentive: drivers of this fleet are spared this part of the told time at the gates."""
    battery_warranty: bool = False
    """Incentive: somebody else answers for the wear, so that drivers do not count it; `fleet_costs` says what it is."""

    @model_validator(mode="after")
    def _ranges_are_in_order(self) -> Self:
        for name, unit in (("threshold", "usd"), ("battery", "kwh"), ("charge", "share")):
            least, most = getattr(self, f"{name}_least_{unit}"), getattr(self, f"{name}_most_{unit}")
            if least > most:
                raise unfit(f"{name}_least_{unit}", least, f"must not exceed {name}_most_{unit} = {most:g}")
        return self


def find_problems(settings: PrivateSettings, kwh: float) -> list[Problem]:
    """Return what keeps every driver from any delivery of ``kwh``."""
    free_kwh = settings.battery_most_kwh * (1.0 - settings.reserve_share)
    field, value = "settings.battery_most_kwh", settings.battery_most_kwh
    problems = too_small(field, value, free_kwh, kwh, f"with reserve_share = {settings.reserve_share:g}")
    if settings.charge_most_share < settings.reserve_share:
        allowed = f"must not be below reserve_share = {settings.reserve_share:g}: no driver could leave"
        problems.append(Problem("config.yaml", "settings.charge_most_share", f"{settings.charge_most_share:g}", allowed))
    return problems
