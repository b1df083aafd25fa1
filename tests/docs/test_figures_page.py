"""docs/figures.md: written from what its runs gave, with pictures as wide as it says; a long test makes the runs again."""

import json
import re
import sys

import pytest

from federates.reporting.media import MEDIA


@pytest.fixture
def study(root, monkeypatch):
    monkeypatch.syspath_prepend(str(root / "studies"))
    import make_figures

    yield make_figures
    sys.modules.pop("make_figures")


def test_the_page_is_what_its_command_writes(study):
    assert study.main(["--check"]) == 0


def test_the_pictures_are_as_wide_as_their_medium(study, root):
    for scenario, figure, medium in study.EXAMPLES:
        svg = (root / f"docs/figures/{study._file(scenario, figure, medium)}.svg").read_text(encoding="utf-8")
        width, height = (float(re.search(rf'{side}="([\d.]+)pt"', svg)[1]) for side in ("width", "height"))
        assert width == pytest.approx(72.0 * MEDIA[medium].width_in, abs=0.01)
        assert medium != "slide" or width / height == pytest.approx(16.0 / 9.0, abs=1e-3)


@pytest.mark.long
@pytest.mark.parametrize("scenario", ["la_gcs", "ieee30"])
def test_the_runs_give_the_captions_again(study, tmp_path, scenario):
    kept = json.loads(study.KEPT.read_text(encoding="utf-8"))["examples"]
    run = study.example_run(scenario, tmp_path)
    for _, figure, medium in (entry for entry in study.EXAMPLES if entry[0] == scenario):
        assert study.caption(run, figure) == kept[f"{scenario} {figure} {medium}"]
