"""The ledger: one row for every message that an agent sends or receives, kept in its own results.

Size and hash are of what a message carries. The signature before it, which differs from run to run, is not counted
(docs/integrity.md says how long it is).
It holds no value: topic, period, round, shape, size and the beginning of a hash are enough to compare what a sender says it
sent with what each receiver says it received. No wall-clock time, so the table is the same in every run of the same scenario.
"""

from __future__ import annotations

import hashlib

from federates.boundary.roles import Recorder

LEDGER = "ledger"
"""Name of the table."""
TEXT = "text"
"""Shape of the session, which is JSON text."""
UNREADABLE = "?"
"""Shape of a message that breaks the topic table; the column ``reason`` says how."""
HASH_DIGITS = 16


class Ledger:
    """Writes down messages; a row costs some microseconds.

    Parameters
    ----------
    recorder : where the rows go.
    run_id : stands in the text of the session; it is left out of size and hash, for it differs from run to run.
    """

    def __init__(self, recorder: Recorder, run_id: str = "") -> None:
        self._recorder = recorder
        self._run_id = run_id.encode()

    def sent(self, key: str, period: int, round_: int, shape: tuple[int, ...], payload: bytes) -> None:
        """Write down a message just before it is published."""
        self._row("sent", key, period, round_, _text(shape), payload)

    def received(self, key: str, period: int, round_: int, shape: tuple[int, ...], payload: bytes) -> None:
        """Write down a message that could be read."""
        self._row("received", key, period, round_, _text(shape), payload)

    def unreadable(self, key: str, payload: bytes, reason: str) -> None:
        """Write down a received message that the topic table does not allow."""
        self._row("received", key, -1, -1, UNREADABLE, payload, reason)

    def refused(self, key: str, message: bytes, reason: str) -> None:
        """Write down a received message that is not what its sender said; size and hash are of all of it."""
        self._row("received", key, -1, -1, UNREADABLE, message, reason)

    def session(self, direction: str, key: str, payload: bytes) -> None:
        """Write down the session text, ``sent`` or ``received``, without the run's identity."""
        text = payload.replace(self._run_id, b"") if self._run_id else payload
        self._row(direction, key, 0, 0, TEXT, text)

    def _row(
        self,
        direction: str,
        key: str,
        period: int,
        round_: int,
        shape: str,
        payload: bytes,
        reason: str = "",
    ) -> None:
        self._recorder.record(
            LEDGER,
            direction=direction,
            topic=key,
            period=period,
            round=round_,
            shape=shape,
            bytes=len(payload),
            sha256=hashlib.sha256(payload).hexdigest()[:HASH_DIGITS],
            reason=reason,
        )


def _text(shape: tuple[int, ...]) -> str:
    return ",".join(map(str, shape))
