"""What a scenario says about itself in ``published.yaml``: what its data rest on, and what a paper published about its case.

Only reporting reads it. The file is optional; a run keeps a copy of it, so its report does not depend on the scenario's folder.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from federates.boundary.config import Config, load_config, unfit
from federates.boundary.names import RAIL
from federates.worlds.rail.session import RailScheme

__all__ = [
    "NOTHING_PUBLISHED",
    "PUBLISHED",
    "Basis",
    "Case",
    "Published",
    "PublishedModel",
    "PublishedSweep",
    "RoadStatement",
    "SweepStatement",
    "keep_published",
    "read_published",
]

PUBLISHED = "published.yaml"
"""Name of the file, beside ``scenario.yaml`` and in the folder of a run."""

Text = Annotated[str, Field(min_length=1)]
Usd = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Hour = Annotated[float, Field(ge=0, le=24)]


class Basis(Config):
    """One kind of data: observed, estimated, reconstructed, modelled, ..."""

    term: Text
    """The kind of data, such as Observed, Estimated, Reconstructed or Modelled."""
    text: Text
    """What is of this kind, and where it comes from."""


class PublishedModel(Config):
    """One row of a paper's table of models by rail; a number that the paper does not give is left out."""

    model: Text
    """Name in the paper, such as M1."""
    total_cost_usd: Usd
    """Objective of both operators, transport included."""
    transport_cost_usd: Usd = 0.0
    """What of it the trains cost."""
    wind_used_share: Share | None = None
    """Indicator (46)."""
    usd_per_mw: Usd | None = None
    """Indicator (47)."""
    storage_utilisation: Share | None = None
    """Indicator (48)."""


class Case(Config):
    """A published case by rail: its models by scheme, and the cost that each algorithm reached for the mobile one."""

    title: Text
    """What the paper calls the case, such as: case 1, modified IEEE 30-bus system."""
    models: dict[RailScheme, PublishedModel]
    """Rows of the paper's table by scheme: mobile, fixed and central."""
    storage_mw: Annotated[float, Field(gt=0)]
    """Power of all batteries, C of (47), MW."""
    without_storage_usd: Annotated[float, Field(gt=0)]
    """Cost without storage, F_0 of (47)."""
    centralised_usd: Usd
    """Cost of the mobile model by the centralised algorithm."""
    decentralised_usd: Usd
    """Cost of the mobile model by the decentralised algorithm."""
    saving_tolerance_share: Share
    """Yardstick: how far a share saved may lie from the published one, as a share of it, to be of its size."""

    @model_validator(mode="after")
    def _has_the_schemes_of_the_table(self) -> Self:
        wanted = {RailScheme.MOBILE, RailScheme.FIXED, RailScheme.CENTRAL}
        if set(self.models) != wanted:
            raise unfit("models", ", ".join(self.models), "must have mobile, fixed and central, and no other")
        return self


class SweepStatement(Config):
    """What a paper says about a curve. ``kind`` says how it is checked."""

    paper: Text
    """The statement in words."""
    kind: Literal["rises", "falls", "crosses", "below"]
    """rises, falls: the quantity with the key; crosses: from where on the scheme costs more than the other; below: nowhere."""
    scheme: RailScheme
    """Scheme that the statement is about."""
    other: RailScheme | None = None
    """Scheme that it is compared with (crosses, below)."""
    quantity: Literal["total_cost_usd", "moving_periods"] = "total_cost_usd"
    """Quantity of rises and falls."""
    at: float | None = None
    """Published value of the key (crosses)."""
    tolerance_share: Share | None = None
    """Yardstick: how far a crossing may lie from the published one, as a share of it (crosses)."""

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> Self:
        if (self.other is None) == (self.kind in ("crosses", "below")):
            raise unfit("other", self.other, f"must {'be given' if self.other is None else 'be left out'} for kind {self.kind}")
        given = (self.at is not None, self.tolerance_share is not None)
        if given != ((True, True) if self.kind == "crosses" else (False, False)):
            raise unfit("at", self.at, "at and tolerance_share must both be given for kind crosses, and for no other")
        return self


class PublishedSweep(Config):
    """A figure of a paper that is a sweep over one key, and what the paper says about it."""

    figure: Text
    """Its name in the paper, such as Fig. 6."""
    key: Text
    """Key of the sweep, such as transport_operator.settings.cost_usd_per_period."""
    label: Text
    """Name of the key on an axis, with its unit in brackets."""
    statements: tuple[SweepStatement, ...] = ()
    """What the paper says about the figure."""


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


class Published(Config):
    """Content of ``published.yaml``."""

    schema_version: Literal[1]
    """Version of this file's layout."""
    source: str = ""
    """The paper that the numbers and statements are taken from."""
    basis: Annotated[tuple[Basis, ...], Field(min_length=1)]
    """What the scenario's data rest on."""
    case: Case | None = None
    """A table of models by rail."""
    sweeps: tuple[PublishedSweep, ...] = ()
    """Figures by rail that are sweeps."""
    statements: tuple[RoadStatement, ...] = ()
    """Statements about a day on the road."""

    @model_validator(mode="after")
    def _names_its_source(self) -> Self:
        if not self.source and (self.case or self.sweeps or self.statements):
            raise unfit("source", self.source, "must be given where case, sweeps or statements are")
        return self

    def foreign(self, world: World) -> list[str]:
        """Return the parts that a scenario of this world cannot have."""
        parts = {"statements": self.statements} if world == RAIL else {"case": self.case, "sweeps": self.sweeps}
        return [name for name, part in parts.items() if part]

    def sweep(self, key: str) -> PublishedSweep | None:
        """Return the published figure that varies ``key``, or None."""
        return next((sweep for sweep in self.sweeps if sweep.key == key), None)


NOTHING_PUBLISHED = Published(
    schema_version=1,
    basis=(
        Basis(
            term="Modelled",
            text="All values in this report are results of models. What their input is based on, the scenario does not say: "
            f"it has no {PUBLISHED}.",
        ),
    ),
)


def read_published(folder: Path, shown_as: str | None = None) -> Published:
    """Return what ``published.yaml`` in a folder says; without one, that nothing is known and nothing is published.

    Raises
    ------
    ConfigError : the file is malformed; ``shown_as`` is the name that the error shows.
    """
    path = Path(folder) / PUBLISHED
    known = os.path.lexists(path)
    return load_config(path, Published, shown_as or f"{path.parent.name}/{PUBLISHED}") if known else NOTHING_PUBLISHED


def keep_published(scenario: Path, folder: Path) -> None:
    """Put a copy of a scenario's ``published.yaml``, if it has one, into the folder of its results."""
    if (scenario / PUBLISHED).is_file():
        shutil.copyfile(scenario / PUBLISHED, folder / PUBLISHED)
