"""What a scenario on the road says about itself: beside its data, statements of a paper about its day."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from federates.boundary.config import Config
from federates.reporting.published import Published, Text

Hour = Annotated[float, Field(ge=0, le=24)]


class RoadStatement(Config):
    """What a paper says about a day on the road between two hours. ``check`` says how it is checked."""

    check: Literal["equal_load", "overload_removed", "equal_delivery_time", "longer_delivery_time", "peak_delivery_time"]
    """equal_load, overload_removed: feeder loads with and without vehicles; the others: delivery times of both schemes."""
    paper: Text
    """The statement in words."""
    from_h: Hour
    """Hour at which what is said begins."""
    to_h: Hour
    """Hour at which it ends; less than from_h: on the next day."""
    follows_from_input: str = ""
    """Why the data of the scenario decide the statement before anything runs; then a run cannot show it."""


class RoadPublished(Published):
    """Content of ``published.yaml`` on the road."""

    statements: tuple[RoadStatement, ...] = ()
    """Statements about a day on the road."""


PUBLISHED = RoadPublished
