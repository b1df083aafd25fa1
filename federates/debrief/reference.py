"""The same day without people: every agent is played by the class that its seat fell back to."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from federates.boundary.config import read_yaml
from federates.boundary.errors import FederationError
from federates.boundary.names import Role
from federates.boundary.world import world_of
from federates.debrief.game import Game
from federates.runs.check import check_scenario
from federates.runs.launch import launch
from federates.runs.scenario import Scenario, load_scenario
from federates.runs.seats import players
from federates.runs.stop import Stop
from federates.runtime.agent import load_session
from federates.runtime.plugins import class_key
from federates.runtime.results import read_record
from federates.sweep.scenario_copy import PackedScenario

CERTIFY = {"plan": "mean", "box_usd_per_veh": 8.0, "evaluate_every": 3, "max_iterations": 200, "gap_target": 1e-6}
"""Settings of `ocd` by which it goes on until its plan is proven, where it steps by the paper's rule: a game has no time for so
many rounds."""


def play_reference(game: Game, scenario: Path, results: Path, stop: Stop | None = None) -> Game:
    """Run the day of a game once more, in processes and without people, and return it.

    A coordinator that is `ocd` and steps by the paper's rule steps by cutting planes here, until its plan is proven; any other is
    what it was in the game.

    Parameters
    ----------
    scenario : folder of the game's scenario.
    results : folder in which the run gets its own.

    Raises
    ------
    ConfigError : the scenario is not the game's, or has changed since.
    FederationError : the run failed.
    """
    return play_without_people(scenario, changed_keys(game, scenario), used_classes(game, scenario), results, stop)


def play_without_people(
    scenario: Path, overrides: dict[str, str], use: dict[str, str], results: Path, stop: Stop | None = None
) -> Game:
    """Run a day as `play_reference` does, with these keys of the agreement and these classes; also while a game goes on."""
    original = check_scenario(scenario, overrides, use)
    with tempfile.TemporaryDirectory(prefix="portage-reference-") as folder:
        copy = PackedScenario.of(original).unpack(Path(folder))
        _certify(load_scenario(copy), use)
        found = check_scenario(copy, overrides, use)
        found = replace(found, broker=found.broker.model_copy(update={"report": False}))
        nobody = dict.fromkeys(players(found), 0.0)
        run = launch(found, overrides, "reference", results=results, seats=nobody, stop=stop)
        if not run.ok:
            raise FederationError(f"the day without people failed: {run.record.get('failure')}")
        return Game(run.folder)


def _certify(copy: Scenario, use: Mapping[str, str]) -> None:
    """Let the coordinator of a copy go on until its plan is proven, if it steps by the paper's rule and can do otherwise."""
    path = copy.configs.get(Role.COORDINATOR)
    if path is None:
        return
    data: dict[str, Any] = read_yaml(path)
    settings = data.get("settings") or {}
    whole = any(exchange.whole for exchange in world_of(copy.world).exchanges)
    named = use.get(Role.COORDINATOR, data["algorithm"])
    if named == "ocd" and not whole and settings.get("update") != "box_step":
        kept = {key: value for key, value in settings.items() if key == "warm_start"}
        data["settings"] = {**kept, **CERTIFY, "update": "box_step"}
        path.write_text(yaml.safe_dump(data), encoding="utf-8")


def changed_keys(game: Game, scenario: Path) -> dict[str, str]:
    """Return the keys of the agreement in which the game differs from its scenario, as ``--set`` has them."""
    now: Mapping[str, Any] = load_session(load_scenario(scenario).session_file).model_dump(mode="json")
    played = game.session.model_dump(mode="json")
    plain = (str, int, float)
    return {
        key: str(value)
        for key, value in played.items()
        if key not in ("run_id", "viewer") and isinstance(value, plain) and value != now.get(key)
    }


def used_classes(game: Game, scenario: Path) -> dict[str, str]:
    """Return the classes that the game had in place of those that the agents' files name, by agent."""
    found = load_scenario(scenario)
    used = {}
    for agent, path in found.configs.items():
        key = class_key(found.roles[agent])
        played = (read_record(game.folder / agent / "config.json") or {}).get(key)
        if isinstance(played, str) and played != read_yaml(path).get(key):
            used[agent] = played
    return used
