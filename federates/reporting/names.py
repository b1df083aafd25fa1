"""Names and units of the numbers of a run, for people: one place for every page that lists them.

Keys of ``summary.json`` are for programs; the end of a key is its unit. A key that has no name here is written out from its
words, so that a new number is readable before somebody names it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from federates.boundary.markdown import markdown_table
from federates.reporting.words import number, percent

__all__ = ["name_of", "summary_rows", "value_of", "write_summary_files"]

Value = float | int | str

_NAMES = {
    "run_id": "Run",
    "scenario": "Scenario",
    "scheme": "Scheme",
    "status": "Status",
    "seed": "Seed",
    "periods": "Periods",
    "operating_cost_usd": "Cost of the power operator",
    "transport_cost_usd": "Cost of the transport operator",
    "total_cost_usd": "Cost of both operators",
    "slack_usd": "Penalties for what could not be kept",
    "late_end_usd": "Trains that did not end the day where they should",
    "trips": "Trips of the trains",
    "moving_periods": "Periods in motion, all trains",
    "wind_used_share": "Wind used (46)",
    "shed_mwh": "Load not served",
    "storage_utilisation": "Use of the batteries' power (48)",
    "storage_energy_utilisation": "Mean filling of the batteries",
    "stored_mean_mwh": "Energy stored, mean",
    "storage_mw": "Power of all batteries",
    "bound_usd": "Lower bound of the cost of both operators",
    "upper_bound_usd": "Upper bound of the cost of both operators",
    "gap": "Gap of the first negotiation",
    "rounds": "Rounds of the first negotiation",
    "agreed": "Agreed on the day",
    "negotiations": "Negotiations",
    "most_delay_periods": "Largest delay of a trip (periods)",
    "received_kwh": "Energy that mobile storage gave the limited stations",
    "unmet_kwh": "Need that the plans left unmet",
    "supply_limited_periods": "Periods in which resourceful stations ran short",
    "mves_sent_veh": "Vehicles sent",
    "mves_departed_veh": "Vehicles that left",
    "mves_arrived_veh": "Vehicles that arrived",
    "mves_without_gate_time_veh": "Vehicles that did not reach their charger",
    "delivery_time_traffic_s": "Mean delivery time in the traffic model",
    "delivery_time_formula_s": "Mean delivery time by formula",
    "agreed_periods": "Periods in which the operators agreed",
    "agreement_share": "Share of periods in which the operators agreed",
    "rounds_total": "Rounds, all periods",
    "rounds_max": "Rounds, most of a period",
    "rounds_mean": "Rounds, mean of the periods",
    "gap_mean": "Last gap of a period, mean",
    "gap_max": "Last gap of a period, largest",
    "gap_last_period": "Last gap of the last period",
}
_UNITS = {
    "usd_per_mwh": "USD/MWh", "usd_per_mw": "USD/MW", "usd": "USD", "mwh": "MWh", "kwh": "kWh", "mw": "MW", "kw": "kW", "s": "s",
    "veh": "", "share": "", "ratio": "", "periods": "", "h": "h",
}  # fmt: skip
_DIGITS = {"usd": 2, "usd_per_mwh": 2, "usd_per_mw": 2, "mwh": 1, "mw": 1, "kwh": 1, "kw": 0, "s": 0, "h": 1}
_SHARES = ("share", "ratio", "utilisation")
_ABOVE = re.compile(r"(?:(?P<station>.+)_)?above_limit_(?:(?P<side>with|without)_)?(?P<kind>period|bin)_(?P<what>kwh|ratio)")


def name_of(key: str) -> str:
    """Return a key as words with the unit in brackets."""
    if key.startswith("realised_"):
        return f"{name_of(key.removeprefix('realised_'))}, realised"
    unit = _UNITS.get(_unit(key), "")
    text = _NAMES.get(key) or _above(key) or _words(key)
    return f"{text} ({unit})" if unit else text


def value_of(key: str, value: Value) -> str:
    """Return a value as a page shows it: shares as per cent, digits by the unit; what rounds to nothing has no sign."""
    if isinstance(value, str):
        return value
    if key.removeprefix("realised_") == "agreed":
        return "yes" if value else "no"
    if key.split("_")[0] == "gap" or key.endswith("_gap"):
        return percent(float(value), 3)
    if key.endswith(_SHARES):
        return percent(float(value))
    if isinstance(value, int):
        return str(value) if key == "seed" else number(value)
    return number(float(value), _DIGITS.get(_unit(key), 1))


def summary_rows(heads: Sequence[Mapping[str, Value]], without: Sequence[str] = ()) -> list[list[str]]:
    """Return one row a number: its name, then the value of every run (empty where a run has none)."""
    keys = [key for key in dict.fromkeys(key for head in heads for key in head) if key not in without]
    return [[name_of(key), *(value_of(key, head[key]) if key in head else "" for head in heads)] for key in keys]


def write_summary_files(folder: Path, heads: Mapping[str, Mapping[str, Value]]) -> None:
    """Write ``summary.md`` for people, and ``summary.csv`` for programs with keys and all digits; one column a run."""
    rows = summary_rows(list(heads.values()))
    (folder / "summary.md").write_text(markdown_table(["Quantity", *heads], rows, numbers_from=1), encoding="utf-8")
    keys = dict.fromkeys(key for head in heads.values() for key in head)
    with (folder / "summary.csv").open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(["quantity", *heads])
        table.writerows([[key, *(head.get(key, "") for head in heads.values())] for key in keys])


def _unit(key: str) -> str:
    """Return the unit that a key ends in: the longest that there is."""
    parts = key.split("_")
    ends = ("_".join(parts[-count:]) for count in (3, 2, 1) if count < len(parts) or count == 1)
    return next((end for end in ends if end in _UNITS), "")


def _above(key: str) -> str:
    found = _ABOVE.fullmatch(key)
    if not found:
        return ""
    what = "Energy above the limit" if found["what"] == "kwh" else "Share of the energy above the limit that is left"
    side = {"with": ", with mobile storage", "without": ", without mobile storage", None: ""}[found["side"]]
    station = f"{found['station']}: " if found["station"] else "All stations: "
    return f"{station}{what}{side}, by {'period means' if found['kind'] == 'period' else 'bins'}"


def _words(key: str) -> str:
    unit = _unit(key)
    bare = key.removesuffix(f"_{unit}") if _UNITS.get(unit) else key
    text = " ".join(bare.split("_"))
    return text[:1].upper() + text[1:]
