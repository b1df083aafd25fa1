"""The file that says what to sweep, and the points that it means."""

from __future__ import annotations

import hashlib
import itertools
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from federates.boundary.config import Config, load_config, unfit
from federates.boundary.errors import ConfigError, Problem
from federates.boundary.world import world_of
from federates.runs.check import check_scenario
from federates.runs.scenario import Scenario, shown
from federates.runtime.agent import load_session
from federates.sweep.scenario_copy import PackedScenario

__all__ = ["LocalExecutor", "Point", "SchedulerExecutor", "Sweep", "SweepSpec", "load_sweep"]


class LocalExecutor(Config):
    """Worker processes on this computer, started for the sweep and ended with it."""

    kind: Literal["local"] = "local"
    """`local`."""
    workers: Annotated[int, Field(ge=1, le=1024)] = 1
    """Points at a time. Every point may use as many cores as its method asks for."""


class SchedulerExecutor(Config):
    """A running Dask scheduler with workers, on this computer or a cluster; needs `pip install portage-cosim[cluster]`."""

    kind: Literal["scheduler"]
    """`scheduler`."""
    address: Annotated[str, Field(pattern=r"^[a-z]+://.+")]
    """Address of the scheduler, such as `tcp://127.0.0.1:8786`. Its workers need the same version of Portage installed."""


def _kind(executor: Any) -> Any:
    return executor.get("kind", "local") if isinstance(executor, dict) else getattr(executor, "kind", None)


Executor = Annotated[
    Annotated[LocalExecutor, Tag("local")] | Annotated[SchedulerExecutor, Tag("scheduler")], Discriminator(_kind)
]


class SweepSpec(Config):
    """Content of a sweep file. Paths are seen from the folder of the file."""

    schema_version: Annotated[int, Field(ge=1, le=1)]
    """Version of this file's format; 1."""
    scenario: str
    """Folder of the scenario."""
    method: str
    """What is done at each point: `centralised`, `run` (the whole federation), or `module:function`."""
    schemes: tuple[str, ...] = ()
    """Schemes to try; without it the scenario's own."""
    vary: dict[str, Annotated[tuple[Any, ...], Field(min_length=1)]] = Field(default_factory=dict)
    """Dotted key to its values: `<agent>.<key of its config.yaml>` or `scenario.<key of scenario.yaml>`."""
    zip: bool = False
    """False: every value with every value of the other keys; true: first with first, second with second."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Arguments of the method."""
    executor: Executor = LocalExecutor()
    """Where the points are computed."""
    output: str
    """Folder of the results; made if missing. What it holds is used again."""

    @model_validator(mode="after")
    def _values_fit(self) -> Self:
        for key, values in self.vary.items():
            for value in values:
                _check_value(key, value)
        lengths = {key: len(values) for key, values in self.vary.items()}
        if self.zip and len(set(lengths.values())) > 1:
            raise unfit("zip", self.zip, f"every key needs as many values as the others, but there are {lengths}")
        if len(set(self.schemes)) != len(self.schemes):
            raise unfit("schemes", list(self.schemes), "every scheme may stand once")
        return self


def _check_value(key: str, value: Any) -> None:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        raise unfit(f"vary.{key}", value, "must be numbers, texts, lists or mappings") from None


@dataclass(frozen=True)
class Point:
    """One point of a sweep: everything that its result depends on, but the version of the code."""

    scheme: str
    changes: dict[str, Any]
    method: str
    options: dict[str, Any]
    scenario_sha256: str

    @property
    def name(self) -> str:
        """Return the point's name: a hash of all it consists of, the same in every sweep that has this point."""
        text = json.dumps(asdict(self), sort_keys=True, allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()[:24]


@dataclass(frozen=True)
class Sweep:
    """A sweep file that was read, with its scenario."""

    file: Path
    spec: SweepSpec
    scenario: Scenario
    own_scheme: str
    period_s: float
    packed: PackedScenario

    @property
    def shown(self) -> str:
        """Return the name of the file that errors show."""
        return shown(self.file)

    @property
    def output(self) -> Path:
        """Return the folder of the results."""
        return (self.file.parent / self.spec.output).resolve()

    @property
    def points(self) -> list[Point]:
        """Return all points, scheme by scheme; a point that the file means twice stands once."""
        vary = self.spec.vary
        combined = zip(*vary.values(), strict=True) if self.spec.zip and vary else itertools.product(*vary.values())
        changes = [dict(zip(vary, row, strict=True)) for row in combined]
        fixed = (self.spec.method, self.spec.options, self.packed.sha256)
        points = [Point(scheme, change, *fixed) for scheme in self.spec.schemes or (self.own_scheme,) for change in changes]
        return list({point.name: point for point in points}.values())


def load_sweep(file: Path) -> Sweep:
    """Read a sweep file and its scenario.

    Raises
    ------
    ConfigError : with everything that is wrong in the file, or in the scenario as it is.
    """
    file = Path(file).resolve()
    spec = load_config(file, SweepSpec, shown(file))
    folder = file.parent / spec.scenario
    if not folder.is_dir():
        raise ConfigError([Problem(shown(file), "scenario", spec.scenario, "must be the folder of a scenario")])
    scenario = check_scenario(folder)
    allowed = world_of(scenario.world).schemes
    problems = [
        Problem(shown(file), "schemes", scheme, f"must be of {', '.join(allowed)}")
        for scheme in spec.schemes
        if scheme not in allowed
    ]
    if problems:
        raise ConfigError(problems)
    packed = PackedScenario.of(scenario)
    session = load_session(scenario.session_file, shown_as=shown(scenario.session_file))
    return Sweep(file, spec, scenario, session.scheme.value, session.period_s, packed)
