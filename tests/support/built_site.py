"""What a folder of HTML pages links to and loads."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

_LOADED = {
    ("script", "src"),
    ("img", "src"),
    ("source", "src"),
    ("source", "srcset"),
    ("iframe", "src"),
    ("embed", "src"),
    ("object", "data"),
    ("video", "src"),
    ("audio", "src"),
    ("image", "href"),
    ("use", "href"),
}
_LINKS_THAT_LOAD = {"stylesheet", "icon", "preload", "prefetch", "modulepreload", "preconnect", "dns-prefetch", "manifest"}
_IN_STYLE = re.compile(r"(?:@import\s+|url\()\s*['\"]?([^'\")\s;]+)")


@dataclass
class Page(HTMLParser):
    """One page: its anchors, where it links to, and what a browser loads to show it."""

    path: Path
    anchors: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._in_style = False
        self.feed(self.path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {key: value or "" for key, value in attrs}
        self._in_style = tag == "style"
        self.anchors |= {named[key] for key in ("id", "name") if key in named}
        if tag == "a" and "href" in named:
            self.links.append(named["href"])
        if tag == "link" and _LINKS_THAT_LOAD & set(named.get("rel", "").split()):
            self.loaded.append(named["href"])
        self.loaded += [named[key] for kind, key in _LOADED if kind == tag and key in named]
        self.loaded += _IN_STYLE.findall(named.get("style", ""))

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self.loaded += _IN_STYLE.findall(data)


def elsewhere(address: str) -> bool:
    """Whether an address leads to another host; data in the page itself does not."""
    parts = urlsplit(address)
    return bool(parts.netloc) or parts.scheme not in ("", "data")


def dead_links(site: Path) -> list[str]:
    """Return the links to pages, files and anchors that are not there."""
    pages = {path.resolve(): Page(path) for path in site.rglob("*.html")}
    dead = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if elsewhere(link):
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchor = unquote(parts.fragment)
            there = target.is_file() and (not anchor or target not in pages or anchor in pages[target].anchors)
            if not there:
                dead.append(f"{path.relative_to(site.resolve())}: {link}")
    return dead


def loaded_from_elsewhere(site: Path) -> list[str]:
    """Return what pages and style sheets load from other hosts."""
    found = [f"{path.name}: {what}" for path in site.rglob("*.html") for what in Page(path).loaded if elsewhere(what)]
    for path in site.rglob("*.css"):
        text = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        found += [f"{path.name}: {what}" for what in _IN_STYLE.findall(text) if elsewhere(what)]
    for path in site.rglob("*.svg"):
        text = path.read_text(encoding="utf-8")
        what = [*re.findall(r"""(?:xlink:)?href=["']([^"'#]+)["']""", text), *_IN_STYLE.findall(text)]
        found += [f"{path.name}: {address}" for address in what if elsewhere(address)]
    return found
