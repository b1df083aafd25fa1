"""Every fault on every class of topic, in each phase of whole runs: the right result, or a refusal by name."""

import json
import sys
from pathlib import Path

import pytest
from wire_faults import CASES, PLACES, run, word

sys.path.insert(0, str(Path(__file__).parents[2] / "studies"))

import make_integrity

KEPT = {(k["topic"], k["phase"], k["fault"]): k["outcome"] for k in json.loads(make_integrity.KEPT.read_text(encoding="utf-8"))}
SAME_AS_ANOTHER = {"opening, passed on", "cost", "dispatch"}
"""Classes whose faults take the same way through the code as those of another one."""


def marked(place, fault):
    marks = pytest.mark.long if place.kind in SAME_AS_ANOTHER else ()
    return pytest.param(place, fault, id=f"{fault}-{place.kind}-{place.phase}", marks=marks)


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    return run(PLACES[0], "none", tmp_path_factory.mktemp("clean"))


def test_the_undisturbed_run_is_complete(clean):
    assert len(clean.tables) == 2
    assert "'vehicles': 5" in clean.tables[0]
    assert not clean.said


@pytest.mark.parametrize(("place", "fault"), [marked(*case) for case in CASES])
def test_a_fault_changes_no_result_and_is_named(clean, tmp_path, place, fault):
    outcome = run(place, fault, tmp_path, clean.before)
    found = word(outcome, clean)
    assert found == KEPT[place.kind, place.phase, fault]
    if found == "right":
        assert not outcome.said
        return
    assert fault not in ("tamper", "forge", "replay") or found.startswith("refused")
    said = outcome.said.split(" / ")[0]
    assert "\n" not in said
    if found.startswith("refused"):
        assert said.startswith(f"refused a message of {place.key.partition('/')[0]} on {place.key}")
    if place.kind != "session":
        assert "period" in said
        assert found == "ended: missing" or "round" in said


def test_the_page_is_made_of_the_kept_outcomes():
    assert len(KEPT) == len(CASES) >= 60
    assert make_integrity.main(["--check"]) == 0
    assert all(outcome.partition(":")[0] in ("right", "refused", "ended") for outcome in KEPT.values())
