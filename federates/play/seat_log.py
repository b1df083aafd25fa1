"""What a seat's files say, read as they come: every question and every answer once."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any, TypeAlias

from federates.seat.mailbox import Desk, seat_folder

Json: TypeAlias = dict[str, Any]
_AWAY = (1.0, 1.0)
"""Times of a sign of life that is from long ago."""
_SIGN_EVERY_S = 3.0


class SeatLog:
    """Questions and answers of one agent's seat in a run.

    One thread calls `update`; others, who read meanwhile, go through copies. ``dict.copy`` is one step. A ``list`` of items is
    not, for Python may collect garbage in between, and then let another thread work.
    """

    def __init__(self, run_folder: Path, agent: str) -> None:
        self.desk = Desk(seat_folder(run_folder, agent))
        self.questions: dict[int, Json] = {}
        self.answered: dict[int, Json] = {}
        self.refused: list[str] = []
        """Why answers to the open question were refused."""
        self._sheet: Json | None = None
        self._signed_s: float | None = None

    @property
    def sheet(self) -> Json:
        """Return what the agent knows; empty before it has said so."""
        if self._sheet is None:
            self._sheet = self.desk.sheet()
        return self._sheet or {}

    @property
    def open(self) -> Json | None:
        """Return the question that waits for an answer."""
        newest = self.newest
        waits = newest is not None and newest["deadline"] is not None and newest["n"] not in self.answered
        return newest if waits else None

    @property
    def newest(self) -> Json | None:
        """Return the newest question or notice."""
        questions = self.questions.copy()
        return questions.get(max(questions, default=0))

    @property
    def committed(self) -> int | None:
        """Return the last period that was agreed, as far as this agent has heard."""
        questions = self.questions.copy().values()
        return max((question["period"] for question in questions if question["kind"] == "commit"), default=None)

    def update(self) -> tuple[int, ...]:
        """Read what is new; return numbers that change whenever something has."""
        for n in range(max(self.questions, default=0) + 1, self.desk.last + 1):
            if (found := self.desk.question(n)) is None:
                break
            self.questions[n] = found
        for n, question in self.questions.items():
            if n not in self.answered and question["deadline"] is not None and (told := self.desk.answered(n)) is not None:
                self.answered[n] = told
        asked = self.open
        self.refused = [] if asked is None else self.desk.refused(asked["n"])
        return len(self.questions), len(self.answered), len(self.refused), int(bool(self.sheet))

    def sign(self, here: bool) -> None:
        """Tell the agent whether anybody sits there: without anybody its class answers at once."""
        now_s = time.monotonic()
        if here:
            if self._signed_s is None or now_s - self._signed_s > _SIGN_EVERY_S:
                self.desk.here()
                self._signed_s = now_s
        elif self._signed_s is not None or not (self.desk.folder / "here.json").exists():
            self.desk.here()
            os.utime(self.desk.folder / "here.json", _AWAY)
            self._signed_s = None

    def messages(self) -> list[Json]:
        """Return questions with an answer, in order, each with it."""
        return [self.questions[n] | {"answered": told} for n, told in sorted(self.answered.copy().items())]

    @property
    def late(self) -> int:
        """Return how many questions the class has answered because nothing that could be told came in time."""
        return sum(told["why"] in ("late", "refused") for told in self.answered.copy().values())
