"""What is special in comparing runs on the road: the two figures of the case study, vehicles by route, and what a paper says.

A paper's words about the day need a yardstick: ours stand here, once, and are printed with every verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import cast

import numpy as np
import pandas as pd

from federates.reporting.claims import Claim, Verdict
from federates.reporting.figures import Panel, runs_figure
from federates.reporting.formatting import clock, minutes, number, percent
from federates.reporting.world import Drawing, Grid
from federates.worlds.road.published import RoadPublished, RoadStatement
from federates.worlds.road.report.delivery import delivery_by_period, delivery_time_figure, has_times, same_pairs_by_period
from federates.worlds.road.report.links import link_flow_by_scheme_figure
from federates.worlds.road.report.load import bin_load, energy_above_kwh, feeder_load_figure, period_load
from federates.worlds.road.report.negotiation import vehicles_by_period
from federates.worlds.road.report.run import SCHEMES, RoadRun, bins_name, traffic_name
from federates.worlds.road.session import Scheme

Runs = Mapping[str, RoadRun]


def notes(runs: Runs) -> list[str]:
    """Return what a reader must know before trusting the comparison."""
    seeds = {run.session.seed for run in runs.values()}
    if len(runs) == 1:
        out = list[str]()
    elif len(seeds) == 1:
        out = [f"Common random numbers: all runs share seed {seeds.pop()}, so they differ by the scheme and not by chance alone."]
    else:
        listed = ", ".join(f"{scheme}: {run.session.seed}" for scheme, run in runs.items())
        out = [f"The runs have different seeds ({listed}): part of every difference is chance."]
    if Scheme.PROPOSED.value in runs:
        out.append(_source_of_load_without(runs))
    out += [
        f"{scheme}: {run.lacks('feeder_load', 'delivery_forecast', 'deliveries')}."
        for scheme, run in runs.items()
        if scheme != Scheme.NO_MVES.value and run.lacks("feeder_load", "delivery_forecast", "deliveries")
    ]
    return out


def _base(runs: Runs) -> RoadRun | None:
    """Return the run of its own that gives the load without mobile storage, if there is one."""
    base = runs.get(Scheme.NO_MVES.value)
    return None if base is None or "feeder_load" in base.missing else base


def _source_of_load_without(runs: Runs) -> str:
    base = _base(runs)
    if base is None:
        return (
            "Load without mobile storage: from the proposed run itself, as its load before the vehicles' contribution "
            "(no run without vehicles is given)."
        )
    return (
        f"Load without mobile storage: from run {base.run_id} without vehicles. Its simulated traffic differs slightly from "
        "that of the proposed run, and so do the vehicles that come to charge."
    )


def figures(runs: Runs) -> Iterator[Drawing]:
    """Yield load, delivery times and vehicles by link, as far as the runs hold them."""
    proposed = runs.get(Scheme.PROPOSED.value)
    if proposed is not None and "feeder_load" not in proposed.missing:
        text = "Hatched: above the limit without mobile storage; filled: above it with. " + _source_of_load_without(runs)
        figure = feeder_load_figure(proposed, _base(runs))
        yield Drawing("fig5_feeder_load", "Feeder load without and with mobile storage (the paper's Fig. 5)", figure, text)
    sending = {scheme: run for scheme, run in runs.items() if scheme != Scheme.NO_MVES.value}
    timed = {scheme: run for scheme, run in sending.items() if has_times(run)}
    if timed:
        traffic = traffic_name(next(iter(timed.values())))
        text = (
            f"Top: mean time of a delivery by period, in {traffic} (solid) and by formula (dashed). Middle, if both schemes are "
            "given: how much longer the fastest route takes; the short orange line is the same for station pairs that both "
            "schemes serve, weighted alike, so that it does not depend on where the vehicles go. Bottom: vehicles sent."
        )
        yield Drawing(
            "fig6_delivery_time", "Mean energy delivery time by scheme (the paper's Fig. 6)", delivery_time_figure(timed), text
        )
    planned = {scheme: run for scheme, run in sending.items() if "link_plan" not in run.missing}
    if planned:
        text = (
            "Committed mobile storage per link; below, where the fastest route puts more (orange) or fewer (violet, with a dash) "
        )
        text += "vehicles."
        yield Drawing("link_flow_by_scheme", "Mobile storage per link by scheme", link_flow_by_scheme_figure(planned), text)


def numbers(runs: Runs) -> dict[str, str]:
    """Return which run gives the load without mobile storage."""
    return {"load_without_from": Scheme.PROPOSED.value if _base(runs) is None else Scheme.NO_MVES.value}


def grids(runs: Runs) -> list[Grid]:
    """Return vehicles of the whole run per pair and route, one column per scheme that sends vehicles."""
    keys = ["origin", "destination", "route"]
    parts = []
    for scheme, run in runs.items():
        flow = run.frame("route_flow").astype(dict.fromkeys(keys, "object"))
        parts.append(flow.groupby(keys)["vehicles"].sum().rename(scheme).astype(float))
    table = pd.concat(parts, axis=1).fillna(0.0)
    table = table[table.sum(axis=1) > 0].sort_index()
    rows = table.reset_index().itertuples(index=False)
    cells = [[f"{row[0]} to {row[1]}", row[2].replace("|", " › "), *(number(value) for value in row[3:])] for row in rows]
    heads = ["Stations", "Route", *(SCHEMES[scheme]["label"] for scheme in runs)]
    return [Grid("Vehicles of the whole run by route.", heads, cells, (1,))]


def side_by_side(runs: Runs) -> Iterator[Drawing]:
    """Yield a panel per limited station and one with all vehicles sent, each with every run.

    A station's panel has its load with mobile storage and its limit; where a run has recorded no load, the vehicles sent there.
    """
    drawn = {letter: run for letter, run in runs.items() if "schedule" not in run.missing}
    if not drawn:
        return
    first = next(iter(drawn.values()))
    loads = all("feeder_load" not in run.missing for run in drawn.values())
    panels = [_panel(first, station, loads) for station in first.session.limited_stations]
    panels.append(Panel("All vehicles sent", lambda run: pd.Series(vehicles_by_period(run)), bottom=lambda low: 0.0))
    text = "By limited station: mean load with mobile storage and (dash-dotted) the limit; where no load was recorded, "
    text += "vehicles sent there. Bottom: all vehicles sent."
    yield Drawing("runs", "Stations and vehicles", runs_figure(drawn, panels, 1.2, 1.7), text)


def _panel(first: RoadRun, station: str, loads: bool) -> Panel:
    def load(run: RoadRun, column: str) -> pd.Series:
        table = period_load(run)
        return table[table["station"] == station].set_index("period")[column].reindex(range(run.session.periods))

    def sent(run: RoadRun) -> pd.Series:
        plan = run.frame("schedule")
        found = plan[plan["destination"] == station].groupby("period")["vehicles"].sum()
        return found.reindex(range(run.session.periods), fill_value=0)

    if not loads:
        return Panel("Vehicles", sent, station, bottom=lambda low: min(0.0, low))
    limit = load(first, "limit_kw")
    return Panel("Feeder load (kW)", lambda run: load(run, "load_with_kw"), station, limit, lambda low: min(0.0, low))


YARDSTICKS: dict[str, float] = {
    "loads_equal_share_of_limit": 0.02,
    "overload_removed_ratio": 0.01,
    "nearly_equal_delivery_time": 0.02,
    "longer_delivery_time": 0.01,
}
"""Largest load difference at night (share of the limit); largest share of the overload that may remain; largest mean difference
of delivery times that is nearly equal; smallest mean difference by day that is longer. Shares, not per cent."""

_SHARES = ("loads_equal_share_of_limit", "overload_removed_ratio", "nearly_equal_delivery_time", "longer_delivery_time")
Result = tuple[bool, dict[str, float], str]


def check_claims(runs: Runs) -> list[Claim]:
    """Check the scenario's statements; load without comes from ``no_mves`` if that run is given."""
    says = cast(RoadPublished, next(iter(runs.values())).published).statements
    times = _both_times(runs) if any(entry.check in _TIMES for entry in says) else {}
    return [
        claim for entry in says for claim in (_of_load(runs, entry) if entry.check in _LOADS else _of_times(runs, times, entry))
    ]


def _of_load(runs: Runs, says: RoadStatement) -> list[Claim]:
    joined, run = _loads(runs), runs.get(Scheme.PROPOSED.value)
    joined = joined[_between(joined["hour"], says)]
    if run is None or not len(joined):
        missing = f"No feeder load is recorded from {says.from_h:g} to {says.to_h:g} h."
        return [_claim(says, "", "feeder load", (False, {}, missing))]
    name = bins_name(run)
    return [_claim(says, "", f"feeder load by {name}", _LOADS[says.check](joined, name))]


def _of_times(runs: Runs, times: Mapping[str, pd.DataFrame], says: RoadStatement) -> list[Claim]:
    pair = [runs.get(scheme.value) for scheme in (Scheme.FASTEST_ROUTE, Scheme.PROPOSED)]
    traffic = next((traffic_name(run) for run in reversed(pair) if run is not None), "traffic")
    claims = []
    for kind, basis in (("traffic", traffic), ("formula", "formula")):
        found: Result = (False, {}, "Needs a run of the proposed scheme and one of the fastest route.")
        if kind in times:
            found = _TIMES[says.check](times[kind], cast(RoadRun, pair[0]), says)
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


def _both_times(runs: Runs) -> dict[str, pd.DataFrame]:
    """Return by traffic and formula, per period: proposed_s, fastest_s and longer, the share by which the latter takes longer.

    The last is for the pairs of stations that both serve, weighted alike: without a negotiation other pairs may be asked for.
    Empty without a run of both schemes.
    """
    proposed, fastest = (runs.get(scheme.value) for scheme in (Scheme.PROPOSED, Scheme.FASTEST_ROUTE))
    if proposed is None or fastest is None:
        return {}
    own, other, same = delivery_by_period(proposed), delivery_by_period(fastest), same_pairs_by_period(proposed, fastest)
    return {
        kind: own[["period", "hour"]].assign(
            proposed_s=own[f"{kind}_s"], fastest_s=other[f"{kind}_s"], longer=same[f"{kind}_percent"] / 100.0
        )
        for kind in ("traffic", "formula")
    }


def _equal_delivery_time(times: pd.DataFrame, _: RoadRun, says: RoadStatement) -> Result:
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


def _longer_delivery_time(times: pd.DataFrame, run: RoadRun, says: RoadStatement) -> Result:
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


def _peak_delivery_time(times: pd.DataFrame, run: RoadRun, says: RoadStatement) -> Result:
    known = times.dropna(subset=["fastest_s"])
    if not len(known):
        return False, {}, "The fastest route sent no vehicle."
    peak = known["fastest_s"].idxmax()
    words = f"Its peak is {minutes(known.at[peak, 'fastest_s'])} at {clock(run, int(known.at[peak, 'period']))}."
    numbers = {"peak_s": float(known.at[peak, "fastest_s"]), "peak_hour": float(known.at[peak, "hour"])}
    return bool(_between(known["hour"], says).at[peak]), numbers, words


_LOADS: dict[str, Callable[[pd.DataFrame, str], Result]] = {"equal_load": _equal_load, "overload_removed": _overload_removed}
_TIMES: dict[str, Callable[[pd.DataFrame, RoadRun, RoadStatement], Result]] = {
    "equal_delivery_time": _equal_delivery_time,
    "longer_delivery_time": _longer_delivery_time,
    "peak_delivery_time": _peak_delivery_time,
}
