"""Words of `runner.json` and `broker.yaml` that go to the system as paths, commands and variables.

What the system would refuse is refused before.
"""

import json
import os
import pwd
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from small_scenario import write_small_scenario

from federates.boundary.errors import ConfigError
from federates.executable import process
from federates.executable.arguments import Arguments, find_program, program_folders
from federates.isolation.access import access_policy, also_readable
from federates.isolation.confinement import Confinement
from federates.runs import launch as launching
from federates.runs.check import check_scenario
from federates.runs.scenario import agents_of
from federates.runtime.broker_config import AuditConfig, BrokerConfig
from federates.runtime.identity import RunIdentity

POWER, HALF, LONG = "power_operator", "\ud800", "a" * 5000
MODULE = f"python -u -m federates.{POWER}"
WHOLE = "of whole characters and without a null byte"


def entry(scenario, agent, **keys):
    """Change keys of a process."""
    runner = scenario / "runner.json"
    data = json.loads(runner.read_text())
    next(process for process in data["federates"] if process["name"] == agent).update(keys)
    runner.write_text(json.dumps(data))
    return scenario


def problems(scenario):
    with pytest.raises(ConfigError) as caught:
        check_scenario(scenario)
    return caught.value.problems


@pytest.mark.parametrize(
    ("env", "field", "value", "allowed"),
    [
        ({"A=B": "x"}, "env", "'A=B'", "have no ="),
        ({"": "x"}, "env", "''", "a name must be a text"),
        ({"A\0": "x"}, "env", r"'A\x00'", WHOLE),
        ({HALF: "x"}, "env", r"'\ud800'", WHOLE),
        ({"A": "\0"}, "env.A", r"'\x00'", WHOLE),
        ({"A": HALF}, "env.A", r"'\ud800'", WHOLE),
    ],
)
def test_a_variable_that_no_process_can_have_is_refused(tmp_path, env, field, value, allowed):
    (problem,) = problems(entry(write_small_scenario(tmp_path), POWER, env=env | {"SOUND": ""}))
    assert (problem.field, problem.value) == (f"federates[1].{field}", value)
    assert allowed in problem.allowed


def test_a_sound_variable_reaches_the_process(tmp_path):
    # A byte that is no UTF-8 stands in JSON as Python shows it; the system takes it.
    env = {"A": "", "B": "x=y", "C": "\udc80"}
    scenario = check_scenario(entry(write_small_scenario(tmp_path), POWER, env=env))
    assert scenario.entry(POWER).env == env


@pytest.mark.parametrize("changed", [{"env": {"A=B": "x"}}, {"command": ("./\0",)}, {"env": {"A": HALF}}])
def test_a_run_whose_process_cannot_be_started_ends_as_failed(tmp_path, changed):
    """The check refuses these; whoever comes past it, as with a scenario made in Python, gets a sentence and a record."""
    found = check_scenario(write_small_scenario(tmp_path))
    run = launching.launch(replace(found, entries=tuple(replace(entry, **changed) for entry in found.entries)))
    assert run.culprit.startswith("broker: cannot be started: ")
    assert json.loads((run.folder / "run.json").read_text())["status"] == "failed"


def test_a_line_that_ssh_cannot_be_told_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(launching, "line_to_type", lambda *_: "portage join")
    host = SimpleNamespace(start="ssh", ssh="", folder="a\0b")
    hosts = SimpleNamespace(file=SimpleNamespace(hosts={"depot": host}), agents_on=lambda name: [POWER])
    (tmp_path / "logs").mkdir()
    run = launching.Launch(SimpleNamespace(given=tmp_path), SimpleNamespace(run_folder=str(tmp_path)))
    launching._start_hosts(run, hosts)
    assert run.culprit == "depot: ssh cannot be started: embedded null byte"
    assert run.processes == {}


@pytest.mark.parametrize(
    ("agent", "command", "field", "value", "allowed"),
    [
        (POWER, "python -m .foo", f"{POWER}.exec", ".foo", "ImportError: no package specified"),
        (POWER, "python -m __main__", f"{POWER}.exec", "__main__", "not installed"),
        (POWER, "python -m " + "x." * 3000 + "x", f"{POWER}.exec", "x.x", "RecursionError"),
        (POWER, "python " + LONG, f"{POWER}.exec", LONG, "this file must exist"),
        (POWER, "./" + "b" * 300, f"{POWER}.exec", "./bbb", "this program was not found"),
        (POWER, LONG, f"{POWER}.exec", LONG, "this program was not found"),
        (POWER, f"python -m federates.executable {POWER} -- {LONG}", f"{POWER}.exec", LONG, "must be a program"),
        (POWER, f"{MODULE} {LONG}", f"{POWER}.exec", LONG, "unknown option"),
        (POWER, f"{MODULE} --config {LONG}", "(file)", "File name too long", "must be readable text"),
        (POWER, f"{MODULE} --config {HALF}", "federates[1].exec", r"--config \ud800", WHOLE),
        (POWER, f"{MODULE} --config={HALF}", "federates[1].exec", r"--config=\ud800", WHOLE),
        ("broker", f"python -m federates.broker --config {HALF}", "federates[0].exec", r"--config \ud800", WHOLE),
        ("coordinator", f"python -m federates.coordinator --session {HALF}", "federates[4].exec", r"--session \ud800", WHOLE),
        (POWER, "python -u -m federates.agent", f"{POWER}.exec", "federates.agent", f"behind it: federates.agent {POWER}"),
        (POWER, "python -m federates.agent --config config.yaml", f"{POWER}.exec", "federates.agent", "role behind it"),
        (POWER, "python -m federates.agent coordinator", f"{POWER}.exec", "'coordinator'", f"must be {POWER}, the role"),
        (
            "broker",
            "python -m federates.agent broker --config ../broker.yaml",
            "broker.exec",
            "federates.agent",
            "must be federates.broker, or",
        ),
    ],
    ids=lambda value: value[:50].encode("ascii", "backslashreplace").decode(),
)
def test_a_command_that_cannot_be_started_is_refused(tmp_path, agent, command, field, value, allowed):
    found = problems(entry(write_small_scenario(tmp_path), agent, exec=command))
    assert [p for p in found if p.field == field and value in p.value and allowed in p.allowed], found


def test_the_module_of_any_role_is_taken_with_the_agents_own(tmp_path):
    command = f"python -u -m federates.agent {POWER} --config config.yaml"
    assert check_scenario(entry(write_small_scenario(tmp_path), POWER, exec=command)).configs.keys() >= {POWER}


@pytest.mark.parametrize("ending", ["raise SystemExit(0)", "def broken(:", "1 / 0"])
def test_a_package_that_fails_when_it_is_looked_into_is_named(tmp_path, monkeypatch, ending):
    package = tmp_path / "library/failing_package_of_this_test"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(ending + "\n")
    monkeypatch.syspath_prepend(tmp_path / "library")
    (problem,) = problems(entry(write_small_scenario(tmp_path), POWER, exec=f"python -m {package.name}.part"))
    assert "Python cannot look for this module: " in problem.allowed


def test_a_word_too_long_for_a_file_is_no_file_and_none_that_an_own_program_must_not_be_told(tmp_path):
    command = f"python -m federates.executable {POWER} -- python3 {LONG}"
    assert POWER not in check_scenario(entry(write_small_scenario(tmp_path), POWER, exec=command)).configs
    assert find_program(LONG, tmp_path, os.defpath) is None


def test_a_scenario_whose_name_is_too_long_for_a_file_is_refused():
    with pytest.raises(ConfigError, match="File name too long"):
        check_scenario(Path(LONG))
    with pytest.raises(ConfigError, match="missing"):
        agents_of(Path(LONG) / "runner.json")


UNFOLLOWED = [
    ("~nosuchuser/x", "must be a path that can be followed: Could not determine home directory"),
    ("/" + "a" * 10_000, "must be a path that can be followed: File name too long"),
    ("~/" + "a" * 300, "must be a path that can be followed: File name too long"),
    ("/a\0b", "must exist"),
]


@pytest.mark.parametrize(("name", "allowed"), UNFOLLOWED, ids=lambda value: value[:20])
def test_a_path_to_read_that_cannot_be_followed_is_a_problem_in_check_and_run(tmp_path, name, allowed):
    scenario = write_small_scenario(tmp_path)
    broker = yaml.safe_load((tmp_path / "broker.yaml").read_text())
    audit = {"readable": {POWER: ["/", name]}}
    (tmp_path / "broker.yaml").write_text(yaml.safe_dump(broker | {"audit": audit}))
    around, named = problems(scenario)
    assert "and not around them" in around.allowed
    assert (named.field, named.value, named.allowed) == (f"audit.readable.{POWER}", repr(name), allowed)

    settings = BrokerConfig(schema_version=1, audit=AuditConfig(readable={POWER: (name,)}))
    identity = RunIdentity("r", str(scenario), str(tmp_path / "r"), 24000, "key", settings, "road", {POWER: POWER})
    with pytest.raises(ConfigError, match=f"audit.readable.{POWER} = "):
        Confinement(POWER, POWER, identity, scenario / POWER, None)


def test_a_path_to_read_begins_at_home(tmp_path, monkeypatch):
    (tmp_path / "licence").touch()
    monkeypatch.setenv("HOME", str(tmp_path))
    assert also_readable(AuditConfig(readable={POWER: ("~/licence",)}), POWER, [tmp_path / "day"]) == [tmp_path / "licence"]


def test_what_a_user_may_not_list_is_no_code(tmp_path, monkeypatch):
    closed, listed = tmp_path / "closed", Path.iterdir
    closed.mkdir()
    (closed / "module.py").touch()
    monkeypatch.syspath_prepend(closed)

    def iterdir(folder):
        if folder == closed:
            raise PermissionError(13, "Permission denied", str(folder))
        return listed(folder)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    policy = access_policy(tmp_path / "day" / POWER, tmp_path / "day", tmp_path / "results/r" / POWER)
    assert policy.kind(closed / "module.py")[0] == "outside"


def test_a_folder_for_the_linker_that_is_not_there_is_left_out(tmp_path, monkeypatch):
    (tmp_path / "libraries").mkdir()
    (tmp_path / "circle").symlink_to("circle")
    told = [str(tmp_path / "libraries"), str(tmp_path / "circle"), str(tmp_path / LONG)]
    monkeypatch.setenv("LD_LIBRARY_PATH", os.pathsep.join(told))
    found = program_folders(tmp_path / "solver/bin/solver", tmp_path / "day")
    assert found == [tmp_path / "solver", tmp_path / "solver/bin", tmp_path / "libraries"]


def test_a_user_without_a_home_can_start_a_program(tmp_path, monkeypatch):
    def nobody(number):
        raise KeyError(number)

    monkeypatch.delenv("HOME")
    monkeypatch.delenv("LD_LIBRARY_PATH", raising=False)
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    assert program_folders(tmp_path / "own/solver", tmp_path / "day") == [tmp_path / "own"]


def test_a_session_that_is_a_circle_of_links_is_refused_by_the_wrapper(tmp_path):
    (tmp_path / "circle").symlink_to("circle")
    with pytest.raises(ConfigError, match=r"circle: \(file\) = Too many levels of symbolic links"):
        process._announce(Arguments("coordinator", "circle", ("x",)), SimpleNamespace(run_id=""), tmp_path, tmp_path)
