"""Make docs/ieee30.md or docs/ieee118.md from results: the paper's tables and figures beside ours.

``python docs/make_ieee.py --case ieee30 --compare RESULTS/compare-... --sweep-cost FOLDER --sweep-line FOLDER``, after
``portage compare scenarios/ieee30`` and two sweeps as in docs/sweep.md. An input that is missing leaves its section out, and the
page says so.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from made_with import made_with

from federates.boundary.errors import ConfigError
from federates.boundary.markdown import markdown_table
from federates.boundary.session import RailScheme
from federates.reporting.figures.style import save_figure
from federates.reporting.rail.claims import CASES, INDICATORS, Case
from federates.reporting.rail.compare import model_rows
from federates.reporting.rail.figures import cost_by_parameter_figure, cost_of_moving_figure
from federates.reporting.rail.sweeps import FIXED, MOBILE, SweepTable, crossing_claim, line_claims, moving_claims
from federates.reporting.words import number

DOCS = Path(__file__).parent
SCENARIOS = DOCS.parent / "scenarios"
CROSSING = {"ieee118": "M4 costs more than M5 above about 4000 $/h."}
TIMES = ("run_id", "wall_s")

HEAD = """# The IEEE {grid} day (case {number} of the paper)

<!-- Made by `python docs/make_ieee.py --case {name} ...` from results; do not edit. -->

Case {number} of Ding et al., JMPCE 2025 (DOI 10.35833/MPCE.2023.000976), as `scenarios/{name}`. **The data are reconstructed,
not the authors'**: the paper gives the places and sizes of stations, trains and batteries, but neither its load and wind profiles
nor unit data, line limits and cost curves. They are public data, scaled by the script in `scenarios/{name}/calibration`. So equal
dollars cannot be expected and are not forced; what should reproduce is the order of the models, the direction of every curve and
the size of the effects. Costs and indicators are those of the day-ahead plan, for the paper has no execution day.

"""


def main() -> None:
    """Write the page and its figures."""
    given = _arguments()
    case = CASES[given.case]
    comparison = _json(given.compare, "comparison.json")
    head = HEAD.format(grid=case.grid, number=case.number, name=given.case)
    sections: list[tuple[str, Callable[[], str]]] = [
        ("Models", lambda: _models(case, comparison)),
        ("The paper's statements", lambda: _claims(_needed(comparison, "comparison")["claims"])),
        ("Centralised against decentralised", lambda: _algorithms(given, case, comparison)),
        (f"Batteries and routes (Fig. {4 if case.number == 1 else 8})", lambda: _run_figure(given, "capacity_and_routes")),
        ("Use of the batteries (Fig. 5)", lambda: _copied(given.case, given.compare, "fig5_utilisation")),
        (f"Cost of moving (Fig. {6 if case.number == 1 else 9})", lambda: _moving(given, case, comparison)),
        *([("Capacity of a line (Fig. 7)", lambda: _line(given, case))] if case.number == 1 else []),
        ("Bounds of the negotiation (Fig. 10)", lambda: _run_figure(given, "bounds")),
        ("The day itself", lambda: _day(comparison)),
        ("All numbers", lambda: _numbers(given.compare)),
        ("Versions", lambda: _made_with(given)),
    ]
    text = head + "".join(f"## {title}\n\n{_or_reason(make)}\n" for title, make in sections)
    (DOCS / f"{given.case}.md").write_text(text.rstrip() + "\n", encoding="utf-8")


NOTE = """The paper's "operating cost" is read as the objective, transport included: only so does (47) give all its models one
cost without storage, about {without} USD. Its formula (48) is lost in the text we hold; ours is the sum of charging and
discharging power over what all batteries could do all day, so that column compares two definitions."""


class LeftOutError(Exception):
    """An input of a section is missing; the text says which."""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--case", choices=list(CASES), required=True)
    parser.add_argument("--compare", type=Path, help="folder that `portage compare` wrote")
    parser.add_argument("--run", type=Path, help="run of the scheme mobile; without it that of the comparison")
    parser.add_argument("--sweep-cost", type=Path, help="output of a sweep over the cost of moving")
    parser.add_argument("--sweep-line", type=Path, help="output of a sweep over the capacity of a line")
    parser.add_argument(
        "--centralised", type=Path, help="output of a sweep with the method centralised at the scenario's own values"
    )
    return parser.parse_args()


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
    head = ["model", "scheme", *(f"{entry.title}: here / paper (difference)" for entry in INDICATORS)]
    rows = []
    for model, scheme, *cells in model_rows(found, case):
        triples = zip(cells[::3], cells[1::3], cells[2::3], strict=True)
        rows.append([model, scheme, *(f"{here} / {paper} ({more})" for here, paper, more in triples)])
    note = f"\n{NOTE.format(without=number(case.without_storage_usd))}\n"
    return _grid(head, rows, 2) + note


def _claims(claims: list[Mapping[str, Any]]) -> str:
    rows = [[c["paper"], c["basis"], f"**{c['verdict']}**", c["words"]] for c in claims]
    return _grid(["the paper", "from", "here", "numbers"], rows, 4)


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
    """Return the centralised result of the scheme mobile at the scenario's own values: given, or a point of the cost sweep."""
    if given.centralised and (given.centralised / "sweep.parquet").is_file():
        frame = pd.read_parquet(given.centralised / "sweep.parquet")
        rows = frame[frame["done"] & (frame["scheme"] == MOBILE)]
        return rows.iloc[0].to_dict() if len(rows) else {}
    try:
        table = SweepTable.read(_needed(given.sweep_cost, "sweep"))
    except (LeftOutError, ConfigError):
        return {}
    owner, _, path = table.key.partition(".")
    own: Any = yaml.safe_load((SCENARIOS / given.case / owner / "config.yaml").read_text(encoding="utf-8"))
    for part in path.split("."):
        own = own.get(part) if isinstance(own, dict) else None
    rows = table.scheme(MOBILE)
    rows = rows[rows[table.key] == own]
    return rows.iloc[0].to_dict() if len(rows) and table.about.get("method") == "centralised" else {}


def _run(given: argparse.Namespace) -> Path | None:
    """Return the run of the scheme mobile: given, or that of the comparison."""
    wanted = _json(given.compare, "comparison.json").get("runs", {}).get(MOBILE)
    return given.run or (given.compare.parent / wanted if wanted else None)


def _run_figure(given: argparse.Namespace, name: str) -> str:
    return _copied(given.case, _run(given), name)


def _made_with(given: argparse.Namespace) -> str:
    run: Path = _needed(_run(given), "run of the scheme mobile")
    return f"{made_with(run)}\n"


def _copied(case: str, folder: Path | None, name: str) -> str:
    source = folder / "figures" / f"{name}.png" if folder else None
    if source is None or not source.is_file():
        raise LeftOutError(f"there is no figure {name} of a run or comparison")
    (DOCS / "figures").mkdir(exist_ok=True)
    shutil.copy(source, DOCS / "figures" / f"{case}_{name}.png")
    return f"![{name}](figures/{case}_{name}.png)\n"


def _moving(given: argparse.Namespace, case: Case, comparison: Mapping[str, Any]) -> str:
    table = SweepTable.read(_needed(given.sweep_cost, "sweep over the cost of moving"))
    part = table.scheme(MOBILE)
    _needed(len(part), "point of the scheme mobile with a result")
    part = part.assign(moving_h=part["moving_periods"] * _period_h(given.case))
    level = _fixed_cost(table, comparison)
    names = _labels(case)
    levels = {FIXED: level} if level is not None else {}
    text = _drawn(cost_of_moving_figure(part, table.key, table.label, names, levels), f"{given.case}_cost_of_moving")
    mobile, fixed = (case.models[scheme].model for scheme in (RailScheme.MOBILE, RailScheme.FIXED))
    claims = moving_claims(table, mobile)
    if level is not None:
        paper = CROSSING.get(given.case, f"{mobile} costs less than {fixed} at the paper's cost of moving.")
        claims += [crossing_claim(table, level, mobile, fixed, paper)] if given.case in CROSSING else []
    rows = [
        [number(r[table.key], 1), number(r.total_cost_usd, 2), number(r.moving_h, 1), _percent(r.get("gap"))]
        for _, r in part.iterrows()
    ]
    text += _claims([claim.as_dict() for claim in claims]) + "\n"
    return text + _grid([table.label, f"cost of {mobile} (USD)", "time in motion (h)", "gap"], rows, 0) + _incomplete(table)


def _line(given: argparse.Namespace, case: Case) -> str:
    table = SweepTable.read(_needed(given.sweep_line, "sweep over the capacity of a line"))
    _needed(len(table.frame), "point with a result")
    text = _drawn(cost_by_parameter_figure(table.frame, table.key, table.label, _labels(case)), f"{given.case}_line_capacity")
    mobile, fixed = (case.models[scheme].model for scheme in (RailScheme.MOBILE, RailScheme.FIXED))
    text += _claims([claim.as_dict() for claim in line_claims(table, mobile, fixed)]) + "\n"
    wide = table.frame.pivot_table(index=table.key, columns="scheme", values="total_cost_usd", sort=True)
    rows = [
        [number(value, 1), *(number(cost, 2) for cost in row)]
        for value, row in zip(wide.index, wide.to_numpy(float), strict=True)
    ]
    return (
        text
        + _grid([table.label, *(f"cost of {_labels(case).get(s, s)} (USD)" for s in wide.columns)], rows, 0)
        + _incomplete(table)
    )


def _drawn(figure: Any, name: str) -> str:
    save_figure(figure, DOCS / "figures", name, formats=("png",))
    return f"![{name}](figures/{name}.png)\n\n"


def _fixed_cost(table: SweepTable, comparison: Mapping[str, Any]) -> float | None:
    """Return the cost of the fixed model, which does not depend on what moving costs: of the sweep, else of the comparison."""
    rows = table.scheme(FIXED)["total_cost_usd"]
    found = rows.iloc[0] if len(rows) else comparison.get("indicators", {}).get(FIXED, {}).get("total_cost_usd")
    return None if found is None else float(found)


def _day(comparison: Mapping[str, Any]) -> str:
    summary = _needed(comparison, "comparison")["summary"]
    keys = {"total_cost_usd": "cost (USD)", "wind_used_share": "wind used (share)", "moving_periods": "periods in motion"}
    rows = []
    for scheme, head in summary.items():
        pairs = [(head.get(key), head.get(f"realised_{key}")) for key in keys]
        rows.append([scheme, *(f"{value:.6g}" if value is not None else "–" for pair in pairs for value in pair)])
    heads = [f"{title}, {phase}" for title in keys.values() for phase in ("planned", "realised")]
    return "Planned against realised: load and wind differ from their forecast, drawn from the seed.\n\n" + _grid(
        ["scheme", *heads], rows
    )


def _numbers(folder: Path | None) -> str:
    path = folder / "summary.md" if folder else None
    lines = path.read_text(encoding="utf-8").splitlines() if path and path.is_file() else []
    return "\n".join(line for line in _needed(lines, "comparison") if line.split("|")[1].strip() not in TIMES) + "\n"


def _labels(case: Case) -> dict[str, str]:
    return {scheme.value: f"{row.model} ({scheme.value})" for scheme, row in case.models.items()}


def _period_h(case: str) -> float:
    return (
        float(yaml.safe_load((SCENARIOS / case / "scenario.yaml").read_text(encoding="utf-8")).get("period_s", 3600.0)) / 3600.0
    )


def _percent(share: Any) -> str:
    return "–" if share is None or share != share else f"{100 * share:.3f} %"


def _incomplete(table: SweepTable) -> str:
    count = len(table.frame) + table.without_result
    return (
        f"\n{table.without_result} of {count} points of this sweep have no result and are not drawn.\n"
        if table.without_result
        else ""
    )


if __name__ == "__main__":
    main()
