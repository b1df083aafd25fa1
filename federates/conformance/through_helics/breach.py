"""A rule of the wire that is broken, and by which check it is to be reported."""

from __future__ import annotations

from federates.conformance.errors import Breach

__all__ = ["WireBreach"]


class WireBreach(Breach):
    """The executable did something on the wire that no agent may do.

    Parameters
    ----------
    rule : id of the check that this breaks, such as ``wire.stamp``. A check of something else that meets it has said nothing.
    """

    def __init__(self, rule: str, seen: str, asked: str = "") -> None:
        self.rule = rule
        super().__init__(seen, asked)
