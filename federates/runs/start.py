"""The start of a run: its identity and folder."""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from federates.boundary.errors import ConfigError, PortageError, Problem
from federates.isolation.owner_only import owner_only
from federates.reporting.published import keep_published
from federates.runs.remains import remove_keys_of_the_dead, settle_broken_runs
from federates.runtime.broker_config import BrokerConfig
from federates.runtime.identity import RunIdentity, choose_port
from federates.runtime.placement import LOOPBACK, Placement
from federates.runtime.real_time import RealTime
from federates.runtime.results import disk_error
from federates.runtime.run_record import begin_run_record
from federates.runtime.say import say

RESULTS_VARIABLE = "PORTAGE_RESULTS_ROOT"
"""Environment variable with the folder in which runs put their results, where that is not the scenario's own ``results``."""


def new_identity(
    scenario: Path,
    config: BrokerConfig,
    config_file: str,
    world: str,
    agents: dict[str, str],
    label: str = "",
    results: Path | None = None,
    seats: Mapping[str, float] | None = None,
    real_time: RealTime | None = None,
    hosts: Placement | None = None,
) -> RunIdentity:
    """Make the folder of a new run in ``results`` (by default ``<scenario>/results``); return the run's identity.

    ``agents`` are all that take part, name to role; ``seats`` those of them that a person plays, with seconds for an answer;
    ``real_time`` is how fast simulated time goes, where not as fast as it may; ``hosts`` where the run is, if over several.

    Says which runs there were ended from outside, and removes what they left in temporary folders.

    Raises
    ------
    ConfigError : the fixed port is taken, or ``results`` is no place for results.
    PortageError : the results folder cannot be written.
    """
    scenario = scenario.resolve()
    results = results_folder(results, scenario)
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    run_id = "-".join(part for part in (stamp, label, secrets.token_hex(2)) if part)
    folder = results / run_id
    port = choose_port(config, config_file, len(agents), LOOPBACK if hosts is None else hosts.address)
    remove_keys_of_the_dead()
    for sentence in settle_broken_runs(results):
        say(f"portage: {sentence}")
    try:
        with owner_only():
            folder.mkdir(parents=True)
    except OSError as error:
        words = "no run can put its results there; choose a folder with --results"
        raise PortageError(f"{folder}: cannot be made: {error.strerror or error}: {words}") from error
    try:
        with owner_only():
            keep_published(scenario, folder)
            begin_run_record(folder, tuple(agents), time.time())
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)  # nothing has run in it
        raise disk_error(folder, error) from error
    people = dict(seats or {})
    config = config.model_copy(update={"limits": config.limits.for_people(people)})
    key = secrets.token_hex(8)
    place = str(scenario), str(folder), port, key, config
    return RunIdentity(run_id, *place, world, agents, people, real_time=real_time, hosts=hosts)


def results_folder(results: Path | None, scenario: Path) -> Path:
    """Return the folder for results of a scenario: its own, or ``results`` as a real path.

    Raises
    ------
    ConfigError : ``results`` is no place for results.
    """
    scenario = scenario.resolve()
    if results is None:
        return scenario / "results"
    folder = results.resolve()
    allowed = ""
    if folder.is_relative_to(scenario) and not folder.is_relative_to(scenario / "results"):
        allowed = f"must lie outside the scenario, or in {scenario / 'results'}: what else lies there is input"
    elif folder.exists() and not folder.is_dir():
        allowed = "must be a folder, or not be there yet"
    if allowed:
        raise ConfigError([Problem("command line", f"--results or {RESULTS_VARIABLE}", str(results), allowed)])
    return folder
