"""A real Chromium for tests of pages, where there is one; and axe-core's judgement of a page."""

import shutil
import time
from contextlib import contextmanager

import pytest

_ARGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

WATCH_HOW_LATE = """() => {
  window.late = [];
  new MutationObserver(() => {
    const told = document.body.dataset;
    if (Number(told.wall) === window.last) return;
    window.last = Number(told.wall);
    window.late.push(Number(told.drawn) - window.last);
  }).observe(document.body, { attributes: true, attributeFilter: ["data-drawn"] });
}"""
"""Collects in a page of the live view, as ``window.late``, how long after a message it was drawn, s."""


def chromium_path():
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


needs_chromium = pytest.mark.skipif(chromium_path() is None, reason="needs Chromium, which is not installed")


@contextmanager
def chromium():
    """Give a browser of Playwright's; every page of a test belongs into a context of its own."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=_ARGS)
        yield browser
        browser.close()


def violations(page):
    """Return what axe-core finds wrong with a page: rule, and the elements."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [(entry["id"], [node["html"][:120] for node in entry["nodes"]]) for entry in found]


def until(page, expression, argument=None, limit_s=15.0):
    """Wait until an expression (or a function of ``argument``) is true; Playwright's own wait is refused by a strict page."""
    deadline = time.monotonic() + limit_s
    while not page.evaluate(expression, argument):
        assert time.monotonic() < deadline, f"not so after {limit_s:g} s: {expression}"
        page.wait_for_timeout(40)
