"""What tests of pages share: whether a page needs nothing but itself, and figures that are built but not rendered."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path


class Page(HTMLParser):
    """Collect what a page refers to, its identifiers, and whether its elements are balanced."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.references, self.ids, self.open, self.tags = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.references += [(tag, name, value) for name, value in attrs if name in {"src", "href", "srcset", "data", "action"}]
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in {"meta", "img", "br", "link", "input"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def check_self_contained(text: str) -> Page:
    page = Page(text)
    assert not page.open
    assert not {"link", "iframe", "object"} & set(page.tags)
    # Of scripts there are none, or the replay's data and the replay, both in the page.
    assert re.findall(r"<script[^>]*>", text) in ([], ['<script type="application/json" id="replay-data">', "<script>"])
    assert not re.search(r"fetch\(|XMLHttpRequest|import\(|https?://(?!www\.w3\.org)", text[text.rfind("<script>") :])
    for tag, _, value in page.references:
        if tag == "a":
            # A figure is in the page; the link leads to the same one as a file beside it.
            own_file = re.fullmatch(r"figures/(\w+)\.(svg|png)", value)
            assert own_file[1] in page.ids if own_file else value.startswith("#") and value[1:] in page.ids
        else:
            assert value.startswith("data:image/")
    style = text[text.index("<style>") : text.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    return page


def note_figure(figure, folder: Path, name: str, formats=("png", "svg")) -> bytes:
    """Save a figure's name only: rendering takes most of a page's time, and most tests read the page."""
    assert figure.get_axes()
    folder.mkdir(parents=True, exist_ok=True)
    for kind in formats:
        (folder / f"{name}.{kind}").write_bytes(b"<svg/>")
    return b"<svg/>"
