"""Compare runs of several schemes by rail: the paper's table of models beside ours, its Fig. 5, and its statements checked."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from federates.boundary.errors import ConfigError, Problem
from federates.reporting.claims import Claim
from federates.reporting.figures.style import save_figure, scheme_style
from federates.reporting.interval import Interval
from federates.reporting.names import summary_rows, write_summary_files
from federates.reporting.page import Picture, render_page, svg_uri
from federates.reporting.published import Case
from federates.reporting.rail.claims import INDICATORS, check_rail_claims
from federates.reporting.rail.figures import utilisation_figure
from federates.reporting.rail.intervals import intervals_by_scheme
from federates.reporting.rail.metrics import batteries, economic_indicator_usd_per_mw, energy_limit_mwh, rail_summary
from federates.reporting.rail.report import read_rail_run
from federates.reporting.tables import RailRun
from federates.reporting.words import number
from federates.worlds.rail.session import RailScheme

__all__ = ["indicators_by_scheme", "model_rows", "write_rail_comparison"]

_MUST_AGREE = ("name", "periods", "period_s", "start_hour", "rail_stations", "trains", "trip_periods")
_ORDER = [scheme.value for scheme in RailScheme]
Runs = Mapping[str, RailRun]


def write_rail_comparison(runs: Mapping[str, Path], folder: Path) -> Path:
    """Compare runs and write ``comparison.html``, ``comparison.json``, ``summary.csv``, ``summary.md`` and ``figures/``.

    Parameters
    ----------
    runs : mapping of scheme to Path
        Scheme (``mobile``, ``fixed``, ``central``, ``no_storage``) to the folder of its run; any of them may be left out.
    folder : Path
        Where the comparison goes; made if missing.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    ConfigError : no run is given, a run is of another scheme than said, or the runs are of different scenarios.
    """
    read = {scheme: read_rail_run(Path(run_dir)) for scheme, run_dir in runs.items()}
    _check(read)
    read = {scheme: read[scheme] for scheme in _ORDER if scheme in read}
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    first = next(iter(read.values()))
    case, found, ranges = first.published.case, indicators_by_scheme(read), intervals_by_scheme(read)
    claims = check_rail_claims(case, {RailScheme(scheme): row for scheme, row in ranges.items()}) if case else []
    notes, heads = _notes(read), {scheme: rail_summary(run) for scheme, run in read.items()}
    write_summary_files(folder, heads)
    pictures = []
    for name, title, figure, reading in _figures(read, case):
        pictures.append(Picture(name, title, svg_uri(save_figure(figure, folder / "figures", name)), reading))
    _write_json(folder / "comparison.json", read, found, ranges, claims, notes, pictures)
    return render_page(
        "rail_comparison.html.j2",
        folder / "comparison.html",
        runs=read,
        session=first.session,
        case=case,
        claims=claims,
        notes=notes,
        pictures=pictures,
        models=model_rows(found, case, ranges),
        labels=list(read),
        summary=summary_rows(list(heads.values())),
        published=first.published,
    )


def indicators_by_scheme(runs: Runs) -> dict[str, dict[str, float]]:
    """Return the indicators (46)-(48) and the costs of every run's day-ahead plan; what cannot be formed is left out."""
    heads = {scheme: rail_summary(run) for scheme, run in runs.items()}
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


def _check(runs: Runs) -> None:
    """Raise with everything that keeps the runs from being compared."""
    if not runs:
        raise ConfigError([Problem("comparison", "runs", "none", "give at least one run")])
    first, problems = next(iter(runs.values())), []
    for scheme, run in runs.items():
        if scheme not in _ORDER:
            problems.append(Problem("comparison", "scheme", scheme, f"must be one of {', '.join(_ORDER)}"))
        elif run.session.scheme.value != scheme:
            problems.append(Problem(run.run_id, "scheme", run.session.scheme.value, f"was given as {scheme}"))
        for name in _MUST_AGREE:
            value, expected = getattr(run.session, name), getattr(first.session, name)
            if value != expected:
                problems.append(Problem(run.run_id, name, str(value), f"must be as in run {first.run_id}: {expected}"))
    if problems:
        raise ConfigError(problems)


def _notes(runs: Runs) -> list[str]:
    """Return what a reader must know before trusting the comparison."""
    notes = [
        "Costs and indicators are those of the day-ahead plans: the paper has no execution day. What came of them stands below."
    ]
    if RailScheme.NO_STORAGE.value not in runs:
        notes.append("There is no run without storage, so the worth of storage per MW (47) cannot be formed.")
    seeds = {run.session.seed for run in runs.values()}
    if len(seeds) > 1:
        notes.append("The runs have different seeds, so their realised days differ by chance too; their plans do not.")
    notes += [
        f"Run {run.run_id} ({scheme}) has status {run.status}: its day may not be whole."
        for scheme, run in runs.items()
        if run.status != "complete"
    ]
    for scheme, run in runs.items():
        slack = float(rail_summary(run).get("slack_usd", 0.0))
        if slack > 0.5:
            notes.append(
                f"{scheme}: the plan pays {number(slack)} USD of penalties for what could not be kept; they are in its cost."
            )
        lacks = run.lacks("plan_costs", "power_balance")
        notes += [f"{scheme}: {lacks}."] if lacks else []
    return notes


def _figures(runs: Runs, case: Case | None) -> Iterator[tuple[str, str, Figure, str]]:
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
    yield "fig5_utilisation", "Energy and power utilisation (as the paper's Fig. 5)", utilisation_figure(stored, labels), text


def _label(scheme: str, case: Case | None) -> str:
    published = case.models.get(RailScheme(scheme)) if case else None
    return f"{published.model} ({scheme_style(scheme)['label']})" if published else scheme_style(scheme)["label"]


def _write_json(
    path: Path,
    runs: Runs,
    found: Mapping[str, Any],
    ranges: Mapping[str, Mapping[str, Interval]],
    claims: list[Claim],
    notes: list[str],
    pictures: list[Picture],
) -> None:
    content = {
        "runs": {scheme: run.run_id for scheme, run in runs.items()},
        "indicators": found,
        "intervals": {scheme: {key: value.ends() for key, value in row.items()} for scheme, row in ranges.items()},
        "claims": [claim.as_dict() for claim in claims],
        "notes": notes,
        "figures": {entry.name: entry.reading for entry in pictures},
        "summary": {scheme: rail_summary(run) for scheme, run in runs.items()},
    }
    path.write_text(json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False) + "\n", encoding="utf-8")
