"""Read the output of ``portage sweep`` and check what a paper says about the same curve (`published`), by bounds.

A cost is known as an interval only: from the proven bound to the plan that was found. What the intervals leave open is *not
decided by the gap*. A quantity of the plan, such as the time in motion, is that of the plan found; plans of nearly equal cost may
differ in it.
"""

from __future__ import annotations

import itertools
import json
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from federates.boundary.bounds import bounds_cross
from federates.boundary.errors import ConfigError, Problem
from federates.reporting.claims import Claim, Interval, Verdict
from federates.reporting.formatting import number
from federates.reporting.published import Published, PublishedSweep, SweepStatement, read_published
from federates.reporting.world import WorldReport, world_report

_FOREIGN = "must be what portage sweep wrote"


@dataclass(frozen=True)
class SweepTable:
    """Output of a sweep over one numeric key: its points with a result, in order of the key, and how many have none.

    ``frame`` has ``total_cost_usd_low`` where the method gives a cost: its proven bound, or without one the cost itself.
    """

    folder: Path
    key: str
    about: dict[str, Any]
    frame: pd.DataFrame
    without_result: int
    published: Published

    @classmethod
    def read(cls, folder: Path) -> SweepTable:
        """Read the folder; raise `ConfigError` if it is no output of a sweep over exactly one key, of numbers."""
        about, table = _read(Path(folder), "sweep.json"), Path(folder) / "sweep.parquet"
        keys = [key for key, values in about.get("vary", {}).items() if len(values) > 1]
        if len(keys) != 1 or not table.is_file():
            raise ConfigError(
                [Problem(Path(folder).name, "vary", ", ".join(keys) or "none", "must be the output of a sweep over one key")]
            )
        if not all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in about["vary"][keys[0]]):
            raise ConfigError([Problem(Path(folder).name, f"vary.{keys[0]}", "no numbers", "must be numbers, to be drawn")])
        if "world" not in about:
            raise ConfigError([Problem(f"{Path(folder).name}/sweep.json", "world", "missing", _FOREIGN)])
        frame = pd.read_parquet(table)
        done = frame[frame["done"]].sort_values(keys[0], kind="stable").reset_index(drop=True)
        missing = int(about["points"]) - len(done)
        return cls(Path(folder), keys[0], about, _with_bounds(done), missing, read_published(folder, about["world"]))

    def lacking(self, *schemes: str) -> str:
        """Say how many points of these schemes have no result; empty: all have one."""
        wanted = len(schemes) * len(self.about["vary"][self.key])
        lacking = wanted - sum(len(self.scheme(name)) for name in schemes)
        return f" {lacking} of {wanted} points have no result." if lacking else ""

    def scheme(self, name: str) -> pd.DataFrame:
        """Return the points of one scheme, in order of the key."""
        return self.frame[self.frame["scheme"] == name].reset_index(drop=True)

    @property
    def schemes(self) -> list[str]:
        """Return the schemes that have a point with a result."""
        return list(dict.fromkeys(self.frame["scheme"]))

    @property
    def figure(self) -> PublishedSweep | None:
        """Return the published figure that this sweep repeats, if there is one."""
        return self.published.sweep(self.key)

    @property
    def label(self) -> str:
        """Return the key as the label of an axis: as published, else its last part."""
        return self.figure.label if self.figure else self.key.rsplit(".settings.", 1)[-1]

    @property
    def world(self) -> WorldReport:
        """Return how the reports of the sweep's world are made."""
        return world_report(self.about["world"])

    def name(self, scheme: str) -> str:
        """Return the name of a scheme in a legend, with the paper's name of the model."""
        model = self.published.model_name(scheme)
        return f"{model} ({scheme})" if model else scheme


def sweep_claims(table: SweepTable) -> list[Claim]:
    """Check what the paper says about the curve; nothing if it has none like it."""
    return [_whole(table, says, _CHECKS[says.kind](table, says)) for says in table.figure.statements] if table.figure else []


def _whole(table: SweepTable, says: SweepStatement, claim: Claim) -> Claim:
    """Return a claim that is not shown while a point is missing: what is said is said of all of them."""
    lacking = table.lacking(*[scheme for scheme in (says.scheme, says.other) if scheme is not None])
    if not lacking:
        return claim
    verdict = Verdict.NOT_SHOWN if claim.verdict is Verdict.SHOWN else claim.verdict
    return replace(claim, verdict=verdict, words=claim.words + lacking)


def comparison_words(one: Interval, other: Interval) -> str:
    """Return whether a cost is below or above another one, or that the gap does not decide it."""
    if one.high < other.low:
        return "below"
    return "above" if one.low > other.high else "not decided by the gap"


def _with_bounds(done: pd.DataFrame) -> pd.DataFrame:
    if "total_cost_usd" not in done:
        return done
    cost = done["total_cost_usd"].astype(float)
    bound = done["bound_usd"].astype(float).fillna(cost) if "bound_usd" in done else cost
    # A bound above the cost by more than rounding proves nothing: the point has no interval and decides nothing.
    crossed = [bounds_cross(lower, upper) for lower, upper in zip(bound, cost, strict=True)]
    return done.assign(total_cost_usd_low=np.where(crossed, -np.inf, np.minimum(bound, cost)))


def cost_interval(row: pd.Series, other: str = "") -> Interval:
    """Return the interval of the cost in a row of a `SweepTable`; ``other`` is the ending of the columns."""
    return Interval(float(row[f"total_cost_usd_low{other}"]), float(row[f"total_cost_usd{other}"]))


def _direction(table: SweepTable, says: SweepStatement) -> Claim:
    """Check that a quantity rises or falls from the first point to the last, and in no step goes the other way."""
    part, sign = table.scheme(says.scheme), 1.0 if says.kind == "rises" else -1.0
    way = "above" if sign > 0 else "below"
    of_cost = says.quantity == "total_cost_usd"
    yardstick = (
        f"The last point's cost is proven to be {way} the first's, and no step is proven to go the other way."
        if of_cost
        else f"In the plans found the last is {way} the first and no step goes the other way; one within a gap decides nothing."
    )
    key = f"{says.scheme}_{says.quantity}_{says.kind}"
    if len(part) < 2 or says.quantity not in part:
        words = f"{len(part)} points have a result; a direction needs two."
        return Claim(key, says.paper, table.label, Verdict.NOT_SHOWN, {}, words, yardstick)
    values = _intervals(part, says.quantity)
    oriented = [value if sign > 0 else Interval(-value.high, -value.low) for value in values]
    against = np.array([after.high < before.low for before, after in itertools.pairwise(oriented)])
    rises, never = oriented[-1].low > oriented[0].high, oriented[-1].high <= oriented[0].low
    verdict = Verdict.NOT_SHOWN if against.any() or never else Verdict.SHOWN if rises else Verdict.UNDECIDED
    if not of_cost and against.any() and not never and _gaps(part)[np.r_[False, against] | np.r_[against, False]].max() > 1e-6:
        verdict = Verdict.UNDECIDED
    wrong = int(against.sum())
    steps = "no step goes the other way" if wrong == 0 else f"{wrong} of {len(part) - 1} steps go the other way"
    unit = "USD" if of_cost else "periods"
    first, last = values[0], values[-1]
    words = f"First point {first.text()} {unit}, last point {last.text()} {unit}; {steps}."
    numbers = {"first_low": first.low, "first_high": first.high, "last_low": last.low, "last_high": last.high}
    return Claim(key, says.paper, table.label, verdict, _finite(numbers | {"steps_against": float(wrong)}), words, yardstick)


def _intervals(part: pd.DataFrame, quantity: str) -> list[Interval]:
    if quantity == "total_cost_usd":
        return [cost_interval(row) for _, row in part.iterrows()]
    return [Interval(float(value), float(value)) for value in part[quantity]]


def _gaps(part: pd.DataFrame) -> np.ndarray:
    """Return the relative gap of every point."""
    if "total_cost_usd" not in part:
        return np.zeros(len(part))
    cost = part["total_cost_usd"]
    return np.asarray((cost - part["total_cost_usd_low"]) / cost.abs().clip(lower=1e-9), dtype=float)


def _crosses(table: SweepTable, says: SweepStatement) -> Claim:
    """Check where the scheme begins to cost more than the other: between two points that prove it."""
    assert says.other is not None
    assert says.at is not None
    assert says.tolerance_share is not None
    room = Interval((1 - says.tolerance_share) * says.at, (1 + says.tolerance_share) * says.at)
    yardstick = (
        f"The crossing is proven to lie within {100 * says.tolerance_share:g} % of {number(says.at)}, that is from {room.text()}."
    )
    key, names = f"{says.scheme}_crosses_{says.other}", [table.name(s) for s in (says.scheme, says.other)]
    sides = _sides(table, says)
    if not sides:
        words = f"No point has a cost of {names[0]} and of {names[1]}."
        return Claim(key, says.paper, table.label, Verdict.NOT_SHOWN, {}, words, yardstick)
    below = [value for value, side in sides if side == "below"]
    above = [value for value, side in sides if side == "above"]
    lowest, highest = max(below, default=-math.inf), min(above, default=math.inf)
    found = Interval(lowest, highest)
    if lowest >= highest or not found.meets(room):
        verdict = Verdict.NOT_SHOWN
    else:
        verdict = Verdict.SHOWN if found.within(room) else Verdict.UNDECIDED
    words = (
        f"{names[0]} is proven to cost less than {names[1]} up to {number(lowest)}"
        if below
        else "It is nowhere proven to cost less"
    )
    words += f", and more from {number(highest)} on" if above else ", and nowhere proven to cost more"
    open_points = ", ".join(number(value) for value, side in sides if side not in ("below", "above"))
    words += f"; not decided at {open_points}." if open_points else "."
    return Claim(key, says.paper, table.label, verdict, _finite({"below_to": lowest, "above_from": highest}), words, yardstick)


def _below(table: SweepTable, says: SweepStatement) -> Claim:
    """Check that the scheme costs less than the other at every point."""
    assert says.other is not None
    key, names = f"{says.scheme}_below_{says.other}", [table.name(s) for s in (says.scheme, says.other)]
    yardstick = "At every point the plan found costs less than the other's proven bound."
    sides = _sides(table, says)
    if not sides:
        words = f"No point has a cost of {names[0]} and of {names[1]}."
        return Claim(key, says.paper, table.label, Verdict.NOT_SHOWN, {}, words, yardstick)
    counts = {side: sum(found == side for _, found in sides) for side in ("below", "above")}
    verdict = Verdict.UNDECIDED
    if counts["below"] == len(sides):
        verdict = Verdict.SHOWN
    elif counts["above"]:
        verdict = Verdict.NOT_SHOWN
    where = ", ".join(number(value) for value, side in sides if side == "above")
    words = f"Proven to cost less at {counts['below']} of {len(sides)} points"
    words += f", proven to cost more at {where}." if where else ", proven to cost more at none."
    numbers = {f"points_{side}": float(count) for side, count in counts.items()} | {"points": float(len(sides))}
    return Claim(key, says.paper, table.label, verdict, numbers, words, yardstick)


def _sides(table: SweepTable, says: SweepStatement) -> list[tuple[float, str]]:
    """Return for every point with both costs its value of the key and on which side the scheme's cost lies."""
    assert says.other is not None
    if "total_cost_usd" not in table.frame:
        return []
    both = table.scheme(says.scheme).merge(table.scheme(says.other), on=table.key, suffixes=("", "_other"))
    return [
        (float(row[table.key]), comparison_words(cost_interval(row), cost_interval(row, "_other"))) for _, row in both.iterrows()
    ]


_CHECKS = {"rises": _direction, "falls": _direction, "crosses": _crosses, "below": _below}


def _finite(numbers: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in numbers.items() if math.isfinite(value)}


def _read(folder: Path, name: str) -> dict[str, Any]:
    try:
        content = json.loads((folder / name).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError([Problem(f"{folder.name}/{name}", "(file)", type(error).__name__, _FOREIGN)]) from None
    return content if isinstance(content, dict) else {}
