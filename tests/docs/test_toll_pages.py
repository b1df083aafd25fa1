"""The pages of tolls and of the coupling study: made by their commands, and their numbers against published ones."""

import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def tolls():
    sys.path[:0] = [str(ROOT / "studies"), str(ROOT / "studies" / "tolls")]
    yield importlib.import_module("make_tolls")
    del sys.path[:2]


def test_the_page_of_tolls_is_what_its_command_makes(tolls):
    assert (ROOT / "docs/tolls.md").read_text(encoding="utf-8") == tolls.page()


def test_textbook_values_on_the_page_are_the_published_ones(tolls):
    found = [row[-1] for row in tolls.textbook()]
    assert found == ["498", "552", "498", f"{552 / 498:.4f}", "30, 3, 3, 30, 0", "116, 116; 130", "0.50", f"{4 / 3:.4f}"]


def test_tolls_bring_drivers_to_the_optimum(tolls):
    of = tolls.morning()
    for rows, name, off in ((tolls.morning_rows(of), 1, 5), (tolls.staying_rows(of), 1, 5)):
        by_rule = {}
        for row in rows:
            by_rule.setdefault(row[name], []).append(float(row[off]))
        assert max(by_rule["equilibrium with tolls"]) <= 1e-3
        assert min(by_rule["equilibrium"]) > 50.0  # veh/h: without tolls drivers are somewhere else


def test_in_sumo_tolls_lead_drivers_who_learn_to_the_optimum(tolls):
    """What SUMO showed is kept; by formula 189 take the second freeway without tolls, and 615 at the optimum."""
    found = json.loads(tolls.SUMO.read_text(encoding="utf-8"))
    free, tolled = (found[name][-3:] for name in ("free", "tolled"))
    assert all(abs(day["second_veh"] - 189) < abs(day["second_veh"] - 615) for day in free)
    assert all(abs(day["second_veh"] - 615) < 100 for day in tolled)
    assert max(day["everybody_h"] for day in tolled) < min(day["everybody_h"] for day in free)
    everybody = {
        rule: [found["rules"][f"{rule} {seed}"]["everybody_h"] for seed in (1, 2, 3)]
        for rule in ("fastest", "equilibrium", "optimum")
    }
    assert (np.array(everybody["equilibrium"]) > np.array(everybody["optimum"])).all()
    assert (np.array(everybody["fastest"]) > np.array(everybody["equilibrium"])).all()


def test_the_page_of_coupling_is_what_its_command_makes(tolls):
    coupling = importlib.import_module("make_coupling")
    kept = json.loads((ROOT / "studies/coupling.json").read_text(encoding="utf-8"))
    assert (ROOT / "docs/coupling.md").read_text(encoding="utf-8") == coupling.page(kept)


def test_same_pairs_are_compared_with_the_vehicles_of_the_plan(tolls):
    coupling = importlib.import_module("make_coupling")
    plan = {
        "pairs": {
            "a": {"vehicles": [10, 0], "road_time_s": [100.0, None]},
            "b": {"vehicles": [5, 1], "road_time_s": [200.0, 50.0]},
        }
    }
    other = {
        "pairs": {
            "a": {"vehicles": [1, 9], "road_time_s": [110.0, 900.0]},
            "b": {"vehicles": [9, 0], "road_time_s": [240.0, None]},
        }
    }
    assert coupling.same_pairs_percent(plan, other) == pytest.approx(100 * ((1100 + 1200) / 2000 - 1))
    assert np.isnan(coupling.same_pairs_percent(plan, other, period=1))
