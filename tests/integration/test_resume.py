"""A run that was interrupted goes on, and its tables are those of a run that was not; what cannot go on says why."""

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from interrupted import gone_on, interrupted, tables
from quick_runs import quick_run
from seat_players import Players
from small_fleets import write_fleets
from small_rail_scenario import write_small_rail_scenario
from small_scenario import write_small_scenario

from federates.audit.audit import audit_run
from federates.boundary.errors import ConfigError, FederationError
from federates.runs.resumable import find_run, resumable
from federates.runtime.checkpoint import Checkpoint, checkpoint_file, periods_in
from federates.runtime.hold import HOLD, Hold
from federates.scaffold.scenario import new_scenario

LOSSY = {
    "everyone": "lossy",
    "classes": {"lossy": {"loss": 0.2, "latency_s": 0.05, "jitter_s": 0.1, "duplication": 0.1, "reordering": 0.1}},
}
_UNDER_WAY = {
    "classes": {"good": {"loss": 0.1}, "far": {"loss": 0.3}},
    "everyone": "good",
    "under_way": {"u": ["good", "far"]},
    "roads": {"r1": {"q1": ["a"], "q2": ["a"]}},
    "coverage": {"good": {"a": [[0.0, 0.5]]}, "far": {"a": [[0.25, 0.9]]}},
}
FLEETS = {"u": (40.0, 0.5), "c": (10.0, 1.0)}


def _fleets(folder):
    return write_fleets(folder, FLEETS, settings={"update": "box_step", "plan": "mean", "gap_target": 1e-2})


def _summed(folder):
    return write_fleets(folder, FLEETS | {"p": (5.0, 0.8)}, private_sum=True)


WORLDS = {
    "road": (write_small_scenario, {}, ("coordinator", 2)),
    "rail": (write_small_rail_scenario, {}, ("power_operator", 2)),
    "road, lossy": (write_small_scenario, {"network": LOSSY, "seed": 5}, ("traffic_sumo", 1)),
    "fleets, private sum": (_summed, {}, ("traffic_sumo", 1)),
    "fleets, lossy, under way": (_fleets, {"network": _UNDER_WAY, "seed": 3}, ("traffic_sumo", 1)),
}


@pytest.mark.parametrize("world", WORLDS)
def test_the_tables_are_those_of_a_run_that_was_not_interrupted(tmp_path, world):
    write, overrides, (agent, period) = WORLDS[world]
    whole = quick_run(write(tmp_path / "whole"), overrides)
    run = interrupted(write(tmp_path / "interrupted"), agent, period, overrides=overrides)
    carried_out = min(periods_in(run / each)[-1] for each in resumable(run).started.agents)
    assert carried_out >= 1
    gone_on(run)
    drawn = "private sum" in world  # then ledgers have hashes of other keys
    first, again = ({n: told for n, told in tables(r).items() if not (drawn and "ledger" in n)} for r in (whole, run))
    assert again == first
    record = json.loads((run / "run.json").read_text())
    assert (record["run_id"], record["status"]) == (run.name, "complete")
    assert [time["from_period"] for time in record["resumed"]] == [carried_out]
    for each in record["agents"]:
        told = json.loads((run / each / "resumed.json").read_text())
        assert (told["from_period"], told["differences"]) == (carried_out, 0)
    assert audit_run(run).clean


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return quick_run(write_small_scenario(tmp_path_factory.mktemp("whole")))


@pytest.mark.parametrize(
    ("agent", "period", "before"),
    [
        ("transport_operator", 1, True),
        ("coordinator", 1, True),
        ("traffic_sumo", 3, False),
    ],
    ids=["nobody has carried out a period", "in the midst of a commit", "when the last period is over"],
)
def test_whenever_it_is_interrupted(tmp_path, whole, agent, period, before):
    run = interrupted(write_small_scenario(tmp_path), agent, period, before=before)
    assert tables(gone_on(run)) == tables(whole)


def test_it_may_be_interrupted_again_and_again(tmp_path, whole):
    run = interrupted(write_small_scenario(tmp_path), "coordinator", 2)
    interrupted(run, "power_operator", 3, before=True, go=gone_on)
    assert tables(gone_on(run)) == tables(whole)
    assert [time["from_period"] for time in json.loads((run / "run.json").read_text())["resumed"]] == [1, 2]


def test_agents_that_had_ended_live_again(tmp_path, whole):
    """Their tables were whole files already; the run was killed before it was one."""
    run = tmp_path / whole.name
    shutil.copytree(whole, run)
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(record | {"status": "failed", "failure": "killed"}))
    assert resumable(run).period == 3
    assert tables(gone_on(run)) == tables(whole)


KEEPS = """
import time
import numpy as np
from small_agents import SmallPower, SmallTraffic

class Keeps(SmallPower):
    opened = None
    def open_period(self, period, observation):
        self.opened = period
        return super().open_period(period, observation)
    def state(self):
        own = {key: value for key, value in vars(self).items() if key in NAMES}
        return {"opened": self.opened, "own": own, "generator": np.random.default_rng(1).bit_generator.state}
    def restore(self, state):
        assert (self.opened, state["opened"]) == (None, 1), "it was not asked again"
        np.random.default_rng(1).bit_generator.state = state["generator"]
        vars(self).update(state["own"])

NAMES = ()

class Fickle(SmallPower):
    def solve(self, prices, openings):
        from dataclasses import replace
        answer = super().solve(prices, openings)
        return replace(answer, cost_usd=answer.cost_usd + 1e-3 * (LOADED_S % 100.0))

LOADED_S = time.monotonic()
"""


def _with_own(folder, cls):
    scenario = write_small_scenario(folder)
    (scenario / f"{cls.lower()}_own.py").write_text(KEEPS)
    return scenario, {"power_operator": f"{cls.lower()}_own:{cls}"}


def test_a_class_that_keeps_its_state_is_not_replayed(tmp_path, whole):
    scenario, use = _with_own(tmp_path, "Keeps")
    run = interrupted(scenario, "coordinator", 3, use=use)
    gone_on(run)
    assert tables(run) == tables(whole)
    assert json.loads((run / "power_operator/resumed.json").read_text())["by"] == "its state"
    assert json.loads((run / "coordinator/resumed.json").read_text())["by"] == "its journal"


def test_an_answer_that_differs_in_the_replay_is_said(tmp_path, capfd):
    scenario, use = _with_own(tmp_path, "Fickle")
    run = interrupted(scenario, "coordinator", 2, use=use)
    gone_on(run)
    told = json.loads((run / "power_operator/resumed.json").read_text())
    assert told["differences"] > 0
    assert told["first"][0].startswith("power_operator/cost_usd in period 0, round 1")
    assert "tables may differ from those of a run that was not interrupted" in capfd.readouterr().err


def test_a_coordinator_that_decides_otherwise_cannot_go_on(tmp_path):
    run = interrupted(write_small_scenario(tmp_path), "coordinator", 2)
    other = {"coordinator": {"step_factor": 0.7}}
    with pytest.raises(FederationError, match=r"coordinator: the run cannot go on: coordinator/.* is not what it said before"):
        gone_on(run, other)


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    return interrupted(write_small_scenario(tmp_path_factory.mktemp("stopped")), "coordinator", 3)


@pytest.fixture
def run(stopped, tmp_path):
    """Return a copy of a run that was interrupted, which may be spoilt."""
    copy = tmp_path / stopped.name
    shutil.copytree(stopped, copy)
    return copy


def _checkpoint(run, agent="power_operator", period=2):
    return checkpoint_file(run / agent, period)


def _rewrite(path, **fields):
    """Change fields of a checkpoint as its agent would have written them."""
    text = json.dumps(json.loads(path.read_text().partition("\n")[2]) | fields, separators=(",", ":"))
    path.write_text(f"{hashlib.sha256(text.encode()).hexdigest()}\n{text}\n")


def _edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


SPOILT = {
    "by hand": (lambda run: _edit(_checkpoint(run), '"grants":', '"grants":1'), "sha256 = ", "it was changed"),
    "cut off": (lambda run: _checkpoint(run).write_bytes(_checkpoint(run).read_bytes()[:-40]), "sha256 = ", "was changed"),
    "binary": (lambda run: _checkpoint(run).write_bytes(b"\xff\xfe"), "(file) = ", "must be readable"),
    "of another version": (lambda run: _rewrite(_checkpoint(run), portage="0.0.1"), "portage = '0.0.1'", "only the same version"),
    "of another boundary": (lambda run: _rewrite(_checkpoint(run), boundary=1), "boundary = 1", "only the same version"),
    "of another run": (lambda run: _rewrite(_checkpoint(run), run_id="x"), "run_id = 'x'", "must be '"),
    "of another agent": (
        lambda run: shutil.copy(_checkpoint(run, "coordinator"), _checkpoint(run)),
        "agent = 'coordinator'",
        "must",
    ),
    "missing": (lambda run: shutil.rmtree(run / "power_operator/checkpoint"), "(files) = none", "others are so far"),
    "journal": (lambda run: _edit(run / "coordinator/journal.jsonl", '"period":0', '"period":1'), "sha256 = ", "was changed"),
    "short journal": (lambda run: (run / "coordinator/journal.jsonl").write_text(""), "(file) = 0 bytes", "must have"),
    "no journal": (lambda run: (run / "coordinator/journal.jsonl").unlink(), "(file) = No such file", "must be readable"),
    "start of another version": (
        lambda run: _edit(run / "start.json", '"boundary": ', '"boundary": 9'),
        "boundary = 9",
        "must be",
    ),
    "no start": (lambda run: (run / "start.json").unlink(), "(file) = missing", "only a run of this version"),
    "no record": (lambda run: (run / "run.json").unlink(), "(file) = missing", "must be there"),
    "complete": (lambda run: _edit(run / "run.json", '"failed"', '"complete"'), "status = 'complete'", "come to its end"),
}


@pytest.mark.parametrize("what", SPOILT)
def test_what_cannot_go_on_says_why_in_one_line_and_changes_nothing(run, what):
    spoil, value, allowed = SPOILT[what]
    spoil(run)
    before = {path: path.read_bytes() for path in sorted(run.rglob("*")) if path.is_file()}
    with pytest.raises(ConfigError) as caught:
        resumable(run)
    (problem,) = caught.value.problems
    assert value in str(problem)
    assert allowed in str(problem)
    assert str(run) in problem.file
    assert {path: path.read_bytes() for path in sorted(run.rglob("*")) if path.is_file()} == before


def test_a_run_that_still_runs_is_left_alone(run):
    import os

    from federates.runtime.identity import process_start

    me = {"pid": os.getpid(), "start": process_start(os.getpid())}
    (run / "power_operator/process.json").write_text(json.dumps(me))
    with pytest.raises(ConfigError, match="agents = power_operator: must have ended"):
        resumable(run)


@pytest.mark.parametrize("how", ["changed", "new", "gone", "broker"])
def test_a_scenario_that_was_changed_is_named_by_its_file(tmp_path, how):
    scenario = write_small_scenario(tmp_path)
    run = interrupted(scenario, "coordinator", 2)
    config = {"broker": tmp_path / "broker.yaml"}.get(how, scenario / "power_operator/config.yaml")
    if how == "new":
        config = scenario / "power_operator/more.csv"
    config.unlink() if how == "gone" else config.open("a").write("# a word\n")
    with pytest.raises(ConfigError) as caught:
        resumable(run)
    (problem,) = caught.value.problems
    assert problem.file == str(config)
    assert problem.value.startswith({"new": "new", "gone": "missing"}.get(how, "sha256 "))


def test_checkpoints_are_private_and_the_newest_three_stay(whole, tmp_path):
    for agent in ("coordinator", "power_operator", "transport_operator"):
        files = sorted((whole / agent / "checkpoint").iterdir())
        assert [path.name for path in files] == ["00001.json", "00002.json", "00003.json"]
        assert all(path.stat().st_mode & 0o777 == 0o600 for path in files)
    found = Checkpoint.read(_checkpoint(whole), whole.name, "power_operator")
    for period in range(3, 7):
        replace(found, period=period).write(tmp_path)
    assert periods_in(tmp_path) == [4, 5, 6]
    assert Checkpoint.read(checkpoint_file(tmp_path, 5), whole.name, "power_operator") == replace(found, period=5)
    assert found.period == 2
    assert found.written.tables["ledger"].parts == 2


def test_a_run_is_found_by_its_id(stopped, monkeypatch, tmp_path):
    monkeypatch.chdir(stopped.parents[2])
    assert find_run(Path(stopped.name)) == stopped
    assert find_run(stopped) == stopped
    assert find_run(Path(stopped.name), stopped.parent) == stopped
    with pytest.raises(ConfigError, match="RUN = nothing: no run: must be the folder of a run, or the id of one"):
        find_run(Path("nothing"))


@pytest.mark.timeout(120)
def test_what_was_held_when_it_was_interrupted_goes_on(run, whole):
    """Whoever held it has ended with it: a held run that goes on would wait for ever, for nobody could let it go."""
    hold = Hold(run, resumable(run).started.agents, "coordinator")
    hold.hold()
    assert hold.held
    gone_on(run)
    assert list(run.glob(f"*/{HOLD}")) == []
    assert tables(run) == tables(whole)


def _shipped(folder, name):
    """Return a copy of a shipped scenario, which has its folder's name."""
    folder.mkdir()
    return new_scenario(folder / name, name)


def test_what_people_have_answered_is_not_asked_again(tmp_path):
    light = {"power_operator": "price_taker", "transport_operator": "timetable", "coordinator": "posted_price"}
    options = {"overrides": {"periods": 3}, "use": light, "seats": {"power_operator": 60.0}}

    def dearer(desk, question):
        claimed = question["best"]["cost_usd"] + 0.25 * question["n"]
        desk.answer(question["n"], {"quantities": question["best"]["quantities"], "claimed_cost_usd": claimed})

    scenario = _shipped(tmp_path / "whole", "ieee30")
    with Players(scenario / "results", {"power_operator": dearer}):
        whole = quick_run(scenario, **options)
    scenario = _shipped(tmp_path / "interrupted", "ieee30")
    with Players(scenario / "results", {"power_operator": dearer}):
        run = interrupted(scenario, "coordinator", 2, **options)
    ended = {path.name: path.read_bytes() for path in (run / "power_operator/seat").glob("answered-*.json")}
    assert ended
    gone_on(run)  # nobody is there to be asked
    assert tables(run) == tables(whole)
    assert {path.name: path.read_bytes() for path in (run / "power_operator/seat").glob("answered-*.json")} == ended
