"""What a scenario says about itself in ``published.yaml``: what its data rest on, and what a paper published about its case.

Only reporting reads it. The file is optional; a run keeps a copy of it, so its report does not depend on the scenario's folder.
What a paper can have published depends on the world: ``federates/worlds/<name>/published.py``.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from federates.boundary.config import Config, load_config, unfit
from federates.boundary.world import world_of

PUBLISHED = "published.yaml"
"""Name of the file, beside ``scenario.yaml`` and in the folder of a run."""

Text = Annotated[str, Field(min_length=1)]


class Basis(Config):
    """One kind of data: observed, estimated, reconstructed, modelled, ..."""

    term: Text
    """The kind of data, such as Observed, Estimated, Reconstructed or Modelled."""
    text: Text
    """What is of this kind, and where it comes from."""


class SweepStatement(Config):
    """What a paper says about a curve. ``kind`` says how it is checked."""

    paper: Text
    """The statement in words."""
    kind: Literal["rises", "falls", "crosses", "below"]
    """rises, falls: the quantity with the key; crosses: from where on the scheme costs more than the other; below: nowhere."""
    scheme: Text
    """Scheme that the statement is about, as `scheme` of the public agreement names it."""
    other: Text | None = None
    """Scheme that it is compared with (crosses, below)."""
    quantity: Text = "total_cost_usd"
    """Quantity of rises and falls: total_cost_usd, or moving_periods."""
    at: float | None = None
    """Published value of the key (crosses)."""
    tolerance_share: Annotated[float, Field(ge=0, le=1)] | None = None
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


class Published(Config):
    """Content of ``published.yaml`` in every world."""

    schema_version: Literal[1]
    """Version of this file's layout."""
    source: str = ""
    """The paper that the numbers and statements are taken from."""
    basis: Annotated[tuple[Basis, ...], Field(min_length=1)]
    """What the scenario's data rest on."""

    @model_validator(mode="after")
    def _names_its_source(self) -> Self:
        parts = [name for name in type(self).model_fields if name not in Published.model_fields]
        if not self.source and any(getattr(self, name) for name in parts):
            raise unfit("source", self.source, f"must be given where {' or '.join(parts)} are")
        return self

    def sweep(self, key: str) -> PublishedSweep | None:
        """Return the published figure that varies ``key``, or None."""
        sweeps: tuple[PublishedSweep, ...] = getattr(self, "sweeps", ())
        return next((sweep for sweep in sweeps if sweep.key == key), None)

    def model_name(self, scheme: str) -> str:
        """Return what the paper calls the model of a scheme; empty if it has no name for it."""
        return ""


def published_model(world: str) -> type[Published]:
    """Return what ``published.yaml`` may hold in a world."""
    module = world_of(world).module("published")
    found: type[Published] = Published if module is None else module.PUBLISHED
    return found


def nothing_published(world: str) -> Published:
    """Return that nothing is known about the data, and nothing is published."""
    text = "All values in this report are results of models. What their input is based on, the scenario does not say: "
    text += f"it has no {PUBLISHED}."
    return published_model(world)(schema_version=1, basis=(Basis(term="Modelled", text=text),))


def read_published(folder: Path, world: str, shown_as: str | None = None) -> Published:
    """Return what ``published.yaml`` in a folder says; without one, that nothing is known and nothing is published.

    Raises
    ------
    ConfigError : the file is malformed; ``shown_as`` is the name that the error shows.
    """
    path = Path(folder) / PUBLISHED
    if not os.path.lexists(path):
        return nothing_published(world)
    return load_config(path, published_model(world), shown_as or f"{path.parent.name}/{PUBLISHED}")


def keep_published(scenario: Path, folder: Path) -> None:
    """Put a copy of a scenario's ``published.yaml``, if it has one, into the folder of its results."""
    if (scenario / PUBLISHED).is_file():
        shutil.copyfile(scenario / PUBLISHED, folder / PUBLISHED)
