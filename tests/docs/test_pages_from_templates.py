"""A page that a program makes from a template says all that this says, in its order: it was made again when that changed."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEMPLATES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "studies").rglob("*.md.in"))

PLACE = r"@[A-Z][A-Z_0-9+]*@|\{\{.*?\}\}|\bTABLE\n|\bSUMMARY\b"
"""Where a number or a table goes, in the ways in which the programs in ``studies`` write it."""


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_page_is_its_template_with_numbers(template):
    page = ROOT / "docs" / Path(template).name.removesuffix(".in")
    parts = re.split(PLACE, (ROOT / template).read_text(encoding="utf-8"))
    assert len(parts) > 1
    assert re.fullmatch(".*?".join(map(re.escape, parts)), page.read_text(encoding="utf-8"), re.S), f"{page} is not of {template}"
