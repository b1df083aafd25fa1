"""Browser pages of a game: who opens which link, takes which seat, and how a page is played."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

from federates.play.app import JOIN, LECTURER, Play
from federates.play.game import Game, Rules
from federates.play.session import served
from federates.runs.check import check_scenario


@contextlib.contextmanager
def game_of(scenario: Path, folder: Path, *, periods: int, **rules) -> Iterator[Play]:
    """Serve a game of a scenario, as ``portage play`` does."""
    changes = {"periods": str(periods)}
    game = Game(check_scenario(scenario, changes), changes, Rules(**rules), folder / "game")
    with served(game) as play:
        yield play


def lecturer(context, play: Play):
    """Return the lecturer's page."""
    return page_of(context, play.link(LECTURER))


def sit(context, play: Play, name: str, agent: str, group: int = 1, address: str = ""):
    """Return the page of a student who has taken a seat, and to whom the server is at ``address``."""
    join = play.viewers.link(address or play.address, JOIN)
    page = page_of(context, join)
    page.get_by_label("Your name").fill(name)
    page.locator(f'input[value="{group}/{agent}"]').check()
    page.get_by_role("button", name="Take this seat").click()
    page.wait_for_url(lambda url: url != join)
    page.get_by_text("You are in.").wait_for(timeout=60_000)
    return page


def page_of(context, link: str):
    """Return a page; ``faults`` are what its console says. Pages of one context share a profile, as tabs do."""
    page = context.new_page()
    page.faults = []
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.on("console", lambda message: page.faults.append(message.text) if message.type == "error" else None)
    page.goto(link)
    return page


def press(page, name: str) -> None:
    """Press a button of a page by its words."""
    page.get_by_role("button", name=name, exact=True).click()


def wait_until(pages, done, limit_s: float = 60.0, act=lambda page: None) -> None:
    """Let every page ``act`` again and again until ``done``."""
    pages = list(pages)
    deadline_s = time.monotonic() + limit_s
    while not done():
        assert time.monotonic() < deadline_s, [page.locator("body").inner_text()[:400] for page in pages]
        for page in pages:
            act(page)
        pages[0].wait_for_timeout(100)


def has_question(page) -> bool:
    """Whether the page waits for an answer."""
    return page.evaluate("() => { const send = document.getElementById('send'); return Boolean(send && !send.disabled); }")


def answer_as_computed(page) -> None:
    """Send the best answer that the page can show, if there is a question."""
    if not has_question(page):
        return
    with contextlib.suppress(Exception):  # time may run out between two clicks
        page.get_by_role("button", name="Show ").click(timeout=5_000)
        page.locator("#send").click(timeout=5_000)
