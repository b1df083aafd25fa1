"""Check what the paper says about its two figures against the numbers of our runs.

The paper gives no numbers, only words, so every claim needs a yardstick; they stand here, once, and are printed with the result.
A claim is *shown* if its numbers pass, *not shown* in every other case: also when a run or a vehicle to check it is missing.

References
----------
.. [1] Chen, Wang, Lu, Shen et al., IEEE Network 33(6), 2019, case study, Figs. 5 and 6.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from federates.boundary.session import Scheme
from federates.reporting.delivery import delivery_by_period
from federates.reporting.metrics import energy_above_kwh, period_load
from federates.reporting.tables import RunTables
from federates.reporting.words import clock, minutes, number, percent

__all__ = ["YARDSTICKS", "Claim", "check_claims"]

NIGHT_END_H, NIGHT_START_H, AFTERNOON_H = 4.0, 23.0, (12.0, 18.0)

YARDSTICKS: dict[str, float] = {
    "loads_equal_share_of_limit": 0.02,
    "overload_removed_ratio": 0.05,
    "nearly_equal_delivery_time": 0.02,
    "longer_delivery_time": 0.01,
}
"""Largest load difference at night (share of the limit); largest share of the overload that may remain; largest mean difference
of delivery times that is nearly equal; smallest mean difference by day that is longer. Shares, not per cent."""

Runs = Mapping[str, RunTables]


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim of the paper: its words, the data it is checked against, the verdict and the numbers behind it."""

    key: str
    paper: str
    basis: str
    shown: bool
    numbers: dict[str, float]
    words: str

    @property
    def verdict(self) -> str:
        """Return ``shown`` or ``not shown``."""
        return "shown" if self.shown else "not shown"

    def as_dict(self) -> dict[str, object]:
        """Return the claim for JSON."""
        return asdict(self) | {"verdict": self.verdict}


def check_claims(runs: Runs) -> list[Claim]:
    """Check all claims; ``runs`` maps a scheme to its run. Load without comes from ``no_mves`` if that run is given."""
    return [_night_loads(runs), _overload_removed(runs), *_delivery_claims(runs)]


def _night_loads(runs: Runs) -> Claim:
    paper = "From 0 to 4 h the feeder loads with and without mobile storage are the same."
    joined = _loads(runs)
    joined = joined[joined["hour"] < NIGHT_END_H]
    if not len(joined):
        return Claim("fig5_equal_at_night", paper, "feeder load", False, {}, "No feeder load is recorded from 0 to 4 h.")
    share = ((joined["load_with_kw"] - joined["load_without_kw"]).abs() / joined["limit_kw"]).max()
    over = float((joined["load_without_kw"] - joined["limit_kw"]).max())
    numbers = {"largest_difference_share_of_limit": float(share), "largest_load_minus_limit_kw": over}
    side = "all below the limit" if over <= 0 else f"up to {number(over, 1)} kW above the limit"
    count = joined["period"].nunique()
    words = f"The means of {count} periods differ by at most {percent(share, 2)} of the limit; loads without are {side}."
    shown = bool(share <= YARDSTICKS["loads_equal_share_of_limit"])
    return Claim("fig5_equal_at_night", paper, "feeder load", shown, numbers, words)


def _overload_removed(runs: Runs) -> Claim:
    paper = "After 4 h the load without mobile storage overloads the feeders; with it the overload is removed."
    joined = _loads(runs)
    joined = joined[joined["hour"] >= NIGHT_END_H]
    if not len(joined):
        return Claim("fig5_overload_removed", paper, "feeder load", False, {}, "No feeder load is recorded after 4 h.")
    numbers: dict[str, float] = {}
    parts, ratios = [], []
    for name, part in joined.groupby("station"):
        without, with_ = (energy_above_kwh(part, f"load_{side}_kw") for side in ("without", "with"))
        numbers |= {f"{name}_above_limit_without_kwh": without, f"{name}_above_limit_with_kwh": with_}
        if without > 0:
            ratios.append(with_ / without)
            parts.append(
                f"{name}: {number(without)} kWh above the limit without, {number(with_)} kWh with ({percent(ratios[-1])})"
            )
        else:
            ratios.append(np.inf)
            parts.append(f"{name}: nothing above the limit even without, so there is nothing to remove")
    words = f"{'; '.join(parts)}; {joined['period'].nunique()} periods."
    shown = max(ratios) <= YARDSTICKS["overload_removed_ratio"]
    return Claim("fig5_overload_removed", paper, "feeder load, period means", bool(shown), numbers, words)


def _loads(runs: Runs) -> pd.DataFrame:
    """Return period loads of the limited stations: with from the proposed run, without from ``no_mves`` or the same run."""
    run = runs.get(Scheme.PROPOSED.value)
    if run is None:
        return pd.DataFrame(columns=["station", "period", "hour", "hours", "load_with_kw", "load_without_kw", "limit_kw"])
    with_ = period_load(run)
    with_ = with_[with_["station"].isin(run.session.limited_stations)]
    base = runs.get(Scheme.NO_MVES.value)
    if base is None or "feeder_load" in base.missing:
        return with_
    without = period_load(base)[["station", "period", "load_without_kw"]]
    return with_.drop(columns="load_without_kw").merge(without, on=["station", "period"])


def _delivery_claims(runs: Runs) -> Iterator[Claim]:
    papers = {
        "fig6_equal_at_night": "From 23 to 4 h the delivery times of both schemes are almost the same.",
        "fig6_longer_by_day": "From the early morning on, the fastest route takes longer than the proposed scheme.",
        "fig6_peak_in_afternoon": "The delivery time of the fastest route peaks in the afternoon.",
    }
    checks = (_equal_at_night, _longer_by_day, _peak_in_afternoon)
    pair = [runs.get(scheme.value) for scheme in (Scheme.PROPOSED, Scheme.FASTEST_ROUTE)]
    traffic = next((run.traffic_name for run in pair if run is not None), "traffic")
    for kind, basis in (("traffic", traffic), ("formula", "formula")):
        for (key, paper), check in zip(papers.items(), checks, strict=True):
            if pair[0] is None or pair[1] is None:
                words = "Needs a run of the proposed scheme and one of the fastest route."
                yield Claim(f"{key}_{kind}", paper, basis, False, {}, words)
                continue
            shown, numbers, words = check(_times(pair[0], pair[1], kind), pair[1])
            yield Claim(f"{key}_{kind}", paper, basis, shown, numbers, words)


def _times(proposed: RunTables, fastest: RunTables, kind: str) -> pd.DataFrame:
    """Return per period: proposed_s, fastest_s, longer (share by which the fastest route takes longer) and night."""
    own, other = delivery_by_period(proposed), delivery_by_period(fastest)
    out = own[["period", "hour"]].assign(proposed_s=own[f"{kind}_s"])
    out = out.merge(other[["period", f"{kind}_s"]].rename(columns={f"{kind}_s": "fastest_s"}), on="period")
    out["longer"] = out["fastest_s"] / out["proposed_s"] - 1.0
    out["night"] = (out["hour"] >= NIGHT_START_H) | (out["hour"] < NIGHT_END_H)
    return out


Result = tuple[bool, dict[str, float], str]


def _equal_at_night(times: pd.DataFrame, _: RunTables) -> Result:
    longer = times.loc[times["night"], "longer"].dropna()
    if not len(longer):
        return False, {}, "No period from 23 to 4 h has a vehicle in both schemes, so there is no delivery time to compare."
    mean, worst = float(longer.abs().mean()), float(longer.abs().max())
    numbers = {"periods": float(len(longer)), "mean_difference": mean, "largest_difference": worst}
    periods = "one period" if len(longer) == 1 else f"{len(longer)} periods"
    words = f"In {periods} with vehicles they differ by {percent(mean)} on average and {percent(worst)} at most."
    return mean <= YARDSTICKS["nearly_equal_delivery_time"], numbers, words


def _longer_by_day(times: pd.DataFrame, run: RunTables) -> Result:
    day = times[~times["night"]].dropna(subset=["longer"])
    if not len(day):
        return False, {}, "No period by day has a vehicle in both schemes."
    mean, count = float(day["longer"].mean()), int((day["longer"] > 0).sum())
    widest = day.loc[day["longer"].idxmax()]
    numbers = {"mean_longer": mean, "periods": float(len(day)), "periods_longer": float(count)}
    numbers |= {"largest_longer": float(widest["longer"]), "largest_longer_hour": float(widest["hour"])}
    if widest["longer"] > 0:
        most = f"most at {clock(run, int(widest['period']))} with {percent(widest['longer'])}"
    else:
        most = "never longer in any of them"
    side = "longer" if mean >= 0 else "shorter"
    words = (
        f"The fastest route's time is {percent(abs(mean))} {side} on average, longer in {count} of {len(day)} periods, {most}."
    )
    return bool(mean >= YARDSTICKS["longer_delivery_time"] and 2 * count > len(day)), numbers, words


def _peak_in_afternoon(times: pd.DataFrame, run: RunTables) -> Result:
    known = times.dropna(subset=["fastest_s"])
    if not len(known):
        return False, {}, "The fastest route sent no vehicle."
    peak = known.loc[known["fastest_s"].idxmax()]
    words = f"Its peak is {minutes(peak['fastest_s'])} at {clock(run, int(peak['period']))}."
    shown = AFTERNOON_H[0] <= peak["hour"] < AFTERNOON_H[1]
    return bool(shown), {"peak_s": float(peak["fastest_s"]), "peak_hour": float(peak["hour"])}, words
