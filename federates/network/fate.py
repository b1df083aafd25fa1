"""What becomes of one message: lost, late, twice, or overtaken. Seeded by what the message is, never by when it is looked at.

Every number is drawn from a hash of the session's seed, sender, receiver, period, round and what is drawn, and is made with
products, quotients and square roots alone: the same losses on any computer, in any order of looking (docs/decisions/0014, 0600).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from federates.boundary.network import LinkClass, NetworkSettings

_MOST_ATTEMPTS = 10_000
"""A message that is repeated arrives at the last of these. With ends that lose 80 % one of a million messages needs as many."""


class Message(NamedTuple):
    """Which message it is; all topics that one agent sends to another in a round are one."""

    sender: str
    receiver: str
    period: int
    round: int
    kind: str = ""


def draw(seed: int, message: Message, what: str) -> float:
    """Return a number of [0, 1), the same for the same message and ``what`` is drawn."""
    text = "|".join((str(seed), *map(str, message), what))
    return (int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 11) / 2**53  # as many bits as a float has


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of a message.

    ``delay_rounds`` : rounds after its own in which it is heard; None: it is lost.
    ``latency_s`` : how long it took, s; infinite if it is lost.
    ``copies`` : how many copies arrived.
    ``attempts`` : how often it was sent.
    """

    delay_rounds: int | None
    latency_s: float
    copies: int
    attempts: int = 1

    @property
    def word(self) -> str:
        """Return it in one word."""
        return "lost" if self.delay_rounds is None else "late" if self.delay_rounds else "heard"


def question_fate(seed: int, message: Message, links: Sequence[LinkClass], settings: NetworkSettings) -> Fate:
    """Return the fate of a question or an answer, which is sent once, over ``links`` one after the other.

    It is lost where any link loses it. It is late where its time is above the deadline, or where the next message overtakes it.
    """
    arrived = []
    twice = any(draw(seed, message, f"twice {i}") < link.duplication for i, link in enumerate(links))
    for copy in range(1 + twice):
        if not any(draw(seed, message, f"lost {i} {copy}") < link.loss for i, link in enumerate(links)):
            arrived.append(sum(_latency_s(seed, message, link, f"time {i} {copy}") for i, link in enumerate(links)))
    if not arrived:
        return Fate(None, math.inf, 0)
    latency_s = round(min(arrived), 6)
    overtaken = any(draw(seed, message, f"overtaken {i}") < link.reordering for i, link in enumerate(links))
    delay_rounds = max(0, math.ceil(latency_s / settings.deadline_s) - 1) + overtaken
    if delay_rounds and settings.late == "lost":
        return Fate(None, math.inf, 0)
    return Fate(delay_rounds, latency_s, len(arrived))


def repeated_fate(seed: int, message: Message, links: Sequence[LinkClass], settings: NetworkSettings) -> Fate:
    """Return the fate of a message that is repeated, one deadline after the other, until it is acknowledged: it is heard.

    The acknowledgement goes back over the same links. What it takes is counted up to where the message is heard; repeats after
    that are copies, and change nothing. The last of `_MOST_ATTEMPTS` is not lost, nor is its acknowledgement.
    """
    heard_s, copies = math.inf, 0
    for attempt in range(_MOST_ATTEMPTS):
        last = attempt == _MOST_ATTEMPTS - 1
        there = [last or draw(seed, message, f"lost {i} {attempt} there") >= link.loss for i, link in enumerate(links)]
        back = [last or draw(seed, message, f"lost {i} {attempt} back") >= link.loss for i, link in enumerate(links)]
        if all(there):
            copies += 1
            took_s = sum(_latency_s(seed, message, link, f"time {i} {attempt}") for i, link in enumerate(links))
            heard_s = min(heard_s, attempt * settings.deadline_s + took_s)
        if all(there) and all(back):
            return Fate(0, round(heard_s, 6), copies, attempt + 1)
    raise AssertionError("unreachable: the last attempt is heard")


def _latency_s(seed: int, message: Message, link: LinkClass, what: str) -> float:
    """Return least latency plus a log-logistic part of shape 2: median times sqrt(u / (1 - u))."""
    if link.jitter_s == 0.0:
        return link.latency_s
    u = draw(seed, message, what)
    return link.latency_s + link.jitter_s * math.sqrt(u / (1.0 - u))
