"""Turn templates into self-contained pages: figures become data URIs, and nothing is fetched from anywhere."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from federates.reporting.figures import save_figure
from federates.reporting.tables import RunTables
from federates.reporting.world import Drawing


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure on a page: title, image as a data URI, and how to read it."""

    name: str
    title: str
    uri: str
    reading: str


def svg_uri(svg: bytes) -> str:
    """Return an SVG as a data URI; as an image of its own it cannot clash with the identifiers of another one."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg).decode("ascii")


def run_pictures(run: RunTables) -> tuple[list[Picture], list[tuple[str, str]]]:
    """Draw the figures of a run, as files too; return the pictures, and title and obstacle of those that cannot be drawn."""
    obstacles = [(figure, figure.obstacle(run)) for figure in run.world.figures]
    drawn = (Drawing(f.name, f.title, f.draw(run), f.reading(run)) for f, obstacle in obstacles if not obstacle)
    return saved_pictures(drawn, run.folder), [(figure.title, obstacle) for figure, obstacle in obstacles if obstacle]


def saved_pictures(drawings: Iterable[Drawing], folder: Path) -> list[Picture]:
    """Save figures into ``figures`` in a folder and return them as pictures."""
    return [
        Picture(entry.name, entry.title, svg_uri(save_figure(entry.figure, folder / "figures", entry.name)), entry.reading)
        for entry in drawings
    ]


def pretty(content: object) -> str:
    """Return JSON for people."""
    return json.dumps(content, indent=2, ensure_ascii=False, sort_keys=True)


def write_json(path: Path, content: object) -> Path:
    """Write JSON in the order given; refuse what JSON has no number for."""
    path.write_text(json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def render_page(template: str, path: Path, **content: Any) -> Path:
    """Render a template of this package into a file and return its path."""
    # Autoescape for every template: `select_autoescape` would look at the ending, which is j2.
    environment = Environment(
        loader=PackageLoader("federates.reporting", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    path.write_text(environment.get_template(template).render(**content), encoding="utf-8")
    return path
