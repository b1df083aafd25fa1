"""Errors that Portage raises on purpose; every one says what to do about it."""

from __future__ import annotations

from dataclasses import dataclass


class PortageError(Exception):
    """Base of all errors that Portage raises on purpose."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with the input, with all a user needs to mend it.

    ``file`` is the path as the user knows it, ``field`` the dotted key inside it, ``value`` what stands
    there (as text) and ``allowed`` what may stand there.
    """

    file: str
    field: str
    value: str
    allowed: str

    def __str__(self) -> str:
        file, field, value, allowed = (_one_line(text) for text in (self.file, self.field, self.value, self.allowed))
        return f"{file}: {field} = {value}: {allowed}"


def _one_line(text: str, limit: int = 400) -> str:
    """Return the text as one line that a terminal can show, its middle left out where it is longer than ``limit``."""
    plain = "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)
    return plain if len(plain) <= limit else f"{plain[: limit // 2]} ... {plain[-limit // 2 :]}"


class ConfigError(PortageError):
    """The input cannot be used. ``problems`` lists everything wrong with it, not only the first thing."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class BoundaryError(PortageError):
    """A message breaks the topic table: wrong shape, not finite, wrong period or round."""


class IntegrityError(PortageError):
    """A message is not what its sender said to this agent in this run, or the roster of keys cannot be used."""


class ModelError(PortageError):
    """An operator's model has no answer: infeasible, unbounded, or the solver failed."""


class FederationError(PortageError):
    """The federation broke: a partner is lost, did not answer in time, or answered out of order."""


class FederationEndedError(FederationError):
    """HELICS says that the federation has ended early; whoever ended it has said why."""
