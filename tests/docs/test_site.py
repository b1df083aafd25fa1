"""The site: it builds without a warning, its links lead somewhere, it loads nothing from elsewhere, and everybody can read it."""

from __future__ import annotations

import functools
import hashlib
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from browsers import chromium, chromium_path, violations
from built_site import Page, dead_links, loaded_from_elsewhere
from code_blocks import ROOT, blocks


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Build the site as the README says, but without running the notebooks, which tests/docs/test_lessons.py does."""
    return build(tmp_path_factory.mktemp("site"), "-D", "nb_execution_mode=off")


def build(place, *options):
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", *options]
    command += ["-d", str(place / "doctrees"), str(ROOT / "docs"), str(place / "html")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr
    return place / "html"


def test_every_page_of_the_docs_is_in_the_site_and_can_be_found(site):
    pages = {path.relative_to(ROOT / "docs").with_suffix(".html") for path in ROOT.glob("docs/**/*.md")}
    assert [page for page in pages if not (site / page).is_file()] == []
    index = (site / "searchindex.js").read_text(encoding="utf-8")
    assert all(f'"{page.with_suffix("").as_posix()}"' in index for page in pages)


def test_links_lead_to_pages_and_anchors_that_are_there(site):
    assert len(Page(site / "index.html").links) > 20
    assert dead_links(site) == []


def test_no_page_loads_anything_from_another_host(site):
    assert len(Page(site / "index.html").loaded) > 3
    assert loaded_from_elsewhere(site) == []


def test_dead_links_and_foreign_scripts_are_found(tmp_path):
    (tmp_path / "a.html").write_text(
        '<a href="b.html#x">1</a><a href="b.html#y">2</a><a href="c.html">3</a><script src="//cdn.example/x.js"></script>'
        '<img src="data:image/png;base64,AA"><style>@import "https://fonts.example/a.css";</style>'
    )
    (tmp_path / "b.html").write_text('<h1 id="x">x</h1>')
    assert dead_links(tmp_path) == ["a.html: b.html#y", "a.html: c.html"]
    assert loaded_from_elsewhere(tmp_path) == ["a.html: //cdn.example/x.js", "a.html: https://fonts.example/a.css"]


def test_the_reference_has_every_name_of_the_front_door_and_every_command(site):
    import federates.api
    from federates.cli.app import app

    anchors = Page(site / "api.html").anchors
    assert [name for name in federates.api.__all__ if f"federates.{name}" not in anchors] == []
    commands = {command.name or command.callback.__name__ for command in app.registered_commands}
    assert {f"portage-{name}" for name in commands} <= Page(site / "cli.html").anchors


def test_diagrams_are_drawn_as_the_pages_have_them_and_need_no_script(site):
    """A diagram whose text has changed is drawn anew by who builds the site, and must be committed."""
    texts = {
        block.body.rstrip("\n") for page in ROOT.glob("docs/**/*.md") for block in blocks(page) if block.language == "mermaid"
    }
    drawn = {hashlib.sha256(text.encode()).hexdigest()[:16] + ".svg" for text in texts}
    assert {path.name for path in (ROOT / "docs/diagrams").iterdir()} == drawn
    page = Page(site / "architecture.html")
    assert {name.removeprefix("_images/") for name in page.loaded if name.endswith(".svg")} == drawn
    assert any("departures" in (site / "_images" / name).read_text(encoding="utf-8") for name in drawn)
    assert not any("mathjax" in name.lower() or "mermaid" in name.lower() for name in page.loaded)


@pytest.fixture(scope="module")
def browser():
    if chromium_path() is None:
        pytest.skip("there is no Chromium")
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def address(site):
    """Serve the site on loopback: a browser lets a page from a file load less than one from a server."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=site)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


_AFTER_LOAD_MS = 500.0
"""For what a page's scripts draw and ask for once it is loaded."""


def looked_at(context, addresses):
    """Return what axe-core finds on pages, and what they ask of other hosts."""
    context.set_default_timeout(120_000)  # a busy computer takes its time
    found, foreign = [], []
    for url in addresses:
        page = context.new_page()
        page.on("request", lambda request: foreign.append(request.url))
        page.goto(url)
        page.wait_for_timeout(_AFTER_LOAD_MS)
        found += [f"{url}: {rule}: {html}" for rule, nodes in violations(page) for html in nodes]
        page.close()
    context.close()
    return found, [url for url in foreign if not url.startswith(("http://127.0.0.1:", "data:", "file:"))]


def seen(browser, scheme, width):
    return browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900}, reduced_motion="reduce")


@pytest.mark.parametrize(
    ("scheme", "width", "names"),
    [
        ("light", 1280, ["index", "api", "la_small"]),
        ("dark", 390, ["start", "architecture", "audit"]),
    ],
)
def test_axe_finds_nothing_that_keeps_somebody_out(address, browser, scheme, width, names):
    assert looked_at(seen(browser, scheme, width), [f"{address}/{name}.html" for name in names]) == ([], [])


@pytest.mark.long
@pytest.mark.parametrize(("scheme", "width"), [("light", 390), ("dark", 1280)])
def test_axe_finds_nothing_on_any_page(site, address, browser, scheme, width):
    names = [
        path.relative_to(site).as_posix()
        for path in sorted(site.rglob("*.html"))
        if path.parent.name not in ("decisions", "_static")
    ]
    assert looked_at(seen(browser, scheme, width), [f"{address}/{name}" for name in names]) == ([], [])


@pytest.mark.long
def test_lessons_with_what_their_cells_draw_and_print(browser, tmp_path):
    """The answer cells are empty; tests/docs/test_lessons.py runs them with answers."""
    whole = build(tmp_path)
    assert dead_links(whole) == []
    assert loaded_from_elsewhere(whole) == []
    lessons = [path.as_uri() for path in sorted((whole / "lessons").glob("*.html"))]
    assert looked_at(seen(browser, "dark", 1280), lessons) == ([], [])


def test_axe_and_the_listening_find_what_is_wrong(browser):
    bad = "data:text/html,<html><body><img src='http://localhost:9/x.png'></body></html>"
    found, foreign = looked_at(seen(browser, "light", 800), [bad])
    assert any("image-alt" in each for each in found)
    assert foreign == ["http://localhost:9/x.png"]


def test_the_search_finds_a_page_without_a_server_elsewhere(address, browser):
    page = browser.new_page()
    page.goto(f"{address}/search.html?q=stackelberg")
    page.wait_for_selector("ul.search li a")
    assert any("stackelberg" in (link.get_attribute("href") or "") for link in page.query_selector_all("ul.search li a"))
    page.close()
