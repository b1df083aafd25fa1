"""Make the pictures of docs/howto/live_view.md: runs, opened in Chromium.

    python studies/make_live_view.py [--road RUN] [--rail RUN] [--out FOLDER] [--all]

Without runs some hours are run first. With ``--all`` every page is taken in both sizes and both colour schemes, to look at.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests/support"))

from browsers import chromium, until  # noqa: E402

from federates.api import run as portage_run  # noqa: E402
from federates.view.site import LiveView  # noqa: E402

SIZES = {"desktop": {"width": 1280, "height": 1180}, "phone": {"width": 390, "height": 844}}
_GO = """([kind, period]) => new Promise((done) => {
  const slider = document.getElementById("slider");
  let at = 0;
  const look = () => {
    const shown = document.body.dataset;
    if ((shown.kind === kind && Number(shown.beat.split("/")[0]) === period) || at > Number(slider.max)) return done(at);
    slider.value = at;
    slider.dispatchEvent(new Event("input"));
    at += 1;
    setTimeout(look, 90);
  };
  look();
})"""


def picture(page: Any, path: Path, kind: str, period: int, part_s: float, whole: bool) -> None:
    """Go to a step of the run and take the picture; a period that is carried out is played for a while first."""
    page.wait_for_selector("#panels:not([hidden])")
    until(page, "document.body.dataset.beat !== undefined")
    page.evaluate(_GO, [kind, period])
    if part_s:
        page.click("#play")
        page.wait_for_timeout(1000 * part_s)
        page.click("#play")
    page.wait_for_timeout(300)
    page.screenshot(path=path, full_page=whole)


def main() -> None:
    """Make the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--road", type=Path)
    parser.add_argument("--rail", type=Path)
    parser.add_argument("--out", type=Path, default=ROOT / "docs/figures")
    parser.add_argument("--all", action="store_true")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, chromium() as browser:
        road = arguments.road or portage_run(ROOT / "scenarios/la_gcs", results=scratch, start_hour=5, periods=6).folder
        rail = arguments.rail or portage_run(ROOT / "scenarios/ieee30", results=scratch).folder
        for world, folder, moment in (("road", road, ("drive", 3, 1.6)), ("rail", rail, ("drive", 6, 0.3))):
            with LiveView(folder, world) as view:
                for size, scheme in (
                    [(s, c) for s in SIZES for c in ("light", "dark")] if arguments.all else [("desktop", "light")]
                ):
                    context = browser.new_context(viewport=SIZES[size], color_scheme=scheme)
                    page = context.new_page()
                    page.goto(view.links["everybody"])
                    name = f"live_view_{world}" + (f"_{size}_{scheme}" if arguments.all else "")
                    picture(page, arguments.out / f"{name}.png", *moment, whole=arguments.all)
                    context.close()


if __name__ == "__main__":
    main()
