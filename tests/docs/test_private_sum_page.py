"""docs/private_sum.md and what docs/privacy.md says of fleets: topics as in the world, numbers made again."""

import re
from pathlib import Path

import pytest
import yaml
from code_blocks import blocks
from load_file import load_file

from federates.boundary.summed import QUANTITY_DECIMALS
from federates.boundary.world import parse_session, world_of
from federates.private_sum.errors import PrivateSumError
from federates.private_sum.fixed_point import MOST_STEPS, from_words, to_words

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/private_sum.md"


def test_the_page_names_all_topics_that_differ():
    fleets, summed = ({(t.sender, t.name) for t in world_of(name).topics} for name in ("fleets", "fleets_private_sum"))
    table = PAGE.read_text(encoding="utf-8").split("## What crosses")[1].split("All other topics")[0]
    assert set(re.findall(r"`(\w+)`", table)) == {name for _, name in summed - fleets}


def test_the_key_makes_the_shipped_scenario_one_of_the_private_sum():
    (shown,) = (yaml.safe_load(block.body) for block in blocks(PAGE) if block.language == "yaml")
    for scenario in ("la_fleets", "la_two_companies"):
        agreed = yaml.safe_load((ROOT / f"scenarios/{scenario}/scenario.yaml").read_text(encoding="utf-8"))
        assert parse_session(agreed | shown, scenario).world == "fleets_private_sum"


def test_the_range_that_the_page_states_is_the_one_that_is_refused_beyond():
    most = int(MOST_STEPS / 10**QUANTITY_DECIMALS)
    assert f"below {most:,}".replace(",", " ") in PAGE.read_text(encoding="utf-8")
    assert from_words(to_words([most], QUANTITY_DECIMALS), QUANTITY_DECIMALS).tolist() == [most]
    with pytest.raises(PrivateSumError, match="must lie between"):
        to_words([most + 1], QUANTITY_DECIMALS)


def test_what_is_learned_of_fleets_comes_out_again():
    study = load_file(ROOT / "studies/privacy/make_fleets.py")
    rows = study.measure()
    page = (ROOT / "docs/privacy.md").read_text(encoding="utf-8")
    assert study.section(rows) in page
    assert study.section(rows) in (ROOT / "studies/privacy/privacy.md.in").read_text(encoding="utf-8")
    # By its own answers a fleet is known well, and each better than, or as well as, by the sum.
    assert all(own <= by_sum and own < 0.1 for name, own, by_sum, _ in rows if name != "all together")
    assert all(kwh > 0.2 for name, *_, kwh in rows if name != "all together")
