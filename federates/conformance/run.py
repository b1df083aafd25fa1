"""Make the checks of a role, in order, and report."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import replace

from federates.boundary.errors import ConfigError, Problem
from federates.boundary.world import world_of
from federates.conformance.check import Check
from federates.conformance.checks import CHECKS
from federates.conformance.errors import Breach, ConformanceError, DoesNotApply
from federates.conformance.fixtures import Fixtures
from federates.conformance.leak_detector import LeakDetector
from federates.conformance.report import Outcome, Report, State
from federates.conformance.second_process import warm_up
from federates.conformance.target import Target

__all__ = ["CheckRun", "checks_for", "chosen", "conform"]


def conform(target: Target, only: Iterable[str] = (), watch: Callable[[Outcome], None] | None = None) -> Report:
    """Make all checks that the target's role and world call for.

    Parameters
    ----------
    target : a `ClassTarget`, or an executable.
    only : ids of checks, or areas such as ``answers``: these are reported, with those that they need. Empty: all.
    watch : called with every outcome, as soon as it is known.

    Returns
    -------
    The report. A rule that is broken fails; nothing is only warned of. A check whose premise is broken is not reached.

    Raises
    ------
    ConfigError : ``only`` names what is no check of this role.
    """
    checks = chosen(target, tuple(only))
    started, outcomes = time.perf_counter(), list[Outcome]()
    if any(check.id.endswith(".deterministic") for check in checks) and not target.executable:
        warm_up()
    run = CheckRun(target)
    with run.leak_detector:
        for check in checks:
            outcomes.append(run.outcome(check))
            if watch is not None:
                watch(outcomes[-1])
    return Report(target.role, target.name, target.session, tuple(outcomes), time.perf_counter() - started)


class CheckRun:
    """The checks of one target: each is made once, after those that it needs.

    Attributes
    ----------
    leak_detector : must be entered while `outcome` is called; may be left between two calls.
    """

    def __init__(self, target: Target) -> None:
        self.target, self.checks = target, {check.id: check for check in checks_for(target)}
        self.leak_detector = LeakDetector(target.folder)
        self._fixtures = Fixtures(target, self.leak_detector)
        self._done: dict[str, Outcome] = {}

    def outcome(self, check: Check) -> Outcome:
        """Return how ``check`` comes out."""
        if check.id not in self._done:
            needs = [self.outcome(self.checks[name]) for name in check.needs if name in self.checks]
            self._done[check.id] = _outcome(check, self._fixtures, needs)
        return self._done[check.id]


def checks_for(target: Target) -> list[Check]:
    """Return the checks for a target, in order; for an executable those of the wire come first."""
    checks = _with_wire() if target.executable else list[Check](CHECKS)
    world = world_of(target.session.world)
    return [check for check in checks if check.is_for(target.role, world) and not (check.classes_only and target.executable)]


def _with_wire() -> list[Check]:
    """Return all checks of an executable: what it says can only be judged if it speaks on the wire as agreed."""
    # Loads HELICS, which a class in this process does without.
    from federates.conformance.through_helics import WIRE_BASICS, wire_checks

    more = {"interface.begin": WIRE_BASICS, "end.clean": ("wire.stop",)}
    return [*wire_checks, *(replace(check, needs=(*check.needs, *more.get(check.id, ()))) for check in CHECKS)]


def chosen(target: Target, only: tuple[str, ...]) -> list[Check]:
    """Return the checks that ``only`` names, and all that they need, in order; all if it names none.

    Raises
    ------
    ConfigError : no check of this role has that id or area.
    """
    checks = checks_for(target)
    if not only:
        return checks
    known = {check.id: check for check in checks}
    areas = sorted({check.area for check in checks})
    wrong = [name for name in only if name not in known and name not in areas]
    if wrong:
        allowed = f"must be one of {', '.join(known)}, or an area: {', '.join(areas)}"
        raise ConfigError([Problem("command line", "--only", name, allowed) for name in wrong])
    wanted = [check.id for check in checks if check.id in only or check.area in only]
    needed = set[str]()
    while wanted:
        name = wanted.pop()
        if name in known and name not in needed:
            needed.add(name)
            wanted += known[name].needs
    return [check for check in checks if check.id in needed]


def _outcome(check: Check, fixtures: Fixtures, needs: Iterable[Outcome]) -> Outcome:
    missing = [need.id for need in needs if need.state in (State.BROKEN, State.NOT_REACHED, State.NO_VERDICT)]
    if missing:
        return Outcome(check.id, check.holds, State.NOT_REACHED, f"it needs {missing[0]}")
    started = time.perf_counter()
    state, asked = State.HOLDS, ""
    try:
        seen = check.run(fixtures)
    except DoesNotApply as reason:
        state, seen = State.DOES_NOT_APPLY, str(reason)
    except Breach as breach:
        state, seen, asked = State.BROKEN, breach.seen, breach.asked
    except ConformanceError as error:
        state, seen = State.BROKEN, str(error)
    except Exception as error:
        # The calls of an agent are caught in its life: what is raised here is the kit's own fault, and says nothing of the agent.
        where = traceback.extract_tb(error.__traceback__)[-1]
        state, seen = State.NO_VERDICT, f"the kit failed: {type(error).__name__}: {error} ({where.filename}:{where.lineno})"
    return Outcome(check.id, check.holds, state, seen, asked, time.perf_counter() - started)
