"""What the live view shows of fleets: as on the road; the load of a feeder is told by its station."""

from __future__ import annotations

from federates.worlds.road.live import STAGE

__all__ = ["STAGE"]
