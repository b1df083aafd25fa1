"""A run's view as one file, where the run did not come to its end: who shows one agent is told so, and does not wait for ever."""

import base64
import gzip
import json
import platform
import re
import shutil
import time

import pytest
from quick_runs import quick_run
from small_scenario import write_small_scenario

from federates.boundary.errors import PortageError
from federates.runtime.journal import JOURNAL
from federates.view.export import export
from federates.view.scene import EVERYBODY
from federates.view.site import LiveView

AGENT = "power_operator"
pytestmark = pytest.mark.timeout(60)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return quick_run(write_small_scenario(tmp_path_factory.mktemp("export")))


@pytest.fixture
def killed(whole, tmp_path):
    """Return a copy of a run of which nobody has left a word of its end, and whose process is gone."""
    run = shutil.copytree(whole, tmp_path / whole.name)
    for path in run.glob("*/finished.json"):
        path.unlink()
    _record(run, status="running", process={"pid": 2**22 + 1, "start": "0", "host": platform.node()})
    return run


def _record(run, **fields):
    path = run / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def _events(page):
    (data,) = re.findall(r"[A-Za-z0-9+/=]{1000,}", page.read_text())
    return json.loads(gzip.decompress(base64.b64decode(data)))


@pytest.mark.parametrize("end", ["killed", "interrupted"])
def test_the_view_of_an_agent_ends_where_the_run_has_ended_before_it(killed, tmp_path, end):
    if end == "interrupted":
        _record(killed, status="failed", failure="interrupted by the user")
    events = _events(export(killed, tmp_path / "own.html", AGENT))
    assert events[-2:] == [["run", {"status": "failed", "words": f"The run ended before {AGENT} did."}], ["over"]]
    lines = (killed / AGENT / JOURNAL).read_text().splitlines()
    assert [event[2] for event in events if event[0] == "m"] == [json.loads(line) for line in lines]


def test_the_view_of_an_agent_that_came_to_its_end_says_so(whole, tmp_path):
    events = _events(export(whole, tmp_path / "own.html", AGENT))
    assert events[-2] == ["run", {"status": "complete", "words": f"The run is over for {AGENT}."}]


@pytest.mark.parametrize("viewer", [EVERYBODY, AGENT])
def test_a_run_that_goes_on_is_not_exported_whoever_looks(killed, tmp_path, viewer):
    _record(killed, process={"host": "elsewhere", "pid": 1})
    with pytest.raises(PortageError, match="the run still goes on; export it when it is over"):
        export(killed, tmp_path / "own.html", viewer)
    assert not (tmp_path / "own.html").exists()


def test_an_agent_that_has_left_nothing_is_said(killed, tmp_path):
    shutil.rmtree(killed / AGENT)
    with pytest.raises(PortageError, match="there is nothing to show"):
        export(killed, tmp_path / "own.html", AGENT)


def test_a_page_in_the_browser_is_told_so_too(killed):
    with LiveView(killed, "road", (AGENT,)) as site:
        feed, deadline_s = site._feeds[AGENT], time.monotonic() + 10.0
        while not feed.over and time.monotonic() < deadline_s:
            feed.look()
            time.sleep(0.06)
    assert json.loads(feed.events[-2])[1]["words"] == f"The run ended before {AGENT} did."
