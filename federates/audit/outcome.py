"""What an audit comes to: per agent what it read, told and kept; breaches; and what was not recorded."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Breach:
    """One thing that the topic table, or the rule that an agent reads its own files, does not allow.

    ``check`` is the check that found it: ``wire`` (the broker's data-flow graph), ``ledger.missing``, ``ledger.topic``,
    ``ledger.shape``, ``ledger.count``, ``ledger.hash``, ``ledger.network``, ``files.missing``, ``files.outside``,
    ``files.connection`` or ``helics.call``. ``agent`` is at fault.
    """

    check: str
    agent: str
    said: str

    def __post_init__(self) -> None:
        # Names of files, topics and sockets are the agent's to choose, and this is printed.
        object.__setattr__(self, "said", printable(self.said))

    def __str__(self) -> str:
        return f"{self.said} [{self.check}]"


@dataclass(frozen=True, slots=True)
class Told:
    """One topic that an agent sent: to whom, how many messages, with how many numbers, in how many bytes."""

    topic: str
    receivers: tuple[str, ...]
    messages: int
    numbers: int
    bytes: int


@dataclass(frozen=True, slots=True)
class AgentAudit:
    """One agent.

    Attributes
    ----------
    kind : ``python`` (keeps a ledger) or ``executable`` (its messages are known from their receivers).
    sandbox : what the operating system enforced: ``enforced``, ``off``, ``unavailable``, ``not confined`` or ``not recorded``.
    sandbox_gaps : what an enforced sandbox leaves open all the same, in words.
    own_files : files of its own folder that it opened; it alone may.
    other_files : number of files opened besides, by kind: ``environment``, ``results``, ``session``, ``temporary``, ``outside``.
    heard : messages received, by sender.
    kept : tables of results that it kept for itself, and how many rows each has.
    settings : names of its settings, which no message carries.
    network : what became of the messages that came to it: how many were ``heard``, ``late`` and ``lost``; empty: no network.
    """

    name: str
    kind: str
    sandbox: str
    sandbox_gaps: str
    own_files: tuple[str, ...]
    other_files: dict[str, int]
    told: tuple[Told, ...]
    heard: dict[str, int]
    kept: dict[str, int]
    settings: tuple[str, ...]
    network: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Audit:
    """The outcome for one run."""

    run_id: str
    agents: tuple[AgentAudit, ...]
    breaches: tuple[Breach, ...]
    not_recorded: tuple[str, ...]
    looks: int
    """How often the broker compared the wiring with the topic table."""

    @property
    def clean(self) -> bool:
        """Whether nothing was found; what was not recorded is said beside it."""
        return not self.breaches

    @property
    def messages(self) -> int:
        """Return how many messages were sent, each counted once, however many read it."""
        return sum(told.messages for agent in self.agents for told in agent.told)

    @property
    def topics(self) -> int:
        """Return how many topics carried a message."""
        return sum(len(agent.told) for agent in self.agents)

    @property
    def line(self) -> str:
        """Return the outcome in one line."""
        if self.breaches:
            more = f"; and {len(self.breaches) - 1} more" if len(self.breaches) > 1 else ""
            return f"Audit: {self.breaches[0]}{more}"
        seen = f"{len(self.agents)} agents, {self.topics} topics, {grouped(self.messages)} messages, nothing outside the table"
        if not self.messages:
            wiring = "nothing outside the table in the wiring" if self.looks else "nor the wiring"
            seen = f"{len(self.agents)} agents, no message was recorded, {wiring}"
        things = "one thing was" if len(self.not_recorded) == 1 else f"{len(self.not_recorded)} things were"
        gaps = f"; {things} not recorded (portage audit says what)" if self.not_recorded else ""
        fates = [sum(agent.network.get(fate, 0) for agent in self.agents) for fate in ("lost", "late")]
        lost = (
            f"; the network lost {grouped(fates[0])} and delayed {grouped(fates[1])}"
            if any(a.network for a in self.agents)
            else ""
        )
        return f"Audit: {seen}{lost}{gaps}"

    def as_json(self) -> dict[str, Any]:
        """Return what ``audit.json`` says."""
        outcome = {"outcome": "clean" if self.clean else "breach", "line": self.line}
        counts = {"topics": self.topics, "messages": self.messages}
        return outcome | counts | asdict(self)


def printable(text: str) -> str:
    """Return ``text`` in one line that shows what is in it: control characters and escape codes as Python writes them."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def printable_lines(text: str) -> str:
    """Return ``text`` with its lines, each as `printable` shows it; all but the first are indented, so none passes for ours."""
    return "\n  ".join(map(printable, text.splitlines()))


def grouped(number: float) -> str:
    """Return a whole number with its digits in groups of three."""
    return f"{number:,.0f}".replace(",", " ")
