"""Means over seeds with intervals, against scipy's own; schemes compared seed by seed; and which runs such a comparison takes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_1samp, ttest_rel

from federates.boundary.errors import ConfigError
from federates.cli.compare import _by_scheme, _changes, _with_seeds
from federates.reporting.compare import comparison_figures, write_comparison
from federates.reporting.seeds import interval_words, mean_of, seeds_grid
from federates.reporting.tables import RunTables
from federates.worlds.road.report.seeds import day_means_s, longer_percent

pytestmark = pytest.mark.filterwarnings("error")
SCHEMES = ("proposed", "fastest_route")


def test_an_interval_is_that_of_the_t_test():
    values = np.random.default_rng(3).normal(30.0, 2.0, (5, 7))
    found = mean_of(values)
    for column in range(7):
        expected = ttest_1samp(values[:, column], 0.0).confidence_interval(0.95)
        assert found.value[column] - found.half[column] == pytest.approx(expected.low)
        assert found.value[column] + found.half[column] == pytest.approx(expected.high)


def test_values_that_a_seed_lacks_do_not_count_and_one_value_has_no_interval():
    found = mean_of([[1.0, np.nan, np.nan], [3.0, 5.0, np.nan], [np.nan, np.nan, np.nan]])
    assert found.seeds.tolist() == [2, 1, 0]
    assert found.value[:2].tolist() == [2.0, 5.0]
    assert found.half[0] == pytest.approx(12.7062, abs=1e-4), "t(0.975, 1) times sqrt(2) / sqrt(2)"
    assert np.isnan(found.half[1:]).all()
    assert np.isnan(found.value[2])
    assert interval_words(found, 1, unit="%") == "5.0 %"


def test_of_runs_that_agreed_is_said_how_many():
    heads = {"mobile": [{"agreed": 1, "cost_usd": 2.0}, {"agreed": 0, "cost_usd": 4.0}, {"agreed": 1, "cost_usd": 3.0}]}
    grid = seeds_grid(heads, {"mobile": "Mobile"}, lambda key: "")
    assert grid.rows[0][1] == "in 2 of 3"
    assert grid.rows[1][1].startswith("3.00 ±")


@pytest.fixture
def seeded(road_days, tmp_path) -> dict[str, list[Path]]:
    """Return copies of two days with three seeds, whose vehicles take longer from seed to seed, the fastest route 2 % more."""
    out: dict[str, list[Path]] = {scheme: [] for scheme in SCHEMES}
    for k, factor in enumerate((1.0, 1.1, 1.25)):
        for scheme in SCHEMES:
            folder = shutil.copytree(road_days[scheme], tmp_path / f"{scheme}-seed{k + 1}")
            session = json.loads((folder / "session.json").read_text()) | {"seed": k + 1, "run_id": folder.name}
            (folder / "session.json").write_text(json.dumps(session))
            record = json.loads((folder / "run.json").read_text()) | {"run_id": folder.name}
            (folder / "run.json").write_text(json.dumps(record))
            path = folder / "traffic_sumo/deliveries.parquet"
            trips = pd.read_parquet(path)
            extra = 1.0 if scheme == "proposed" else 1.05
            trips.assign(road_time_s=trips["road_time_s"] * factor * extra).to_parquet(path)
            out[scheme].append(folder)
    return out


def test_schemes_are_compared_seed_by_seed(seeded):
    runs = {scheme: [RunTables.read(folder) for folder in folders] for scheme, folders in seeded.items()}
    own, fast = (day_means_s(runs[scheme]) for scheme in SCHEMES)
    found = longer_percent(runs, day_means_s)
    ratios = 100.0 * (fast / own - 1.0)
    expected = ttest_rel(ratios, np.zeros(3)).confidence_interval(0.95)
    assert found.value[0] - found.half[0] == pytest.approx(expected.low)
    assert found.value[0] + found.half[0] == pytest.approx(expected.high)
    alone = mean_of(own)
    assert 100.0 * alone.half[0] / alone.value[0] > 5.0 * found.half[0], "what chance does to both cancels in the differences"


@pytest.mark.usefixtures("not_rendered")
def test_a_comparison_over_seeds_has_means_with_intervals_and_can_be_drawn_again(seeded, tmp_path):
    first = {scheme: folders[0] for scheme, folders in seeded.items()}
    page = write_comparison(first, tmp_path / "compare", seeded).read_text(encoding="utf-8")
    assert "Means over 3 seeds, with intervals of 95 % (t distribution)." in page
    mean = mean_of(day_means_s([RunTables.read(folder) for folder in seeded["proposed"]]))
    assert f"{mean.value[0]:,.0f} ± {mean.half[0]:,.0f}".replace(",", "\u202f") in page
    kept = json.loads((tmp_path / "compare/comparison.json").read_text(encoding="utf-8"))
    assert kept["repeated"] == {scheme: [folder.name for folder in folders] for scheme, folders in seeded.items()}
    assert "delivery_time_seeds" in {drawing.name for drawing in comparison_figures(tmp_path / "compare")}
    shutil.rmtree(seeded["proposed"][1])
    with pytest.raises(ConfigError, match="must still be there"):
        list(comparison_figures(tmp_path / "compare"))


def test_schemes_with_other_seeds_are_not_compared(seeded, tmp_path):
    first = {scheme: folders[0] for scheme, folders in seeded.items()}
    with pytest.raises(ConfigError, match="must be those of the first scheme: 1, 2, 3"):
        write_comparison(first, tmp_path / "compare", seeded | {"fastest_route": seeded["fastest_route"][:2]})


def test_the_runs_of_a_comparison_over_seeds(root):
    found = SimpleNamespace(session_file=root / "scenarios/la_gcs/scenario.yaml")
    names = _with_seeds(["a", "b"], found, {"seed": "7"}, 2)
    assert names == ["a, seed 7", "b, seed 7", "a, seed 8", "b, seed 8"]
    assert _with_seeds(["a", "b"], found, {}, 1) == ["a", "b"]
    assert _changes("a, seed 8") == ({"scheme": "a", "seed": "8"}, "a-seed8")
    assert _changes("a") == ({"scheme": "a"}, "a")
    runs = {name: Path(name) for name in names}
    assert _by_scheme(runs) == {"a": [Path("a, seed 7"), Path("a, seed 8")], "b": [Path("b, seed 7"), Path("b, seed 8")]}
    del runs["b, seed 7"]
    assert _by_scheme(runs) == {"a": [Path("a, seed 8")], "b": [Path("b, seed 8")]}, "a seed that one scheme lacks is left out"
    assert _by_scheme({"a": Path("a"), "b": Path("b")}) == {"a": [Path("a")], "b": [Path("b")]}
