"""Make docs/figures.md and its examples: figures for papers and slides.

``python studies/make_figures.py --run`` runs the two examples, draws them and keeps their captions in studies/figures.json;
``--seeds RESULTS/compare-...`` keeps what a comparison over seeds says, too. Without options the page is written from that file,
with ``--check`` it is only said whether it is up to date.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from federates.boundary.markdown import markdown_table
from federates.boundary.world import SHIPPED, world_of
from federates.reporting.compare import comparison_figures
from federates.reporting.export import figures_of, write_figures
from federates.reporting.figures import figure_bytes
from federates.reporting.fit import finished
from federates.reporting.media import MEDIA, drawn_for
from federates.reporting.world import world_report
from federates.runs.in_process import run_in_process
from federates.scaffold.scenario import new_scenario

HERE = Path(__file__).parent
DOCS, KEPT, TEXT = HERE.parent / "docs", HERE / "figures.json", HERE / "figures.md.in"
MM_PER_IN = 25.4
RUNS: dict[str, dict[str, Any]] = {
    "la_gcs": {"overrides": {"periods": 3, "start_hour": 15}, "use": {"traffic_sumo": "bpr"}},
    "ieee30": {"overrides": {"periods": 6}, "use": {"coordinator": "cuts"}},
}
EXAMPLES = (
    ("la_gcs", "fig5_feeder_load", "column"),
    ("la_gcs", "sequence", "column"),
    ("ieee30", "one_line_diagram", "column"),
    ("ieee30", "capacity_and_routes", "slide"),
    ("la_gcs", "wiring", "slide"),
)
"""Scenario, figure and medium of every example."""
_WORDS = {"column": "one column of a paper", "page": "both columns", "slide": "a slide, 16:9"}


def example_run(scenario: str, target: Path) -> Path:
    """Run an example in ``target`` and return the folder of the run."""
    folder = new_scenario(target / scenario, scenario)
    with (folder / "broker.yaml").open("a", encoding="utf-8") as broker:
        broker.write("\nreport: false  # its figures would take longer than the run\n")
    return run_in_process(folder, **RUNS[scenario])


def draw(target: Path, names: tuple[str, ...] = tuple(RUNS)) -> dict[str, dict[str, str]]:
    """Run the examples, write their pictures and return title and caption of each."""
    kept = {}
    for scenario in names:
        run = example_run(scenario, target)
        for _, figure, medium in (entry for entry in EXAMPLES if entry[0] == scenario):
            (file,) = write_figures(run, medium, "svg", (figure,), target / "out").files
            shutil.copy(file, DOCS / "figures" / f"{_file(scenario, figure, medium)}.svg")
            kept[f"{scenario} {figure} {medium}"] = caption(run, figure)
    return kept


def caption(run: Path, name: str) -> dict[str, str]:
    """Return title and reading of a figure of a run."""
    drawing = next(entry for entry in figures_of(run) if entry.name == name).draw()
    return {"title": drawing.title, "reading": drawing.reading}


def seeds(folder: Path) -> dict[str, str]:
    """Draw the delivery times of a comparison over seeds and return their caption."""
    with drawn_for(MEDIA["column"]):
        drawing = next(entry for entry in comparison_figures(folder) if entry.name == "delivery_time_seeds")
        svg = figure_bytes(finished(drawing.figure), "svg")
    (DOCS / "figures/example_seeds_column.svg").write_bytes(svg)
    return {"title": drawing.title, "reading": drawing.reading}


def _file(scenario: str, figure: str, medium: str) -> str:
    return f"example_{scenario}_{figure}_{medium}"


def media_table() -> str:
    """Return the table of media."""
    rows = []
    for name, medium in MEDIA.items():
        height = "as needed" if medium.height_in is None else f"{MM_PER_IN * medium.height_in:.0f} mm"
        size = f"{MM_PER_IN * medium.width_in:.0f} mm", height, f"{medium.text_pt:g} pt", f"{medium.dpi} dpi"
        rows.append([f"`{name}`", _WORDS[name], *size])
    return markdown_table(["`--for`", "for", "width", "height", "text", "PNG"], rows)


def names_table() -> str:
    """Return the table of names of figures, by world."""
    rows: dict[str, list[Any]] = {}
    for world in SHIPPED:
        for figure in world_report(world).figures:
            rows.setdefault(figure.name, [f"`{figure.name}`", figure.title, []])[2].append(world_of(world).name)
    return markdown_table(["name", "figure", "worlds"], [[*row[:2], ", ".join(row[2])] for row in rows.values()])


def page(kept: dict[str, Any]) -> str:
    """Return the page."""
    examples = []
    for scenario, figure, medium in EXAMPLES:
        found = kept["examples"][f"{scenario} {figure} {medium}"]
        head = f"`portage figures RUN --for {medium} --format svg --only {figure}` ({scenario}):"
        examples.append(f"{head}\n\n{_picture(_file(scenario, figure, medium), found)}")
    parts = {"MEDIA": media_table(), "NAMES": names_table(), "EXAMPLES": "\n\n".join(examples)}
    parts["SEEDS"] = _picture("example_seeds_column", kept["seeds"])
    text = TEXT.read_text(encoding="utf-8")
    for name, made in parts.items():
        text = text.replace(f"@{name}@", made.rstrip())
    return text


def _picture(file: str, found: dict[str, str]) -> str:
    return f"![{found['title']}](figures/{file}.svg)\n\n*{found['title']}.* {found['reading']}"


def main(arguments: list[str]) -> int:
    """Write the page, after the options; or with ``--check`` return 1 if it is not up to date."""
    kept = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.is_file() else {"examples": {}, "seeds": {}}
    if "--run" in arguments:
        with tempfile.TemporaryDirectory(prefix="portage-figures-") as target:
            kept["examples"] = draw(Path(target))
    if "--seeds" in arguments:
        kept["seeds"] = seeds(Path(arguments[arguments.index("--seeds") + 1]))
    if "--check" not in arguments:
        KEPT.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    text, file = page(kept), DOCS / "figures.md"
    if "--check" in arguments:
        return int(not file.is_file() or file.read_text(encoding="utf-8") != text)
    file.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
