"""The tables of small and shipped runs are those of tests/data/golden.json; see tests/support/golden_runs.py."""

import json

import pytest
from golden_runs import GOLDEN, RUNS, table_hashes

KNOWN = json.loads(GOLDEN.read_text(encoding="utf-8"))


@pytest.mark.parametrize("run", [pytest.param(r, id=r.name, marks=[pytest.mark.long] if r.long else []) for r in RUNS])
def test_the_tables_are_as_they_were(tmp_path, run):
    assert table_hashes(run, tmp_path) == KNOWN[run.name]
