"""The operators in C and C++ pass `portage conform`, in the shipped scenarios, as a user would ask for it."""

import json
import shutil
import subprocess

import pytest
from other_languages import POWER, ROOT, TRANSPORT, copy_of, put_in

from federates.conformance import checks_for, conform
from federates.conformance.kit import small_session
from federates.conformance.through_helics import ExecutableTarget
from federates.runtime.agent import load_session

LIMIT_S = 180.0
LATE = {"day.late"}  # by rail lateness comes from the transport operator itself, and this one's trains are never late


@pytest.mark.parametrize(
    ("scenario", "program", "session", "not_asked"),
    [
        ("la_gcs", TRANSPORT, small_session("road"), set()),
        pytest.param("ieee30", TRANSPORT, small_session("rail"), LATE, marks=pytest.mark.long),
        pytest.param("la_gcs", POWER, small_session("road"), set(), marks=pytest.mark.long),
        pytest.param("ieee30", POWER, small_session("rail"), set(), marks=pytest.mark.long),
    ],
    ids=["c-road", "c-rail", "cpp-road", "cpp-rail"],
)
def test_the_operator_passes_every_check(scenario, program, session, not_asked, programs, tmp_path, environment):
    folder = copy_of(scenario, tmp_path)
    put_in(folder, programs, program)
    role, _, command = program
    words = ["portage", "conform", role, command, "--scenario", "..", "--json", str(tmp_path / "report.json")]
    done = subprocess.run(words, cwd=folder / role, env=environment, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    states = {check["id"]: check["state"] for check in json.loads((tmp_path / "report.json").read_text())["checks"]}
    every = {check.id for check in checks_for(ExecutableTarget(role, ["true"], session))}
    assert states == {name: "does not apply" if name in not_asked else "holds" for name in every}


def test_a_program_in_the_wrong_place_is_caught_with_its_own_words(programs, tmp_path):
    """The transport operator in C cannot play the power operator: it asks for a topic that is not for that role."""
    shutil.copy(programs / TRANSPORT[1] / TRANSPORT[0], tmp_path)
    shutil.copy(ROOT / "examples" / TRANSPORT[1] / "road.txt", tmp_path)
    session = load_session(ROOT / "scenarios/la_gcs/scenario.yaml")
    with ExecutableTarget(POWER[0], ["./transport_operator", "road.txt", "-"], session, folder=tmp_path) as target:
        report = conform(target, ["wire"])
    assert report.broken == ("wire.answers",)
    (outcome,) = (outcome for outcome in report.outcomes if outcome.id == "wire.answers")
    assert "link_travel_time_s is no topic that this operator hears" in outcome.seen
