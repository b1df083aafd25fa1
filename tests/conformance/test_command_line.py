"""`portage conform` on classes: what it prints and writes, by the schema-free readers that users have, and what it refuses."""

import json
import shutil
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from federates.cli.app import main

SUPPORT = Path(__file__).parents[1] / "support"
BROKEN = '''
from small_agents import SmallPower


class Greedy(SmallPower):
    """Asks where vehicles are dear, and not where they are cheap."""

    def solve(self, prices, openings):
        return super().solve({"delivery": 16.0 - prices["delivery"]}, openings)
'''


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return a folder with a scenario's agent folder in it: one good operator and one broken one."""
    own = tmp_path / "mine/power_operator"
    own.mkdir(parents=True)
    shutil.copy(SUPPORT / "small_agents.py", own / "small_agents.py")
    (own / "greedy.py").write_text(BROKEN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(SUPPORT))  # The checks are made in a process of their own.
    return tmp_path


@pytest.fixture
def portage(monkeypatch, capfd):
    """Return a function that gives the exit code of ``portage conform WORDS`` and all that it printed, on one line."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["portage", "conform", *words])
        with pytest.raises(SystemExit) as end:
            main()
        printed = capfd.readouterr()
        return end.value.code, " ".join((printed.out + printed.err).split())

    return run


def test_a_class_in_a_file_is_named_as_a_shell_completes_it(folder, portage):
    code, printed = portage("power_operator", "mine/power_operator/small_agents.py:SmallPower")
    assert code == 0, printed
    assert printed.endswith("It conforms.")


def test_a_breach_is_said_to_people_and_machines_alike(folder, portage):
    words = ("power_operator", "mine/power_operator/greedy.py:Greedy", "--json", "report.json", "--junit", "report.xml")
    code, printed = portage(*words)
    assert code == 1
    report = json.loads((folder / "report.json").read_text())
    broken = {check["id"] for check in report["checks"] if check["state"] == "broken"}
    assert "prices.monotone" in broken
    assert report["conforms"] is False
    cases = ElementTree.parse(folder / "report.xml").getroot().iter("testcase")
    by_name = {case.get("name"): case for case in cases}
    assert set(by_name) == {check["id"] for check in report["checks"]}
    assert {name for name, case in by_name.items() if case.find("failure") is not None} == broken
    for check in report["checks"]:
        assert check["holds"]
        assert check["id"] in printed
        if check["id"] in broken:
            assert check["seen"]
            assert check["asked"]


def test_one_check_and_what_it_needs(folder, portage):
    code, printed = portage("power_operator", "mine/power_operator/small_agents.py:SmallPower", "--only", "prices.monotone")
    assert code == 0
    assert "prices.monotone" in printed
    assert "bound.proven" not in printed


ENDS_THE_PROCESS = """
import os

from small_agents import SmallPower


class Quiet(SmallPower):
    def solve(self, prices, openings):
        os._exit(0)


class Killed(SmallPower):
    def commit(self, given):
        os.kill(os.getpid(), 9)
"""


def test_a_class_that_ends_the_process_of_the_checks_gets_no_verdict(folder, portage):
    (folder / "mine/power_operator/ends.py").write_text(ENDS_THE_PROCESS)
    code, printed = portage("power_operator", "mine/power_operator/ends.py:Killed")
    assert code == 3, printed
    assert printed.endswith("No verdict: the process of the checks has ended without one (signal SIGKILL).")


def test_a_quiet_exit_is_a_broken_rule(folder, portage):
    (folder / "mine/power_operator/ends.py").write_text(ENDS_THE_PROCESS)
    code, printed = portage("power_operator", "mine/power_operator/ends.py:Quiet")
    assert code == 1, printed
    assert "it wanted to end the whole process (SystemExit: os._exit(0))" in printed


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("power_operator", "mine/other.py:SmallPower"), "target = 'mine/other.py:SmallPower': this file must exist"),
        (("power_operator", "mine/power_operator/small_agents.py:Small"), "Small"),
        (("transport_operator", "joint_grap"), "did you mean 'joint_graph'?"),
        (("power_operator", "price_taker", "--only", "bound.prov"), "must be one of"),
        (("power_operator", "price_taker", "--scenario", "mine"), "runner.json"),
        (("coordinator", "cuts", "--world", "road"), "road"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_problem(folder, portage, words, said):
    code, printed = portage(*words)
    assert code == 2, printed
    assert said in printed
    assert "Traceback" not in printed
