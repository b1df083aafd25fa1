"""Read the output of ``portage sweep`` and check the directions that the paper draws in its Figs. 6, 7 and 9.

The paper shows these figures without numbers, so only directions can be compared. A cost is known to the gap of its solution: a
step against the direction that is no larger than the gaps of its two points does not count.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from federates.boundary.errors import ConfigError, Problem
from federates.boundary.session import RailScheme
from federates.reporting.claims import Claim
from federates.reporting.rail.figures.sweeps import crossing
from federates.reporting.words import number

__all__ = ["SweepTable", "crossing_claim", "line_claims", "moving_claims"]

MOBILE, FIXED = RailScheme.MOBILE.value, RailScheme.FIXED.value


@dataclass(frozen=True)
class SweepTable:
    """Output of a sweep over one numeric key: its points with a result, in order of the key, and how many have none."""

    folder: Path
    key: str
    about: dict[str, Any]
    frame: pd.DataFrame
    without_result: int

    @classmethod
    def read(cls, folder: Path) -> SweepTable:
        """Read the folder; raise `ConfigError` if it is no output of a sweep over exactly one key."""
        about, table = _read(Path(folder), "sweep.json"), Path(folder) / "sweep.parquet"
        keys = [key for key, values in about.get("vary", {}).items() if len(values) > 1]
        if len(keys) != 1 or not table.is_file():
            raise ConfigError(
                [Problem(Path(folder).name, "vary", ", ".join(keys) or "none", "must be the output of a sweep over one key")]
            )
        frame = pd.read_parquet(table)
        done = frame[frame["done"]].sort_values(keys[0], kind="stable")
        missing = int(about["points"]) - len(done)
        return cls(Path(folder), keys[0], about, done.reset_index(drop=True), missing)

    def scheme(self, name: str) -> pd.DataFrame:
        """Return the points of one scheme, in order of the key."""
        return self.frame[self.frame["scheme"] == name].reset_index(drop=True)

    @property
    def label(self) -> str:
        """Return the key as the label of an axis: its last part in words, with its unit where that is known."""
        name = self.key.rsplit(".settings.", 1)[-1]
        for ending, unit in (("_usd_per_period", "USD per period"), ("_usd_per_trip", "USD per trip")):
            if name.endswith(ending):
                return f"Cost of a train in motion ({unit})"
        if name.startswith("line_limits_mw."):
            return f"Capacity of line {name.removeprefix('line_limits_mw.')} (MW)"
        return name


def moving_claims(table: SweepTable, model: str) -> list[Claim]:
    """Check Figs. 6 and 9: dearer moving means less time in motion and a higher cost."""
    part = table.scheme(MOBILE)
    return [
        _direction(
            part, table.label, "moving_periods", -1, f"The time in motion of {model} falls as moving gets dearer.", "periods"
        ),
        _direction(part, table.label, "total_cost_usd", 1, f"The cost of {model} rises as moving gets dearer.", "USD"),
    ]


def crossing_claim(table: SweepTable, level_usd: float, mobile: str, fixed: str, paper: str) -> Claim:
    """Check where the mobile model begins to cost more than the fixed one."""
    part = table.scheme(MOBILE)
    values, cost = part[table.key].to_numpy(float), part["total_cost_usd"].to_numpy(float)
    found = crossing(values, cost, np.full(len(values), level_usd)) if len(values) else float("nan")
    if np.isfinite(found):
        words = f"{mobile} begins to cost more than {fixed} ({number(level_usd)} USD) at about {number(found)}."
    elif len(values):
        side = "less" if cost[-1] <= level_usd else "more"
        span = f"from {number(values[0])} to {number(values[-1])}"
        words = f"{mobile} costs {side} than {fixed} ({number(level_usd)} USD) at every point {span}: no crossing is seen."
    else:
        words = f"No point of {mobile} has a result."
    numbers = {"crossing": found} if np.isfinite(found) else {}
    return Claim("crossing", paper, table.label, bool(np.isfinite(found)), numbers, words)


def line_claims(table: SweepTable, mobile: str, fixed: str) -> list[Claim]:
    """Check Fig. 7: a wider line lowers the cost of both models, and the mobile one stays below."""
    claims = [
        _direction(
            table.scheme(scheme), table.label, "total_cost_usd", -1, f"The cost of {model} falls as the line gets wider.", "USD"
        )
        for scheme, model in ((MOBILE, mobile), (FIXED, fixed))
    ]
    both = table.scheme(MOBILE).merge(table.scheme(FIXED), on=table.key, suffixes=("_mobile", "_fixed"))
    paper = f"{mobile} costs less than {fixed} at every capacity of the line."
    if not len(both):
        return [*claims, Claim("mobile_below_fixed", paper, table.label, False, {}, "No capacity has a result of both.")]
    saved = (both["total_cost_usd_fixed"] - both["total_cost_usd_mobile"]).to_numpy(float)
    ends = [f"{number(saved[k])} USD at {number(both[table.key].iloc[k])}" for k in (0, -1)]
    words = f"It saves {ends[0]}, {ends[1]}"
    numbers = {"least_saved_usd": float(saved.min()), "most_saved_usd": float(saved.max())}
    claim = Claim(
        "mobile_below_fixed",
        paper,
        table.label,
        bool((saved > 0).all()),
        numbers,
        f"{words}; at least {number(saved.min())} USD.",
    )
    return [*claims, claim]


def _direction(part: pd.DataFrame, label: str, column: str, sign: int, paper: str, unit: str) -> Claim:
    name = f"{column}_{'rises' if sign > 0 else 'falls'}"
    if len(part) < 2:
        return Claim(name, paper, label, False, {}, f"{len(part)} points have a result; a direction needs two.")
    values = part[column].to_numpy(float)
    slack = _tolerance(part, column)
    against = -sign * np.diff(values) - slack
    wrong = int((against > 0).sum())
    change = sign * (values[-1] - values[0])
    steps = "no step goes the other way" if wrong == 0 else f"{wrong} of {len(values) - 1} steps go the other way"
    words = f"From {number(values[0])} to {number(values[-1])} {unit}; {steps}."
    return Claim(
        name,
        paper,
        label,
        wrong == 0 and change > 0,
        {"first": values[0], "last": values[-1], "steps_against": float(wrong)},
        words,
    )


def _tolerance(part: pd.DataFrame, column: str) -> np.ndarray:
    """Return by how much two points in a row may differ for want of precision alone."""
    if column != "total_cost_usd" or "gap" not in part:
        return np.full(len(part) - 1, 1e-6)
    room = part["gap"].fillna(0.0).to_numpy(float) * part["total_cost_usd"].abs().to_numpy(float)
    return np.asarray(room[1:] + room[:-1])


def _read(folder: Path, name: str) -> dict[str, Any]:
    try:
        content = json.loads((folder / name).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(
            [Problem(f"{folder.name}/{name}", "(file)", type(error).__name__, "must be what portage sweep wrote")]
        ) from None
    return content if isinstance(content, dict) else {}
