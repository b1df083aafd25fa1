"""How numbers, times and negotiations are written, and names of the numbers of a run, for the pages of every world.

Keys of ``summary.json`` are for programs; the end of a key is its unit. A key that has no name, here or in its world, is written
out from its words, so that a new number is readable before somebody names it.
"""

from __future__ import annotations

import csv
import functools
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from federates.boundary.markdown import markdown_table
from federates.reporting.tables import RunTables


def number(value: float, digits: int = 0) -> str:
    """Write a number with a thin space between thousands; a dash if there is none. What rounds to nothing has no sign."""
    if not np.isfinite(value):
        return "–"
    return f"{round(float(value), digits) + 0.0:,.{digits}f}".replace(",", "\u202f")


number_2 = functools.partial(number, digits=2)


def ratio(part: float, whole: float) -> float:
    """Return part / whole, NaN if the whole is zero."""
    return part / whole if whole > 0 else math.nan


def percent(share: float, digits: int = 1) -> str:
    """Write a share as per cent."""
    return "–" if not np.isfinite(share) else f"{100.0 * share:.{digits}f} %"


def minutes(seconds: float) -> str:
    """Write seconds as minutes with one decimal."""
    return "–" if not np.isfinite(seconds) else f"{seconds / 60.0:.1f} min"


def clock(run: RunTables, period: int) -> str:
    """Write when a period starts and ends, as ``15:00-16:00``."""
    start = run.session.hour_of_day(period)
    minutes_ = [round(60 * hour) % 1440 for hour in (start, start + run.period_h)]
    return "-".join(f"{minute // 60:02d}:{minute % 60:02d}" for minute in minutes_)


def yes_no(agreed: bool, claimed: bool) -> str:
    """Write whether operators agreed, and beside it what the algorithm says if that is something else."""
    shown = "yes" if agreed else "no"
    return shown if bool(agreed) == bool(claimed) else f"{shown} (the algorithm says {'yes' if claimed else 'no'})"


def disputed(run: RunTables) -> str:
    """Say where the coordinator's algorithm claims an agreement that the answers do not show; empty if nowhere."""
    held = run.frame("negotiations").sort_values("period", kind="stable")
    held = held[held["claimed_agreed"].astype(bool) & ~held["agreed"].astype(bool)]
    if not len(held):
        return ""
    first = held.iloc[0]
    more = f"{len(held)} agreement{'' if len(held) == 1 else 's'} more"
    return (
        f" The coordinator's algorithm claims {more}, which the answers do not show; the first, at "
        f"{clock(run, int(first['period']))[:5]}: {first['verdict']}."
    )


def unagreed_reason(held: pd.DataFrame) -> str:
    """Return why the first of these negotiations ended without agreement, in the algorithm's words; empty if it claims one."""
    if not len(held) or held["agreed"].iloc[0] or held["claimed_agreed"].iloc[0]:
        return ""
    return f" ({held['reason'].iloc[0]})"


def ended_by_time(run: RunTables, searches: str = "") -> str:
    """Say what limits of time have ended, ``searches`` and negotiations; empty if nothing."""
    held = run.frame("negotiations")
    count = int(held["ended_by_time"].astype(bool).sum()) if "ended_by_time" in held else 0
    negotiations = f"{count} negotiation{'' if count == 1 else 's'}" if count else ""
    ended = " and ".join(part for part in (searches, negotiations) if part)
    if not ended:
        return ""
    return f"A limit of time ended {ended}: what is proven holds, but on another computer the day may come out differently."


def missed_bounds(run: RunTables) -> str:
    """Say how often a solver gave an operator an objective that its dual values do not prove; empty if never."""
    held = [pd.read_parquet(path) for path in sorted(run.folder.glob("*/bound_misses.parquet"))]
    count = sum(len(rows) for rows in held)
    if not count:
        return ""
    mended = sum(int(rows["cold_agrees"].sum()) for rows in held)
    return (
        f" {count} answer{'' if count == 1 else 's'} of the operators' solver missed the bound that its dual values prove; "
        f"solved again, {mended} met it, and for the others the proven bound was sent."
    )


Value = float | int | str

_NAMES = {"run_id": "Run", "scenario": "Scenario", "scheme": "Scheme", "status": "Status", "seed": "Seed", "periods": "Periods"}
_UNITS = {
    "usd_per_mwh": "USD/MWh", "usd_per_mw": "USD/MW", "usd": "USD", "mwh": "MWh", "kwh": "kWh", "mw": "MW", "kw": "kW", "s": "s",
    "veh": "", "share": "", "ratio": "", "periods": "", "h": "h",
}  # fmt: skip
_DIGITS = {"usd": 2, "usd_per_mwh": 2, "usd_per_mw": 2, "mwh": 1, "mw": 1, "kwh": 1, "kw": 0, "s": 0, "h": 1}
_SHARES = ("share", "ratio", "utilisation")


def name_of(key: str, known: Callable[[str], str] = lambda key: "") -> str:
    """Return a key as words with the unit in brackets; ``known`` gives the names of a world."""
    if key.startswith("realised_"):
        return f"{name_of(key.removeprefix('realised_'), known)}, realised"
    unit = _UNITS.get(_unit(key), "")
    text = _NAMES.get(key) or known(key) or _words(key)
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


def summary_rows(
    heads: Sequence[Mapping[str, Value]], known: Callable[[str], str], without: Sequence[str] = ()
) -> list[list[str]]:
    """Return one row a number: its name, then the value of every run (empty where a run has none)."""
    keys = [key for key in dict.fromkeys(key for head in heads for key in head) if key not in without]
    return [[name_of(key, known), *(value_of(key, head[key]) if key in head else "" for head in heads)] for key in keys]


def write_summary_files(folder: Path, heads: Mapping[str, Mapping[str, Value]], known: Callable[[str], str]) -> None:
    """Write ``summary.md`` for people, and ``summary.csv`` for programs with keys and all digits; one column a run."""
    rows = summary_rows(list(heads.values()), known)
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


def _words(key: str) -> str:
    unit = _unit(key)
    bare = key.removesuffix(f"_{unit}") if _UNITS.get(unit) else key
    text = " ".join(bare.split("_"))
    return text[:1].upper() + text[1:]
