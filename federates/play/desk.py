"""What a student does at the desk: answer, ask what an answer would cost, look at the best answer."""

from __future__ import annotations

import asyncio
import time
from typing import Any, TypeAlias

from federates.boundary.errors import PortageError
from federates.play.seat_log import SeatLog

Json: TypeAlias = dict[str, Any]
_POLL_S = 0.05
_LONGEST_S = 20.0
"""An agent that solves a programme of a whole day needs some seconds."""
_ANSWER = ("quantities", "claimed_cost_usd", "prices", "given", "commit")
_HINT = "best"


async def give_answer(log: SeatLog, sent: Json, hints: bool) -> Json:
    """Hand an answer to the agent; return once it is told, or refuse in the agent's words.

    Raises
    ------
    PortageError : it was refused, or came too late.
    """
    n = _number(log, sent)
    before = len(log.desk.refused(n))
    log.desk.answer(n, _content(sent, hints))
    deadline_s = time.monotonic() + _LONGEST_S
    while time.monotonic() < deadline_s:
        if (told := log.desk.answered(n)) is not None:
            if told["by"] != "person":
                raise PortageError("Time was over before your answer came; your computer has answered for you.")
            return {"told": True}
        if len(refused := log.desk.refused(n)) > before:
            raise PortageError(refused[-1])
        await asyncio.sleep(_POLL_S)
    raise PortageError("Your answer lies before your agent, which is busy. Wait a moment.")


async def ask_draft(log: SeatLog, sent: Json, hints: bool) -> Json:
    """Return what an answer would cost this agent.

    Raises
    ------
    PortageError : the agent cannot tell, with its reason.
    """
    n = _number(log, sent)
    k = log.desk.draft(n, _content(sent, hints))
    deadline_s = time.monotonic() + _LONGEST_S
    while time.monotonic() < deadline_s:
        if (told := log.desk.drafted(n, k)) is not None:
            if "refused" in told:
                raise PortageError(str(told["refused"]))
            return told
        if log.desk.answered(n) is not None:
            raise PortageError("This question has been answered already.")
        await asyncio.sleep(_POLL_S)
    raise PortageError("Your agent is still computing; ask again in a moment.")


async def show_hint(log: SeatLog, sent: Json, hints: bool) -> Json:
    """Return what the shipped class would answer to the open question.

    Raises
    ------
    PortageError : the lecturer has not allowed it.
    """
    if not hints:
        raise PortageError("The lecturer has not allowed hints in this game")
    n = _number(log, sent)
    asked = log.desk.question(n) or {}
    return dict(asked.get(_HINT) or {})


def _number(log: SeatLog, sent: Json) -> int:
    """Return the number of the question that is meant, which must be the open one."""
    asked = log.desk.open_question()
    if asked is None or sent.get("n") != asked["n"]:
        raise PortageError("This question is over: time ran out, or it was answered. Look at the new one.")
    return int(asked["n"])


def _content(sent: Json, hints: bool) -> Json:
    """Return what the agent may see of what a page sent; whether it is sound is the agent's to say."""
    if hints and sent.get(_HINT) is True:
        return {_HINT: True}
    return {key: sent[key] for key in _ANSWER if key in sent}
