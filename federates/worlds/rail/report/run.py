"""A run by rail as its reports read it."""

from __future__ import annotations

from typing import Any

from federates.reporting.figures import BLACK, BLUE, GREEN, VERMILLION
from federates.reporting.tables import RunTables
from federates.worlds.rail.session import RailScheme, RailSession

RailRun = RunTables[RailSession]

SCHEMES: dict[str, dict[str, Any]] = {
    RailScheme.MOBILE.value: {"color": BLUE, "marker": "o", "hatch": "", "dash": "-", "label": "mobile"},
    RailScheme.FIXED.value: {"color": VERMILLION, "marker": "s", "hatch": "////", "dash": (0, (4, 1.5)), "label": "fixed"},
    RailScheme.CENTRAL.value: {"color": GREEN, "marker": "D", "hatch": "xx", "dash": (0, (1, 1.2)), "label": "central"},
    RailScheme.NO_STORAGE.value: {"color": BLACK, "marker": "^", "hatch": "....", "dash": "-.", "label": "no storage"},
}
"""Schemes in the order in which they are compared, with their looks."""
