"""Settings of a station, of the vehicles that it serves and of its forecast; the text under each field is its documentation."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator
from pydantic_core import PydanticCustomError

from federates.boundary.config import Config, NotNegative, Positive, Share

BatteryKwh: TypeAlias = Annotated[float, Field(gt=0.0, le=10_000.0)]
_MOST = 1000


def _auto_or_count(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    try:
        return handler(value)
    except ValidationError:  # one of the union's words would be enough, and two would be said
        raise PydanticCustomError("auto_or_count", f"must be auto, or a whole number from 1 to {_MOST}") from None


AutoOrCount: TypeAlias = Annotated[Literal["auto"] | Annotated[int, Field(ge=1, le=_MOST)], WrapValidator(_auto_or_count)]


class Demand(Config):
    """How many of the vehicles that pass come to charge; defaults from Chen et al., IEEE Network 33(6), 2019."""

    penetration: Share = 0.15
    """Plug-in vehicles among all vehicles."""
    wanting: Share = 0.30
    """Of those, the ones with a state of charge of 15 to 50 % that want to charge."""
    coming: Share = 0.20
    """Of those, the ones that come to this station."""
    energy_per_charge_kwh: BatteryKwh = 20.0
    """Mean energy of a charge, kWh; the time at the charger is exponential with this mean over the charger's power."""

    @property
    def arrivals_per_passing(self) -> float:
        """Return the vehicles that come to charge per vehicle that passes (0.009 with the defaults)."""
        return self.penetration * self.wanting * self.coming


class Station(Config):
    """One charging station and its feeder; whether it is resourceful or limited stands in the session."""

    feeder_limit_kw: Positive
    """Feeder limit, kW (the paper's kWh per hour)."""
    charger_kw: Positive
    """Power of a charger, kW."""
    mves_spot_kw: Positive
    """Power of a spot for mobile storage, kW at the battery."""
    design_flow_veh_per_h: Positive
    """Passing flow, veh/h, for which chargers and spots are sized."""
    daily_volume_veh: Annotated[float, Field(gt=0.0, le=1e6)]
    """Vehicles that pass in a typical day: the level of the forecast before anything is seen."""
    shape: str
    """Column of the history file with this station's hourly shares."""
    chargers: AutoOrCount = "auto"
    """Number of chargers; `auto` sizes them by `blocking_target` at the design flow."""
    mves_spots: AutoOrCount = "auto"
    """Number of spots for mobile storage; `auto` sizes them by `mves.wait_target_s`."""


class MobileStorage(Config):
    """What one vehicle carries and loses; defaults from Chen et al. 2019."""

    energy_kwh: BatteryKwh = 10.0
    """Energy in the battery that is meant for delivery when the vehicle leaves, kWh."""
    charge_efficiency: Annotated[float, Field(gt=0.0, le=1.0)] = 0.95
    """Energy into the battery per energy from the feeder."""
    discharge_efficiency: Annotated[float, Field(gt=0.0, le=1.0)] = 0.95
    """Energy into the feeder per energy from the battery."""
    retention: Annotated[float, Field(gt=0.0, le=1.0)] = 0.99
    """Energy still in the battery after the drive, traction aside."""
    traction: Literal["off", "on"] = "off"
    """`on`: the drive is fed from the energy meant for delivery; `off`: from the driver's own charge, as in the paper."""
    traction_kwh_per_h: NotNegative = 16.0
    """Traction energy per hour of driving, kWh/h: 0.18 kWh/km at 90 km/h. The operator knows times, not distances."""
    traction_trips: Annotated[int, Field(ge=1, le=2)] = 1
    """Drives that are counted: 1 the way to the limited station, 2 also the way back."""
    charging_delays: bool = False
    """`false`: vehicles leave, charged, in the period they are planned for; `true`: they start to charge in it."""
    wait_target_s: Positive = 60.0
    """Mean wait for a spot, s: sizes the spots and limits what is sent to them."""
    assumed_road_time_s: Positive = 900.0
    """Road time, s, until the transport operator has told one."""
    lost_after_s: Positive = 7200.0
    """A vehicle that has not arrived this long, s, after its expected arrival counts as lost."""
    most_wait_s: Positive = 3600.0
    """A vehicle waits parked at a limited station, full and paid, at most this long, s; then it discharges, needed or not."""


class Forecast(Config):
    """Forecast of passing volumes from the typical day and from what was seen."""

    history_file: str = "data/weekday_hourly_share.csv"
    """CSV in this folder: column `h` (0..23) and one column of hourly shares of a day for each shape."""
    prior_share: Positive = 0.05
    """Weight of `daily_volume_veh` against observations, as a share of a day's traffic seen."""
    memory_h: Positive = 6.0
    """Observations lose weight by 1/e in this time, h."""
    initial_error: Share = 0.0
    """Mean relative error of a forecast that is assumed before anything is seen."""


class Margins(Config):
    """What is added to the forecast so that an ordinary error leaves no overload."""

    margin_share: Annotated[float, Field(ge=0.0, le=1.0)] = 0.02
    """Added to the energy above the feeder limit; what a bin does not take waits for the next."""
    lead_time_s: NotNegative = 120.0
    """Vehicles are to be at the limited station this long, s, before their energy is needed: the stock that is parked there meets
    what the forecast of a bin misses."""
    control_share: Annotated[float, Field(ge=0.0, le=0.5)] = 0.0
    """Parked vehicles hold the load at the limit less this share of it; more lowers the probability of overload."""
    error_factor: Annotated[float, Field(ge=0.0, le=5.0)] = 1.0
    """Load is planned higher by this times the learned relative error of the forecast."""
    error_limit: Share = 0.10
    """Most that the learned error may add to the load."""


class StationRules(Config):
    """What holds at every station that one agent runs."""

    demand: Demand = Demand()
    """From passing vehicles to charging vehicles."""
    queue: Literal["transient", "stationary"] = "transient"
    """`transient`: probabilities are carried from bin to bin; `stationary`: each bin on its own, as in the paper."""
    waiting_places: Literal["unlimited"] | Annotated[int, Field(ge=0, le=500)] = 0
    """Places to wait for a charger; 0 is a loss system. `unlimited` is computed with 200 places."""
    chargers_sized_by: Literal["loss", "wait"] = "loss"
    """`loss`: at most `blocking_target` of the arrivals are turned away (Erlang B); `wait`: must wait (Erlang C)."""
    blocking_target: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.10
    """Share of arrivals at the design flow that may find every charger busy."""
    mves: MobileStorage = MobileStorage()
    """Vehicles that carry energy."""
    forecast: Forecast = Forecast()
    """Forecast of passing volumes."""
    margins: Margins = Margins()
    """Margins of the plan."""
