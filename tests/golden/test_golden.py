"""The tables of small and shipped runs are those that golden.json keeps; see golden_runs.py."""

import json
from pathlib import Path

import pytest
from load_file import load_file

golden_runs = load_file(Path(__file__).with_name("golden_runs.py"))
KNOWN = json.loads(golden_runs.GOLDEN.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "run", [pytest.param(run, id=run.name, marks=[pytest.mark.long] if run.long else []) for run in golden_runs.RUNS]
)
def test_the_tables_are_as_they_were(tmp_path, run):
    assert golden_runs.table_hashes(run, tmp_path) == KNOWN[run.name]
