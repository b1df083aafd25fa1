"""Files by which an agent asks a person and hears the answer: `Mailbox` is the agent's end, `Desk` the person's.

They lie in the agent's own results, ``<run>/<agent>/seat/``, so an agent with a seat opens no socket and reads no file but its
own. Whoever serves the person (a page, a script) reads and writes there for it. Every file is JSON, and is whole or absent.
``n`` numbers the questions of one agent from 1, ``k`` the drafts and refusals of one question from 1.

Written by the agent:

``sheet.json``
    Once, before the first question: what this agent knows. Where anybody has a seat, every agent that negotiates has one.
    ``agent``, ``role``, ``world``, ``class`` (that plays when the person does not), ``seconds`` (per answer; 0: never asked),
    ``settings`` and ``data`` (its own: text by file name), ``session`` (the agreement as it sees it), ``exchanges``: a list of
    ``name``, ``unit``, ``price_unit``, ``side`` (``asks``, ``offers`` or ``coordinates``), ``meaning``, ``axes`` (a list of
    ``letter``, ``meaning`` and ``names``; ``names`` is null for the horizon, whose entry 0 is the opened period), ``whole`` (0 or
    1 only) and ``most`` (of one entry).
``question-<n>.json``
    ``n``, ``kind``, ``period``, ``hour`` (of the day), ``round`` (in the period, from 1; 0 before any), ``asked`` and
    ``deadline`` (wall clock, s since the epoch; null: a notice that wants no answer), and by kind:

    - ``open``, a notice: ``outlook``, what the class expects of the period, by name (some know it from the first question on).
    - ``solve``: ``prices`` by exchange, ``openings`` of partners, ``outlook``, ``best``: the class's own answer.
    - ``evaluate``: ``given`` by exchange, ``openings``, ``outlook``, ``best``.
    - ``commit``, a notice: ``given``, what is committed; ``own_cost_usd`` of what is carried out of it now (of all of it, where
      a plan lasts) and ``idle_cost_usd``, if nothing were exchanged (null: nobody was asked in this period). Of a coordinator
      ``given`` by agent, ``prices`` at which it is paid (or null), ``cost_usd`` as the answers tell it, ``lower_usd``,
      ``agreed`` and ``verdict``.
    - ``coordinate``: ``openings``, ``answers`` to the last question (by agent, null before one), ``asked_prices`` (those of that
      question, or null), ``proof`` (``lower_usd``, ``upper_usd``, ``gap``: what all answers of the period prove, null: nothing),
      ``plans`` (that the answers suggest, each with ``name``, ``quantities`` by exchange and ``cost_usd``, null where the answers
      do not tell it) and ``best``: the algorithm's own next decision, in the form of an answer.

    Every ``best`` of an operator has ``quantities``, ``cost_usd`` (own), ``payment_usd`` (price times asked minus price times
    offered) and ``total_usd`` (their sum, which the class made least). It is in the file from the beginning; the page decides
    when a person sees it.
``drafted-<n>-<k>.json``
    What the answer in ``draft-<n>-<k>.json`` would cost this agent: ``quantities`` that would be told, ``used`` of them,
    ``cost_usd``, ``payment_usd``, ``total_usd``. A coordinator's draft of a plan: ``cost_usd``, ``gap``, ``agreed`` and
    ``verdict`` (what would be proven of it). Or ``refused``: a sentence.
``refused-<n>-<k>.json``
    ``sentence``: why the k-th answer cannot be told. The person may answer again until the deadline.
``answered-<n>.json``
    How the question ended: ``by`` (``person`` or ``class``), ``why`` the class (``late``; ``refused``: late after a refused
    answer; ``away``; else ``""``), ``told`` (``quantities``, ``cost_usd``, ``bound_usd``), ``own_cost_usd``, ``payment_usd`` and
    ``own_total_usd`` of what was told, ``best`` and ``wall``. Of a coordinator ``decision`` (in the form of an answer) and
    ``best``.
``over.json``
    The agent will ask no more: ``status`` is ``complete`` or ``failed``.

Written for the person:

``here.json``
    Renewed at least every 5 s while the person is there. It need not exist: then everybody is asked and waited for. Where it does
    and is older than `AWAY_S`, the class answers at once, until the person is back.
``draft-<n>-<k>.json``, ``answer-<n>.json``
    Of an operator ``{"quantities": {exchange: nested list}, "claimed_cost_usd": number}`` (the claim may be left out), or
    ``{"best": true}``. Of a coordinator one of ``{"prices": {exchange: nested list}}``, ``{"given": {exchange: nested list}}``
    (what would this cost?), ``{"commit": {exchange: nested list}}`` or ``{"best": true}``.
``hold.json``
    For the coordinator alone, by the lecturer: while it is there nothing new is asked. ``{"until_period": p}`` holds from
    period p on, ``{}`` at once.
"""

from __future__ import annotations

import json
import math
import os
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from federates.runtime.checkpoint import SEAT
from federates.runtime.results import read_record, write_json

AWAY_S = 15.0
"""A person who has given no sign for so long is away."""
MOST_BYTES = 1_000_000
"""Longest text of one answer."""
_NUMBERED = re.compile(r"([a-z]+)-(\d+)(?:-(\d+))?\.json")


def seat_folder(run_folder: Path, agent: str) -> Path:
    """Return the folder of an agent's seat in a run."""
    return run_folder / agent / SEAT


class Mailbox:
    """The agent's end. ``folder`` is made if it is missing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._asked = 0
        self._refused: dict[int, int] = {}

    def sheet(self, data: Mapping[str, Any]) -> None:
        """Write ``sheet.json``."""
        write_json(self.folder / "sheet.json", data)

    def ask(self, kind: str, seconds: float | None, **fields: Any) -> int:
        """Write the next question, to be answered within ``seconds`` (None: a notice); return its number."""
        self._asked += 1
        if self.ended(self._asked) is not None:
            return self._asked
        now = time.time()
        deadline = None if seconds is None else now + seconds
        head = {"n": self._asked, "kind": kind, "asked": now, "deadline": deadline}
        write_json(self.folder / f"question-{self._asked}.json", head | fields)
        return self._asked

    def drafts(self, n: int) -> Iterator[tuple[int, Any]]:
        """Yield number and text of the drafts of a question that have no ``drafted`` yet, in order."""
        done = {k for word, number, k in self._numbered("drafted") if number == n}
        for k in sorted(k for word, number, k in self._numbered("draft") if number == n and k not in done):
            yield k, _read(self.folder / f"draft-{n}-{k}.json")

    def drafted(self, n: int, k: int, data: Mapping[str, Any]) -> None:
        """Write what the k-th draft would cost."""
        write_json(self.folder / f"drafted-{n}-{k}.json", data)

    def take_answer(self, n: int) -> Any:
        """Return the answer to a question, None if there is none; what cannot be read is a `Nonsense`. It is taken away."""
        taken = self.taken_file(n)
        try:
            # Renamed before it is read: what the person sends meanwhile is a new file.
            os.replace(self.folder / f"answer-{n}.json", taken)
        except FileNotFoundError:
            return None
        except OSError as error:
            return Nonsense(f"The answer could not be taken ({error.strerror}).")
        return _read(taken)

    def taken(self, n: int) -> Any:
        """Return the answer that was taken last."""
        return _read(self.taken_file(n))

    def ended(self, n: int) -> dict[str, Any] | None:
        """Return how a question ended, as `answered` has it; None: it has not, or never was one."""
        return read_record(self.folder / f"answered-{n}.json")

    def taken_file(self, n: int) -> Path:
        """Return the file of the answer that was taken last."""
        return self.folder / f".taken-{n}.json"

    def refuse(self, n: int, sentence: str) -> None:
        """Write why an answer cannot be told."""
        k = self._refused[n] = self._refused.get(n, 0) + 1
        write_json(self.folder / f"refused-{n}-{k}.json", {"n": n, "sentence": sentence})

    def answered(self, n: int, data: Mapping[str, Any]) -> None:
        """Write how a question ended."""
        if self.ended(n) is None:
            write_json(self.folder / f"answered-{n}.json", {"n": n, **data, "wall": time.time()})

    def over(self, status: str) -> None:
        """Write that no more is asked."""
        write_json(self.folder / "over.json", {"status": status})

    @property
    def away(self) -> bool:
        """Whether the person has been there and has given no sign for `AWAY_S`."""
        try:
            return time.time() - (self.folder / "here.json").stat().st_mtime > AWAY_S
        except OSError:
            return False

    def held(self, period: int) -> bool:
        """Return whether the lecturer wants nothing new to be asked in ``period``."""
        if not (self.folder / "hold.json").exists():
            return False
        until = (read_record(self.folder / "hold.json") or {}).get("until_period")
        return not isinstance(until, int) or period >= until

    def _numbered(self, word: str) -> Iterator[tuple[str, int, int]]:
        return (found for found in _numbered(self.folder) if found[0] == word)


class Nonsense(str):
    """A sentence in place of an answer that cannot be read."""

    __slots__ = ()


class Desk:
    """The person's end, for a page or a script that serves one person. ``folder`` is `seat_folder`; it may not exist yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def sheet(self) -> dict[str, Any] | None:
        """Return what the agent knows; None: it has not written it yet."""
        return read_record(self.folder / "sheet.json")

    def told_since(self, time_s: float) -> bool:
        """Return whether the sheet was written after ``time_s``, s since 1970: an agent writes it anew whenever it begins."""
        try:
            return (self.folder / "sheet.json").stat().st_mtime >= time_s
        except OSError:
            return False

    @property
    def last(self) -> int:
        """Return the number of the newest question, 0 before the first."""
        return max((n for word, n, _ in _numbered(self.folder) if word == "question"), default=0)

    def question(self, n: int) -> dict[str, Any] | None:
        """Return a question."""
        return read_record(self.folder / f"question-{n}.json")

    def open_question(self) -> dict[str, Any] | None:
        """Return the question that is waiting for an answer now, None if there is none."""
        found = self.question(self.last)
        waits = found is not None and found["deadline"] is not None and self.answered(found["n"]) is None
        return found if waits else None

    def draft(self, n: int, data: Any) -> int:
        """Ask what an answer would cost; return the number of the draft."""
        k = 1 + max((k for word, number, k in _numbered(self.folder) if word == "draft" and number == n), default=0)
        write_json(self.folder / f"draft-{n}-{k}.json", data)
        return k

    def drafted(self, n: int, k: int) -> dict[str, Any] | None:
        """Return what the k-th draft would cost, None as long as it is not known."""
        return read_record(self.folder / f"drafted-{n}-{k}.json")

    def answer(self, n: int, data: Any) -> None:
        """Answer a question; an answer that has not been taken yet is replaced."""
        write_json(self.folder / f"answer-{n}.json", data)

    def refused(self, n: int) -> list[str]:
        """Return why answers to a question were refused, in order."""
        found = sorted(k for word, number, k in _numbered(self.folder) if word == "refused" and number == n)
        records = (read_record(self.folder / f"refused-{n}-{k}.json") for k in found)
        return [str(record["sentence"]) for record in records if record is not None]

    def answered(self, n: int) -> dict[str, Any] | None:
        """Return how a question ended, None as long as it is open; a notice has none."""
        return read_record(self.folder / f"answered-{n}.json")

    def here(self) -> None:
        """Say that the person is there."""
        write_json(self.folder / "here.json", {"wall": time.time()})

    def hold(self, until_period: int | None = None) -> None:
        """Let the coordinator ask nothing new: at once, or from ``until_period`` on."""
        write_json(self.folder / "hold.json", {} if until_period is None else {"until_period": until_period})

    def go_on(self) -> None:
        """Take `hold` back."""
        (self.folder / "hold.json").unlink(missing_ok=True)

    def over(self) -> str | None:
        """Return how the agent ended, ``complete`` or ``failed``, None while it goes on."""
        record = read_record(self.folder / "over.json")
        return None if record is None else str(record["status"])


def take_back_open(folder: Path) -> None:
    """Leave of a seat whose agent has ended, and will live again, what has come to an end: questions that were answered, notices.

    The question that was open comes again, with a new deadline, and its drafts and refusals are counted anew. So do all behind a
    question whose answer the disk has lost. What held the run goes too: whoever still wants to hold it says so again.

    Raises
    ------
    OSError : the disk refuses.
    """
    for name in ("over.json", "hold.json"):
        (folder / name).unlink(missing_ok=True)
    mailbox = list(_numbered(folder))
    first = min((n for word, n, _ in mailbox if word == "question" and _is_open(folder, n)), default=None)
    for word, n, k in mailbox:
        if first is not None and n >= first and word in ("question", "refused", "draft", "drafted", "answered"):
            (folder / (f"{word}-{n}-{k}.json" if k else f"{word}-{n}.json")).unlink(missing_ok=True)


def _is_open(folder: Path, n: int) -> bool:
    """Whether a question has no end; a notice wants none."""
    desk = Desk(folder)
    return desk.answered(n) is None and (desk.question(n) or {}).get("deadline", math.inf) is not None


def _numbered(folder: Path) -> Iterator[tuple[str, int, int]]:
    """Yield word, n and k (0: none) of the files that have numbers."""
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return
    for name in names:
        if (found := _NUMBERED.fullmatch(name)) is not None:
            yield found[1], int(found[2]), int(found[3] or 0)


def _read(path: Path) -> Any:
    """Return what a person has sent; `Nonsense` if it is no JSON text of a reasonable length."""
    try:
        with path.open("rb") as file:
            text = file.read(MOST_BYTES + 1)
        if len(text) > MOST_BYTES:
            return Nonsense(f"The answer is longer than {MOST_BYTES} bytes.")
        found = json.loads(text)
    except (OSError, ValueError, RecursionError):
        return Nonsense("The answer cannot be read: it must be JSON text.")
    return found if found is not None else Nonsense("The answer is empty.")
