"""A person in an agent's seat, as a script: it reads the mailbox as a page would, and answers by a strategy."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from federates.seat.mailbox import AWAY_S, Desk, seat_folder

Strategy = Callable[[Desk, dict[str, Any]], None]
"""Is shown every question once, and does with the desk what it likes."""


def always_best(desk: Desk, question: dict[str, Any]) -> None:
    desk.answer(question["n"], {"best": True})


def typed_best(desk: Desk, question: dict[str, Any]) -> None:
    """Type in the numbers of the best answer, as a person does who reads them from the page."""
    desk.answer(question["n"], {"quantities": question["best"]["quantities"]})


def silent(desk: Desk, question: dict[str, Any]) -> None:
    pass


class Players:
    """Context manager: plays the seats of a run that begins in ``results``, agent to strategy."""

    def __init__(self, results: Path, strategies: dict[str, Strategy]) -> None:
        self._results, self._strategies = results, strategies
        self._before = set(results.iterdir()) if results.exists() else set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._play, daemon=True)
        self.errors: list[Exception] = []

    def __enter__(self) -> Players:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        if self.errors:
            raise self.errors[0]

    def _play(self) -> None:
        seen: set[tuple[str, int]] = set()
        while not self._stop.wait(0.01):
            for folder in self._new_runs():
                for agent, strategy in self._strategies.items():
                    desk = Desk(seat_folder(folder, agent))
                    question = desk.open_question()
                    if question is None or (agent, question["n"]) in seen:
                        continue
                    seen.add((agent, question["n"]))
                    try:
                        strategy(desk, question)
                    except Exception as error:
                        self.errors.append(error)

    def _new_runs(self) -> list[Path]:
        return [path for path in self._results.iterdir() if path not in self._before] if self._results.exists() else []


def leave(desk: Desk) -> None:
    """Be away, as a page that was closed some time ago."""
    desk.here()
    old = time.time() - AWAY_S - 1.0
    os.utime(desk.folder / "here.json", (old, old))


class Script:
    """Sends one answer after another, and leaves. Keeps what was refused."""

    def __init__(self, *answers: Any) -> None:
        self._answers = list(answers)
        self.refused: list[str] = []

    def __call__(self, desk: Desk, question: dict[str, Any]) -> None:
        while self._answers:
            more = len(desk.refused(question["n"])) + 1
            desk.answer(question["n"], self._answers.pop(0))
            wait_for(lambda more=more: desk.answered(question["n"]) or len(desk.refused(question["n"])) == more)
            if desk.answered(question["n"]) is not None:
                return
            self.refused.append(desk.refused(question["n"])[-1])
        leave(desk)


def questions(folder: Path, agent: str) -> list[dict[str, Any]]:
    """Return all questions and notices of an agent in a run, in order."""
    desk = Desk(seat_folder(folder, agent))
    found = [desk.question(n) for n in range(1, desk.last + 1)]
    return [question for question in found if question is not None]


def answered(folder: Path, agent: str) -> list[dict[str, Any]]:
    """Return how the questions of an agent ended, in order."""
    desk = Desk(seat_folder(folder, agent))
    found = [desk.answered(n) for n in range(1, desk.last + 1)]
    return [record for record in found if record is not None]


def wait_for(what: Callable[[], Any], seconds: float = 10.0) -> Any:
    """Return what ``what`` returns as soon as that is something."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := what():
            return found
        time.sleep(0.01)
    raise AssertionError("it did not come in time")
