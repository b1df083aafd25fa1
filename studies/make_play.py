"""Make the pictures of docs/howto/play.md: a real game of two groups, in pages of Chromium.

    python studies/make_play.py [--out FOLDER] [--all]

With ``--all`` every page is taken on a telephone and in dark colours too, to look at.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests/support"))

from browsers import chromium  # noqa: E402
from game_http import join  # noqa: E402
from game_pages import has_question, press, sit, wait_until  # noqa: E402

from federates.play.app import JOIN, LECTURER, PROJECTOR  # noqa: E402
from federates.play.game import Game, Rules  # noqa: E402
from federates.play.session import served  # noqa: E402
from federates.runs.check import check_scenario  # noqa: E402

DESKTOP, PHONE = {"width": 1180, "height": 860}, {"width": 390, "height": 844}
OTHERS = {"springs": "Edo", "norwalk": "Fay", "transport_operator": "Gus"}
_CLAIM_IN, _CLAIM_USD = 2, 12.0


def take(page: Any, out: Path, name: str, every: bool) -> None:
    """Take a picture of a page as it is; with ``every`` on a telephone and in the dark as well."""
    page.screenshot(path=out / f"play_{name}.png", full_page=True)
    if every:
        page.emulate_media(color_scheme="dark")
        page.screenshot(path=out / f"play_{name}_dark.png", full_page=True)
        page.emulate_media(color_scheme="light")
        page.set_viewport_size(PHONE)
        page.screenshot(path=out / f"play_{name}_phone.png", full_page=True)
        page.set_viewport_size(DESKTOP)


def answer(student: Any, done: dict[str, int], claims: bool) -> None:
    """Answer as the agent's own class would; who ``claims`` tells a higher cost in one hour."""
    view = student.view
    asked = view and view.get("question")
    if not asked or done.get(student.path) == asked["n"]:
        return
    done[student.path] = asked["n"]
    content: dict[str, Any] = {"best": True}
    if claims and view["period"] == _CLAIM_IN:
        status, best = student.post("hint", {"n": asked["n"]})
        if status == 200:
            content = {"quantities": best["quantities"], "claimed_cost_usd": best["cost_usd"] + _CLAIM_USD}
    student.post("answer", {"n": asked["n"], **content})


def pictures(table: Any, browser: Any, out: Path, every: bool) -> None:
    """Play the day, and take a picture of each page where it has most to show."""
    tabs = browser.new_context(viewport=DESKTOP)
    leads, wall = tabs.new_page(), tabs.new_page()
    leads.goto(table.link(LECTURER))
    seats = {"springs": "Ann", "transport_operator": "Bo", "coordinator": "Cy"}
    pages = {agent: sit(tabs, table, name, agent) for agent, name in seats.items()}
    others = [join(table, name, agent, 2).events() for agent, name in OTHERS.items()]
    wall.goto(table.link(PROJECTOR))
    wall.get_by_text("Ann (springs)").wait_for()
    take(wall, out, "wall", every)
    if every:
        late = tabs.new_page()
        late.goto(table.link(JOIN))
        late.get_by_text("taken by Ann").wait_for()
        take(late, out, "join", every)
        late.close()
    press(leads, "Start")
    done: dict[str, int] = {}
    taken: set[str] = set()

    def act(page: Any) -> None:
        for number, other in enumerate(others):
            answer(other, done, claims=number == 2)
        if page is leads and page.get_by_text("Open the next hour.").is_visible():
            press(page, "Next hour")
            page.get_by_text("Open the next hour.").wait_for(state="hidden")
        elif page is not leads and has_question(page):
            _answer_in_page(page, pages, leads, wall, taken, out, every)

    wait_until([leads, *pages.values()], lambda: table.game.ended, 900.0, act)
    press(leads, "Open the debrief to all")
    leads.get_by_role("link", name="Open the debrief").click(timeout=300_000)
    leads.get_by_role("heading", name="Debrief").wait_for()
    take(leads, out, "debrief", every)


def _answer_in_page(page: Any, pages: Any, leads: Any, wall: Any, taken: set[str], out: Path, every: bool) -> None:
    who = next(name for name, other in pages.items() if other is page)
    where = page.locator("#where").inner_text()
    if (
        who == "springs"
        and "17:00" in where
        and page.locator("#title").get_by_text("At these prices").is_visible()
        and who not in taken
    ):
        taken.add(who)
        page.get_by_label("r2, to q1").fill("2")
        press(page, "What would this cost me?")
        page.locator("#question .bill").wait_for()
        page.locator("#heard details").first.evaluate("details => { details.open = true; }")
        take(page, out, "student", every)
        take(leads, out, "lecturer", every)
        take(wall, out, "wall_playing", every)
    if who == "coordinator" and "round 2" in where and "17:00" in where and who not in taken:
        taken.add(who)
        take(page, out, "coordinator", every)
    page.get_by_role("button", name="Show ").click(timeout=20_000)
    page.locator("#send").click(timeout=20_000)


def main() -> None:
    """Make the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "docs/figures")
    parser.add_argument("--all", action="store_true")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        game = Game(
            check_scenario(ROOT / "scenarios/la_small"), {}, Rules(groups=2, answer_s=300.0, hints=True), Path(folder) / "game"
        )
        with served(game) as table:
            pictures(table, browser, arguments.out, every=arguments.all)


if __name__ == "__main__":
    main()
