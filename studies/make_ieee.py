"""Make docs/ieee30.md or docs/ieee118.md from results: the paper's tables and figures beside ours.

``python studies/make_ieee.py --case ieee30`` after ``portage compare scenarios/ieee30`` and ``portage sweep`` of the files in
``scenarios/ieee30/sweeps``. It takes the newest comparison and all sweeps in the scenario's ``results``, or those that are named.
A missing input leaves its section out, and the page says so.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from page_parts import made_with, markdown_picture

from federates.boundary.errors import ConfigError
from federates.boundary.markdown import markdown_table
from federates.reporting.claims import Interval
from federates.reporting.figures import save_figure
from federates.reporting.formatting import number
from federates.reporting.published import Published, read_published
from federates.reporting.sweep_page import point_rows, sweep_drawing, sweep_figure, sweep_reading
from federates.reporting.sweeps import SweepTable, sweep_claims
from federates.reporting.tables import RunTables
from federates.worlds.rail.published import Case
from federates.worlds.rail.report.compare import INDICATORS, model_rows
from federates.worlds.rail.report.run import SCHEMES
from federates.worlds.rail.session import RailScheme

DOCS = Path(__file__).parents[1] / "docs"
SCENARIOS = DOCS.parent / "scenarios"
CASES = ("ieee30", "ieee118")
MOBILE = RailScheme.MOBILE.value
TIMES = ("Run", "wall_s")

HEAD = """# The {name} day ({title})

<!-- Made by `python studies/make_ieee.py --case {name}` from results; do not edit. -->

`scenarios/{name}` rebuilds a published case ({title}).
Paper: {source}.

**The data are reconstructed, not the authors'**: the paper gives the places and sizes of stations, trains and batteries, but
neither its load and wind profiles nor unit data, line limits and cost curves. They are public data, scaled by the script in
`scenarios/{name}/calibration`. So equal dollars cannot be expected and are not forced; what should reproduce is the order of
the models, the direction of every curve and the size of the effects. Costs and indicators are those of the day-ahead plan, for
the paper has no execution day. The paper's numbers and statements stand in `scenarios/{name}/published.yaml`.

"""
NOTE = """A number "a to b" is what the best plan may have. Costs: from the proven bound to the plan found. (47): (F0 - F) / C,
from both bounds and both plans. Wind (46) and use (48) are those of the plan found, and so is the difference. Plans of the same
cost use wind and batteries differently: see below how differently.

The paper's "operating cost" is read as the objective, transport included: only so does (47) give all its models one cost without
storage, about {without} USD. Its formula (48) is lost in the text we hold; ours is charging plus discharging power over what all
batteries could do all day. The paper's use of {central} cannot be matched: where wind is curtailed, a battery may be charged and
discharged for nothing, and how often is left to the solver. Ours pays 0.001 USD/MWh for it, so it does not happen."""
RANGES = """Plans that cost no more than the plan found by `portage centralised` differ in wind and use of batteries. Least and
most that were found with trains and units free (`--indicators`), and in brackets what no such plan can go below or above:

"""
CONTRAST = """One number of the reconstruction, `CONTRAST` in `make_data.py`, stretches the load's distance from its mean. It is
chosen by a rule: the value on a grid of 0.01 whose day without storage costs nearest to the paper's {published} USD. That is
{chosen:.2f}, with {cost} USD. What batteries are worth without trains changes quickly with it, so the curve says more than a
point:
"""
READINGS = """
"The same capacity" can be read in two ways. As the paper states its numbers, beta = 2 h for mobile batteries, and 400 MWh for
100 MW of fixed ones: these then hold twice the energy of all mobile ones. Or all models hold the same energy, for 4 h or for 2
h. At contrast {chosen:.2f}:

"""
HOURS = {"as stated: mobile 2 h, fixed 4 h": (2, 4, 4), "equal energy: all 4 h": (4, 4, 4), "equal energy: all 2 h": (2, 2, 2)}
"""Hours of the mobile, fixed and central batteries under each reading."""


def main() -> None:
    """Write the page and its figures."""
    given = _arguments()
    published = read_published(SCENARIOS / given.case, "rail")
    case = published.case
    assert case is not None, "both scenarios have a published case"
    comparison = _json(given.compare, "comparison.json")
    sections: list[tuple[str, Callable[[], str]]] = [
        ("Models", lambda: _models(case, comparison)),
        ("Indicators at the same cost", lambda: _ranges(given, case)),
        ("The paper's statements", lambda: _claims(_needed(comparison, "comparison")["claims"])),
        ("Centralised against decentralised", lambda: _algorithms(given, case, comparison)),
        ("Batteries and routes (Figs. 4 and 8)", lambda: _run_figure(given, "capacity_and_routes")),
        (
            "Use of the batteries (Fig. 5)",
            lambda: _copied(given.case, given.compare, "fig5_utilisation", comparison.get("figures")),
        ),
        *_sweep_sections(given, published),
        ("Bounds of the negotiation (Fig. 10)", lambda: _run_figure(given, "bounds")),
        *([("What rests on one number", lambda: _contrast(given.case, case))] if _contrast_file(given.case).is_file() else []),
        ("The day itself", lambda: _day(comparison)),
        ("All numbers", lambda: _numbers(given.compare)),
        ("Versions", lambda: _made_with(given)),
    ]
    text = HEAD.format(name=given.case, title=case.title, source=published.source)
    text += "".join(f"## {title}\n\n{_or_reason(make)}\n" for title, make in sections)
    (DOCS / f"{given.case}.md").write_text(text.rstrip() + "\n", encoding="utf-8")


class LeftOutError(Exception):
    """An input of a section is missing; the text says which."""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--case", choices=CASES, required=True)
    parser.add_argument("--compare", type=Path, help="folder that `portage compare` wrote; without it the scenario's newest")
    parser.add_argument("--run", type=Path, help="run of the scheme mobile; without it that of the comparison")
    parser.add_argument("--sweeps", type=Path, nargs="*", help="outputs of `portage sweep`; without it all of the scenario's")
    parser.add_argument(
        "--centralised", type=Path, help="output of a sweep with the method centralised at the scenario's own values"
    )
    given = parser.parse_args()
    results = SCENARIOS / given.case / "results"
    given.compare = given.compare or max(results.glob("compare-*"), default=None)
    given.sweeps = sorted(results.glob("sweep-*")) if given.sweeps is None else given.sweeps
    return given


def _or_reason(make: Callable[[], str]) -> str:
    try:
        return make()
    except (LeftOutError, ConfigError) as error:
        return f"Left out: {error}.\n"


def _needed(content: Any, what: str) -> Any:
    if not content:
        raise LeftOutError(f"no {what} was given, or it is not complete")
    return content


def _json(folder: Path | None, name: str) -> dict[str, Any]:
    path = folder / name if folder else None
    return json.loads(path.read_text(encoding="utf-8")) if path and path.is_file() else {}


def _grid(head: list[str], rows: list[list[str]], text_columns: int = 1) -> str:
    return markdown_table(head, rows, numbers_from=text_columns)


def _models(case: Case, comparison: Mapping[str, Any]) -> str:
    found = _needed(comparison, "comparison")["indicators"]
    ranges = {s: {key: _interval(ends) for key, ends in row.items()} for s, row in comparison.get("intervals", {}).items()}
    head = ["model", "scheme", *(f"{entry.title}: here / paper (difference)" for entry in INDICATORS)]
    rows = []
    for model, scheme, *cells in model_rows(found, case, ranges):
        triples = zip(cells[::3], cells[1::3], cells[2::3], strict=True)
        rows.append([model, scheme, *(f"{here} / {paper} ({more})" for here, paper, more in triples)])
    central = case.models[RailScheme.CENTRAL].model
    return _grid(head, rows, 2) + f"\n{NOTE.format(without=number(case.without_storage_usd), central=central)}\n"


def _ranges(given: argparse.Namespace, case: Case) -> str:
    """Return the ranges of the indicators in the answers of `portage centralised --indicators --json`."""
    found = {}
    for path in sorted((SCENARIOS / given.case / "results").glob("indicators-*.json")):
        result = _json(path.parent, path.name)
        found[result.get("scheme", "")] = result
    rows = []
    for scheme, row in case.models.items():
        if scheme.value in found:
            result = found[scheme.value]
            cost = Interval(result["bound_usd"], result["total_cost_usd"]).text()
            rows.append([row.model, cost, *(_span(result["ranges"][key]) for key in ("wind_used_share", "storage_utilisation"))])
    _needed(rows, "answer of `portage centralised --indicators --json` in results/indicators-SCHEME.json")
    return RANGES + _grid(["model", "cost (USD)", "wind used (46) (%)", "use (48) (%)"], rows)


def _span(ends: Mapping[str, float]) -> str:
    inner, outer = (Interval(ends[f"{kind}least"], ends[f"{kind}most"]).text(2, 100.0) for kind in ("", "proven_"))
    return f"{inner} ({outer})"


def _interval(ends: Mapping[str, float]) -> Interval:
    return Interval(ends.get("low", float("-inf")), ends.get("high", float("inf")))


def _claims(claims: list[Mapping[str, Any]]) -> str:
    rows = [[c["paper"], c["basis"], f"**{c['verdict']}**", c["words"], c["yardstick"]] for c in claims]
    return _grid(["the paper", "from", "here", "numbers", "yardstick (ours)"], rows, 5)


def _algorithms(given: argparse.Namespace, case: Case, comparison: Mapping[str, Any]) -> str:
    """Return the table of both algorithms: ours as far as known, and the paper's."""
    ours = _needed(comparison.get("summary", {}).get(MOBILE), "run of the scheme mobile in a comparison")
    central = _centralised(given)
    rows = [
        ["centralised", *_cost_cells(central), number(case.centralised_usd, 2)],
        ["decentralised", *_cost_cells(ours), number(case.decentralised_usd, 2)],
    ]
    paper = case.decentralised_usd / case.centralised_usd - 1.0
    here = float(ours.get("total_cost_usd", "nan")) / float(central.get("total_cost_usd", "nan")) - 1.0
    rows.append(["difference", f"{100 * here:.2f} %" if here == here else "–", "", "", f"{100 * paper:.2f} %"])
    lack = "" if central else "\nNo centralised result at the scenario's own values was given.\n"
    return _grid(["algorithm", "cost here (USD)", "proven bound (USD)", "gap", "paper (USD)"], rows) + lack


def _cost_cells(row: Mapping[str, Any]) -> list[str]:
    cost, bound, gap = (float(row.get(name, "nan")) for name in ("total_cost_usd", "bound_usd", "gap"))
    return [number(cost, 2), number(bound, 2), f"{100 * gap:.3f} %" if gap == gap else "–"]


def _centralised(given: argparse.Namespace) -> dict[str, Any]:
    """Return the centralised result of the scheme mobile at the scenario's own values: given, or a point of a sweep."""
    if given.centralised and (given.centralised / "sweep.parquet").is_file():
        frame = pd.read_parquet(given.centralised / "sweep.parquet")
        rows = frame[frame["done"] & (frame["scheme"] == MOBILE)]
        return rows.iloc[0].to_dict() if len(rows) else {}
    for table in _sweeps(given):
        owner, _, path = table.key.partition(".")
        own: Any = yaml.safe_load((SCENARIOS / given.case / owner / "config.yaml").read_text(encoding="utf-8"))
        for part in path.split("."):
            own = own.get(part) if isinstance(own, dict) else None
        rows = table.scheme(MOBILE)
        rows = rows[rows[table.key] == own]
        if len(rows) and table.about.get("method") == "centralised":
            return rows.iloc[0].to_dict()
    return {}


def _sweeps(given: argparse.Namespace) -> Iterator[SweepTable]:
    for folder in given.sweeps:
        try:
            yield SweepTable.read(folder)
        except ConfigError:
            continue


def _sweep_sections(given: argparse.Namespace, published: Published) -> list[tuple[str, Callable[[], str]]]:
    """Return a section for every published figure that is a sweep."""
    tables = {table.key: table for table in _sweeps(given)}
    return [
        (f"{sweep.label} ({sweep.figure})", lambda key=sweep.key: _sweep(given.case, tables.get(key)))  # type: ignore[misc]
        for sweep in published.sweeps
    ]


def _sweep(case: str, table: SweepTable | None) -> str:
    if table is None or not len(table.frame):
        raise LeftOutError("no sweep over this key was given, or it has no point with a result")
    text = _drawn(sweep_drawing(table), f"{case}_{table.key.rsplit('.', 1)[-1]}", sweep_reading(table))
    head, rows = point_rows(table)
    return text + _claims([claim.as_dict() for claim in sweep_claims(table)]) + "\n" + _grid(head, rows, 0)


def _run(given: argparse.Namespace) -> Path | None:
    """Return the run of the scheme mobile: given, or that of the comparison."""
    wanted = _json(given.compare, "comparison.json").get("runs", {}).get(MOBILE)
    return given.run or (given.compare.parent / wanted if wanted else None)


def _run_figure(given: argparse.Namespace, name: str) -> str:
    run = _run(given)
    readings = {name: _reading(run, name)} if run and (run / "session.json").is_file() else None
    return _copied(given.case, run, name, readings)


def _reading(run: Path, name: str) -> str:
    tables: RunTables = RunTables.read(run)
    return tables.world.figure(name).reading(tables)


def _made_with(given: argparse.Namespace) -> str:
    run: Path = _needed(_run(given), "run of the scheme mobile")
    return f"{made_with(run)}\n"


def _copied(case: str, folder: Path | None, name: str, readings: Mapping[str, str] | None) -> str:
    source = folder / "figures" / f"{name}.png" if folder else None
    if source is None or not source.is_file():
        raise LeftOutError(f"there is no figure {name} of a run or comparison")
    (DOCS / "figures").mkdir(exist_ok=True)
    shutil.copy(source, DOCS / "figures" / f"{case}_{name}.png")
    return markdown_picture(f"{case}_{name}", (readings or {}).get(name, name))


def _drawn(figure: Any, name: str, reading: str) -> str:
    save_figure(figure, DOCS / "figures", name, formats=("png",))
    return markdown_picture(name, reading) + "\n"


def _contrast_file(name: str) -> Path:
    return SCENARIOS / name / "calibration" / "contrast.json"


def _contrast(name: str, case: Case) -> str:
    """Return what storage is worth over the contrast of the load, and under both readings of the same capacity."""
    known = json.loads(_contrast_file(name).read_text(encoding="utf-8"))
    chosen, published = float(known["chosen"]), number(case.without_storage_usd)
    rows = [row | _worth(row, known["points"], case) for row in known["points"]]
    own = [row for row in rows if row["hours"] in (0, 4) and row["scheme"] != MOBILE]
    without = next(row for row in own if row["contrast"] == chosen and row["scheme"] == RailScheme.NO_STORAGE.value)
    text = CONTRAST.format(published=published, chosen=chosen, cost=number(without["total_cost_usd"])) + "\n"
    frame = pd.DataFrame(own).assign(total_cost_usd_low=lambda f: f["bound_usd"]).sort_values(["scheme", "contrast"])
    names = {scheme.value: row.model for scheme, row in case.models.items()} | {"no_storage": "no storage"}
    quantities = [("total_cost_usd", "Cost of both operators\n(USD)"), ("usd_per_mw", "Worth of storage (47)\n(USD/MW)")]
    figure = sweep_figure(
        frame, "contrast", "Contrast of the load (1: as published by IIT)", lambda s: names[s], quantities, SCHEMES
    )
    cost, worth = figure.get_axes()
    cost.axhline(case.without_storage_usd, color="0.4", linewidth=0.8)
    for scheme in (RailScheme.FIXED, RailScheme.CENTRAL):
        worth.axhline(case.models[scheme].usd_per_mw, color="0.4", linewidth=0.8)
    reading = (
        f"Cost and worth of storage without trains against the contrast of the load. Grey lines: the paper's {published} USD "
    )
    reading += "without storage, and the worth of its models. Bands reach from the proven bound to the plan found."
    text += _drawn(figure, f"{name}_contrast", reading)
    points = sorted({row["contrast"] for row in own if row["scheme"] == RailScheme.FIXED.value})
    body = [[f"{contrast:.2f}", *_contrast_cells([row for row in own if row["contrast"] == contrast])] for contrast in points]
    heads = ["contrast", "F0 (USD)", *(f"{names[s]} worth (USD/MW)" for s in ("fixed", "central"))]
    text += _grid(heads, body, 0) + READINGS.format(chosen=chosen)
    at_chosen = {(row["scheme"], row["hours"]): row for row in rows if row["contrast"] == chosen}
    table = [(reading, at_chosen.get(pair)) for reading, hours in HOURS.items() for pair in zip(names, hours, strict=False)]
    heads = ["reading", "model", "cost (USD)"]
    for quantity in ("worth (USD/MW)", "wind used (%)", "use (48) (%)"):
        heads += [quantity, "paper"]
    heads.append("trips")
    lacking = {reading for reading, row in table if not row}
    note = (
        f"\nNot solved yet (`contrast.py` goes on where it stopped): a model of {'; '.join(sorted(lacking))}.\n"
        if lacking
        else ""
    )
    return text + _grid(heads, [_reading_row(reading, row, case) for reading, row in table if row], 2) + note


def _worth(row: Mapping[str, Any], points: list[Mapping[str, Any]], case: Case) -> dict[str, float]:
    """Return the ends of (47) of a solved point, from the day without storage at the same contrast."""
    if row["scheme"] == RailScheme.NO_STORAGE.value:
        return {"usd_per_mw": float("nan"), "usd_per_mw_low": float("nan")}
    without = next(p for p in points if p["scheme"] == RailScheme.NO_STORAGE.value and p["contrast"] == row["contrast"])
    worth = Interval(without["bound_usd"], without["total_cost_usd"]).minus(Interval(row["bound_usd"], row["total_cost_usd"]))
    return {"usd_per_mw": worth.over(case.storage_mw).high, "usd_per_mw_low": worth.over(case.storage_mw).low}


def _contrast_cells(rows: list[Mapping[str, Any]]) -> list[str]:
    by_scheme = {row["scheme"]: row for row in rows}
    without = by_scheme[RailScheme.NO_STORAGE.value]
    cells = [Interval(without["bound_usd"], without["total_cost_usd"]).text()]
    for scheme in ("fixed", "central"):
        cells.append(Interval(by_scheme[scheme]["usd_per_mw_low"], by_scheme[scheme]["usd_per_mw"]).text(1))
    return cells


def _reading_row(reading: str, row: Mapping[str, Any], case: Case) -> list[str]:
    paper = case.models[RailScheme(row["scheme"])]
    return [
        reading,
        paper.model,
        Interval(row["bound_usd"], row["total_cost_usd"]).text(),
        Interval(row["usd_per_mw_low"], row["usd_per_mw"]).text(1),
        number(paper.usd_per_mw if paper.usd_per_mw is not None else float("nan"), 2),
        number(100 * row["wind_used_share"], 2),
        number(100 * (paper.wind_used_share or 0.0), 2),
        number(100 * row["storage_utilisation"], 2),
        number(100 * (paper.storage_utilisation or 0.0), 2),
        number(row["trips"]),
    ]


def _day(comparison: Mapping[str, Any]) -> str:
    summary = _needed(comparison, "comparison")["summary"]
    keys = {"total_cost_usd": "cost (USD)", "wind_used_share": "wind used (share)", "moving_periods": "periods in motion"}
    rows = []
    for scheme, head in summary.items():
        pairs = [(head.get(key), head.get(f"realised_{key}")) for key in keys]
        rows.append([scheme, *(f"{value:.6g}" if value is not None else "–" for pair in pairs for value in pair)])
    heads = [f"{title}, {phase}" for title in keys.values() for phase in ("planned", "realised")]
    said = "Planned against realised: load and wind differ from their forecast, drawn from the seed."
    return f"{said}\n\n{_grid(['scheme', *heads], rows)}"


def _numbers(folder: Path | None) -> str:
    path = folder / "summary.md" if folder else None
    lines = path.read_text(encoding="utf-8").splitlines() if path and path.is_file() else []
    return "\n".join(line for line in _needed(lines, "comparison") if line.split("|")[1].strip() not in TIMES) + "\n"


if __name__ == "__main__":
    main()
