"""What a scenario by rail says about itself: beside its data, a paper's table of models and its figures that are sweeps."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from federates.boundary.config import Config, unfit
from federates.reporting.published import Published, PublishedSweep, Text
from federates.worlds.rail.session import RailScheme

Usd = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
_QUANTITIES = ("total_cost_usd", "moving_periods")


class PublishedModel(Config):
    """One row of a paper's table of models by rail; a number that the paper does not give is left out."""

    model: Text
    """Name in the paper, such as M1."""
    total_cost_usd: Usd
    """Objective of both operators, transport included."""
    transport_cost_usd: Usd = 0.0
    """What of it the trains cost."""
    wind_used_share: Share | None = None
    """Indicator (46)."""
    usd_per_mw: Usd | None = None
    """Indicator (47)."""
    storage_utilisation: Share | None = None
    """Indicator (48)."""


class Case(Config):
    """A published case by rail: its models by scheme, and the cost that each algorithm reached for the mobile one."""

    title: Text
    """What the paper calls the case, such as: case 1, modified IEEE 30-bus system."""
    models: dict[RailScheme, PublishedModel]
    """Rows of the paper's table by scheme: mobile, fixed and central."""
    storage_mw: Annotated[float, Field(gt=0)]
    """Power of all batteries, C of (47), MW."""
    without_storage_usd: Annotated[float, Field(gt=0)]
    """Cost without storage, F_0 of (47)."""
    centralised_usd: Usd
    """Cost of the mobile model by the centralised algorithm."""
    decentralised_usd: Usd
    """Cost of the mobile model by the decentralised algorithm."""
    saving_tolerance_share: Share
    """Yardstick: how far a share saved may lie from the published one, as a share of it, to be of its size."""

    @model_validator(mode="after")
    def _has_the_schemes_of_the_table(self) -> Self:
        wanted = {RailScheme.MOBILE, RailScheme.FIXED, RailScheme.CENTRAL}
        if set(self.models) != wanted:
            raise unfit("models", ", ".join(self.models), "must have mobile, fixed and central, and no other")
        return self


class BatteryWear(Config):
    """What the report needs to tell the wear of the batteries; no operator knows of it."""

    replacement_usd_per_kwh: Annotated[float, Field(gt=0)]
    """Cost of a new battery per kWh of its energy."""
    source: Text
    """Where this number is from."""
    temperature_c: Annotated[float, Field(ge=15, le=50)] = 25.0
    """Temperature of the cells, degrees Celsius."""
    end_capacity_share: Annotated[float, Field(ge=0.5, le=0.99)] = 0.8
    """Share of the first capacity that is left at the end of life."""


class RailPublished(Published):
    """Content of ``published.yaml`` by rail."""

    case: Case | None = None
    """A table of models by rail."""
    sweeps: tuple[PublishedSweep, ...] = ()
    """Figures by rail that are sweeps."""
    battery_wear: BatteryWear | None = None
    """What a battery costs; without it, the report does not speak of wear."""

    @model_validator(mode="after")
    def _speaks_of_what_there_is(self) -> Self:
        for says in (says for sweep in self.sweeps for says in sweep.statements):
            for scheme in (says.scheme, says.other or says.scheme):
                if scheme not in set(RailScheme):
                    raise unfit("sweeps", scheme, f"scheme and other must be one of {', '.join(RailScheme)}")
            if says.quantity not in _QUANTITIES:
                raise unfit("sweeps", says.quantity, f"quantity must be one of {', '.join(_QUANTITIES)}")
        return self

    def model_name(self, scheme: str) -> str:
        """Return what the paper calls the model of a scheme; empty if it has no name for it."""
        return next((row.model for key, row in self.case.models.items() if key.value == scheme), "") if self.case else ""


PUBLISHED = RailPublished
