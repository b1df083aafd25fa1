"""Check what a paper says about a day on the road, as the scenario quotes it (`published`), against the numbers of our runs.

Words need a yardstick: ours stand here, once, and are printed with every verdict. A claim is *shown* if its numbers pass and
*not shown* in every other case, also when a run or a vehicle to check it is missing. Two more verdicts keep it from saying too
much: *not decided by the gap*, where the proven bounds allow both, and *follows from the input*, where no run could have come out
otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

import numpy as np
import pandas as pd

from federates.reporting.delivery import delivery_by_period, same_pairs_by_period
from federates.reporting.metrics import bin_load, energy_above_kwh
from federates.reporting.published import RoadStatement
from federates.reporting.tables import RunTables
from federates.reporting.words import bins_name, clock, minutes, number, percent
from federates.worlds.road.session import Scheme

__all__ = ["YARDSTICKS", "Claim", "Verdict", "check_claims"]

YARDSTICKS: dict[str, float] = {
    "loads_equal_share_of_limit": 0.02,
    "overload_removed_ratio": 0.01,
    "nearly_equal_delivery_time": 0.02,
    "longer_delivery_time": 0.01,
}
"""Largest load difference at night (share of the limit); largest share of the overload that may remain; largest mean difference
of delivery times that is nearly equal; smallest mean difference by day that is longer. Shares, not per cent."""

_SHARES = ("loads_equal_share_of_limit", "overload_removed_ratio", "nearly_equal_delivery_time", "longer_delivery_time")

Runs = Mapping[str, RunTables]


class Verdict(StrEnum):
    """What the numbers say about a claim."""

    SHOWN = "shown"
    NOT_SHOWN = "not shown"
    UNDECIDED = "not decided by the gap"
    FROM_INPUT = "follows from the input"

    @classmethod
    def of(cls, shown: bool) -> Verdict:
        """Return the verdict on a claim that numbers without a gap decide."""
        return cls.SHOWN if shown else cls.NOT_SHOWN


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim of a paper: its words, the data it is checked against, the verdict, the numbers behind it, and the yardstick."""

    key: str
    paper: str
    basis: str
    verdict: Verdict
    numbers: dict[str, float]
    words: str
    yardstick: str
    """What counts as shown."""

    @property
    def shown(self) -> bool:
        """Return whether the runs show the claim."""
        return self.verdict is Verdict.SHOWN

    def as_dict(self) -> dict[str, object]:
        """Return the claim for JSON."""
        return asdict(self)


Result = tuple[bool, dict[str, float], str]


def check_claims(runs: Runs, statements: Sequence[RoadStatement]) -> list[Claim]:
    """Check statements; ``runs`` maps a scheme to its run. Load without comes from ``no_mves`` if that run is given."""
    return [claim for says in statements for claim in (_of_load(runs, says) if says.check in _LOADS else _of_times(runs, says))]


def _of_load(runs: Runs, says: RoadStatement) -> list[Claim]:
    joined, run = _loads(runs), runs.get(Scheme.PROPOSED.value)
    joined = joined[_between(joined["hour"], says)]
    if run is None or not len(joined):
        missing = f"No feeder load is recorded from {says.from_h:g} to {says.to_h:g} h."
        return [_claim(says, "", "feeder load", (False, {}, missing))]
    name = bins_name(run)
    return [_claim(says, "", f"feeder load by {name}", _LOADS[says.check](joined, name))]


def _of_times(runs: Runs, says: RoadStatement) -> list[Claim]:
    proposed, fastest = (runs.get(scheme.value) for scheme in (Scheme.PROPOSED, Scheme.FASTEST_ROUTE))
    traffic = next((run.traffic_name for run in (proposed, fastest) if run is not None), "traffic")
    claims = []
    for kind, basis in (("traffic", traffic), ("formula", "formula")):
        if proposed is None or fastest is None:
            found: Result = (False, {}, "Needs a run of the proposed scheme and one of the fastest route.")
        else:
            found = _TIMES[says.check](_times(proposed, fastest, kind), fastest, says)
        claims.append(_claim(says, f"_{kind}", basis, found))
    return claims


def _claim(says: RoadStatement, kind: str, basis: str, found: Result) -> Claim:
    shown, numbers, words = found
    verdict, yardstick = Verdict.of(shown), _yardstick(says)
    if says.follows_from_input:
        yardstick = f"{yardstick} No run can show it: {says.follows_from_input}"
        verdict = Verdict.FROM_INPUT if shown else verdict
    return Claim(f"{says.check}{kind}", says.paper, basis, verdict, numbers, words, yardstick)


def _yardstick(says: RoadStatement) -> str:
    """Return in words what counts as shown."""
    equal, removed, near, longer = (percent(YARDSTICKS[name]) for name in _SHARES)
    most = "in more than half of the periods"
    return {
        "equal_load": f"At every station and in every interval of counting the means differ by at most {equal} of the limit.",
        "overload_removed": f"At every station at most {removed} of the energy above the limit remains.",
        "equal_delivery_time": f"The mean difference between the same stations is at most {near}, with vehicles in both {most}.",
        "longer_delivery_time": f"Between the same stations longer by at least {longer} on average, and {most}.",
        "peak_delivery_time": f"The longest time of the day lies from {says.from_h:g} to {says.to_h:g} h.",
    }[says.check]


def _between(hours: pd.Series, says: RoadStatement) -> pd.Series:
    """Return which hours of the day the statement is about."""
    if says.from_h < says.to_h:
        return (hours >= says.from_h) & (hours < says.to_h)
    return (hours >= says.from_h) | (hours < says.to_h)


def _equal_load(joined: pd.DataFrame, bins: str) -> Result:
    share = ((joined["load_with_kw"] - joined["load_without_kw"]).abs() / joined["limit_kw"]).max()
    over = float((joined["load_without_kw"] - joined["limit_kw"]).max())
    numbers = {"largest_difference_share_of_limit": float(share), "largest_load_minus_limit_kw": over}
    side = "all below the limit" if over <= 0 else f"up to {number(over, 1)} kW above the limit"
    count = len(joined.drop_duplicates(["period", "bin"]))
    words = f"In {count} {bins} they differ by at most {percent(share, 2)} of the limit; loads without are {side}."
    return bool(share <= YARDSTICKS["loads_equal_share_of_limit"]), numbers, words


def _overload_removed(joined: pd.DataFrame, bins: str) -> Result:
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
    words = f"{'; '.join(parts)}; {len(joined.drop_duplicates(['period', 'bin']))} {bins}."
    return bool(max(ratios) <= YARDSTICKS["overload_removed_ratio"]), numbers, words


def _loads(runs: Runs) -> pd.DataFrame:
    """Return loads of the limited stations by bin: with from the proposed run, without from ``no_mves`` or the same run."""
    run = runs.get(Scheme.PROPOSED.value)
    if run is None:
        return pd.DataFrame(columns=["station", "period", "bin", "hour", "hours", "load_with_kw", "load_without_kw", "limit_kw"])
    with_ = bin_load(run)
    with_ = with_[with_["station"].isin(run.session.limited_stations)]
    with_ = with_.assign(hour=[run.session.hour_of_day(int(period)) for period in with_["period"]])
    base = runs.get(Scheme.NO_MVES.value)
    if base is None or "feeder_load" in base.missing:
        return with_
    keys = ["station", "period", "bin"]
    return with_.drop(columns="load_without_kw").merge(bin_load(base)[[*keys, "load_without_kw"]], on=keys)


def _times(proposed: RunTables, fastest: RunTables, kind: str) -> pd.DataFrame:
    """Return per period: proposed_s, fastest_s and longer (share by which the fastest route takes longer).

    The last is for the pairs of stations that both serve, weighted alike: without a negotiation other pairs may be asked for.
    """
    own, other = delivery_by_period(proposed), delivery_by_period(fastest)
    out = own[["period", "hour"]].assign(proposed_s=own[f"{kind}_s"])
    out = out.merge(other[["period", f"{kind}_s"]].rename(columns={f"{kind}_s": "fastest_s"}), on="period")
    same = same_pairs_by_period(proposed, fastest)[["period", f"{kind}_percent"]]
    out = out.merge(same.rename(columns={f"{kind}_percent": "longer"}), on="period")
    out["longer"] /= 100.0
    return out


def _equal_delivery_time(times: pd.DataFrame, _: RunTables, says: RoadStatement) -> Result:
    chosen = times[_between(times["hour"], says)]
    longer = chosen["longer"].dropna()
    if not len(longer):
        words = f"No period from {says.from_h:g} to {says.to_h:g} h has a vehicle in both schemes: there is no time to compare."
        return False, {}, words
    mean, worst = float(longer.abs().mean()), float(longer.abs().max())
    numbers = {"periods": float(len(chosen)), "periods_with_vehicles": float(len(longer))}
    numbers |= {"mean_difference": mean, "largest_difference": worst}
    words = f"{len(longer)} of {len(chosen)} periods have vehicles in both schemes; there the times differ by {percent(mean)} on "
    words += f"average and {percent(worst)} at most."
    return mean <= YARDSTICKS["nearly_equal_delivery_time"] and 2 * len(longer) > len(chosen), numbers, words


def _longer_delivery_time(times: pd.DataFrame, run: RunTables, says: RoadStatement) -> Result:
    day = times[_between(times["hour"], says)].dropna(subset=["longer"])
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


def _peak_delivery_time(times: pd.DataFrame, run: RunTables, says: RoadStatement) -> Result:
    known = times.dropna(subset=["fastest_s"])
    if not len(known):
        return False, {}, "The fastest route sent no vehicle."
    peak = known["fastest_s"].idxmax()
    words = f"Its peak is {minutes(known.at[peak, 'fastest_s'])} at {clock(run, int(known.at[peak, 'period']))}."
    numbers = {"peak_s": float(known.at[peak, "fastest_s"]), "peak_hour": float(known.at[peak, "hour"])}
    return bool(_between(known["hour"], says).at[peak]), numbers, words


_LOADS: dict[str, Callable[[pd.DataFrame, str], Result]] = {"equal_load": _equal_load, "overload_removed": _overload_removed}
_TIMES: dict[str, Callable[[pd.DataFrame, RunTables, RoadStatement], Result]] = {
    "equal_delivery_time": _equal_delivery_time,
    "longer_delivery_time": _longer_delivery_time,
    "peak_delivery_time": _peak_delivery_time,
}
