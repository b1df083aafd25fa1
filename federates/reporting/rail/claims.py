"""What the paper publishes about its two cases, and its statements checked against our runs.

All numbers of the paper stand here and nowhere else. It gives neither its load and wind profiles nor its line limits and cost
curves, so equal dollars cannot be expected and are not forced: what should reproduce is the order of the models.

References
----------
.. [1] Ding et al., Sharing Mobilized Energy Storage for Temporal-spatial Coordination of Transportation and Power Systems,
   JMPCE 2025, DOI 10.35833/MPCE.2023.000976: the tables of results of M1-M3 and M4-M6, and of the two algorithms.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from federates.boundary.session import RailScheme
from federates.reporting.claims import Claim
from federates.reporting.words import number

__all__ = ["CASES", "INDICATORS", "Case", "Indicator", "Published", "case_of", "check_rail_claims"]


@dataclass(frozen=True, slots=True)
class Published:
    """One model as published. ``nan`` where the paper gives no number."""

    model: str
    total_cost_usd: float
    """The column "operating cost". Taken as the objective (26), transport included: only so does (47) give all models one F_0."""
    transport_cost_usd: float
    wind_used_share: float
    usd_per_mw: float
    storage_utilisation: float


@dataclass(frozen=True, slots=True)
class Case:
    """A case of the paper: its models by scheme, and the cost that each algorithm reached for the mobile one."""

    number: int
    grid: str
    models: dict[RailScheme, Published]
    centralised_usd: float
    decentralised_usd: float
    without_storage_usd: float
    """F_0, not published: from (47) and the row of the mobile model."""


CASES: dict[str, Case] = {
    "ieee30": Case(
        number=1,
        grid="30-bus",
        models={
            RailScheme.MOBILE: Published("M1", 14_074.57, 120.0, 0.6612, 8.84, 0.2880),
            RailScheme.FIXED: Published("M2", 14_337.89, 0.0, 0.5931, 5.91, 0.2459),
            RailScheme.CENTRAL: Published("M3", 14_806.69, 0.0, 0.4918, 0.70, 0.0647),
        },
        centralised_usd=14_074.57,
        decentralised_usd=14_090.17,
        without_storage_usd=14_074.57 + 8.84 * 90,
    ),
    # Costs of case 2 have three digits, so everything that is a difference of them is known to about +-5000 usd only.
    "ieee118": Case(
        number=2,
        grid="118-bus",
        models={
            RailScheme.MOBILE: Published("M4", 3.99e6, 4_800.0, 0.3475, 102.13, 0.2772),
            RailScheme.FIXED: Published("M5", 4.02e6, 0.0, 0.2070, 25.33, 0.1089),
            RailScheme.CENTRAL: Published("M6", 4.03e6, 0.0, 0.1991, 0.0, 0.0718),
        },
        centralised_usd=3.99e6,
        decentralised_usd=4.00e6,
        without_storage_usd=3.99e6 + 102.13 * 400,
    ),
}
"""Cases by the beginning of the scenario's name."""


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


def case_of(name: str) -> Case | None:
    """Return the case that a scenario's name stands for, or None."""
    return next((case for prefix, case in CASES.items() if name.startswith(prefix)), None)


def check_rail_claims(case: Case, found: Mapping[RailScheme, Mapping[str, float]]) -> list[Claim]:
    """Check the order of the models by every indicator; ``found`` maps a scheme to its numbers, named as in `INDICATORS`."""
    return [_order(case, entry, found) for entry in INDICATORS if entry.key in _ORDERED] + list(_moving_pays(case, found))


def _order(case: Case, entry: Indicator, found: Mapping[RailScheme, Mapping[str, float]]) -> Claim:
    names = {scheme: row.model for scheme, row in case.models.items()}
    verb = _ORDERED[entry.key]
    mobile, fixed, central = names.values()
    paper = f"{mobile} {verb} {fixed}, and {fixed} {verb} {central}."
    values = {scheme: found.get(scheme, {}).get(entry.key, math.nan) for scheme in names}
    numbers = {f"{names[scheme]}_{entry.key}": value for scheme, value in values.items() if math.isfinite(value)}
    key, basis = f"order_{entry.key}", "day-ahead plan"
    if len(numbers) < len(names):
        lacking = ", ".join(names[scheme] for scheme, value in values.items() if not math.isfinite(value))
        return Claim(key, paper, basis, False, numbers, f"No number of {lacking}.")
    sign = 1.0 if entry.more_is_better else -1.0
    ordered = [sign * value for value in values.values()]
    shown = ordered[0] > ordered[1] > ordered[2]
    words = ", ".join(f"{names[s]}: {number(entry.factor * value, entry.digits)}" for s, value in values.items())
    return Claim(key, paper, basis, shown, numbers, f"{words}.")


def _moving_pays(case: Case, found: Mapping[RailScheme, Mapping[str, float]]) -> Iterator[Claim]:
    """Yield the size of the effect: how much of the cost without storage the mobile model saves, compared with the fixed one."""
    mobile, fixed = case.models[RailScheme.MOBILE], case.models[RailScheme.FIXED]
    without = found.get(RailScheme.NO_STORAGE, {}).get("total_cost_usd", math.nan)
    saved = {
        row.model: (without - found.get(scheme, {}).get("total_cost_usd", math.nan)) / without
        for scheme, row in case.models.items()
    }
    paper_saved = [(case.without_storage_usd - row.total_cost_usd) / case.without_storage_usd for row in (mobile, fixed)]
    shares = [f"{row.model} {100 * part:.1f} %" for row, part in zip((mobile, fixed), paper_saved, strict=True)]
    paper = f"Share of the cost without storage that is saved: {shares[0]}, {shares[1]}."
    numbers = {f"{model}_saved_share": value for model, value in saved.items() if math.isfinite(value)}
    if not {mobile.model, fixed.model} <= {name.removesuffix("_saved_share") for name in numbers}:
        yield Claim(
            "saving", paper, "day-ahead plan", False, numbers, "Needs runs of the mobile, the fixed and the storage-free scheme."
        )
        return
    words = ", ".join(f"{model}: {100 * value:.1f} %" for model, value in saved.items() if math.isfinite(value))
    shown = saved[mobile.model] > saved[fixed.model] > 0
    yield Claim("saving", paper, "day-ahead plan, direction only", shown, numbers, f"{words}.")
