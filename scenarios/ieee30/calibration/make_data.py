"""Make the power operator's data of the 30-bus day from public data: ``python scenarios/ieee30/calibration/make_data.py``.

The paper does not print its profiles, unit data or line limits. Everything below is public data, scaled by the few numbers in
capitals, which were chosen so that the day without storage comes near the paper's (14 870 $, 49 % of the wind used). What came
out stands in docs/ieee30.md beside the paper's figures. RECONSTRUCTED FROM PUBLIC DATA: not the authors' data.
"""

from __future__ import annotations

import csv
from pathlib import Path

HERE = Path(__file__).parent
PUBLIC = HERE / "public"
DATA = HERE.parent / "power_operator" / "data"

PEAK_LOAD_MW = 357.0
"""Peak of the load shape (Aghdam and Hagh: 263.4 MW): 6 units of 435 MW then run at what the paper's cost implies."""
WIND_MW = 120.0
"""Wind farm at bus 13, behind the one line 12-13."""
WIND_SITE, WIND_FIRST_HOUR = "317_WIND_1", "24"
"""RTS-GMLC site and first hour (hours 25 to 48 of the file that begins on 2020-01-27): windy by night, not in the afternoon."""
LINE_ROW, LINE_12_13_MW = 16, 48.0
"""Limit of the line between the wind farm and the grid; the others keep those of the case file."""


def main() -> None:
    """Write ``units.csv``, ``load.csv``, ``renewables.csv`` and ``line_limits.csv``."""
    load = [float(row["load_mw"]) for row in _rows(PUBLIC / "aghdam_hagh_hourly_load.csv")]
    scale = PEAK_LOAD_MW / max(load)
    _write("load.csv", ["period", "load_mw"], [[t, round(value * scale, 3)] for t, value in enumerate(load)])
    wind = next(_profile(line) for line in _wind_lines() if line.startswith(f"2020-01-27|{WIND_SITE}|{WIND_FIRST_HOUR},"))
    _write("renewables.csv", ["period", "wind"], [[t, round(value * WIND_MW, 3)] for t, value in enumerate(wind)])
    _write("units.csv", _UNIT_COLUMNS, [_unit(row) for row in _rows(PUBLIC / "aghdam_hagh_units.csv")])
    _write("line_limits.csv", ["line", "from_bus", "to_bus", "limit_mw"], [[LINE_ROW, 12, 13, LINE_12_13_MW]])


_UNIT_COLUMNS = ["bus", "p_min_mw", "min_up_h", "min_down_h", "ramp_mw_per_h", "start_up_usd", "initial_on_h"]


def _unit(row: dict[str, str]) -> list[str]:
    """Return the row of one unit, as published."""
    return [row[key] for key in ("bus", "p_min_mw", "min_up_h", "min_down_h", "ramp_mw_per_h", "start_up_usd", "initial_on_h")]


def _wind_lines() -> list[str]:
    return (PUBLIC / "wind_cf_rts_gmlc_317.csv").read_text(encoding="utf-8").splitlines()


def _profile(line: str) -> list[float]:
    return [float(value) for value in line.split(",")[1:]]


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
