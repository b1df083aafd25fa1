"""Settings of the unit commitment operator: its part ``settings`` of ``config.yaml``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from federates.boundary.config import Config
from federates.worlds.rail.session import RailScheme

Positive = Annotated[float, Field(gt=0, le=1e9)]
NotNegative = Annotated[float, Field(ge=0, le=1e9)]
Nodes = Annotated[int, Field(ge=1, le=1_000_000_000)]
Share = Annotated[float, Field(ge=0, le=1)]


class BatterySettings(Config):
    """What all batteries have in common."""

    duration_h: Positive = 2.0
    """beta, battery coefficient: a battery of 1 MW holds so many MWh."""
    charge_efficiency: Annotated[float, Field(gt=0, le=1)] = 0.85
    """eta while charging."""
    discharge_efficiency: Annotated[float, Field(gt=0, le=1)] = 0.85
    """eta while discharging."""
    throughput_usd_per_mwh: NotNegative = 0.001
    """Breaks ties: without it, cycling that burns curtailed wind costs nothing and wind use is not unique."""
    start_capacity_share: Share = 0.5
    """Batteries that a station or a train of the scheme `mobile` starts and ends with, as a share of the most it can hold."""
    start_energy_share: Share = 0.25
    """Energy that it starts and ends with, as a share of the most it can hold; fixed storage too."""


class SiteSettings(Config):
    """A place with batteries."""

    bus: int
    """Number of the bus, as in the case file."""
    capacity_mw: NotNegative
    """Most batteries it can hold, as power (c_max_s); of fixed storage, the batteries it has."""
    energy_mwh: NotNegative
    """Most energy it can hold (e_max_s)."""


class TrainSettings(Config):
    """What a train can carry."""

    capacity_mw: NotNegative
    """Most batteries, as power (c_max_k)."""
    energy_mwh: NotNegative
    """Most energy (e_max_k)."""


class StorageSettings(Config):
    """Batteries of every scheme; the session says which is run."""

    battery: BatterySettings = BatterySettings()
    """What all batteries have in common."""
    mobile: dict[str, SiteSettings] = Field(default_factory=dict)
    """Scheme `mobile`: the stations of the session."""
    trains: dict[str, TrainSettings] = Field(default_factory=dict)
    """Scheme `mobile`: the trains of the session."""
    fixed: dict[str, SiteSettings] = Field(default_factory=dict)
    """Scheme `fixed`: the same total, spread over the stations."""
    central: dict[str, SiteSettings] = Field(default_factory=dict)
    """Scheme `central`: the same total at one bus."""

    def sites(self, scheme: RailScheme) -> dict[str, SiteSettings]:
        """Return the places with batteries of ``scheme``."""
        return {RailScheme.MOBILE: self.mobile, RailScheme.FIXED: self.fixed, RailScheme.CENTRAL: self.central}.get(scheme, {})


class LoadSettings(Config):
    """Load of the day."""

    file: str = "data/load.csv"
    """CSV with the columns period and load_mw (whole system; spread over the buses as in the case file), one row a period."""
    scale: Positive = 1.0
    """Factor on every value."""


class RenewableSettings(Config):
    """A renewable unit."""

    bus: int
    """Number of its bus, as in the case file."""
    column: str
    """Column of the renewables file with the available power, MW."""
    scale: NotNegative = 1.0
    """Factor on every value."""


class DeviationSettings(Config):
    """How the day differs from its forecast: an autoregressive error of first order per series, from the session's seed."""

    load_error_share: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Standard deviation of the load's relative error."""
    renewable_error_share: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Standard deviation of the renewables' relative error."""
    persistence: Annotated[float, Field(ge=0, lt=1)] = 0.8
    """Correlation of the errors of two periods in a row."""


class PriceSettings(Config):
    """Prices of what must not happen; a report names what did."""

    shed_usd_per_mwh: Positive = 10_000.0
    """Load that is not served."""
    spill_usd_per_mwh: Positive = 10_000.0
    """Generation that nobody takes (renewables are curtailed for nothing)."""
    overload_usd_per_mwh: Positive = 5_000.0
    """Flow above a line's limit."""
    end_state_usd_per_mwh: Positive = 1_000.0
    """Batteries (MW) or energy (MWh) missing at the end of the day."""


class SolverSettings(Config):
    """How exactly, and for how long."""

    solve_gap_usd: NotNegative = 10.0
    """Absolute gap of an answer to multipliers, usd."""
    evaluate_gap_usd: NotNegative = 1.0
    """Absolute gap of the cost of a given connection, usd."""
    solve_nodes: Nodes = 200
    """Most nodes of the tree search for one answer to multipliers. Its bound is proven wherever it stops, and that is at the same
    point on every computer."""
    evaluate_nodes: Nodes = 200
    """Most nodes of the tree search for the cost of a given connection."""
    solve_time_s: Positive = 120.0
    """Longest time for one answer to multipliers, s, for a slow computer: where it ends a search the run depends on the computer,
    and says so."""
    evaluate_time_s: Positive = 60.0
    """Longest time for the cost of a given connection, s."""
    threads: Annotated[int, Field(ge=1, le=256)] = 1
    """Threads of HiGHS."""


class UnitCommitmentSettings(Config):
    """Settings of the operator."""

    case_file: str
    """MATPOWER case with buses, branches, units and their costs."""
    susceptance: Literal["x_tap", "series"] = "x_tap"
    """Of a branch: `x_tap` 1/(x tap), as MATPOWER; `series` x/(r^2 + x^2) without taps, as pglib-opf's DC results."""
    cost_segments: Annotated[int, Field(ge=1, le=200)] = 10
    """Segments of a quadratic cost curve; the largest error is recorded."""
    units_file: str = "data/units.csv"
    """CSV by bus: p_min_mw or p_min_share, min_up_h, min_down_h, ramp_mw_per_h or ramp_share_per_h, start_up_usd,
    initial_on_h, and initial_output_mw if it is known; without it a unit that is on begins at its minimum. With "" there is no
    file, so that any case runs: minima and start-up costs are the case's, where it has them, all else goes by maximum output as
    in the table of IIT for 118 buses (up to 50, 100, 400 MW, above: 1, 5, 8, 10 h on and off; 1.33, 0.5, 0.4, 0.6 usd per MW and
    start; half the maximum per hour). Minima below 0 become 0; units that never give power are left out."""
    line_limits_file: str = ""
    """CSV with line (row of the case's branches, from 1), from_bus, to_bus, limit_mw; other lines keep the case's limit."""
    line_limits_mw: dict[str, NotNegative] = Field(default_factory=dict)
    """Limits of single lines on top of the file, by "from-to", such as "12-13"."""
    renewables_file: str = "data/renewables.csv"
    """CSV with the column period and one column of available power, MW, per renewable unit."""
    load: LoadSettings = LoadSettings()
    """Load of the day."""
    renewables: dict[str, RenewableSettings] = Field(default_factory=dict)
    """Renewable units by name."""
    storage: StorageSettings = StorageSettings()
    """Batteries."""
    deviation: DeviationSettings = DeviationSettings()
    """How the day differs from its forecast."""
    prices: PriceSettings = PriceSettings()
    """Prices of what must not happen."""
    connection_copy: Literal["route", "any"] = "route"
    """J, the operator's copy of the connection as it answers prices: `route` of the public timetable, or `any` 0/1 per train,
    station and period, (39) as published, whose bound is weaker."""
    solver: SolverSettings = SolverSettings()
    """How exactly, and for how long."""
