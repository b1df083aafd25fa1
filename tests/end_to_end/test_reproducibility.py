"""The same scenario gives the same tables on any computer: runs in surroundings that change the last bits of most functions.

The short days differ from the first run in all that one computer can change at once; `benchmarks/reproducibility.py` changes one
thing at a time, and libraries too.
"""

import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ALL_AT_ONCE = {
    "OPENBLAS_CORETYPE": "Prescott",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "NPY_DISABLE_CPU_FEATURES": "@DISPATCHED@",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-AVX2_Usable,-FMA_Usable",
    "PYTHONHASHSEED": "4242",
}


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    return importlib.import_module("reproducibility")


def shorten(scenario, periods):
    """Cut the data of a rail day to its first hours."""
    for file in (scenario / "power_operator/data").glob("*.csv"):
        lines = file.read_text().splitlines(keepends=True)
        head = next(i for i, line in enumerate(lines) if not line.startswith("#"))
        if lines[head].startswith("period,"):
            file.write_text("".join(lines[: head + 1 + periods]))


@pytest.mark.long
@pytest.mark.parametrize(("name", "changes"), [("la_gcs", ["periods=3", "start_hour=6"]), ("ieee30", ["periods=3"])])
def test_a_short_day_is_the_same_in_other_surroundings(tmp_path, bench, name, changes):
    scenario = bench.copy(ROOT / "scenarios" / name, tmp_path, bpr=name == "la_gcs")
    if name == "ieee30":
        shorten(scenario, 3)
    places = [
        bench.Surroundings("as it is"),
        bench.Surroundings("all at once", ALL_AT_ONCE),
    ]
    first, *others = (bench.tables(bench.run(scenario, changes, place)[0]) for place in places)
    assert sum(map(len, first.values())) > 300
    for place, other in zip(places[1:], others, strict=True):
        assert bench.difference(first, other) == [], place.name


def test_a_difference_is_found_and_named(bench):
    import pandas as pd

    one = {"a/t": pd.DataFrame({"period": [0, 1], "x": [1.0, 2.0]}), "a/u": pd.DataFrame({"x": [1.0, float("nan")]})}
    two = {"a/t": pd.DataFrame({"period": [0, 1], "x": [1.0, 2.0 + 1e-15 * 2]}), "a/u": one["a/u"].copy()}
    assert bench.difference(one, one) == []
    (said,) = bench.difference(one, two)
    assert said.startswith("a/t: row 1 (period=1) x: ")
    assert bench.difference(one, {"a/t": one["a/t"]}) == ["a/u: only in one of the runs"]


@pytest.mark.long
@pytest.mark.parametrize("name", ["la_gcs", "ieee30"])
def test_a_whole_day_is_the_same_in_all_surroundings(tmp_path, bench, name):
    scenario = bench.copy(ROOT / "scenarios" / name, tmp_path, bpr=False)
    first = None
    for place in filter(bench.possible, bench.MATRIX):
        found = bench.tables(bench.run(scenario, [], place)[0])
        first = found if first is None else first
        assert bench.difference(first, found) == [], place.name
