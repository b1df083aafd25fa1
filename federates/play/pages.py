"""Pages of the game: templates of this package, on the base page of `federates.web`."""

from __future__ import annotations

import io
from pathlib import Path

import segno
from markupsafe import Markup

from federates.web.pages import Pages

STATIC = Path(__file__).parent / "static"
PAGES = Pages("federates.play")


def qr_code(link: str) -> Markup:
    """Return a link as a QR code in SVG, to be read off the wall with a telephone (ISO/IEC 18004, by the library segno)."""
    out = io.BytesIO()
    # Without a class or a style, which the page's security policy would not let through.
    segno.make(link, error="m").save(
        out, kind="svg", xmldecl=False, svgclass=None, lineclass=None, omitsize=True, title=f"QR code of {link}"
    )
    return Markup(out.getvalue().decode("utf-8"))  # noqa: S704 (made here, from a link made here)
