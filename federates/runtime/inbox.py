"""Messages an agent has received and not used yet, with the checks that a round loop needs."""

from __future__ import annotations

from federates.boundary.errors import BoundaryError
from federates.boundary.messages import Array, Frame


class Inbox:
    """Newest message per topic. `take` insists that it belongs to the period and round at hand."""

    def __init__(self, agent: str) -> None:
        self._agent = agent
        self._frames: dict[str, Frame] = {}

    def add(self, frames: dict[str, Frame]) -> None:
        """Keep new messages; a newer one of the same topic replaces the older."""
        self._frames.update(frames)

    def has(self, key: str, period: int, round_: int) -> bool:
        """Whether the newest message of ``key`` is of this period and round."""
        frame = self._frames.get(key)
        return frame is not None and (frame.period, frame.round) == (period, round_)

    def said_by(self, sender: str, period: int, round_: int) -> dict[str, Frame]:
        """Return what ``sender`` has said in this round, and of what it says once a period when that opens, by topic key."""
        return {
            key: frame
            for key, frame in self._frames.items()
            if key.startswith(f"{sender}/") and frame.period == period and frame.round in (0, round_)
        }

    def take(self, key: str, period: int, round_: int | None = None) -> Array:
        """Return the values of ``key`` for this period (and round, if given).

        Raises
        ------
        BoundaryError : there is none, or it is of another period or round: late or repeated.
        """
        frame = self._frames.get(key)
        if frame is None:
            raise BoundaryError(f"{self._agent}: nothing has come on {key}, which is needed in period {period}")
        if frame.period != period or (round_ is not None and frame.round != round_):
            wanted = f"period {period}" + ("" if round_ is None else f", round {round_}")
            raise BoundaryError(f"{self._agent}: {key} is of period {frame.period}, round {frame.round}; needed is {wanted}")
        return frame.values
