"""What the conformance kit raises."""

from __future__ import annotations

from federates.boundary.errors import PortageError

__all__ = ["Breach", "ConformanceError", "DoesNotApply"]


class ConformanceError(PortageError):
    """An agent under test did what no agent may do: it ended early, did not answer, or did not end cleanly."""


class Breach(ConformanceError):  # noqa: N818 (what users call it)
    """A rule is broken.

    Parameters
    ----------
    seen : what came, in words and numbers.
    asked : what was asked of the agent, in words.
    """

    def __init__(self, seen: str, asked: str = "") -> None:
        self.seen, self.asked = seen, asked
        super().__init__(f"{asked}: {seen}" if asked else seen)


class DoesNotApply(Exception):  # noqa: N818 (no error: the rule says nothing about this session or agent)
    """A check has nothing to say about this session, for example about trains where there are none."""
