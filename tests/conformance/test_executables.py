"""Every broken executable is caught, by the one check of the wire that is meant for it and by no other."""

import os
import sys
from dataclasses import replace

import pytest
from broken_executables import ALTERS_OPENING, COORDINATORS, OPERATORS, OPERATORS_TOO, TRAFFIC_MODELS, executable

from federates.boundary.names import RAIL
from federates.cli.app import main
from federates.conformance import State, conform
from federates.conformance.kit import small_session
from federates.conformance.through_helics import WIRE_BASICS, ExecutableTarget, wire_checks
from federates.worlds.rail.session import RailSession, Train

ROAD = small_session("road").model_copy(update={"periods": 2})
PATIENT_S = 10.0
BRIEF_S = 2.0
END_S = 4.0


def small_shuttle():
    """Return the agreement of `foreign_operator.RailPower`: one train between two stations."""
    return RailSession(
        schema_version=1,
        world=RAIL,
        name="shuttle",
        periods=4,
        period_s=3600.0,
        rail_stations=("a", "b"),
        trains=(Train(name="k1", home="a"),),
        trip_periods=((0, 1), (1, 0)),
    )


def wire_report(role, fault, folder, session, meant=""):
    """Return what the checks of the wire say; where silence is the fault, they wait less long for it."""
    limit_s = BRIEF_S if meant == "wire.in_time" else PATIENT_S
    with ExecutableTarget(session=session, limit_s=limit_s, **executable(role, fault, folder)) as target:
        if meant in ("wire.stop", "wire.failure"):
            target.subject = replace(target.subject, end_s=END_S)
        if fault in ("never_ready", "never_joins"):
            target.subject = replace(target.subject, start_s=END_S)
        return conform(target, ["wire"])


def check_fault(role, fault, meant, words, folder, session=ROAD):
    report = wire_report(role, fault, folder, session, meant)
    assert set(report.broken) == {meant}
    (outcome,) = (outcome for outcome in report.outcomes if outcome.id == meant)
    assert outcome.asked
    assert words in outcome.seen
    states = {outcome.id: outcome.state for outcome in report.outcomes}
    after = {check.id for check in wire_checks if meant in check.needs} & states.keys()
    assert {states[name] for name in after} <= {State.NOT_REACHED}


SLOW = ("ignores_failure", "trusts", "answers_late", "counts_repetitions", "never_ends", "hangs")


@pytest.mark.parametrize(
    ("fault", "meant", "words"),
    [pytest.param(*case, id=case[0], marks=[pytest.mark.long] if case[0] in SLOW else []) for case in OPERATORS],
)
def test_a_broken_operator_is_caught_by_the_check_meant_for_it(fault, meant, words, tmp_path):
    check_fault("transport_operator", fault, meant, words, tmp_path)


def test_a_coordinator_that_alters_what_it_passes_on_is_caught(tmp_path):
    check_fault("coordinator", *ALTERS_OPENING, tmp_path)


def test_every_check_of_the_wire_has_an_executable_that_breaks_it():
    caught = {meant for _, meant, _ in [*OPERATORS, ALTERS_OPENING]}
    assert {check.id for check in wire_checks} == caught
    assert set(WIRE_BASICS) <= caught


def test_without_a_fault_the_same_operator_keeps_every_rule_of_the_wire(tmp_path):
    report = wire_report("transport_operator", "", tmp_path, ROAD)
    report.raise_if_broken()
    assert {outcome.state for outcome in report.outcomes} == {State.HOLDS}


@pytest.mark.long
@pytest.mark.parametrize(
    ("role", "session"), [("coordinator", ROAD), ("traffic_sumo", ROAD), ("coordinator", small_session("rail"))]
)
def test_classes_behind_helics_pass_every_check(role, session, tmp_path):
    with ExecutableTarget(session=session, **executable(role, "", tmp_path)) as target:
        conform(target).raise_if_broken()


MORE = [
    *(("transport_operator", *case) for case in OPERATORS_TOO),
    *(("coordinator", *case) for case in COORDINATORS),
    *(("traffic_sumo", *case) for case in TRAFFIC_MODELS),
]


@pytest.mark.long
@pytest.mark.parametrize(("role", "fault", "meant", "words"), MORE, ids=["-".join(case[:2]) for case in MORE])
def test_other_faults_and_other_roles(role, fault, meant, words, tmp_path):
    check_fault(role, fault, meant, words, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize(("fault", "meant", "words"), OPERATORS, ids=[case[0] for case in OPERATORS])
def test_a_broken_operator_by_rail_is_caught_too(fault, meant, words, tmp_path):
    check_fault("power_operator", fault, meant, words, tmp_path, small_shuttle())


def portage(monkeypatch, capfd, *words):
    """Return the exit code of ``portage WORDS`` and what it printed."""
    monkeypatch.setattr(sys, "argv", ["portage", *map(str, words)])
    with pytest.raises(SystemExit) as end:
        main()
    printed = capfd.readouterr()
    return end.value.code, printed.out + printed.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("power_operator", "./no_such_program data.txt"), "a command whose program exists"),
        (("power_operator", "./notes.txt"), "'./notes.txt': may not be executed"),
        (("power_operator", "joint_grap --fast"), "a command whose program exists"),
        (("grid_operator", "./program"), "'grid_operator' is not one of"),
        (("traffic_sumo", "./program", "--world", "rail"), "there is no traffic_sumo in the world rail"),
        (("power_operator", "./program", "--settings", "notes.txt"), "an executable reads what it needs itself"),
        (("power_operator", "./program", "--only", "wires"), "must be one of wire.joins"),
        (("power_operator", "./program", "--json", "nowhere/report.json"), "its folder must exist"),
    ],
)
def test_what_cannot_be_used_is_one_problem_before_anything_starts(words, said, tmp_path, monkeypatch, capfd):
    (tmp_path / "notes.txt").write_text("worth 3")
    (tmp_path / "program").write_text("#!/bin/sh\ntouch started\n")
    os.chmod(tmp_path / "program", 0o755)
    monkeypatch.chdir(tmp_path)
    code, printed = portage(monkeypatch, capfd, "conform", *words)
    assert code == 2
    assert said in " ".join(printed.split())
    assert "Traceback" not in printed
    assert not (tmp_path / "started").exists()
