"""One game: groups that play the same scenario side by side, students in their seats, and how far they may go."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from federates.boundary.errors import ConfigError, PortageError, Problem
from federates.boundary.world import world_of
from federates.play.group import Group
from federates.play.kept import Kept, Seated
from federates.runs.scenario import Scenario
from federates.runs.seats import players
from federates.runtime.agent import load_session
from federates.runtime.results import disk_error, write_json

_NAME_LETTERS = 40
AWAY_AFTER_S = 60.0
"""So long after the last sign of a browser a student counts as here; then the shipped class answers at once."""


@dataclass(frozen=True)
class Rules:
    """What the lecturer has chosen."""

    groups: int = 1
    answer_s: float = 120.0
    hints: bool = False
    seats: tuple[str, ...] = ()
    """Agents or roles that students may take; empty: all that take part in exchanges, and the coordinator."""
    hour_by_hour: bool = True
    """Whether a group waits at the end of every period until the lecturer lets all go on."""


@dataclass
class Student:
    """Who sits where. ``seen_s`` is when the browser was last heard of (monotonic, s)."""

    name: str
    group: int
    agent: str
    here: int = 0
    """Pages that are open."""
    seen_s: float = field(default_factory=time.monotonic)

    def is_here(self, now_s: float) -> bool:
        """Whether a page is open, or was a moment ago: a telephone that is locked for a moment gives its connection back."""
        return self.here > 0 or now_s - self.seen_s < AWAY_AFTER_S


class Game:
    """All groups of one game. Every method may be called from any thread.

    Parameters
    ----------
    scenario : checked (`federates.runs.check.check_scenario`).
    overrides : keys of ``scenario.yaml`` that are changed.
    folder : where the runs of this game put their results.
    """

    def __init__(self, scenario: Scenario, overrides: Mapping[str, str], rules: Rules, folder: Path) -> None:
        self.scenario, self.overrides, self.rules, self.folder = scenario, dict(overrides), rules, folder
        self.world = world_of(scenario.world)
        self.session: Any = load_session(scenario.session_file, self.overrides)
        self.seats = open_seats(scenario, rules.seats)
        self.groups = {
            n: Group(n, scenario, self.overrides, folder, self.seats, rules.answer_s) for n in range(1, rules.groups + 1)
        }
        self.students: dict[str, Student] = {}
        self.started = self.paused = self.ended = self.revealed = False
        self.closed = self.stopped = False
        """Whether the lecturer has ended the game, and whether its server was stopped, after which it may go on."""
        self.last_period: int | None = 0 if rules.hour_by_hour else None
        """Period up to which groups may go on; None: to the end."""
        self.version = 0
        self._lock = threading.RLock()
        self._runs: dict[int, str] = {}
        """Runs of a game that was taken up, by group."""
        self._sat: dict[tuple[int, str], list[str]] = {}
        """Names of all who have sat in a seat, by group and agent."""
        self._pauses: list[tuple[float, float]] = []
        """Begin and end of each pause, s since 1970."""
        self._made_s = datetime.now()

    def join(self, name: str, group: int, agent: str, student: str) -> Student:
        """Let somebody sit down; ``student`` is the name by which the gate knows the link.

        Raises
        ------
        PortageError : with a sentence for whoever wanted the seat.
        """
        shown = " ".join("".join(letter if letter.isprintable() else " " for letter in name).split())[:_NAME_LETTERS]
        with self._lock:
            if not shown:
                raise PortageError("Type a name first, so that the others know who you are")
            if self.ended or self.stopped:
                raise PortageError("This game is over; nobody can join it any more")
            if group not in self.groups or agent not in self.seats:
                raise PortageError("There is no such seat in this game")
            if (taken := self.sits(group, agent)) is not None:
                raise PortageError(f"{taken.name} has just taken {agent} in group {group}; choose another seat")
            sitting = self._seat(student, Student(shown, group, agent))
        self.groups[group].launch()
        return sitting

    def _seat(self, key: str, sitting: Student) -> Student:
        """Give a student a seat, if that can be written down: else nobody would have the link of who sits there."""
        names = self._sat.setdefault((sitting.group, sitting.agent), [])
        self.students[key] = sitting
        names.append(sitting.name)
        try:
            self._changed()
        except PortageError:
            del self.students[key], names[-1]
            self.version += 1  # pages may have shown the seat as taken
            raise
        return sitting

    def sits(self, group: int, agent: str) -> Student | None:
        """Return who sits in a seat."""
        with self._lock:
            return next((s for s in self.students.values() if (s.group, s.agent) == (group, agent)), None)

    def played_by(self, group: int, agent: str) -> str:
        """Return the names of all who have sat in a seat, one after the other; empty: nobody."""
        with self._lock:
            return " and ".join(dict.fromkeys(self._sat.get((group, agent), ())))

    def free(self, group: int, agent: str) -> str | None:
        """Send whoever sits in a seat away; return the name by which the gate knows the link. The shipped class plays on."""
        with self._lock:
            found = next((key for key, s in self.students.items() if (s.group, s.agent) == (group, agent)), None)
            if found is not None:
                del self.students[found]
                self._changed()
            return found

    def start(self) -> None:
        """Let the first period begin in all groups that have a student."""
        with self._lock:
            if not self.students:
                raise PortageError("Nobody has joined yet; a game needs at least one student")
            self.started = True
            self._changed()

    def pause(self, paused: bool) -> None:
        """Stop all clocks, or let them go on."""
        with self._lock:
            if paused and not self.paused:
                self._pauses.append((time.time(), math.inf))
            elif not paused and self.paused:
                self._pauses[-1] = self._pauses[-1][0], time.time()
            self.paused = paused
            self._changed()

    def next_period(self, everything: bool = False) -> None:
        """Let all groups play the next period, or ``everything`` that is left without waiting."""
        with self._lock:
            if everything:
                self.last_period = None
            elif self.last_period is not None:
                self.last_period = min(self.last_period + 1, self.session.periods - 1)
            self._changed()

    def end(self) -> None:
        """End all groups' runs; what was played stays."""
        with self._lock:
            self.closed = self.ended = True
            try:
                self._changed()
            finally:  # also on a full disk
                self.stop("the lecturer has ended the game")

    def stop(self, why: str) -> None:
        """End all groups' runs and let nobody join; the game itself may go on later."""
        self.stopped = True
        for group in self.groups.values():
            group.end(why)

    def look(self) -> None:
        """See what is new in every group, and tell the agents who is here and how far they may go; often called."""
        now_s = time.monotonic()
        for group in self.groups.values():
            with self._lock:
                here = {agent: (s := self.sits(group.number, agent)) is not None and s.is_here(now_s) for agent in self.seats}
                until = None if self.last_period is None else self.last_period + 1
                paused, until = self.paused, until if self.started else 0
            group.look(here, paused, until)
        with self._lock:
            playing = self._playing() if self.started else []
            if playing and all(group.over for group in playing) and not (self.ended or self.stopped):
                self.ended = True
                self._changed()

    def _playing(self) -> list[Group]:
        """Return the groups that take part: who has a run, or a student for whom one is about to start or to go on."""
        wanted = self._runs.keys() | {student.group for student in self.students.values()}
        return [group for number, group in self.groups.items() if group.launched or number in wanted]

    @property
    def state(self) -> str:
        """Return how far the game is: ``lobby``, ``running``, ``paused``, ``over`` or ``revealed``."""
        if self.revealed:
            return "revealed"
        if self.ended or self.stopped:
            return "over"
        if not self.started:
            return "lobby"
        return "paused" if self.paused else "running"

    def reveal(self) -> None:
        """Show the debrief to everybody from now on.

        Raises
        ------
        PortageError : a group still plays.
        """
        with self._lock:
            if not self.ended:
                raise PortageError("Some groups still play; end the game first")
            self.revealed = True
            self._changed()

    def touch(self, student: str, here: int = 0) -> None:
        """Note that a student's browser is there; ``here`` is 1 for a page that opens, -1 for one that closes."""
        with self._lock:
            if (found := self.students.get(student)) is not None:
                found.here += here
                found.seen_s = time.monotonic()
                if here:
                    self.version += 1

    def deadline(self, question: Mapping[str, Any]) -> float | None:
        """Return when the time for a question is over, s since 1970: a pause adds to it. None: no answer is wanted."""
        if question["deadline"] is None:
            return None
        now, asked = time.time(), float(question["asked"])
        paused_s = sum(max(0.0, min(end, now) - max(begin, asked)) for begin, end in list(self._pauses))
        return float(question["deadline"]) + paused_s

    def _changed(self) -> None:
        """Take note of a change, in ``game.json`` too: who was who is needed for the debrief.

        Raises
        ------
        PortageError : the disk refuses; the change holds all the same.
        """
        self.version += 1
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_json(self.folder / "game.json", self.record())
        except OSError as error:
            raise disk_error(self.folder, error) from error

    def kept(self) -> Kept:
        """Return the game as it stands, without address and links."""
        with self._lock:
            return Kept(
                scenario=str(self.scenario.runner),
                made=self._made_s.isoformat(timespec="seconds"),
                overrides=self.overrides,
                use=dict(self.scenario.use),
                rules=asdict(self.rules),
                runs=self._runs | {n: group.folder.name for n, group in self.groups.items() if group.folder is not None},
                students=tuple(Seated(viewer, s.name, s.group, s.agent) for viewer, s in self.students.items()),
                sat=tuple((group, agent, tuple(names)) for (group, agent), names in self._sat.items()),
                started=self.started,
                paused=self.paused,
                ended=self.closed,
                revealed=self.revealed,
                last_period=self.last_period,
            )

    def take_up(self, kept: Kept) -> None:
        """Be the game that another server has kept, with the same students; its runs wait for `go_on`."""
        with self._lock:
            self._runs = dict(kept.runs)
            self._made_s = datetime.fromisoformat(kept.made)
            self.students = {seated.viewer: Student(seated.name, seated.group, seated.agent) for seated in kept.students}
            self._sat = {(group, agent): list(names) for group, agent, names in kept.sat}
            self.started, self.revealed = kept.started, kept.revealed
            self.closed = self.ended = kept.ended
            self.last_period = kept.last_period
            if kept.paused:
                self.pause(True)

    def go_on(self) -> None:
        """Let the runs of a game that was taken up go on."""
        for number, run in self._runs.items():
            self.groups[number].go_on(self.folder / run, ended=self.closed)
        with self._lock:
            joined = {student.group for student in self.students.values()} - self._runs.keys()
        for number in set() if self.closed else joined:
            self.groups[number].launch()

    def record(self) -> dict[str, Any]:
        """Return what is kept of the game: who played what in which run. No link is in it."""
        groups = [
            {
                "group": group.number,
                "run": None if group.folder is None else group.folder.name,
                "players": {agent: self.played_by(group.number, agent) for agent in self.seats},
            }
            for group in self.groups.values()
            if group.launched
        ]
        rules = {"answer_s": self.rules.answer_s, "hints": self.rules.hints}
        made = self._made_s.isoformat(timespec="seconds")
        return {"scenario": self.scenario.name, "made": made, "rules": rules, "seats": list(self.seats), "groups": groups}


def open_seats(scenario: Scenario, wanted: tuple[str, ...]) -> dict[str, str]:
    """Return the agents that students may play, name to role.

    Raises
    ------
    ConfigError : ``wanted`` has a name that is no such agent and no role of one.
    """
    people = {agent: scenario.roles[agent] for agent in players(scenario)}
    unknown = [name for name in wanted if name not in people and name not in people.values()]
    if unknown:
        allowed = f"must be some of {', '.join(people)}"
        raise ConfigError([Problem("command line", "--seats", ", ".join(unknown), allowed)])
    return {agent: role for agent, role in people.items() if not wanted or agent in wanted or role in wanted}
