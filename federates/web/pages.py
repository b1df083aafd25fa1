"""Pages from templates: each extends ``base.html.j2``; what comes from a scenario is escaped."""

from __future__ import annotations

from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse


class Pages:
    """Templates in the folder ``templates`` of ``package``; what they extend may lie there or here."""

    def __init__(self, package: str = "federates.web") -> None:
        self._environment = Environment(
            loader=ChoiceLoader([PackageLoader(name, "templates") for name in dict.fromkeys((package, "federates.web"))]),
            autoescape=True,  # select_autoescape would look at the ending, which is j2
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def page(self, template: str, status: int = 200, **content: Any) -> HTMLResponse:
        """Return a page as an answer with an HTTP ``status``."""
        return HTMLResponse(self.text(template, status=status, **content), status)

    def text(self, template: str, **content: Any) -> str:
        """Return a page as text."""
        return self._environment.get_template(template).render(**content)
