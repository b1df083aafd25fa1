"""Make the power operator's data of the 118-bus day from public data: ``python scenarios/ieee118/calibration/make_data.py``.

The paper does not print its profiles, unit data or line limits. Everything below is public data, scaled by the few numbers
in capitals, which were chosen so that the day without storage comes near the paper's (4 030 852 $, 20 % of wind). What
came out stands in docs/ieee118.md beside the paper's figures. RECONSTRUCTED FROM PUBLIC DATA: not the authors' data.

`CONTRAST` decides what storage is worth, so it is chosen by a rule: ``contrast.py`` solves the day without storage on a grid of
0.01, and the value whose cost is nearest to the paper's is taken. A test holds the two together.
"""

from __future__ import annotations

import csv
from pathlib import Path

HERE = Path(__file__).parent
PUBLIC = HERE / "public"
DATA = HERE.parent / "power_operator" / "data"

LOAD_FACTOR = 1.124
"""Of the load shape of IIT (peak 6000 MW)."""
CONTRAST = 1.36
"""Distance of each hour from the day's mean, as a multiple. By rule: see above and ``contrast.json``."""
WIND_MW, WIND_CAPACITY_FACTOR = 634.0, 0.70
"""Wind farm at bus 117, behind the one line 12-117, at a constant 70 %: 20 % use implies that the line is always full."""
LINE_12_117_MW = 65.0
MOVED_BUSES = {82: 1}
"""Unit of IIT at bus 82 is MATPOWER's at bus 1; the other 53 stand at the same buses."""


def main() -> None:
    """Write ``units.csv``, ``load.csv``, ``renewables.csv`` and ``line_limits.csv``."""
    load = load_mw(CONTRAST)
    _write("load.csv", ["period", "load_mw"], [[t, value] for t, value in enumerate(load)])
    wind = round(WIND_MW * WIND_CAPACITY_FACTOR, 3)
    _write("renewables.csv", ["period", "wind"], [[t, wind] for t in range(len(load))])
    _write("units.csv", _UNIT_COLUMNS, [_unit(row) for row in _rows(PUBLIC / "iit_units.csv")])
    limits = [[row["line"], row["from_bus"], row["to_bus"], row["limit_mw"]] for row in _rows(PUBLIC / "iit_line_limits.csv")]
    _write("line_limits.csv", ["line", "from_bus", "to_bus", "limit_mw"], [_limited(row) for row in limits])


def load_mw(contrast: float) -> list[float]:
    """Return the load of every hour, MW, with its distance from the day's mean stretched ``contrast`` times."""
    load = [float(row["load_mw"]) * LOAD_FACTOR for row in _rows(PUBLIC / "iit_hourly_load.csv")]
    mean = sum(load) / len(load)
    return [round((value - mean) * contrast + mean, 3) for value in load]


_UNIT_COLUMNS = ["bus", "p_min_share", "min_up_h", "min_down_h", "ramp_share_per_h", "start_up_usd", "initial_on_h"]


def _unit(row: dict[str, str]) -> list[object]:
    """Return the row of one unit: IIT's minimum and ramp as shares of its maximum, for MATPOWER's maxima differ."""
    bus, most_mw = int(row["bus"]), float(row["p_max_mw"])
    start_up_usd = float(row["start_up_mbtu"]) * float(row["fuel_price_usd_per_mbtu"])
    return [
        MOVED_BUSES.get(bus, bus),
        round(float(row["p_min_mw"]) / most_mw, 6),
        row["min_on_h"],
        row["min_off_h"],
        round(float(row["ramp_mw_per_h"]) / most_mw, 6),
        start_up_usd,
        row["initial_state_h"],
    ]


def _limited(row: list[str]) -> list[object]:
    return [*row[:3], LINE_12_117_MW if {row[1], row[2]} == {"12", "117"} else row[3]]


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _write(name: str, header: list[str], rows: list[list[object]]) -> None:
    DATA.mkdir(parents=True, exist_ok=True)
    with (DATA / name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


if __name__ == "__main__":
    main()
