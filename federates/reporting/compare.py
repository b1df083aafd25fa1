"""Compare runs of several schemes: the two figures of the case study, and the paper's claims against the numbers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from federates.boundary.errors import ConfigError, Problem
from federates.reporting.claims import Claim, check_claims
from federates.reporting.delivery import delivery_by_period
from federates.reporting.figures import delivery_time_figure, feeder_load_figure, link_flow_by_scheme_figure
from federates.reporting.figures.style import save_figure, scheme_style
from federates.reporting.metrics import summary
from federates.reporting.names import summary_rows, write_summary_files
from federates.reporting.page import Picture, render_page, svg_uri
from federates.reporting.tables import RunTables
from federates.reporting.words import number
from federates.worlds.road.session import Scheme

__all__ = ["write_comparison"]

_MUST_AGREE = ("name", "periods", "period_s", "start_hour", "limited_stations", "resourceful_stations", "links")


def write_comparison(run_dirs: Mapping[str, Path], out_dir: Path) -> Path:
    """Compare runs and write ``comparison.html``, ``comparison.json``, ``summary.csv``, ``summary.md`` and ``figures/``.

    Parameters
    ----------
    run_dirs : mapping of scheme to Path
        Scheme (``proposed``, ``fastest_route``, ``no_mves``) to the folder of its run; any of them may be left out.
    out_dir : Path
        Where the comparison goes; made if missing.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    ConfigError : no run is given, a run is of another scheme than said, or the runs are of different scenarios.
    """
    runs = {scheme: RunTables.read(Path(folder)) for scheme, folder in run_dirs.items()}
    _check(runs)
    out_dir = Path(out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    published = next(iter(runs.values())).published
    claims, notes = check_claims(runs, published.statements), _notes(runs)
    heads = {scheme: summary(run) for scheme, run in runs.items()}
    write_summary_files(out_dir, heads)
    pictures = []
    for name, title, figure, reading in _figures(runs):
        pictures.append(Picture(name, title, svg_uri(save_figure(figure, out_dir / "figures", name)), reading))
    _write_json(out_dir / "comparison.json", runs, claims, notes, pictures)
    return render_page(
        "comparison.html.j2",
        out_dir / "comparison.html",
        runs=runs,
        claims=claims,
        notes=notes,
        pictures=pictures,
        labels=[scheme_style(scheme)["label"] for scheme in runs],
        summary=summary_rows(list(heads.values())),
        routes=_route_rows(runs),
        published=published,
    )


def _check(runs: Mapping[str, RunTables]) -> None:
    """Raise with everything that keeps the runs from being compared."""
    if not runs:
        raise ConfigError([Problem("comparison", "runs", "none", "give at least one run")])
    first, problems = next(iter(runs.values())), []
    for scheme, run in runs.items():
        if scheme not in {entry.value for entry in Scheme}:
            problems.append(Problem("comparison", "scheme", scheme, f"must be one of {', '.join(Scheme)}"))
        elif run.session.scheme.value != scheme:
            problems.append(Problem(run.run_id, "scheme", run.session.scheme.value, f"was given as {scheme}"))
        for name in _MUST_AGREE:
            value, expected = getattr(run.session, name), getattr(first.session, name)
            if value != expected:
                problems.append(Problem(run.run_id, name, str(value), f"must be as in run {first.run_id}: {expected}"))
    if problems:
        raise ConfigError(problems)


def _notes(runs: Mapping[str, RunTables]) -> list[str]:
    """Return what a reader must know before trusting the comparison."""
    seeds = {run.session.seed for run in runs.values()}
    if len(runs) == 1:
        notes = []
    elif len(seeds) == 1:
        notes = [
            f"Common random numbers: all runs share seed {seeds.pop()}, so they differ by the scheme and not by chance alone."
        ]
    else:
        listed = ", ".join(f"{scheme}: {run.session.seed}" for scheme, run in runs.items())
        notes = [f"The runs have different seeds ({listed}): part of every difference is chance."]
    notes += [
        f"Run {run.run_id} ({scheme}) has status {run.status}: its day may not be whole."
        for scheme, run in runs.items()
        if run.status != "complete"
    ]
    if Scheme.PROPOSED.value in runs:
        notes.append(_source_of_load_without(runs))
    notes += [
        f"{scheme}: {run.lacks('feeder_load', 'delivery_forecast', 'deliveries')}."
        for scheme, run in runs.items()
        if scheme != Scheme.NO_MVES.value and run.lacks("feeder_load", "delivery_forecast", "deliveries")
    ]
    return notes


def _base(runs: Mapping[str, RunTables]) -> RunTables | None:
    """Return the run of its own that gives the load without mobile storage, if there is one."""
    base = runs.get(Scheme.NO_MVES.value)
    return None if base is None or "feeder_load" in base.missing else base


def _source_of_load_without(runs: Mapping[str, RunTables]) -> str:
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


def _figures(runs: Mapping[str, RunTables]) -> Iterator[tuple[str, str, Figure, str]]:
    proposed = runs.get(Scheme.PROPOSED.value)
    if proposed is not None and "feeder_load" not in proposed.missing:
        text = "Hatched: above the limit without mobile storage; filled: above it with. " + _source_of_load_without(runs)
        figure = feeder_load_figure(proposed, _base(runs))
        yield "fig5_feeder_load", "Feeder load without and with mobile storage (the paper's Fig. 5)", figure, text
    sending = {scheme: run for scheme, run in runs.items() if scheme != Scheme.NO_MVES.value}
    timed = {scheme: run for scheme, run in sending.items() if _has_times(run)}
    if timed:
        traffic = next(iter(timed.values())).traffic_name
        text = (
            f"Top: mean time of a delivery by period, in {traffic} (solid) and by formula (dashed). Middle, if both schemes are "
            "given: how much longer the fastest route takes; the short orange line is the same for station pairs that both "
            "schemes serve, weighted alike, so that it does not depend on where the vehicles go. Bottom: vehicles sent."
        )
        yield "fig6_delivery_time", "Mean energy delivery time by scheme (the paper's Fig. 6)", delivery_time_figure(timed), text
    planned = {scheme: run for scheme, run in sending.items() if "link_plan" not in run.missing}
    if planned:
        text = "Committed mobile storage per link; below, where the fastest route puts more (orange) or fewer (violet) vehicles."
        yield "link_flow_by_scheme", "Mobile storage per link by scheme", link_flow_by_scheme_figure(planned), text


def _has_times(run: RunTables) -> bool:
    return bool((delivery_by_period(run)[["traffic_veh", "formula_veh"]] > 0).any(axis=None))


def _write_json(
    path: Path, runs: Mapping[str, RunTables], claims: list[Claim], notes: list[str], pictures: list[Picture]
) -> None:
    base = _base(runs)
    content = {
        "runs": {scheme: run.run_id for scheme, run in runs.items()},
        "common_random_numbers": len({run.session.seed for run in runs.values()}) == 1,
        "load_without_from": Scheme.PROPOSED.value if base is None else Scheme.NO_MVES.value,
        "claims": [claim.as_dict() for claim in claims],
        "notes": notes,
        "figures": {entry.name: entry.reading for entry in pictures},
        "summary": {scheme: summary(run) for scheme, run in runs.items()},
    }
    path.write_text(json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False) + "\n", encoding="utf-8")


def _route_rows(runs: Mapping[str, RunTables]) -> list[list[str]]:
    """Return vehicles of the whole run per pair and route, one column per scheme that sends vehicles."""
    keys = ["origin", "destination", "route"]
    parts = []
    for scheme, run in runs.items():
        flow = run.frame("route_flow").astype(dict.fromkeys(keys, "object"))
        parts.append(flow.groupby(keys)["vehicles"].sum().rename(scheme).astype(float))
    table = pd.concat(parts, axis=1).fillna(0.0)
    table = table[table.sum(axis=1) > 0].sort_index()
    rows = table.reset_index().itertuples(index=False)
    return [[f"{row[0]} to {row[1]}", row[2].replace("|", " › "), *(number(value) for value in row[3:])] for row in rows]
