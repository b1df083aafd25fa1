"""Sweeps: what a file means, what is refused before the start, and that results survive whatever ends the process."""

import functools
import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
import yaml
from small_scenario import write_small_scenario

from federates.boundary.errors import ConfigError, PortageError
from federates.sweep import load_sweep, run_sweep
from federates.sweep.methods import as_row, find_method
from federates.sweep.run import check_sweep
from federates.sweep.scenario_copy import PackedScenario
from federates.sweep.store import PointStore
from federates.sweep.worker import compute

SLOPE, NEED = "transport_operator.settings.slope", "power_operator.settings.need"

STUDY = """
import os, time
from pathlib import Path
import yaml

def settings(scenario, agent):
    return yaml.safe_load((scenario / agent / "config.yaml").read_text())["settings"]

def cost(scenario, *, wait_s=0.0, log=""):
    slope = settings(scenario, "transport_operator").get("slope", 1.0)
    need = settings(scenario, "power_operator").get("need", 12.0)
    if log:
        with open(log, "a") as stream:
            stream.write(f"{slope} {need}\\n")
    time.sleep(wait_s)
    if slope == 13:
        raise ValueError(f"thirteen in {scenario}/transport_operator")
    if slope == 66:
        os._exit(3)
    public = yaml.safe_load((scenario / "scenario.yaml").read_text())
    return {"total_cost_usd": slope * need, "seen": public["scheme"], "seed": public.get("seed", 0), "curve": [slope, need]}
"""


@pytest.fixture
def place(tmp_path):
    scenario = write_small_scenario(tmp_path)
    (scenario / "study.py").write_text(STUDY)
    return tmp_path


def write(place: Path, name: str = "sweep.yaml", **changes) -> Path:
    base = {"schema_version": 1, "scenario": "small", "method": "study:cost", "vary": {SLOPE: [1, 2, 3]}, "output": "out"}
    (place / name).write_text(yaml.safe_dump(base | changes, sort_keys=False))
    return place / name


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


# Whole sweeps, with workers


def test_sweep_resumes_reuses_and_retries(place):
    log = str(place / "log.txt")
    options = {"options": {"log": log}, "executor": {"kind": "local", "workers": 2}}
    seen = []
    end = run_sweep(write(place, vary={SLOPE: [1, 13, 2]}, **options), lambda progress: seen.append(progress.finished))
    assert not end.ok
    assert (end.progress.done, end.progress.reused, list(end.progress.failed.values())) == (
        2,
        0,
        ["ValueError: thirteen in small/transport_operator"],
    )
    assert seen == [0, 1, 2, 3]
    table = pd.read_csv(place / "out/sweep.csv")
    assert table["total_cost_usd"].tolist()[::2] == [12.0, 24.0]
    assert table["done"].tolist() == [True, False, True]
    assert "Not every point has a result" in end.page.read_text(encoding="utf-8")
    assert {path.name for path in (place / "out/figures").iterdir()} == {"curve.svg", "curve.png"}
    assert len(Path(log).read_text().splitlines()) == 3
    # Two old points, two new ones; the failed one is not asked for any more.
    end = run_sweep(write(place, vary={SLOPE: [2, 66, 3, 1]}, **options))
    assert (end.progress.done, end.progress.reused) == (1, 2)
    assert "worker process ended" in next(iter(end.progress.failed.values()))
    assert end.table[SLOPE].tolist() == [2, 66, 3, 1]
    before = len(Path(log).read_text().splitlines())
    end = run_sweep(write(place, vary={SLOPE: [3, 2, 1]}, **options))
    assert end.ok
    assert end.progress.reused == 3
    assert len(Path(log).read_text().splitlines()) == before, "nothing was computed"


def test_one_and_two_workers_and_a_cluster_of_two_give_the_same_table(place):
    import dask
    from distributed import LocalCluster

    vary = {SLOPE: [1, 2, 3], NEED: [1.5, 2.5]}
    files = []
    own = {"n_workers": 2, "threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}
    # Dask tries what was on a worker that ended again elsewhere, three times by default.
    with dask.config.set({"distributed.scheduler.allowed-failures": 2}), LocalCluster(**own) as cluster:
        remote = {"kind": "scheduler", "address": cluster.scheduler_address}
        for name, executor in (
            ("one", {"kind": "local", "workers": 1}),
            ("two", {"kind": "local", "workers": 2}),
            ("cluster", remote),
        ):
            assert run_sweep(write(place, vary=vary, executor=executor, output=name)).ok
            files.append((place / name / "sweep.csv").read_bytes())
        end = run_sweep(write(place, vary={SLOPE: [1, 13, 2, 66]}, executor=remote, output="cluster"))
    assert files[0] == files[1] == files[2]
    assert len(files[0].splitlines()) == 7
    died, raised = (end.table.set_index(SLOPE)["error"][slope] for slope in (66, 13))
    assert "worker process ended" in died
    assert raised.startswith("ValueError: thirteen")
    assert end.table["done"].tolist() == [True, False, True, False]


def test_only_a_cluster_needs_dask(place):
    """Everything is imported, and a sweep is run, by a Python that has no Dask."""
    code = (
        "import importlib, pkgutil, sys\n"
        "class NoDask:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in ('dask', 'distributed'): raise ModuleNotFoundError(name, name=name)\n"
        "sys.meta_path.insert(0, NoDask())\n"
        "import federates\n"
        "names = [module.name for module in pkgutil.walk_packages(federates.__path__, 'federates.')]\n"
        "for name in names:\n"
        "    if not name.endswith('.__main__') and name != 'federates.sweep.cluster': importlib.import_module(name)\n"
        "assert len(names) > 200 and not {'dask', 'distributed'} & set(sys.modules)\n"
        "from pathlib import Path\n"
        "from federates.sweep import run_sweep\n"
        "assert run_sweep(Path(sys.argv[1])).ok\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(write(place))], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert pd.read_csv(place / "out/sweep.csv")["total_cost_usd"].tolist() == [12.0, 24.0, 36.0]


def test_without_dask_a_cluster_is_refused_with_the_command_that_installs_it(place, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *more: None if name == "distributed" else found(name, *more))
    (problem,) = refuse(place, executor={"kind": "scheduler", "address": "tcp://127.0.0.1:9"})
    assert problem.field == "executor.kind"
    assert "pip install portage-cosim[cluster]" in problem.allowed
    assert refuse(place, vary={"transport_operator.settings.slop": [5]})[0].field != "executor.kind"


def test_a_scheduler_that_does_not_answer_is_said(place, monkeypatch):
    monkeypatch.setattr("federates.sweep.cluster.CONNECT_S", 1)
    with pytest.raises(PortageError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        run_sweep(write(place, executor={"kind": "scheduler", "address": "tcp://127.0.0.1:9"}))


def start(file: Path) -> subprocess.Popen:
    command = [sys.executable, "-m", "federates.cli", "sweep", str(file)]
    # A shell that starts the tests in the background has them ignore Ctrl-C, and a child inherits that.
    heed = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.Popen(command, **pipes, text=True, start_new_session=True, preexec_fn=heed)


def wait_for_points(folder: Path, count: int, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 120
    while len(list(folder.glob("points/*.json"))) < count:
        assert process.poll() is None, process.stdout.read()
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.faults)])
def test_a_sweep_that_is_killed_or_stopped_goes_on_where_it_was(place, how):
    log = place / "log.txt"
    file = write(
        place,
        vary={SLOPE: [1, 2, 3, 4, 5, 6]},
        options={"wait_s": 0.7, "log": str(log)},
        executor={"kind": "local", "workers": 1},
    )
    process = start(file)
    wait_for_points(place / "out", 2, process)
    workers = psutil.Process(process.pid).children(recursive=True)
    assert workers
    if how is signal.SIGINT:
        os.killpg(process.pid, how)  # as a terminal does: all of the sweep's group get it
    else:
        process.send_signal(how)
    text, _ = process.communicate(timeout=60)
    assert process.returncode == (-how if how is signal.SIGKILL else 130)
    assert "Traceback" not in text
    assert psutil.wait_procs(workers, timeout=20)[1] == []
    copies = list(Path(tempfile.gettempdir()).glob(f"portage-run-{process.pid}-*"))
    assert how is signal.SIGKILL or copies == []
    known = len(list((place / "out/points").glob("*.json")))
    assert 2 <= known < 6
    if how is not signal.SIGKILL:
        assert f"Stopped (interrupted by {'the user' if how is signal.SIGINT else 'SIGTERM'})" in text
        assert len(pd.read_csv(place / "out/sweep.csv")) == known
    process = start(file)
    text, _ = process.communicate(timeout=120)
    assert process.returncode == 0, text
    assert [copy for copy in copies if copy.exists()] == [], "the next start clears up what a killed one left"
    assert f"6 of 6 points have a result ({known} known before)" in text
    assert pd.read_csv(place / "out/sweep.csv")["total_cost_usd"].tolist() == [12.0 * slope for slope in range(1, 7)]
    computed = [float(line.split()[0]) for line in log.read_text().splitlines()]
    assert len(computed) <= 6 + 1, "only the point that was under way was computed twice"
    assert json.loads((place / "out/sweep.json").read_text())["missing"] == 0


def test_command_line_says_what_failed_and_returns_one(place):
    process = start(write(place, vary={SLOPE: [1, 13]}))
    text, _ = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "1 of 2 points have a result" in text
    assert "ValueError: thirteen" in text
    process = start(write(place, vary={"transport_operator.settings.slop": [1]}))
    text, _ = process.communicate(timeout=120)
    assert process.returncode == 2
    assert "1 problem found; nothing was started" in text
