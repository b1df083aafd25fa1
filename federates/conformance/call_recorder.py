"""Calls of an agent under test: each is timed, limited and recorded, with copies of all that goes in and out."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import TracebackType
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np

from federates.boundary.roles import Plugin, Value
from federates.conformance.errors import ConformanceError
from federates.conformance.process_state import changes, process_state, restore_state
from federates.conformance.target import Target

__all__ = ["Call", "CallFailedError", "CallRecorder", "Failure", "HearsAhead", "Kind", "Notes"]

_BEGIN_S = 120.0
"""Longest time to get ready; as ``limits.begin_s`` of broker.yaml has it."""
_END_S, _PEEK_S = 30.0, 0.5


class Kind(StrEnum):
    """What is called."""

    CREATE = "create"
    BEGIN = "begin"
    OPEN = "open_period"
    SOLVE = "solve"
    RELAX = "relax"
    EVALUATE = "evaluate"
    COMMIT = "commit"
    RUN = "run"
    START = "start"
    NEXT = "next"
    END = "end"


@dataclass(frozen=True)
class Call:
    """One call that was answered. ``args`` and ``answer`` are copies; ``words`` says what was asked."""

    kind: Kind
    period: int
    words: str
    args: tuple[Any, ...]
    answer: Any
    wall_s: float
    changed: bool = False
    """Whether an array that was given came back changed."""
    told: Mapping[str, Any] | None = None
    """With the opening of a period: by which messages partners have opened it, which an executable is told over the wire."""


@dataclass(frozen=True)
class Failure:
    """A call that was not answered: it raised an error, or took too long."""

    kind: Kind
    period: int
    words: str
    error: str
    late: bool = False


class CallFailedError(Exception):
    """The agent under test did not answer a call; nothing can be asked of it any more."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure
        super().__init__(f"{failure.words}: {failure.error}")


@runtime_checkable
class HearsAhead(Protocol):
    """Stands in for an operator in another process, whose partners must know what they say before it is asked to open."""

    def hear(self, told: Mapping[str, Any]) -> None:
        """Take in what partners will open the next period with."""


@dataclass
class Notes:
    """A recorder that keeps what it is told, in memory."""

    rows: list[tuple[str, dict[str, Value]]] = field(default_factory=list)

    def record(self, table: str, **row: Value) -> None:
        """Keep one row."""
        self.rows.append((table, row))

    def progress(self, **fields: Value) -> None:
        """Nobody watches."""

    def last(self, table: str, column: str) -> Value | None:
        """Return the last value of a column, if there is one."""
        found = [row[column] for name, row in self.rows if name == table and column in row]
        return found[-1] if found else None


class CallRecorder:
    """A fresh agent from `create` to its end; a context manager, at whose end the agent is ended.

    Calls run in a thread of the life's own, so that a call that never returns ends the life and not the kit.

    Parameters
    ----------
    scribble : overwrite every array that was given after the call has returned: who has kept it is misled.
    """

    def __init__(self, target: Target, *, scribble: bool = False) -> None:
        self.target, self.scribble = target, scribble
        self.notes = Notes()
        self.calls: list[Call] = []
        self.end_error: str | None = None
        self.changed: list[str] = []
        self.period = -1
        self._plugin: Plugin | None = None
        self._before: dict[str, Any] = {}
        self._worker = _Worker(target.name)

    def __enter__(self) -> Self:
        self._before = self._worker.run(process_state, _END_S)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._end()
        with contextlib.suppress(TimeoutError):  # A call that has not returned still holds the thread.
            self.changed = changes(self._before, self._worker.run(process_state, _PEEK_S))
            self._worker.run(lambda: restore_state(self._before), _PEEK_S)
        if self.changed:
            restore_state(self._before)
        self._worker.stop()

    def _end(self) -> None:
        plugin, self._plugin = self._plugin, None
        if plugin is not None:
            try:
                self._worker.run(lambda: self.target.end(plugin), _END_S)
            except TimeoutError:
                self.end_error = f"it had not ended after {_END_S:g} s"
            except Exception as problem:
                self.end_error = _said(problem)

    def begin(self) -> None:
        """Create the agent and let it take in the public agreement."""
        self._plugin = self.call(Kind.CREATE, "create", self.target.create, limit_s=_BEGIN_S)
        plugin: Any = self._plugin
        self.call(Kind.BEGIN, "begin", lambda: plugin.begin(self.target.view, self.notes), limit_s=_BEGIN_S)

    def ask(self, kind: Kind, words: str, *args: Any, told: Mapping[str, Any] | None = None) -> Any:
        """Call the method of that name with copies of ``args``; return a copy of what it returns.

        ``told`` are the partners' openings of the period that is opened: for an executable they stand in its partners' place.
        """
        method = getattr(self._plugin, kind.value)
        if told is not None and isinstance(self._plugin, HearsAhead):
            self._plugin.hear(copy.deepcopy(told))
        given = copy.deepcopy(args)
        answer = self.call(kind, words, lambda: method(*given), given=given, args=args)
        if told is not None:
            self.calls[-1] = dataclasses.replace(self.calls[-1], told=copy.deepcopy(told))
        if self.scribble:
            _scribble(given)
        return answer

    def call(
        self,
        kind: Kind,
        words: str,
        function: Callable[[], Any],
        *,
        limit_s: float | None = None,
        given: tuple[Any, ...] = (),
        args: tuple[Any, ...] = (),
    ) -> Any:
        """Carry out one call and write it down.

        Raises
        ------
        CallFailedError : it raised an error or took longer than it may.
        """
        limit = (limit_s or self.target.limit_s) + self.target.margin_s
        words = words if self.period < 0 else f"{words} in period {self.period}"
        started = time.perf_counter()
        try:
            answer = self._worker.run(function, limit)
        except TimeoutError:
            raise CallFailedError(Failure(kind, self.period, words, f"no answer within {limit:g} s", late=True)) from None
        except Exception as error:
            raise CallFailedError(Failure(kind, self.period, words, _said(error))) from error
        wall_s = time.perf_counter() - started
        kept = answer if kind in (Kind.CREATE, Kind.BEGIN) else copy.deepcopy(answer)
        self.calls.append(Call(kind, self.period, words, copy.deepcopy(args), kept, wall_s, changed=not _same(given, args)))
        return kept


class _Worker:
    """A thread in which all calls of one life run; a daemon, for nobody can end a call that does not return."""

    def __init__(self, name: str) -> None:
        self._number = 0
        self._jobs: queue.SimpleQueue[tuple[int, Callable[[], Any]] | None] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[tuple[int, Any, BaseException | None]] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=f"portage-conform {name}", daemon=True)
        self._thread.start()

    def run(self, job: Callable[[], Any], limit_s: float) -> Any:
        self._number += 1
        self._jobs.put((self._number, job))
        deadline, number = time.monotonic() + limit_s, 0
        while number != self._number:  # An answer to an earlier job has come too late.
            try:
                number, result, error = self._results.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise TimeoutError from None
        if isinstance(error, TimeoutError):  # of the agent's own
            raise ConformanceError(f"TimeoutError: {error}") from error
        if isinstance(error, Exception):
            raise error
        if error is not None:
            raise ConformanceError(f"it wanted to end the whole process ({type(error).__name__}: {error})")
        return result

    def stop(self) -> None:
        self._jobs.put(None)
        self._thread.join(timeout=1.0)

    def _work(self) -> None:
        while (asked := self._jobs.get()) is not None:
            number, job = asked
            try:
                self._results.put((number, job(), None))
            except BaseException as error:
                self._results.put((number, None, error))


def _arrays(given: Any) -> list[Any]:
    """Return every array in the arguments of a call, also inside messages and lists."""
    if isinstance(given, np.ndarray):
        return [given]
    if isinstance(given, (tuple, list)):
        return [array for item in given for array in _arrays(item)]
    if isinstance(given, Mapping):
        return [array for item in given.values() for array in _arrays(item)]
    if dataclasses.is_dataclass(given):
        return [array for entry in dataclasses.fields(given) for array in _arrays(getattr(given, entry.name))]
    return []


def _same(given: tuple[Any, ...], args: tuple[Any, ...]) -> bool:
    pairs = zip(_arrays(given), _arrays(args), strict=True)
    return all(mine.shape == theirs.shape and np.array_equal(mine, theirs) for mine, theirs in pairs)


def _scribble(given: tuple[Any, ...]) -> None:
    for array in _arrays(given):
        with contextlib.suppress(ValueError):  # made read-only by whom it was given to
            array[...] = 7.77e5


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
