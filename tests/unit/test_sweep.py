"""Sweeps: what a file means, what is refused before the start, and what is kept; whole ones are in `test_sweeps`."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from small_sweep import NEED, SLOPE, write, write_study

from federates.boundary.errors import ConfigError, PortageError
from federates.sweep import load_sweep
from federates.sweep.methods import as_row, find_method
from federates.sweep.run import check_sweep
from federates.sweep.scenario_copy import PackedScenario
from federates.sweep.store import PointStore
from federates.sweep.worker import compute


@pytest.fixture
def place(tmp_path):
    return write_study(tmp_path)


def refuse(place: Path, **changes) -> list:
    with pytest.raises(ConfigError) as caught:
        check_sweep(load_sweep(write(place, **changes)))
    return caught.value.problems


# What a file means


def test_points_are_the_product_of_schemes_and_values(place):
    sweep = load_sweep(write(place, schemes=["proposed", "no_mves"], vary={SLOPE: [1, 2], NEED: [3, 4]}))
    assert [(p.scheme, *p.changes.values()) for p in sweep.points][:5] == [
        ("proposed", 1, 3), ("proposed", 1, 4), ("proposed", 2, 3), ("proposed", 2, 4), ("no_mves", 1, 3),
    ]  # fmt: skip
    assert len({point.name for point in sweep.points}) == 8


def test_zip_pairs_the_values(place):
    sweep = load_sweep(write(place, vary={SLOPE: [1, 2], NEED: [3, 4]}, zip=True))
    assert [tuple(p.changes.values()) for p in sweep.points] == [(1, 3), (2, 4)]
    (problem,) = refuse(place, vary={SLOPE: [1, 2], NEED: [3]}, zip=True)
    assert "as many values" in problem.allowed


def test_without_keys_there_is_one_point_of_the_scenarios_own_scheme(place):
    (point,) = load_sweep(write(place, vary={})).points
    assert (point.scheme, point.changes) == ("proposed", {})
    (same,) = load_sweep(write(place, vary={}, schemes=["proposed"])).points
    assert same.name == point.name
    assert [len(load_sweep(write(place, vary={SLOPE: [5, 5]}, zip=both)).points) for both in (True, False)] == [1, 1]


def test_a_point_changes_its_name_with_all_it_depends_on_and_nothing_else(place):
    def names(**changes):
        return {point.name for point in load_sweep(write(place, **changes)).points}

    first = names()
    assert names(executor={"kind": "local", "workers": 7}, output="elsewhere") == first
    assert not names(options={"wait_s": 1}) & first
    assert len(names(vary={SLOPE: [2, 3, 4]}) & first) == 2
    (place / "small/NOTES.md").write_text("a note")
    (place / "small/power_operator/notes.md").write_text("a note")
    (place / "small/results/old").mkdir(parents=True)
    (place / "small/results/old/x.json").write_text("{}")
    assert names() == first
    (place / "small/power_operator/data.csv").write_text("1")
    assert not names() & first, "other input, other result"


# What is refused before the start


def test_wrong_key_names_file_field_value_and_what_is_allowed(place):
    (problem,) = refuse(place, vary={"transport_operator.settings.slop": [5]})
    assert problem.file.endswith("sweep.yaml")
    assert (problem.field, problem.value) == ("vary.transport_operator.settings.slop", "5")
    assert "did you mean 'slope'? allowed keys: slope" in problem.allowed
    assert "transport_operator/config.yaml" in problem.allowed


@pytest.mark.parametrize(
    ("vary", "field", "allowed"),
    [
        (
            {"transport.settings.slope": [1]},
            "vary.transport.settings.slope",
            "must be one of scenario, coordinator, power_operator",
        ),
        ({"transport_operator": [1]}, "vary.transport_operator", "must go on with a key"),
        ({"scenario.scheme": ["no_mves"]}, "vary.scenario.scheme", "give schemes instead"),
        ({"scenario.perods": [4]}, "vary.scenario.perods", "did you mean 'periods'?"),
        ({"scenario.periods": [4, 0]}, "vary.scenario.periods", "greater than or equal to 1"),
        (
            {"transport_operator.setings.slope": [1]},
            "vary.transport_operator.setings.slope",
            "allowed keys: operator, schema_version",
        ),
        ({"power_operator.settings.need.more": [1]}, "vary.power_operator.settings.need.more", "neither a mapping nor a list"),
        ({SLOPE: [1, "steep"]}, f"vary.{SLOPE}", "valid number"),
        ({"power_operator.operator": ["charging_statoin"]}, "vary.power_operator.operator", "did you mean 'charging_station'"),
    ],
)
def test_every_wrong_key_or_value_is_found_before_the_start(place, vary, field, allowed):
    yaml_file = place / "small/power_operator/config.yaml"
    yaml_file.write_text(yaml.safe_dump(yaml.safe_load(yaml_file.read_text()) | {"settings": {"need": 5.0}}))
    problems = refuse(place, vary=vary)
    assert [problem.field for problem in problems] == [field]
    assert allowed in problems[0].allowed
    assert not (place / "out").exists()


def test_all_problems_come_at_once_and_each_once(place):
    problems = refuse(place, method="study:price", vary={SLOPE: ["a", "b"], NEED: ["c", 1]})
    assert {problem.field for problem in problems} == {"method", f"vary.{SLOPE}", f"vary.{NEED}"}
    assert len(problems) == len(set(problems)) == 4


@pytest.mark.parametrize(
    ("changes", "field", "allowed"),
    [
        ({"method": "centralized"}, "method", "centralised, run, or module:function"),
        ({"method": "nowhere:cost"}, "method", "put nowhere.py beside runner.json"),
        ({"method": "study:price"}, "method", "no function 'price'"),
        ({"options": {"wait": 1}}, "options", "wait_s"),
        ({"method": "centralised", "options": {"gap_rel": 1}}, "options", "formulation, gap, time_limit_s"),
        ({"schemes": ["mobile"]}, "schemes", "proposed, fastest_route, no_mves"),
        ({"scenario": "large"}, "scenario", "folder of a scenario"),
        ({"workers": 3}, "workers", "unknown key"),
        ({"executor": {"kind": "scheduler", "address": "nowhere"}}, "executor.scheduler.address", "pattern"),
        ({"vary": {SLOPE: []}}, f"vary.{SLOPE}", "at least 1"),
    ],
)
def test_mistakes_in_the_file_are_named(place, changes, field, allowed):
    problems = refuse(place, **changes)
    assert [problem.field for problem in problems] == [field]
    assert allowed in problems[0].allowed


def test_a_scenario_that_cannot_run_is_refused(place):
    (place / "small/coordinator/config.yaml").unlink()
    assert "coordinator/config.yaml" in str(refuse(place)[0])


def test_without_dask_a_cluster_is_refused_with_the_command_that_installs_it(place, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *more: None if name == "distributed" else found(name, *more))
    (problem,) = refuse(place, executor={"kind": "scheduler", "address": "tcp://127.0.0.1:9"})
    assert problem.field == "executor.kind"
    assert "pip install portage-cosim[cluster]" in problem.allowed
    assert refuse(place, vary={"transport_operator.settings.slop": [5]})[0].field != "executor.kind"


# One point


def first_outcome(place: Path, **changes) -> dict:
    sweep = load_sweep(write(place, **changes))
    return compute(sweep.packed, sweep.points[0], place)


def test_a_point_sees_its_own_copy_with_its_values(place):
    before = {path: path.read_bytes() for path in (place / "small").rglob("*") if path.is_file()}
    outcome = first_outcome(place, schemes=["no_mves"], vary={SLOPE: [4], NEED: [2.5], "scenario.seed": [9]})
    assert outcome["status"] == "done"
    assert outcome["result"] == {"total_cost_usd": 10.0, "seen": "no_mves", "seed": 9, "curve": [4, 2.5]}
    assert {
        path: path.read_bytes() for path in (place / "small").rglob("*") if path.is_file() and ".pyc" not in path.name
    } == before
    assert not list(place.glob("point-*")), "the copy is gone"


def test_a_failing_point_says_why_without_naming_its_copy(place):
    outcome = first_outcome(place, vary={SLOPE: [13]})
    assert outcome["status"] == "failed"
    assert outcome["error"] == "ValueError: thirteen in small/transport_operator"
    assert "study.py" in outcome["traceback"]


def test_deep_keys_reach_lists_and_make_what_the_file_leaves_out(place):
    config = place / "small/power_operator/config.yaml"
    config.write_text(
        yaml.safe_dump({"schema_version": 1, "operator": "small_agents:SmallPower", "settings": {"a": [{"b": 1}, 2]}})
    )
    from federates.sweep.changes import apply_changes
    from federates.sweep.spec import Point

    changes = {"power_operator.settings.a.0.b": 7, "power_operator.settings.new.deep": [1], "power_operator.settings.a.1": None}
    apply_changes(place / "small", Point("proposed", changes, "run", {}, ""))
    assert yaml.safe_load(config.read_text())["settings"] == {"a": [{"b": 7}, None], "new": {"deep": [1]}}
    for key in ("power_operator.settings.a.2", "power_operator.settings.a.x.y"):
        with pytest.raises(ConfigError, match="is a list of 2"):
            apply_changes(place / "small", Point("proposed", {key: 1}, "run", {}, ""))


def test_the_copy_keeps_what_lies_outside_at_its_place(place):
    sweep = load_sweep(write(place))
    copy = sweep.packed.unpack(place / "copy")
    assert copy.name == "small"
    assert (copy / "../broker.yaml").exists()
    assert (copy / "study.py").exists()
    assert PackedScenario.of(load_sweep(write(place, scenario="copy/small")).scenario).sha256 == sweep.packed.sha256


def test_answers_become_plain_values():
    row = as_row(
        {"a": np.float64(2.5), "b": np.int64(3), "c": float("nan"), "d": None, "e": "x", "f": ((1, np.inf),), "g": np.ones(2)}
    )
    assert row == {"a": 2.5, "b": 3, "c": None, "d": None, "e": "x", "f": [[1, None]], "g": [1.0, 1.0]}
    assert type(row["b"]) is int
    for wrong in (5, {"a": object()}):
        with pytest.raises(PortageError):
            as_row(wrong)


def test_a_module_beside_runner_json_goes_before_an_installed_one(place):
    (place / "small/json.py").write_text("def dumps(scenario): return {'mine': 1}")
    assert find_method("json:dumps", place / "small")(place) == {"mine": 1}


# What is on the disk


def test_damaged_or_foreign_files_are_computed_again(place):
    sweep = load_sweep(write(place))
    store, (point, other, _) = PointStore(sweep.output), sweep.points
    store.write(point, {"status": "done", "result": {"x": 1}})
    assert store.is_done(point)
    path = next(store.folder.glob("points/*.json"))
    text = path.read_text()
    path.write_text(text[: len(text) // 2])
    assert not store.is_done(point)
    path.with_name(f"{other.name}.json").write_text(text)
    assert not store.is_done(other), "the content says whose it is"
    store.write(point, {"status": "failed", "error": "no"})
    assert not store.is_done(point)
    assert not [p for p in store.folder.glob("points/*") if p.suffix != ".json"]


def test_table_of_mixed_values_can_be_written(place):
    sweep = load_sweep(write(place, vary={SLOPE: [1, [2, 3], {"a": 4}]}))
    store = PointStore(sweep.output)
    for number, point in enumerate(sweep.points):
        store.write(point, {"status": "done", "result": {"x": number, "curve": [1]}})
    table = store.merge(sweep.points, {"about": 1})
    assert table[SLOPE].tolist() == ["1", "[2, 3]", '{"a": 4}']
    assert "curve" not in table
    pd.testing.assert_frame_equal(pd.read_parquet(store.folder / "sweep.parquet"), table)
