"""What a viewer is given of a run: all of it for who sees everybody, and of an agent its own folder and nothing else."""

import json
import shutil
import sys
import threading
import time

import pandas as pd
import pytest
from quick_runs import quick_run
from small_rail_scenario import write_small_rail_scenario
from small_scenario import AGENTS, write_small_scenario

from federates.runtime.journal import JOURNAL
from federates.view.feed import Feed
from federates.view.scene import EVERYBODY


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return quick_run(write_small_scenario(tmp_path_factory.mktemp("feed")))


def read_all(feed, limit_s=10.0):
    deadline = time.monotonic() + limit_s
    while not feed.over and time.monotonic() < deadline:
        feed.look()
        time.sleep(0.06)
    assert feed.over
    return [json.loads(text) for text in feed.events]


def messages(events):
    return [event[2] for event in events if event[0] == "m"]


def test_who_sees_everybody_is_given_every_message_once(run):
    told = messages(read_all(Feed(run)))
    ledgers = pd.concat([pd.read_parquet(run / agent / "ledger.parquet") for agent in AGENTS])
    sent = ledgers[ledgers["direction"] == "sent"]
    assert sorted((m["key"], m["period"], m["round"]) for m in told) == sorted(
        zip(sent["topic"], sent["period"], sent["round"], strict=True)
    )
    assert [m["wall"] for m in told] == sorted(m["wall"] for m in told)


def test_rounds_come_with_the_bounds_that_the_coordinator_has_proven(run):
    events = read_all(Feed(run))
    told = {(e[2]["period"], e[2]["round"]): e[2] for e in events if e[0] == "p" and "round" in e[2] and "gap" in e[2]}
    rounds = pd.read_parquet(run / "coordinator/rounds.parquet")
    assert len(told) == len(rounds)
    for row in rounds.to_dict("records"):
        said = told[row["period"], row["round"]]
        for name, column in (("lower_usd", "lower_bound_usd"), ("upper_usd", "upper_bound_usd")):
            assert said.get(name) == pytest.approx(row[column]) if name in said else pd.isna(row[column])


def test_the_scene_says_who_can_tell_whom_what(run):
    events = read_all(Feed(run))
    (scene,) = [event[1] for event in events if event[0] == "scene"]
    assert [agent["name"] for agent in scene["agents"]] == list(AGENTS) or set(AGENTS) == {a["name"] for a in scene["agents"]}
    assert {m["key"] for m in messages(events)} <= set(scene["lines"])
    kinds = {line["kind"] for line in scene["lines"].values()}
    assert kinds == {"session", "command", "price", "given", "quantity", "slope", "cost", "opening", "dispatch", "observation"}
    assert scene["index"]["power_operator"]["M"] == ["q1", "q2"]


@pytest.mark.parametrize("agent", AGENTS)
def test_an_agents_viewer_reads_that_agents_folder_and_no_other_file(run, agent):
    opened = _opened(lambda: read_all(Feed(run, agent)), run)
    assert opened, "the hook must have seen something"
    assert {path.relative_to(run).parts[0] for path in opened} == {agent}


def test_who_sees_everybody_opens_more_than_one_folder(run):
    """So that the test above can fail."""
    parts = {path.relative_to(run).parts[0] for path in _opened(lambda: read_all(Feed(run)), run)}
    assert set(AGENTS) <= parts


@pytest.mark.parametrize("agent", AGENTS)
def test_an_agents_viewer_is_given_what_it_sent_and_heard_and_nothing_else(run, agent):
    events = read_all(Feed(run, agent))
    ledger = pd.read_parquet(run / agent / "ledger.parquet")
    own = list(zip(ledger["topic"], ledger["period"], ledger["round"], strict=True))
    assert sorted((m["key"], m["period"], m["round"]) for m in messages(events)) == sorted(own)
    (scene,) = [event[1] for event in events if event[0] == "scene"]
    assert set(scene["index"]) == {agent}
    assert all(agent in (line["sender"], *line["receivers"]) for line in scene["lines"].values())


def test_tables_come_whole_whether_read_in_parts_or_at_the_end(tmp_path):
    """A run by rail is watched while it goes on, and looked at again when it is over: the same messages and rows."""
    scenario = write_small_rail_scenario(tmp_path)
    done = []
    running = threading.Thread(target=lambda: done.append(quick_run(scenario)))
    running.start()
    results = scenario / "results"
    while not any(results.glob("*/run.json")):
        time.sleep(0.01)
    live = Feed(next(results.iterdir()))
    seen = read_all(live, 60)
    running.join()
    assert seen[0][:1] == ["run"]
    assert seen[-1] == ["over"]
    assert seen[-2][1]["status"] == "complete"
    again = read_all(Feed(done[0]))
    assert sorted(json.dumps(m) for m in messages(seen)) == sorted(json.dumps(m) for m in messages(again))


def test_a_folder_that_is_deleted_while_it_is_watched_is_said(run, tmp_path):
    copy = shutil.copytree(run, tmp_path / "copy")
    record = json.loads((copy / "run.json").read_text())
    (copy / "run.json").write_text(json.dumps(record | {"status": "running", "process": {"host": "elsewhere", "pid": 1}}))
    feed = Feed(copy)
    for _ in range(5):
        feed.look()
        time.sleep(0.06)
    assert not feed.over
    before = len(feed.events)
    shutil.rmtree(copy)
    events = read_all(feed)
    kind, status = events[-2]
    assert (kind, status["status"]) == ("run", "gone")
    assert "no longer there" in status["words"]
    assert len(events) == before + 2


def test_an_agent_without_a_journal_is_said(run, tmp_path):
    copy = shutil.copytree(run, tmp_path / "copy")
    (copy / "power_operator" / JOURNAL).unlink()
    events = read_all(Feed(copy, "power_operator"))
    assert "Nothing can be shown of power_operator" in events[-2][1]["words"]
    # Who sees everybody is told what the others have heard of it.
    whole = {(m["key"], m["period"], m["round"]) for m in messages(read_all(Feed(run)))}
    assert {(m["key"], m["period"], m["round"]) for m in messages(read_all(Feed(copy)))} == whole


def test_nonsense_in_a_journal_disturbs_nobody(run, tmp_path):
    copy = shutil.copytree(run, tmp_path / "copy")
    path = copy / "power_operator" / JOURNAL
    path.write_bytes(b'{"wall":"x"}\n\xff\xfe\n' + path.read_bytes() + b'{"wall":1,"key":"</script>\n')
    feed = Feed(copy, EVERYBODY)
    deadline = time.monotonic() + 10
    while not feed.over and time.monotonic() < deadline:
        feed.look()
        time.sleep(0.06)
    told = []
    for text in feed.events:
        try:
            told.append(json.loads(text))
        except ValueError:
            assert "</script>" in text, "what is not JSON is passed over by the page"
    assert len(messages(told)) == len(messages(read_all(Feed(run))))


_WATCH = {"on": False, "paths": []}


def _hook(event, arguments):
    if event in ("open", "os.listdir", "os.scandir") and _WATCH["on"]:
        _WATCH["paths"].append(str(arguments[0]))


def _opened(call, under):
    """Return every path under a folder that a call has opened or listed, as the interpreter's audit says."""
    from pathlib import Path

    if "hooked" not in _WATCH:
        sys.addaudithook(_hook)
        _WATCH["hooked"] = True
    _WATCH.update(on=True, paths=[])
    try:
        call()
    finally:
        _WATCH["on"] = False
    return [path for text in _WATCH["paths"] if (path := Path(text)).is_relative_to(under)]
