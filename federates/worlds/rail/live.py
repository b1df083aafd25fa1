"""What the live view shows by rail: the trains on the time-space diagram, and the prices of the buses."""

from __future__ import annotations

from pathlib import Path

from federates.view.stage import Stage

STAGE = Stage(
    Path(__file__).parent / "live.js",
    {
        "bus_prices": ("period", "bus", "price_usd_per_mwh"),
        "grid": ("kind", "name", "bus"),
        "storage_state": ("period", "station", "energy_mwh", "capacity_mw"),
    },
)
