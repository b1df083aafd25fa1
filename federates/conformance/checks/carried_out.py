"""Checks of what is carried out: plans, delays, and the end."""

from __future__ import annotations

from federates.boundary.exchange import Moment
from federates.boundary.names import Role
from federates.conformance.bench import Bench
from federates.conformance.check import Check
from federates.conformance.checks.answers import SOUND
from federates.conformance.errors import Breach, DoesNotApply
from federates.conformance.values import answer_fault, range_fault

__all__ = ["CARRIED_OUT_CHECKS", "END_CHECKS"]


def _feasible(bench: Bench) -> str:
    commits = bench.day.commits
    if (fault := bench.kit.commit_fault(bench.session, dict(bench.day.openings), commits)) is not None:
        raise Breach(*fault)
    first = sum(float(values[..., 0].sum()) for _, plan, _ in commits for values in plan.values())
    return f"{len(commits)} periods committed, {first:g} in all of the opened ones, carried out"


def _late(bench: Bench) -> str:
    if not any(bench.world.told(bench.role, moment) for moment in (Moment.OPENING, Moment.OBSERVATION)):
        raise DoesNotApply("it hears of nothing that could be late: by rail lateness comes from the transport operator itself")
    day = bench.delayed_day
    if day.failure is not None:
        raise Breach(day.failure.error, f"{day.failure.words}, after a delay")
    for heard in day.answers:
        fault = answer_fault(heard.entries, heard.answer) or range_fault(bench.session, heard)
        if fault is not None:
            raise Breach(fault, f"{heard.words}, after a delay")
    return f"{len(day.answers)} questions answered and {len(day.commits)} periods committed"


def _clean(bench: Bench) -> str:
    bench.main_life()
    problems = [*bench.end_errors, *bench.surroundings.left_behind()]
    if problems:
        shown = "; ".join(problems[:3]) + (f"; and {len(problems) - 3} more" if len(problems) > 3 else "")
        raise Breach(shown, f"the end of {bench.lives} lives")
    return f"nothing is left of {bench.lives} lives"


def _unchanged(bench: Bench) -> str:
    bench.main_life()
    if bench.changed:
        raise Breach(f"changed and not put back: {'; '.join(bench.changed)}", f"the end of {bench.lives} lives")
    return f"{bench.lives} lives have changed nothing of the process"


_WORKS = (*SOUND, "answers.repeatable", "answers.deterministic")

CARRIED_OUT_CHECKS: tuple[Check, ...] = (
    Check(
        "commit.feasible",
        "What is committed is carried out: on the road every vehicle of every pair is led by known links, in an order that"
        " one road can have; by rail the trains are"
        " next where the plan has them, or late on the way there.",
        _feasible,
        roles=(Role.TRANSPORT_OPERATOR,),
        needs=SOUND,
    ),
    Check(
        "day.late",
        "Delays are taken in: vehicles that do not arrive when they should, jammed roads, a train that comes a period later.",
        _late,
        needs=(*_WORKS, "answers.independent"),
    ),
)

END_CHECKS: tuple[Check, ...] = (
    Check(
        "end.clean",
        "It ends cleanly: no thread, child process or temporary file is left, and no file was written outside its own folder.",
        _clean,
        roles=tuple(Role),
        needs=("interface.begin",),
    ),
    Check(
        "end.unchanged",
        "The process is as it was: working directory, umask, environment, signal handlers, NumPy's settings, standard output.",
        _unchanged,
        roles=tuple(Role),
        needs=("interface.begin",),
        classes_only=True,
    ),
)
