"""Statements of a paper about its table of models, as the scenario quotes it (`published`), checked against our runs.

The paper's data are not ours, so equal dollars cannot be expected and are not forced: what should reproduce is the order of the
models and the size of what storage saves. Both are judged by intervals (`intervals`): what they leave open is *not decided by the
gap*.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from federates.reporting.claims import Claim, Verdict
from federates.reporting.interval import Interval, order_verdict
from federates.reporting.published import Case
from federates.reporting.words import number
from federates.worlds.rail.session import RailScheme

__all__ = ["INDICATORS", "Indicator", "check_rail_claims"]

_ORDER = (RailScheme.MOBILE, RailScheme.FIXED, RailScheme.CENTRAL)
Found = Mapping[RailScheme, Mapping[str, Interval]]


@dataclass(frozen=True, slots=True)
class Indicator:
    """A column of the paper's table of results: its key in a summary, its title, whether more is better, and how to write it."""

    key: str
    title: str
    more_is_better: bool
    factor: float = 1.0
    digits: int = 2


INDICATORS: tuple[Indicator, ...] = (
    Indicator("total_cost_usd", "Cost of both operators (USD)", False, digits=0),
    Indicator("transport_cost_usd", "of it transport (USD)", False, digits=0),
    Indicator("wind_used_share", "Wind used (46) (%)", True, 100.0),
    Indicator("usd_per_mw", "Worth of storage (47) (USD/MW)", True),
    Indicator("storage_utilisation", "Utilisation (48) (%)", True, 100.0),
)

_ORDERED = {
    "total_cost_usd": "costs less than",
    "wind_used_share": "uses more wind than",
    "usd_per_mw": "is worth more per MW than",
    "storage_utilisation": "uses its batteries more than",
}


_BASIS = "day-ahead plan"
_ORDER_YARDSTICK = "Every step of the order holds for all values between the bounds; not shown: a step holds for none of them."
_FOUND_YARDSTICK = "Every step holds in the plans found. Plans of the same cost may use wind and batteries differently."
_ORDER_KEYS = {
    "total_cost_usd": _ORDER_YARDSTICK,
    "usd_per_mw": _ORDER_YARDSTICK,
    "wind_used_share": _FOUND_YARDSTICK,
    "storage_utilisation": _FOUND_YARDSTICK,
}


def check_rail_claims(case: Case, found: Found) -> list[Claim]:
    """Check the order of the models by every indicator, and the size of what they save; ``found`` is of `intervals_by_scheme`."""
    return [_order(case, entry, found) for entry in INDICATORS if entry.key in _ORDERED] + list(_saving(case, found))


def _order(case: Case, entry: Indicator, found: Found) -> Claim:
    names = {scheme: case.models[scheme].model for scheme in _ORDER}
    verb, key = _ORDERED[entry.key], f"order_{entry.key}"
    mobile, fixed, central = names.values()
    paper = f"{mobile} {verb} {fixed}, and {fixed} {verb} {central}."
    values = {scheme: found[scheme][entry.key] for scheme in names if entry.key in found.get(scheme, {})}
    numbers = {
        f"{names[scheme]}_{entry.key}_{end}": known for scheme, value in values.items() for end, known in value.ends().items()
    }
    if len(values) < len(names):
        lacking = ", ".join(name for scheme, name in names.items() if scheme not in values)
        return Claim(key, paper, _BASIS, Verdict.NOT_SHOWN, numbers, f"No number of {lacking}.", _ORDER_KEYS[entry.key])
    falling = [value if entry.more_is_better else Interval(-value.high, -value.low) for value in values.values()]
    words = ", ".join(f"{names[s]}: {value.text(entry.digits, entry.factor)}" for s, value in values.items())
    return Claim(key, paper, _BASIS, order_verdict(falling), numbers, f"{words}.", _ORDER_KEYS[entry.key])


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
    return Interval(1.0 - cost.high / without.low, 1.0 - cost.low / without.high)


def _share(value: float) -> str:
    return f"{number(100 * value, 2)} %"
