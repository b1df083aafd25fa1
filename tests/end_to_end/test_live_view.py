"""``portage run --web`` and ``portage view`` as commands: links, holding a run of processes, a file, and what is refused."""

import http.client
import json
import re
import shutil
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest
from quick_runs import quick_run
from small_scenario import write_small_scenario
from typer.testing import CliRunner

from federates.boundary.errors import PortageError
from federates.cli.app import app


def portage(*words):
    """Return the exit code of a command in this process, and what it says."""
    done = CliRunner().invoke(app, [str(word) for word in words])
    known = isinstance(done.exception, PortageError)  # `main` makes a sentence of it
    assert known or done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return (1, str(done.exception)) if known else (done.exit_code, done.output)


def _started(*words):
    command = [sys.executable, "-u", "-m", "federates.cli", *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def _links(process, *names):
    """Return host, port and path of each link that is printed."""
    found = {}
    for line in process.stdout:
        name, _, rest = line.partition(": ")
        if name in names:
            found[name] = re.search(r"http://([\d.]+):(\d+)(/[\w\-]+/)", rest).groups()
        if len(found) == len(names):
            return list(found.values())
    raise AssertionError("it ended without its links")


def _ask(link, path="", method="GET", body=None):
    host, port, base = link
    connection = http.client.HTTPConnection(host, int(port), timeout=20)
    connection.request(method, base + path, body)
    answer = connection.getresponse()
    content = answer.read().decode()
    connection.close()
    return answer.status, content


def _watched(scenario, held_s):
    """Run a scenario that is held for a while; return the folder, and what was seen of that."""
    seen = {}
    process = _started("run", scenario, "--web", "--as", "everybody", "--as", "power_operator", "--as", "coordinator")
    link, first, second = _links(process, "Live view", "As power_operator", "As coordinator")
    seen |= {"page": _ask(first), "other": _ask(second), "alone": _ask(first, "hold", "POST", '{"do": "hold"}')}
    folder = max((scenario / "results").iterdir(), key=lambda path: path.name)
    rounds = folder / "coordinator/progress.jsonl"

    def asked():
        return rounds.read_text().count('"round"') if rounds.exists() else 0

    deadline = time.monotonic() + 60
    while not asked() and time.monotonic() < deadline:
        time.sleep(0.01)
    seen["hold"] = _ask(link, "hold", "POST", '{"do": "hold"}')
    time.sleep(0.7)
    before = asked()
    time.sleep(held_s)
    seen["while held"] = asked() - before, process.poll()
    seen["nonsense"] = [_ask(link, "hold", "POST", body)[0] for body in ('{"do": "stop"}', "[]", "{")]
    for _ in range(2):
        _ask(link, "hold", "POST", '{"do": "step"}')
        time.sleep(0.7)
    seen["steps"] = asked() - before
    seen["go"] = _ask(link, "hold", "POST", '{"do": "go"}')
    said, _ = process.communicate(timeout=240)
    assert process.returncode == 0, said
    return folder, seen


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Return the folder of a run of processes that was watched, held and let go on, and what was seen of that."""
    scenario = write_small_scenario(tmp_path_factory.mktemp("live"), session={"periods": 5})
    return _watched(scenario, held_s=0.8)


@pytest.mark.long
def test_a_run_that_is_held_outlives_every_limit(tmp_path):
    """An operator waits for the coordinator's next command for 45 s at most: `begin_s`, `answer_s` and `period_s` together."""
    _, seen = _watched(write_small_scenario(tmp_path, session={"periods": 4}), held_s=60)
    assert seen["while held"] == (0, None)


def test_each_agent_has_a_link_of_its_own_and_none_can_hold_the_run(run):
    _, seen = run
    assert seen["page"][0] == seen["other"][0] == 200
    assert "Seen by power_operator" in seen["page"][1]
    assert "Seen by coordinator" in seen["other"][1]
    assert "hold" not in seen["page"][1].split("<main>")[1]
    assert seen["alone"][0] == 403


def test_a_run_that_is_held_asks_nothing_until_it_may(run):
    _, seen = run
    assert json.loads(seen["hold"][1]) == {"held": True}
    assert seen["while held"] == (0, None)
    assert seen["nonsense"] == [400, 400, 400]
    assert 1 <= seen["steps"] <= 2, "a step lets one question pass; it may be the one that opens a period"
    assert json.loads(seen["go"][1]) == {"held": False}


def test_holding_changes_nothing_of_what_is_agreed(run):
    folder, _ = run
    assert not list(folder.glob("*/hold"))
    free = quick_run(folder.parents[1])
    rounds = [pd.read_parquet(path / "coordinator/rounds.parquet") for path in (folder, free)]
    shutil.rmtree(free)
    pd.testing.assert_frame_equal(*rounds)


def test_a_run_becomes_one_file(run, tmp_path):
    folder, _ = run
    for words in ((), ("--as", "power_operator")):
        target = tmp_path / f"{len(words)}.html"
        assert portage("view", folder, "--export", target, *words)[0] == 0
        assert "src=" not in re.sub(r"<script.*?</script>", "", target.read_text(), flags=re.S)
    code, said = portage("view", folder, "--export", tmp_path / "none" / "x.html")
    assert (code, "cannot be written" in said) == (1, True)


def test_the_view_of_a_run_ends_with_ctrl_c_and_says_nothing_more(run):
    folder, _ = run
    process = _started("view", folder)
    (link,) = _links(process, "Live view")
    assert _ask(link)[0] == 200
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Traceback" not in said


@pytest.mark.parametrize("name", ["nobody", "../power_operator", "", "."])
def test_who_is_no_agent_sees_nothing(run, name):
    code, said = portage("view", run[0], "--as", name)
    assert (code, "the run has no such agent; it has " in said) == (1, True)


def test_what_cannot_be_shown_is_said_before_anything_starts(run, tmp_path):
    folder, _ = run
    assert "this is no run's folder" in portage("view", tmp_path)[1]
    (tmp_path / "old").mkdir()
    (tmp_path / "old/run.json").write_text('{"status": "complete", "agents": {"coordinator": {}}}')
    assert "no agent has left a journal" in portage("view", tmp_path / "old")[1]
    scenario = folder.parents[1]
    before = len(list((scenario / "results").iterdir()))
    for words, sentence in ((("--as", "nobody"), "no such agent"), (("--host", "256.1.1.1"), "nothing can listen on 256.1.1.1")):
        code, said = portage("run", scenario, "--web", *words)
        assert (code, sentence in said) == (1, True), said
    assert len(list((scenario / "results").iterdir())) == before


def test_without_the_extra_the_command_that_installs_it_is_said(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    code, said = portage("view", run[0])
    assert (code, "pip install 'portage-cosim[web]'" in said) == (1, True)
