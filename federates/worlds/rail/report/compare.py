"""What is special in comparing runs by rail: the paper's table of models beside ours, its Fig. 5, and its statements checked.

The paper's data are not ours, so equal dollars cannot be expected and are not forced: what should reproduce is the order of the
models and the size of what storage saves. Both are judged by intervals: what they leave open is *not decided by the gap*.

Costs and indicators of the best day-ahead plan as intervals: a plan is known to its gap only.

- Cost: from the proven lower bound to the plan that was found. The best plan lies between. Without a bound, and where bounds
  cross, nothing is proven: the lower end is minus infinity.
- (47) of the paper: from (F_0's bound - F's plan) / C to (F_0's plan - F's bound) / C.
- (46) and (48): those of the plan that was found. Plans of the same cost use wind and batteries differently; no operator alone
  can say how differently, for trains and units may both change: ``portage centralised --indicators`` does.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

import pandas as pd
from markupsafe import Markup

from federates.reporting.claims import Claim, Interval, Verdict, order_verdict
from federates.reporting.figures import Panel, runs_figure
from federates.reporting.formatting import number
from federates.reporting.world import Drawing, Grid, Section
from federates.worlds.rail.published import Case, RailPublished
from federates.worlds.rail.report.metrics import batteries, economic_indicator_usd_per_mw, energy_limit_mwh
from federates.worlds.rail.report.run import SCHEMES, RailRun
from federates.worlds.rail.report.storage import utilisation_figure
from federates.worlds.rail.session import RailScheme

Runs = Mapping[str, RailRun]


def indicators_by_scheme(runs: Runs) -> dict[str, dict[str, float]]:
    """Return the indicators (46)-(48) and the costs of every run's day-ahead plan; what cannot be formed is left out."""
    heads = {scheme: run.summary for scheme, run in runs.items()}
    without = float(heads.get(RailScheme.NO_STORAGE.value, {}).get("total_cost_usd", math.nan))
    out: dict[str, dict[str, float]] = {}
    for scheme, head in heads.items():
        row = {entry.key: float(head[entry.key]) for entry in INDICATORS if entry.key in head}
        worth = economic_indicator_usd_per_mw(
            without, row.get("total_cost_usd", math.nan), float(head.get("storage_mw", math.nan))
        )
        out[scheme] = row | ({"usd_per_mw": worth} if math.isfinite(worth) else {})
    return out


def model_rows(
    found: Mapping[str, Mapping[str, float]], case: Case | None, ranges: Mapping[str, Mapping[str, Interval]]
) -> list[list[str]]:
    """Return the paper's table beside ours: model, scheme, then each indicator here, in the paper, and the difference.

    An indicator that is known as an interval is written as one; the difference is that of the plan that was found.
    """
    rows = []
    for scheme, numbers in found.items():
        published = case.models.get(RailScheme(scheme)) if case else None
        row = [published.model if published else "–", scheme]
        for entry in INDICATORS:
            here = numbers.get(entry.key, math.nan)
            row.append(ranges.get(scheme, {}).get(entry.key, Interval(here, here)).text(entry.digits, entry.factor))
            if case:
                value = getattr(published, entry.key, None)
                paper = math.nan if value is None else value
                difference = _signed(entry.factor * (here - paper), entry.digits)
                row += [number(entry.factor * paper, entry.digits), difference]
        rows.append(row)
    return rows


def _signed(value: float, digits: int) -> str:
    text = number(value, digits)
    return f"+{text}" if math.isfinite(value) and value > 0 else text


def notes(runs: Runs) -> list[str]:
    """Return what a reader must know before trusting the comparison."""
    out = [
        "Costs and indicators are those of the day-ahead plans: the paper has no execution day. What came of them stands below."
    ]
    if RailScheme.NO_STORAGE.value not in runs:
        out.append("There is no run without storage, so the worth of storage per MW (47) cannot be formed.")
    seeds = {run.session.seed for run in runs.values()}
    if len(seeds) > 1:
        out.append("The runs have different seeds, so their realised days differ by chance too; their plans do not.")
    for scheme, run in runs.items():
        slack = float(run.summary.get("slack_usd", 0.0))
        if slack > 0.5:
            out.append(
                f"{scheme}: the plan pays {number(slack)} USD of penalties for what could not be kept; they are in its cost."
            )
        if _planned_anew(run):
            out.append(
                f"{scheme}: was planned anew while the day went on. Its cost and bound are those of the day-ahead plan; wind "
                "used and use of the batteries are of the plans as they stood from hour to hour."
            )
        lacks = run.lacks("plan_costs", "power_balance")
        out += [f"{scheme}: {lacks}."] if lacks else []
    return out


def _planned_anew(run: RailRun) -> bool:
    stations = run.frame("storage_state")
    return len(stations) > 0 and stations["planned_in"].nunique() > 1


def figures(runs: Runs) -> Iterator[Drawing]:
    """Yield the use of the batteries of all runs that have some."""
    case = _case(runs)
    stored = {scheme: run for scheme, run in runs.items() if len(batteries(run, "planned"))}
    if not stored:
        return
    labels = {scheme: _label(scheme, case) for scheme in stored}
    text = (
        "Top: energy stored at the stations and on the trains; bottom: charging plus discharging power over all batteries' power."
    )
    if all(math.isfinite(energy_limit_mwh(run)) for run in stored.values()):
        text += " Energy is a share of the most that stations and trains can hold together, "
        text += ", ".join(f"{labels[scheme]} {number(energy_limit_mwh(run))} MWh" for scheme, run in stored.items()) + "."
    title = "Energy and power utilisation (as the paper's Fig. 5)"
    yield Drawing("fig5_utilisation", title, utilisation_figure(stored, labels), text)


def _case(runs: Runs) -> Case | None:
    return cast(RailPublished, next(iter(runs.values())).published).case


def _label(scheme: str, case: Case | None) -> str:
    published = case.models.get(RailScheme(scheme)) if case else None
    return f"{published.model} ({SCHEMES[scheme]['label']})" if published else SCHEMES[scheme]["label"]


def claims(runs: Runs) -> list[Claim]:
    """Check what the paper says about its table of models."""
    case = _case(runs)
    found = {RailScheme(scheme): row for scheme, row in intervals_by_scheme(runs).items()}
    return check_rail_claims(case, found) if case else []


def numbers(runs: Runs) -> dict[str, Any]:
    """Return the indicators of the plans that were found, and the intervals of the best ones."""
    ranges = intervals_by_scheme(runs)
    intervals = {scheme: {key: value.ends() for key, value in row.items()} for scheme, row in ranges.items()}
    return {"indicators": indicators_by_scheme(runs), "intervals": intervals}


def sections(runs: Runs) -> list[Section]:
    """Return the paper's table of models beside ours."""
    case, heads = _case(runs), ["Model", "Scheme", *(entry.title for entry in INDICATORS)]
    rows = model_rows(indicators_by_scheme(runs), case, intervals_by_scheme(runs))
    if case is None:
        text: tuple[str, ...] = ()
        caption = (
            "Indicators of the day-ahead plans. The scenario names no published case (published.yaml), so there is nothing to "
        )
        caption += "compare with."
    else:
        where = Markup('The paper: {}; {}. What is its data and what is not stands <a href="#basis">below</a>.')
        text = (where.format(next(iter(runs.values())).published.source, case.title),)
        caption = (
            'Each indicator here, and below it in the paper with the difference in brackets. The paper\'s "operating cost" is '
        )
        caption += (
            "read as the objective, transport included. Its formula (48) is lost in the text we hold; ours is charging plus "
        )
        caption += "discharging power over what all batteries could do all day."
        rows = [[*row[:2], *(_beside(*row[k : k + 3]) for k in range(2, len(row), 3))] for row in rows]
    return [Section("models", "Models", "Models", text=text, grids=(Grid(caption, heads, rows, (1,)),))]


def _beside(here: str, paper: str, difference: str) -> str:
    return here if paper == "–" else Markup("{}<br><small>{} ({})</small>").format(here, paper, difference)


_PANELS = (
    ("cost_usd", "Cost of a\nperiod (USD)"),
    ("storage_mw", "Discharge minus\ncharge (MW)"),
    ("renewable_mw", "Renewables\nused (MW)"),
)


def side_by_side(runs: Runs) -> Iterator[Drawing]:
    """Yield cost, storage power and renewables of every run as carried out, by period."""
    drawn = {letter: run for letter, run in runs.items() if "power_balance" not in run.missing}
    panels = [Panel(label, functools.partial(_balance, column=column)) for column, label in _PANELS]
    text = "Solid and dashed lines: one a run. Cost and power are those of the day as it was carried out."
    if drawn:
        yield Drawing("runs", "The power operator's day", runs_figure(drawn, panels, 1.0, 1.5), text)


def _balance(run: RailRun, column: str) -> pd.Series:
    return run.frame("power_balance").set_index("period")[column].reindex(range(run.session.periods))


_ORDER = (RailScheme.MOBILE, RailScheme.FIXED, RailScheme.CENTRAL)
Found = Mapping[RailScheme, Mapping[str, Interval]]
_PROVEN = "Every step of the order holds for all values between the bounds; not shown: a step holds for none of them."
_FOUND = "Every step holds in the plans found. Plans of the same cost may use wind and batteries differently."


@dataclass(frozen=True, slots=True)
class Indicator:
    """A column of the paper's table of results: its key in a summary, its title, and how to write it.

    The paper orders its models by most of them: ``order`` is what it says of one model and the next, ``yardstick`` ours for it.
    """

    key: str
    title: str
    factor: float = 1.0
    digits: int = 2
    more_is_better: bool = True
    order: str = ""
    yardstick: str = _FOUND


INDICATORS: tuple[Indicator, ...] = (
    Indicator("total_cost_usd", "Cost of both operators (USD)", 1.0, 0, False, "costs less than", _PROVEN),
    Indicator("transport_cost_usd", "of it transport (USD)", 1.0, 0, False),
    Indicator("wind_used_share", "Wind used (46) (%)", 100.0, order="uses more wind than"),
    Indicator("usd_per_mw", "Worth of storage (47) (USD/MW)", order="is worth more per MW than", yardstick=_PROVEN),
    Indicator("storage_utilisation", "Utilisation (48) (%)", 100.0, order="uses its batteries more than"),
)
_BASIS = "day-ahead plan"


def check_rail_claims(case: Case, found: Found) -> list[Claim]:
    """Check the order of the models by every indicator, and the size of what they save; ``found`` is of `intervals_by_scheme`."""
    return [_order(case, entry, found) for entry in INDICATORS if entry.order] + list(_saving(case, found))


def _order(case: Case, entry: Indicator, found: Found) -> Claim:
    names = {scheme: case.models[scheme].model for scheme in _ORDER}
    mobile, fixed, central = names.values()
    paper = f"{mobile} {entry.order} {fixed}, and {fixed} {entry.order} {central}."
    values = {scheme: found[scheme][entry.key] for scheme in names if entry.key in found.get(scheme, {})}
    numbers = {
        f"{names[scheme]}_{entry.key}_{end}": known for scheme, value in values.items() for end, known in value.ends().items()
    }
    if len(values) < len(names):
        lacking = ", ".join(name for scheme, name in names.items() if scheme not in values)
        return Claim(f"order_{entry.key}", paper, _BASIS, Verdict.NOT_SHOWN, numbers, f"No number of {lacking}.", entry.yardstick)
    falling = [value if entry.more_is_better else Interval(-value.high, -value.low) for value in values.values()]
    words = ", ".join(f"{names[s]}: {value.text(entry.digits, entry.factor)}" for s, value in values.items())
    return Claim(f"order_{entry.key}", paper, _BASIS, order_verdict(falling), numbers, f"{words}.", entry.yardstick)


def _saving(case: Case, found: Found) -> Iterator[Claim]:
    """Yield the size of the effect: how much of the cost without storage the mobile and the fixed model save."""
    rows = {scheme: case.models[scheme] for scheme in (RailScheme.MOBILE, RailScheme.FIXED)}
    worths = {scheme: row.usd_per_mw for scheme, row in rows.items() if row.usd_per_mw is not None}
    if len(worths) < len(rows):
        return
    published = {scheme: worth * case.storage_mw / case.without_storage_usd for scheme, worth in worths.items()}
    shares = ", ".join(f"{rows[scheme].model} {_share(value)}" for scheme, value in published.items())
    paper = f"Share of the cost without storage that is saved, by (47): {shares}."
    room = case.saving_tolerance_share
    yardstick = f"Both shares lie within {100 * room:.0f} % of the published ones, for all values between the bounds."
    without = found.get(RailScheme.NO_STORAGE, {}).get("total_cost_usd")
    costs = {scheme: found.get(scheme, {}).get("total_cost_usd") for scheme in rows}
    saved = {scheme: _saved(without, cost) for scheme, cost in costs.items() if without is not None and cost is not None}
    if len(saved) < len(rows):
        words = "Needs runs of the mobile, the fixed and the storage-free scheme."
        yield Claim("saving", paper, _BASIS, Verdict.NOT_SHOWN, {}, words, yardstick)
        return
    allowed = {scheme: Interval.between((1 - room) * value, (1 + room) * value) for scheme, value in published.items()}
    if all(saved[scheme].within(allowed[scheme]) for scheme in rows):
        verdict = Verdict.SHOWN
    elif all(saved[scheme].meets(allowed[scheme]) for scheme in rows):
        verdict = Verdict.UNDECIDED
    else:
        verdict = Verdict.NOT_SHOWN
    words = ", ".join(f"{rows[scheme].model}: {value.text(2, 100)} %" for scheme, value in saved.items())
    numbers = {f"{rows[s].model}_saved_share_{end}": known for s, value in saved.items() for end, known in value.ends().items()}
    yield Claim("saving", paper, _BASIS, verdict, numbers, f"{words}.", yardstick)


def _saved(without: Interval, cost: Interval) -> Interval:
    """Return the share that is saved; an end is not known where the cost without storage has no bound above 0."""
    low = 1.0 - cost.high / without.low if 0.0 < without.low < math.inf else -math.inf
    high = 1.0 - cost.low / without.high if 0.0 < without.high < math.inf else math.inf
    return Interval(low, high)


def _share(value: float) -> str:
    return f"{number(100 * value, 2)} %"


Intervals = dict[str, Interval]
_ROUNDING = 1e-6
"""Relative; a bound above the cost by no more than this does not cross it."""


def intervals_by_scheme(runs: Mapping[str, RailRun]) -> dict[str, Intervals]:
    """Return by scheme what can be formed of total_cost_usd, wind_used_share, usd_per_mw and storage_utilisation."""
    out = {scheme: _of_run(run) for scheme, run in runs.items()}
    without = out.get(RailScheme.NO_STORAGE.value, {}).get("total_cost_usd")
    for scheme, run in runs.items():
        cost = out[scheme].get("total_cost_usd")
        if without is not None and cost is not None:
            worth = without.minus(cost).over(float(run.summary.get("storage_mw", math.nan)))
            out[scheme] |= {"usd_per_mw": worth} if worth.known else {}
    return out


def _of_run(run: RailRun) -> Intervals:
    head = run.summary
    found: Intervals = {}
    for key in ("wind_used_share", "storage_utilisation"):
        if key in head:
            found[key] = Interval(float(head[key]), float(head[key]))
    cost = float(head.get("total_cost_usd", math.nan))
    if math.isfinite(cost):
        bound = float(head.get("bound_usd", -math.inf))
        crossed = bound > cost + _ROUNDING * abs(cost)
        found["total_cost_usd"] = Interval(-math.inf if crossed else min(bound, cost), cost)
    return found
