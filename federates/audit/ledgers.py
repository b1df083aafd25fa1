"""The ledgers, held against the topic table and against each other.

What a sender says it sent must be what each receiver says it received: as many messages, of the same shape and hash, for each
topic, period and round. An executable keeps no ledger; what it said is what its receivers heard, who must agree.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property
from math import prod
from typing import Any

from federates.audit.outcome import Breach, Told
from federates.audit.read import AgentRecords, Message, RunRecords
from federates.boundary.lines import Line
from federates.boundary.topics import FREE
from federates.runtime.ledger import TEXT, UNREADABLE

_FLOAT, _HEADER = 8, 2
_Messages = Counter[Message]


class Ledgers:
    """The ledgers of one run."""

    def __init__(self, run: RunRecords) -> None:
        self._run = run
        self._table = run.lines

    def breaches(self) -> Iterator[Breach]:
        """Yield everything that is wrong."""
        for agent in self._run.agents.values():
            yield from self._missing(agent)
            yield from self._outside_the_table(agent)
        for entry in self._table.values():
            yield from self._disagreements(entry)

    def not_recorded(self) -> Iterator[str]:
        """Yield what no ledger can say, in words."""
        run = self._run
        if not run.ledger_wanted and any(agent.sent is None for agent in run.agents.values()):
            yield "messages: no ledger was kept (audit.ledger is off in broker.yaml, or the run is older than the audit)"
            return
        for agent in run.agents.values():
            if agent.sent is None and not agent.python:
                yield f"{agent.name} is an executable and keeps no ledger: its messages are counted by those who received them"
            elif agent.sent is None and not agent.finished:
                yield f"{agent.name} ended before its ledger reached the disk"
        if not run.complete and any(agent.sent is not None for agent in run.agents.values()):
            yield "the run ended early: messages on their way at the end may stand in one ledger only"

    def told(self, name: str) -> tuple[Told, ...]:
        """Return what one agent told whom, by topic, in the order of the topic table."""
        return tuple(
            Told(key, self._heard_by(key), sum(rows.values()), _numbers(rows), sum(m.bytes * n for m, n in rows.items()))
            for key, rows in self._sent.items()
            if key.split("/")[0] == name and rows
        )

    def heard(self, name: str) -> dict[str, int]:
        """Return how many messages one agent received from whom."""
        counts: Counter[str] = Counter()
        for message, times in (self._run.agents[name].received or {}).items():
            counts[message.topic.split("/")[0]] += times
        return dict(sorted(counts.items()))

    @cached_property
    def _sent(self) -> dict[str, _Messages]:
        """What was sent by topic: from the sender's ledger, or where that is not there from those of its receivers."""
        found: dict[str, _Messages] = {key: Counter() for key in self._table}
        for agent in self._run.agents.values():
            for message, times in (agent.sent or {}).items():
                found.setdefault(message.topic, Counter())[message] += times
        for key, rows in found.items():
            if not rows and key in self._table:
                for heard in self._heard(self._table[key]).values():
                    rows |= heard
        return found

    @cached_property
    def _received(self) -> dict[str, dict[str, _Messages]]:
        found: dict[str, dict[str, _Messages]] = defaultdict(dict)
        for agent in self._run.agents.values():
            for message, times in (agent.received or {}).items():
                found[message.topic].setdefault(agent.name, Counter())[message] += times
        return found

    def _heard(self, entry: Line) -> dict[str, _Messages]:
        """Return what each receiver with a ledger says it received of a topic."""
        agents = self._run.agents
        listening = [name for name in entry.receivers if agents[name].received is not None]
        return {name: self._received.get(entry.key, {}).get(name, Counter()) for name in listening}

    def _heard_by(self, key: str) -> tuple[str, ...]:
        """Return who says that it received a topic, and who was wired to it: an executable can only be known by that."""
        edges = [] if self._run.graph is None else self._run.graph.edges
        wired = {edge.reader for edge in edges if edge.key == key}
        return tuple(sorted(wired | set(self._received.get(key, {}))))

    def _missing(self, agent: AgentRecords) -> Iterator[Breach]:
        if agent.fault:
            yield Breach("ledger.missing", agent.name, f"the ledger of {agent.name} cannot be read: {agent.fault}")
        elif self._run.ledger_wanted and agent.python and agent.finished and agent.sent is None:
            yield Breach("ledger.missing", agent.name, f"{agent.name} finished, but its ledger is missing")

    def _outside_the_table(self, agent: AgentRecords) -> Iterator[Breach]:
        """Yield messages of topics that do not exist, of wrong senders and receivers, and of wrong shapes."""
        seen: set[Breach] = set()
        for message in (*(agent.sent or ()), *(agent.received or ())):
            sent = message in (agent.sent or ())
            breach = self._judge(agent.name, message, sent=sent)
            if breach is not None and breach not in seen:
                seen.add(breach)
                yield breach

    def _judge(self, agent: str, message: Message, *, sent: bool) -> Breach | None:
        key, entry = message.topic, self._table.get(message.topic)
        if entry is None:
            said = f"{agent} {'sent' if sent else 'received'} {key}, which is not in the topic table"
            return Breach("ledger.topic", agent if sent else key.split("/")[0], said)
        if sent and entry.sender != agent:
            return Breach("ledger.topic", agent, f"{agent} sent {key}; only {entry.sender} may")
        if not sent and agent not in entry.receivers:
            return Breach("ledger.topic", agent, f"{agent} received {key}; only {' and '.join(entry.receivers)} may")
        if message.shape == UNREADABLE:
            said = f"{entry.sender} sent {agent} what the topic table does not allow ({message.bytes} bytes): {message.reason}"
            return Breach("ledger.shape", entry.sender, said)
        wrong = _wrong_shape(entry, message, self._run.session)
        return None if wrong is None else Breach("ledger.shape", entry.sender, f"{key}: {wrong}, says {agent}")

    def _disagreements(self, entry: Line) -> Iterator[Breach]:
        """Compare every receiver with the sender, or with the first receiver where the sender has no ledger."""
        heard = self._heard(entry)
        sender = self._run.agents.get(entry.sender)
        if sender is not None and sender.sent is not None:
            said, name = Counter({m: n for m, n in sender.sent.items() if m.topic == entry.key}), sender.name
        elif heard:
            name = next(iter(heard))
            said = heard.pop(name)
        else:
            return
        for receiver, got in heard.items():
            yield from self._compare(entry, (name, said), (receiver, got))

    def _compare(self, entry: Line, sender: tuple[str, _Messages], receiver: tuple[str, _Messages]) -> Iterator[Breach]:
        (name, said), (reader, got) = sender, receiver
        # What could not be read is a breach of its own, and has no period by which to find its partner.
        more, less = got - said, said - got
        more = Counter({m: n for m, n in more.items() if m.shape != UNREADABLE})
        changed = sorted({(m.period, m.round) for m in more} & {(m.period, m.round) for m in less})
        if changed:
            period, round_ = changed[0]
            where = f"period {period}, round {round_}" + (f", and {len(changed) - 1} more" if len(changed) > 1 else "")
            text = f"{entry.key}: {name} and {reader} do not tell of the same message ({where})"
            yield Breach("ledger.hash", entry.sender, text)
        elif (more or less) and self._run.complete:
            counts = f"{name} has {sum(said.values())} messages, {reader} {sum(got.values())}"
            yield Breach("ledger.count", entry.sender, f"{entry.key}: {counts}")


def _wrong_shape(line: Line, message: Message, session: Any) -> str | None:
    """Return what is wrong with shape or size of a message by the topic table, or None; the messages themselves are gone."""
    entry = line.topic
    if message.shape == TEXT or not entry.shape:
        return None if message.shape == TEXT and not entry.shape else f"its shape is {message.shape}"
    shape = tuple(int(n) for n in message.shape.split(","))
    if message.bytes != _FLOAT * (_HEADER + prod(shape)):
        return f"{message.bytes} bytes do not fit shape {message.shape}"
    if entry.most_rows is not None and shape[0] > entry.most_rows:
        return f"{shape[0]} rows; at most {entry.most_rows} may be sent"
    if session is None:
        return None
    view = session.view(line.sender)
    if entry.addressed:
        view = view.view(line.receivers[0])
    sizes = view.sizes(message.period)
    wanted = [None if d == FREE else sizes[d] if isinstance(d, str) else d for d in entry.shape]
    fits = len(shape) == len(wanted) and all(w in (None, n) for w, n in zip(wanted, shape, strict=True))
    return None if fits else f"its shape is {message.shape}, which is not ({', '.join(map(str, entry.shape))})"


def _numbers(messages: Iterable[Message]) -> int:
    """Return how many numbers these messages carry, without period and round."""
    rows = messages if isinstance(messages, Counter) else Counter(messages)
    return sum(max(0, m.bytes // _FLOAT - _HEADER) * n for m, n in rows.items() if m.shape != TEXT)
