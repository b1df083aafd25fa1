"""Real time: simulated time goes no faster than a clock on the wall, by a factor; who is late for it is written down.

Period ``p`` is due ``p`` times its length after the first one opened. Its end is when the next is due. The pace is the
coordinator's, which owns the clock of the federation anyway: nothing else is held, and the others need to know only for how long
they may be asked nothing (docs/decisions/0641 says why HELICS's own real time does not serve).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from federates.boundary.errors import FederationError
from federates.boundary.roles import Recorder, Value
from federates.runtime.watchdog import SILENCE_S, pause_s

if TYPE_CHECKING:
    from federates.runtime.federate import Federate

PACE, LATE_ANSWERS = "pace", "late_answers"
_LOOK_S = 0.05


@dataclass(frozen=True, slots=True)
class RealTime:
    """How fast simulated time goes: ``factor`` simulated seconds in one second, a positive number.

    ``strict``: an answer that comes after the end of its period is missing. Otherwise all wait for it.
    """

    factor: float
    strict: bool = False

    def wall_s(self, simulated_s: float) -> float:
        """Return how long some simulated time takes, s."""
        return simulated_s / self.factor


class Pace:
    """Keeps the pace of a run, and account of who did not.

    Parameters
    ----------
    period_s : simulated length of a period, s.
    stand : returns when the run may go on; while it is held time stands.
    held : whether the run is held: then one question passes at a time, whenever its watcher likes.
    clock, sleep : seconds that pass, and waiting for some of them.
    """

    def __init__(
        self,
        real_time: RealTime,
        period_s: float,
        recorder: Recorder,
        stand: Callable[[], None] = lambda: None,
        held: Callable[[], bool] = bool,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.strict = real_time.strict
        self._real_time, self._length_s = real_time, real_time.wall_s(period_s)
        self._recorder, self._stand, self._held, self._clock, self._sleep = recorder, stand, held, clock, sleep
        self._began_s: float | None = None
        self._stood_s = 0.0
        self._period, self._opened_s = 0, 0.0
        self._asked: tuple[int, str, float] | None = None
        self._heard = False
        self._late: list[str] = []

    @property
    def now_s(self) -> float:
        """Return the time since the first period opened, s, without that in which the run was held."""
        return 0.0 if self._began_s is None else self._clock() - self._began_s - self._stood_s

    def due_s(self, period: int) -> float:
        """Return when a period is due, s."""
        return period * self._length_s

    def stand(self) -> None:
        """Wait while the run is held; the clock stands."""
        before_s = self._clock()
        self._stand()
        self._stood_s += self._clock() - before_s

    def open(self, period: int) -> None:
        """Wait until a period is due, unless the run is held; time begins with the first one."""
        if self._began_s is None:
            self._began_s, self._stood_s = self._clock(), 0.0
        while (left_s := self.due_s(period) - self.now_s) > 0 and not self._held():
            self._sleep(min(left_s, _LOOK_S))
            self.stand()
        self._period, self._opened_s = period, self.now_s

    def asked(self, round_: int, activity: str) -> None:
        """Note that all were told something. They hear it in the next micro-step, and are waited for in the one behind it."""
        self._asked, self._heard, self._late = (round_, activity, self.now_s), False, []

    def watch(self, federate: Federate, agents: Iterable[str], wait_s: float, what: str) -> None:
        """Wait until none of ``agents`` is at work, before a micro-step; note whose work ended after the end of the period.

        Raises
        ------
        FederationError : somebody is still at work after ``wait_s``.
        """
        waiting, started_s, heard_s = list(agents), self._clock(), self._clock()
        while waiting:
            seen = {agent: federate.asks_for_time(agent) for agent in waiting}
            for agent in (agent for agent, asks in seen.items() if asks):
                self.came(agent)
            waiting = [agent for agent, asks in seen.items() if not asks]
            now_s = self._clock()
            heard_s = now_s if None not in seen.values() else heard_s
            if now_s > heard_s + SILENCE_S:
                break
            if waiting and now_s > started_s + wait_s:
                raise FederationError(
                    f"{federate.agent}: waiting for {what} took longer than {wait_s:g} s: {' and '.join(waiting)} still at work"
                )
            if waiting:
                time.sleep(pause_s(now_s - started_s))
        self._asked, self._heard = self._asked if not self._heard else None, True

    def came(self, agent: str) -> None:
        """Note that an agent has done what it has heard."""
        if self._asked is None or not self._heard:
            return
        round_, activity, asked_s = self._asked
        self._note(self._period, round_, activity, agent, asked_s)

    def ran(self, model: str, period: int) -> None:
        """Note that a model of the world has come to the end of a period."""
        self._note(period, 0, "run", model, self._opened_s)

    def _note(self, period: int, round_: int, activity: str, agent: str, since_s: float) -> None:
        now_s = self.now_s
        late_s = now_s - self.due_s(period + 1)
        if late_s <= 0:
            return
        self._late.append(f"{agent} ({late_s:.2f} s late)")
        row: dict[str, Value] = {"period": period, "round": round_, "activity": activity, "agent": agent}
        self._recorder.record(LATE_ANSWERS, **row, took_s=now_s - since_s, late_s=late_s)

    def too_late(self) -> str:
        """Return in words why nothing more of this period counts; empty where it does: there is time, or time is not strict."""
        if not self.strict or self.now_s <= self.due_s(self._period + 1):
            return ""
        who = f": {' and '.join(self._late)}" if self._late else ""
        return f"coordinator: period {self._period} was over before its plan was agreed, in strict real time{who}"

    def committed(self, *, given_up: bool) -> None:
        """Write the row of the period."""
        now_s, due_s = self.now_s, self.due_s(self._period)
        self._recorder.record(
            PACE,
            period=self._period,
            due_s=due_s,
            opened_s=self._opened_s,
            committed_s=now_s,
            late_s=max(0.0, self._opened_s - due_s),
            in_time=now_s <= self.due_s(self._period + 1),
            given_up=given_up,
            factor=float(self._real_time.factor),
            strict=self.strict,
        )
