"""The checks as tests of pytest: an author's own file of three lines, run by pytest as the author would."""

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from small_agents import SmallPower

from federates.conformance import ClassTarget, conform
from federates.conformance.pytest_checks import parametrize_with_checks
from federates.conformance.run import chosen

SUPPORT = Path(__file__).parents[1] / "support"
PAGE = Path(__file__).parents[2] / "docs" / "conformance.md"
CLASS = '''
import threading

from small_agents import SmallPower


class MyOperator(SmallPower):
    """Asks where vehicles are dear, and not where they are cheap; leaves a thread behind, once."""

    threads = iter([threading.Thread(target=threading.Event().wait, name="forgotten", daemon=True)])

    def solve(self, prices, openings):
        return super().solve({"delivery": 16.0 - prices["delivery"]}, openings)

    def begin(self, session, recorder):
        super().begin(session, recorder)
        for thread in self.threads:
            thread.start()
'''


@pytest.fixture
def author(tmp_path):
    """Return a function that lets pytest run the page's own test file; it gives the state of every item, and what pytest said."""
    (tmp_path / "my_operator.py").write_text(CLASS)
    text = PAGE.read_text(encoding="utf-8").split("```python title=test_my_operator.py\n")[1].split("```")[0]
    assert len([line for line in text.splitlines() if line and not line.startswith(("from", "import"))]) == 3
    (tmp_path / "test_my_operator.py").write_text(text)

    def run(*words):
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-rs"]
        command += ["--junitxml=report.xml", "-o", "junit_logging=all", *words]
        environment = os.environ | {"PYTHONPATH": f"{SUPPORT}{os.pathsep}{tmp_path}"}
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=180)
        cases = {}
        for case in ElementTree.parse(tmp_path / "report.xml").getroot().iter("testcase"):
            state = next((kind for kind in ("failure", "error", "skipped") if case.find(kind) is not None), "passed")
            cases[case.get("name").split("-")[-1].rstrip("]")] = (state, "".join(case.itertext()))
        return done.returncode, cases, done.stdout

    return run


def test_every_check_is_an_item_and_comes_out_as_by_the_command(author, tmp_path, monkeypatch):
    code, cases, said = author()
    monkeypatch.syspath_prepend(tmp_path)
    from my_operator import MyOperator

    report = conform(ClassTarget("power_operator", MyOperator, folder=tmp_path))
    wanted = {"holds": "passed", "broken": "failure"}
    assert {name: state for name, (state, _) in cases.items()} == {
        outcome.id: wanted.get(outcome.state.value, "skipped") for outcome in report.outcomes
    }
    assert code == 1
    assert {"prices.monotone", "end.clean"} <= set(report.broken)
    assert "thread forgotten" in cases["end.clean"][1]
    for outcome in report.outcomes:
        if outcome.state.value in wanted:
            assert outcome.holds in cases[outcome.id][1]
    assert "Must hold:  Higher prices never make" in said


def test_of_one_check_alone_what_it_needs_is_made_first_and_no_more():
    mark = parametrize_with_checks(ClassTarget("power_operator", SmallPower))
    items = dict(zip(mark.kwargs["ids"], mark.args[1], strict=True))
    item = items["power_operator-SmallPower-answers.shape"]
    made = []
    outcome = item.run.outcome
    item.run.outcome = lambda check: made.append(check.id) or outcome(check)
    item()
    assert set(made) == {check.id for check in chosen(item.run.target, ("answers.shape",))}
    assert len(made) > 1
