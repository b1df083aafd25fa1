"""Units of the boundary, and the only place where one unit becomes another.

Inside Portage: energy in kWh, power in kW, time in s, length in km (speeds in m/s), money in US dollars
(usd), flows in vehicles per hour (veh/h). Quantities carry their unit as the end of their name.
"""

from __future__ import annotations

S_PER_H = 3600.0
M_PER_S_PER_MPH = 0.44704


def hours(duration_s: float) -> float:
    """Return a duration in hours."""
    return duration_s / S_PER_H


def free_flow_time_s(length_km: float, speed_m_per_s: float) -> float:
    """Return the time in s over ``length_km`` at ``speed_m_per_s`` (> 0)."""
    return 1000.0 * length_km / speed_m_per_s
