"""Turn templates into self-contained pages: figures become data URIs, and nothing is fetched from anywhere."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

__all__ = ["Picture", "render_page", "svg_uri"]


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
