"""A negotiated day of fleets in this process, and beside the bounds of each hour the joint optimum in the state of that hour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from federates.boundary.errors import ConfigError, Problem
from federates.centralised.fleets.joint import Optimum, solve_hour
from federates.centralised.fleets.parties import Hour
from federates.centralised.fleets.watched import hours_seen, watch
from federates.isolation.owner_only import owner_only
from federates.runs.in_process import refuse_executables, run_loaded
from federates.runs.remains import private_folder
from federates.runs.scenario import load_scenario, shown
from federates.runs.use import used_classes
from federates.runtime.agent import load_session
from federates.runtime.broker_config import BrokerConfig
from federates.runtime.plugins import load_agent
from federates.worlds.fleets.session import FleetSession
from federates.worlds.road.session import Scheme

_PATIENCE_S = 600.0


@dataclass(frozen=True, slots=True)
class NegotiatedHour:
    """What was negotiated in a period, and everybody's data of it; costs in usd."""

    period: int
    hour: float
    """Hour of the day in [0, 24)."""
    lower_usd: float
    """Proven lower bound."""
    plan_usd: float
    """Cost of the plan that was agreed."""
    agreed: bool
    parties: Hour

    @property
    def certified_usd(self) -> float:
        """Return how much more than the optimum the plan costs at most, as the negotiation proves it; at least 0."""
        return max(0.0, self.plan_usd - self.lower_usd)

    def allowance_usd(self, relative: float = 1e-6) -> float:
        """Return by what bounds may cross by rounding: a share of the plan's cost, of 1 usd at least."""
        return relative * max(1.0, abs(self.plan_usd))


@dataclass(frozen=True, slots=True)
class HourReference:
    """A negotiated hour and the joint optimum in the same state."""

    negotiated: NegotiatedHour
    optimum: Optimum

    @property
    def enclosed(self) -> bool:
        """Return whether lower bound <= optimum <= cost of the plan, so that the plan is as near as was certified."""
        said, most = self.negotiated, self.negotiated.allowance_usd()
        return said.lower_usd <= self.optimum.upper_usd + most and self.optimum.lower_usd <= said.plan_usd + most

    @property
    def above_usd(self) -> float:
        """Return how much more than the optimum the plan costs; below 0 only by what the optimum is known to."""
        return self.negotiated.plan_usd - self.optimum.upper_usd


def negotiate_day(
    scenario: Path, *, overrides: dict[str, Any] | None = None, use: Mapping[str, str] | None = None
) -> list[NegotiatedHour]:
    """Run a scenario of the world `fleets` in this process, and return its hours.

    Parameters
    ----------
    overrides : keys of ``scenario.yaml`` to change.
    use : classes in place of those that the agents' files name, such as ``{"traffic_sumo": "bpr"}``.

    Raises
    ------
    ConfigError : the scenario is wrong, of another world or scheme, or an agent's class is not one of `watched`.
    FederationError : an agent failed.
    """
    found = load_scenario(scenario)
    refuse_executables(found)
    session = load_session(found.session_file, overrides, shown_as=shown(found.session_file))
    if not isinstance(session, FleetSession):
        raise ConfigError([Problem(shown(found.session_file), "world", str(session.world), "must be fleets")])
    if session.scheme is not Scheme.PROPOSED:
        raise ConfigError([Problem(shown(found.session_file), "scheme", session.scheme.value, "must be proposed")])
    used = used_classes(found, use)
    loaded = {
        name: load_agent(name, found.roles[name], path, shown(path), world=found.world, use=used.get(name))
        for name, path in found.configs.items()
    }
    watched = watch(loaded, found.configs)
    found = replace(found, broker=_patient(found.broker))
    with owner_only(), private_folder() as scratch:
        run = run_loaded(found, watched, session, Path(scratch), report=False)
        negotiations = pd.read_parquet(run / "coordinator" / "negotiations.parquet")
    parties = hours_seen(watched, session)
    return [
        NegotiatedHour(
            period=int(row["period"]),
            hour=session.hour_of_day(int(row["period"])),
            lower_usd=float(row["lower_bound_usd"]),
            plan_usd=float(row["upper_bound_usd"]),
            agreed=bool(row["agreed"]),
            parties=parties[int(row["period"])],
        )
        for row in negotiations.to_dict("records")
    ]


def _patient(broker: BrokerConfig) -> BrokerConfig:
    """Return the broker's settings with limits that a slow computer keeps: nobody waits for this run."""
    limits = broker.limits.model_dump()
    longer = {name: max(seconds, _PATIENCE_S) for name, seconds in limits.items()}
    return broker.model_copy(update={"limits": broker.limits.model_copy(update=longer)})


def reference_day(
    scenario: Path, *, overrides: dict[str, Any] | None = None, use: Mapping[str, str] | None = None, tolerance: float = 1e-7
) -> list[HourReference]:
    """Run a scenario as `negotiate_day` does, and solve the joint problem of each of its hours, to ``tolerance``."""
    day = negotiate_day(scenario, overrides=overrides, use=use)
    return [HourReference(hour, solve_hour(hour.parties, tolerance)) for hour in day]
