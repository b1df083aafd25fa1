"""A run of the fleets' world as its reports read it."""

from __future__ import annotations

from typing import Any

import pandas as pd

from federates.boundary.names import Role
from federates.reporting.figures import COLOURS
from federates.reporting.tables import RunTables
from federates.worlds.fleets.session import FleetSession
from federates.worlds.road.report.run import SCHEMES as ROAD_SCHEMES
from federates.worlds.road.session import Scheme

FleetRun = RunTables[FleetSession]

SCHEMES: dict[str, dict[str, Any]] = {scheme.value: ROAD_SCHEMES[scheme.value] for scheme in (Scheme.PROPOSED, Scheme.NO_MVES)}
"""Schemes in the order in which they are compared, with their looks."""

_HATCHES = ("", "////", "....", "xxxx", "\\\\\\\\", "++++", "oooo")


def fleet_looks(run: FleetRun) -> dict[str, dict[str, Any]]:
    """Return colour and hatch of each fleet, so that they can be told apart in grey."""
    return {
        fleet: {"color": COLOURS[i % len(COLOURS)], "hatch": _HATCHES[i % len(_HATCHES)]}
        for i, fleet in enumerate(run.session.fleets)
    }


def model_of(run: FleetRun, agent: str) -> str:
    """Return the name of the class of an agent, as its folder names it; empty where it is not recorded."""
    own = run.configuration.get(agent, {})
    return str(own.get("model") or own.get("operator") or "")


def by_fleet(run: FleetRun, table: pd.DataFrame, column: str, by: str = "agent") -> pd.Series:
    """Return the sum of a column for each fleet of the session, 0 where it has no row."""
    return table.groupby(by)[column].sum().reindex(run.session.fleets, fill_value=0.0).astype(float)


def committed(run: FleetRun) -> pd.DataFrame:
    """Return `schedule` with a row for each fleet.

    In a private sum the coordinator knows all fleets together; their own tables say what each sent, the settled prices what that
    is paid.
    """
    schedule = run.frame("schedule")
    if run.session.world != "fleets_private_sum":
        return schedule
    keys = ["period", "origin", "destination"]
    settled = schedule[[*keys, "reward_usd_per_kwh", "toll_usd_per_veh", "agreed", "reason"]]
    trips = run.frame("fleet_trips").rename(columns={"agent": "fleet", "kwh": "delivery_kwh"})
    found = trips[[*keys, "fleet", "vehicles", "delivery_kwh"]].merge(settled, on=keys, how="left")
    found["reward_usd"] = found["reward_usd_per_kwh"] * found["delivery_kwh"]
    found["toll_usd"] = found["toll_usd_per_veh"] * found["vehicles"]
    return found


def companies(run: FleetRun) -> list[str]:
    """Return the names of the power operators."""
    return [agent.name for agent in run.session.of_role(Role.POWER_OPERATOR)]
