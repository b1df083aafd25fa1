"""What Python reports of files, connections and children, classed and counted; and which folders are whose."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from federates.isolation.access import access_policy
from federates.isolation.opened_files import OpenedFiles
from federates.isolation.sandbox import SandboxState

WATCHED = """
import os, shutil, socket, subprocess, sys, threading
from pathlib import Path
from federates.isolation.opened_files import OpenedFiles
from federates.isolation.access import access_policy
from federates.isolation.sandbox import SandboxState

scenario = Path(sys.argv[1])
own, partner = scenario / "power_operator", scenario / "transport_operator"
policy = access_policy(own, scenario, scenario / "results/r/power_operator")
files = OpenedFiles(policy, range(24000, 24040), SandboxState("off", None, False, "")).start()

for _ in range(3):
    (own / "data.csv").read_text()
os.chdir(own)
open("data.csv").close()
(own / "link.csv").read_text()
(partner / "secret.csv").write_text("x")
os.rename(partner / "secret.csv", partner / "moved.csv")
os.listdir(scenario)
list(os.scandir(partner))
try:
    (partner / "missing.csv").read_text()
except FileNotFoundError:
    pass
(policy.temporary / "random_name").write_text("x")
(policy.temporary / "folder/deep").mkdir(parents=True)
shutil.rmtree(policy.temporary)
(policy.results / "table.json").write_text("x")
import wave
open(os.devnull, "w").close()
thread = threading.Thread(target=lambda: (partner / "thread.csv").exists() or (partner / "moved.csv").read_text())
thread.start()
thread.join()
for host, port in (("127.0.0.1", 24001), ("127.0.0.1", 9), ("192.0.2.1", 80)):
    with socket.socket() as s:
        s.settimeout(0.01)
        s.connect_ex((host, port)) if host.startswith("127") else None
        try:
            s.connect((host, port))
        except OSError:
            pass
subprocess.run([sys.executable, "-c", "pass"])
subprocess.run([sys.executable, "-c", "pass"])
early = (policy.results / "files.json").read_text()
files.write()
print(early)
"""


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """Return a scenario's folder, what a watched process left, and what it had left before it wrote for the last time."""
    scenario = tmp_path_factory.mktemp("watched") / "scenario"
    for folder in ("power_operator", "transport_operator", "results/r/power_operator/temporary"):
        (scenario / folder).mkdir(parents=True)
    (scenario / "power_operator/data.csv").write_text("1")
    (scenario / "transport_operator/linked.csv").write_text("2")
    (scenario / "power_operator/link.csv").symlink_to(scenario / "transport_operator/linked.csv")
    done = subprocess.run([sys.executable, "-c", WATCHED, str(scenario)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    record = json.loads((scenario / "results/r/power_operator/files.json").read_text())
    return scenario, record, json.loads(done.stdout)


def counted(record):
    return {(entry["path"], entry["mode"]): (entry["kind"], entry["count"]) for entry in record["opened"]}


def test_own_files_are_counted_one_by_one(watched):
    scenario, record, _ = watched
    assert counted(record)[str(scenario / "power_operator/data.csv"), "read"] == ("own", 4)


def test_what_lies_outside_is_named_by_its_real_path(watched):
    scenario, record, _ = watched
    partner = scenario / "transport_operator"
    found = {key: value for key, value in counted(record).items() if value[0] == "outside"}
    assert found == {
        (str(partner / "linked.csv"), "read"): ("outside", 1),
        (str(partner / "secret.csv"), "write"): ("outside", 2),
        (str(partner / "moved.csv"), "write"): ("outside", 1),
        (str(partner / "moved.csv"), "read"): ("outside", 1),
        (str(partner / "missing.csv"), "read"): ("outside", 1),
        (str(partner), "list"): ("outside", 1),
        (str(scenario), "list"): ("outside", 1),
    }


def test_names_that_say_nothing_are_one_entry(watched):
    scenario, record, _ = watched
    own = scenario / "results/r/power_operator"
    kinds = [(kind, path) for (path, mode), (kind, _) in counted(record).items() if mode == "write"]
    assert kinds.count(("temporary", str(own / "temporary"))) == 1
    assert kinds.count(("results", str(own))) == 1
    environment = [entry for entry in record["opened"] if entry["kind"] == "environment" and entry["mode"] == "read"]
    assert len(environment) == 1
    assert environment[0]["path"] == sys.prefix
    assert environment[0]["count"] >= 1


def test_connections_and_children_are_named(watched):
    _, record, _ = watched
    assert record["connections"] == [
        {"address": "127.0.0.1", "port": 24001, "kind": "run"},
        {"address": "127.0.0.1", "port": 9, "kind": "loopback"},
        {"address": "192.0.2.1", "port": 80, "kind": "outside"},
    ]
    assert record["children"] == [f"{sys.executable} -c pass"]
    assert record["recorded"] == "python"


def test_a_process_that_is_killed_has_left_what_was_outside(watched):
    """The record is written again at the first sight of everything outside, not only at the end."""
    _, record, early = watched
    assert {key for key, value in counted(early).items() if value[0] == "outside"} == {
        key for key, value in counted(record).items() if value[0] == "outside"
    }
    assert early["connections"] == record["connections"]


def project(tmp_path):
    """Return a scenario inside a project's folder, as with an editable installation."""
    scenario = tmp_path / "project/scenarios/day"
    for agent in ("power_operator", "transport_operator"):
        (scenario / agent).mkdir(parents=True)
    (scenario / "runner.json").write_text("{}")
    (scenario / "both.py").write_text("")
    (tmp_path / "project/package").mkdir()
    (tmp_path / "project/package/__init__.py").write_text("")
    (tmp_path / "project/notes").mkdir()
    return scenario


def test_an_import_that_looks_through_a_closed_search_path_is_no_curiosity(tmp_path, monkeypatch):
    """Python does that when somebody has changed a file in the project's folder while the run goes on."""
    policy = access_policy(tmp_path / "s/power_operator", tmp_path / "s", tmp_path / "s/results/r/power_operator")
    files = OpenedFiles(policy, range(24_000, 24_040), SandboxState("enforced", 6, True, ""))
    closed, beside = tmp_path / "closed", tmp_path / "beside"
    for folder in (closed, beside):
        folder.mkdir()
    monkeypatch.setattr(OpenedFiles, "_refused", lambda *_: True)  # of the owner's own folders nothing is closed here
    monkeypatch.syspath_prepend(str(closed))
    assert not files._on_list((str(closed),))
    assert files._on_list((str(beside),))
    monkeypatch.setattr(OpenedFiles, "_refused", lambda *_: False)
    assert files._on_list((str(closed),))


def test_a_project_on_the_search_path_is_narrowed_to_its_code(tmp_path, monkeypatch):
    scenario = project(tmp_path)
    # Wheels that `pip install --target` puts there carry shared libraries beside the package.
    library = tmp_path / "project/package.libs/libpackage.so"
    library.parent.mkdir()
    library.touch()
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "project"), str(scenario), str(scenario / "transport_operator")])
    policy = access_policy(scenario / "power_operator", scenario, scenario / "results/r/power_operator")
    assert policy.exposed == ()
    assert policy.kind(tmp_path / "project/package/__init__.py")[0] == "environment"
    assert policy.kind(library)[0] == "environment"
    assert policy.kind(scenario / "both.py")[0] == "own"
    for path in ("transport_operator/data.csv", "runner.json", "results/r/transport_operator/x", "results/old/power_operator/x"):
        assert policy.kind(scenario / path)[0] == "outside", path
    assert policy.kind(tmp_path / "project/notes/a.txt")[0] == "outside"
    assert policy.kind(tmp_path / "project/package_two")[0] == "outside"


def test_modules_around_the_scenario_do_not_open_it(tmp_path, monkeypatch):
    scenario = project(tmp_path)
    (tmp_path / "project/scenarios/tool.py").write_text("")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "project")])
    policy = access_policy(scenario / "power_operator", scenario, scenario / "results/r/power_operator")
    assert policy.exposed == ()
    assert policy.kind(tmp_path / "project/scenarios/tool.py")[0] == "environment"
    assert policy.kind(scenario / "transport_operator/data.csv")[0] == "outside"


def test_an_environment_around_the_scenario_is_narrowed_or_said_to_expose_it(tmp_path, monkeypatch):
    """Nothing can be promised where what must be read holds the scenario: that is said instead."""
    scenario = project(tmp_path)
    (tmp_path / "project/lib").mkdir()
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "project"))
    policy = access_policy(scenario / "power_operator", scenario, scenario / "results/r/power_operator")
    assert policy.exposed == ()
    assert policy.kind(tmp_path / "project/lib/python/x.py")[0] == "environment"
    assert policy.kind(scenario / "transport_operator/data.csv")[0] == "outside"
    inside = tmp_path / "project/lib/day"
    policy = access_policy(inside / "power_operator", inside, inside / "results/r/power_operator")
    assert policy.exposed == (tmp_path / "project/lib",)


def test_results_elsewhere_are_as_closed_as_in_the_scenario(tmp_path, monkeypatch):
    scenario, run = project(tmp_path), tmp_path / "library/runs/r"
    run.mkdir(parents=True)
    (tmp_path / "library/runs/tool.py").write_text("")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "library")])
    policy = access_policy(scenario / "power_operator", scenario, run / "power_operator")
    assert policy.exposed == ()
    assert policy.kind(tmp_path / "library/runs/tool.py")[0] == "environment"
    assert policy.kind(run / "power_operator/a.parquet")[0] == "results"
    for path in ("r/transport_operator/a.parquet", "r/graph.json", "old/power_operator/a.parquet"):
        assert policy.kind(tmp_path / "library/runs" / path)[0] == "outside", path
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "library"))
    assert access_policy(scenario / "power_operator", scenario, run / "power_operator").exposed == (tmp_path / "library",)


def test_the_agreement_is_the_coordinators_alone(tmp_path):
    scenario, run = project(tmp_path), tmp_path / "project/scenarios/day/results/r"
    session = scenario / "scenario.yaml"
    assert access_policy(scenario / "coordinator", scenario, run / "coordinator", session).kind(session)[0] == "session"
    assert access_policy(scenario / "power_operator", scenario, run / "power_operator").kind(session)[0] == "outside"
    assert Path(sys.prefix).resolve() in access_policy(scenario / "coordinator", scenario, run / "coordinator").environment
