"""One question to a person: wait for the answer, compute drafts meanwhile, and give up in time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from federates.boundary.errors import FederationError
from federates.runtime.hold import is_held
from federates.seat.mailbox import Mailbox, Nonsense

T = TypeVar("T")
MOST_DRAFTS = 200
"""Of one question; each costs the agent's class an evaluation."""
_POLL_S = 0.05


class Refused(Exception):  # noqa: N818 (it is no error of the program)
    """An answer that cannot be told; the text is a sentence for the person."""


@dataclass(frozen=True, slots=True)
class Heard(Generic[T]):
    """What a person has answered; None: nothing in time, and ``why`` is a word of ``answered-<n>.json``."""

    answer: T | None
    why: str = ""


def hear(
    mailbox: Mailbox,
    n: int,
    seconds: float,
    read: Callable[[Any], T],
    calculate: Callable[[T], Mapping[str, Any]],
) -> Heard[T]:
    """Wait for the answer to question ``n``.

    Parameters
    ----------
    seconds : how long, without the time in which the run is held; an answer that has come by then counts, also where a draft has
        kept the agent busy.
    read : makes an answer of what the person has sent, or raises `Refused`.
    calculate : returns what is known of an answer before it is told, for drafts.

    Raises
    ------
    FederationError : the question was answered before a crash, and that answer is no longer there.
    """
    if (ended := mailbox.ended(n)) is not None:
        # Before a crash. The agent lives through the same questions again, and nobody is asked one twice.
        return Heard(_again(mailbox, n, read)) if ended["by"] == "person" else Heard(None, str(ended["why"]))
    ends, refused = time.monotonic() + seconds, False
    seen = time.monotonic()
    while True:
        now = time.monotonic()
        if is_held(mailbox.folder.parent):  # a pause of the whole run: nobody loses time by it
            ends += now - seen
        seen = now
        is_last = now >= ends
        given = mailbox.take_answer(n)
        if given is not None:
            try:
                return Heard(_read(given, read))
            except Refused as error:
                mailbox.refuse(n, str(error))
                refused = True
        if is_last:
            return Heard(None, "refused" if refused else "late")
        if mailbox.away:
            return Heard(None, "away")
        if not _compute_draft(mailbox, n, read, calculate):
            time.sleep(max(0.0, min(_POLL_S, ends - time.monotonic())))


def _again(mailbox: Mailbox, n: int, read: Callable[[Any], T]) -> T:
    """Return the answer that a person has given before a crash."""
    try:
        return _read(mailbox.taken(n), read)
    except Refused as error:
        path = mailbox.taken_file(n)
        raise FederationError(f"{path}: the run cannot go on: what was answered to question {n} is not there: {error}") from error


def _compute_draft(mailbox: Mailbox, n: int, read: Callable[[Any], T], calculate: Callable[[T], Mapping[str, Any]]) -> bool:
    """Compute one draft, if there is one, so that an answer never waits for two."""
    for k, draft in mailbox.drafts(n):
        try:
            if k > MOST_DRAFTS:
                raise Refused(f"There are no more than {MOST_DRAFTS} drafts of one answer.")
            found = calculate(_read(draft, read))
        except Refused as error:
            found = {"refused": str(error)}
        mailbox.drafted(n, k, found)
        return True
    return False


def _read(given: Any, read: Callable[[Any], T]) -> T:
    """Return the answer in what a person has sent; whatever goes wrong with it is the answer's fault, not the agent's."""
    if isinstance(given, Nonsense):
        raise Refused(given)
    try:
        return read(given)
    except Refused:
        raise
    except Exception as error:
        raise Refused(f"Nothing can be computed with this answer ({type(error).__name__}: {error}).") from error
