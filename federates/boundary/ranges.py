"""What a number may be at all, by the unit that its name ends in: one table for every setting and every column of a file.

A field's own limits are narrower where its meaning asks for it. This table catches what no meaning allows: 1e300 kWh, a gap of
1e-300 s, a latitude of 1e30, more vehicles than a continent has.
"""

from __future__ import annotations

import re

_PLAIN = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)

LEAST_SIZE = 1e-9
"""Of a number with a unit that is not 0."""
MOST_SIZE = {
    "": 1e12,
    "_usd": 1e10,
    "_usd_per_kwh": 1e5,
    "_usd_per_mwh": 1e7,
    "_usd_per_h": 1e6,
    "_usd_per_veh": 1e7,
    "_kw": 1e7,
    "_kwh": 1e7,
    "_kwh_per_h": 1e4,
    "_mw": 1e6,
    "_mwh": 1e7,
    "_mw_per_h": 1e7,
    "_veh": 1e7,
    "_veh_per_h": 1e5,
    "_vph": 5e4,
    "_s": 1e7,
    "_h": 1e5,
    "_m": 1e6,
    "_km": 1e4,
    "_pm": 1e4,
    "_m_per_s": 100.0,
    "_mph": 200.0,
    "_share": 100.0,
    "_lat": 90.0,
    "_lon": 180.0,
    "_lanes": 30.0,
    "_lanes_ml_mean": 30.0,
}
"""Most by the ending of the name, of either sign; "" for a name with no such ending."""
_ENDINGS = sorted(MOST_SIZE, key=len, reverse=True)


def is_plain_number(text: str) -> bool:
    """Return whether ``text`` is a decimal number as people write it: no underscores, no hexadecimal, no NaN or infinity."""
    return _PLAIN.fullmatch(text.strip()) is not None


def not_allowed(name: str, value: float) -> str:
    """Return what a number called ``name`` may be, such as ``worth_usd_by_hour``, if ``value`` is something else; else ""."""
    named = "_" + re.sub(r"_by_[a-z]+$", "", name)
    ending = next(ending for ending in _ENDINGS if named.endswith(ending))
    most, least = MOST_SIZE[ending], LEAST_SIZE if ending else 0.0
    if value == 0 or least <= abs(value) <= most:
        return ""
    what = f" as every number whose name ends in {ending}" if ending else ""
    return f"must be 0 or in size from {least:g} to {most:g},{what}" if least else f"must be in size at most {most:g}"
