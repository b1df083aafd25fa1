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


def companies(run: FleetRun) -> list[str]:
    """Return the names of the power operators."""
    return [agent.name for agent in run.session.of_role(Role.POWER_OPERATOR)]
