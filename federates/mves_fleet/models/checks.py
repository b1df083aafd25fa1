"""What can be wrong with the settings of any fleet."""

from __future__ import annotations

from federates.boundary.errors import Problem


def too_small(field: str, value: float, usable_kwh: float, kwh: float, why: str = "") -> list[Problem]:
    """Return a problem if not even ``usable_kwh`` of a vehicle's battery are as much as a delivery, ``kwh``."""
    if usable_kwh >= kwh:
        return []
    usable = f"{usable_kwh:g} kWh usable{f' {why}' if why else ''}"
    allowed = f"too small: {usable}, and vehicle_kwh of the session sells {kwh:g} kWh a vehicle"
    return [Problem("config.yaml", field, f"{value:g}", allowed)]
