"""``portage new``: a copy of a shipped scenario under a name of its own, which runs as it is."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from pathlib import Path

import yaml

from federates import __version__
from federates.boundary.errors import ConfigError, Problem
from federates.scaffold.shipped import broker_file, scenario_files, shipped_scenario

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_\-]*")
_BROKER_CONFIG = re.compile(r"(federates\.broker\s+--config\s+)(\S+?)(?=[\s\"])")


def new_scenario(target: Path, source: str) -> Path:
    """Copy the shipped scenario ``source`` into the new folder ``target`` and return it; its last part becomes the name.

    The copy has a ``broker.yaml`` of its own, so it runs from any place. Results, logs and the sources of its data are left out.

    Raises
    ------
    ConfigError : the name cannot be a scenario's, ``target`` exists, or there is no such scenario. Nothing is written then.
    """
    scenario = shipped_scenario(source)
    _check_target(target)
    parent = target.absolute().parent
    # Built aside and moved when whole: nobody ever finds half a scenario.
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=parent) as aside:
        built = Path(aside) / target.name
        _copy(scenario, built)
        _rename(built, source, target.name)
        (built / "README.md").write_text(_readme(built, source), encoding="utf-8")
        built.rename(target)
    return target


def _check_target(target: Path) -> None:
    problems = []
    if not _NAME.fullmatch(target.name):
        allowed = "a name starts with a letter and has letters, digits, _ and - only"
        problems.append(Problem("portage new", "name", repr(target.name), allowed))
    if target.exists() or target.is_symlink():
        problems.append(Problem("portage new", "folder", str(target), "must not exist yet: nothing is overwritten"))
    elif not target.absolute().parent.is_dir():
        problems.append(Problem("portage new", "folder", str(target.parent), "this folder must exist"))
    if problems:
        raise ConfigError(problems)


def _copy(scenario: Path, built: Path) -> None:
    for inside in scenario_files(scenario):
        (built / inside).parent.mkdir(parents=True, exist_ok=True)
        # Contents only: a copy from a read-only installation must be writable.
        shutil.copyfile(scenario / inside, built / inside)
    shutil.copyfile(broker_file(scenario), built / "broker.yaml")


def _rename(built: Path, source: str, name: str) -> None:
    """Give the copy its name, in the text of the files so that their comments stay."""
    agreement, runner = built / "scenario.yaml", built / "runner.json"
    text = agreement.read_text(encoding="utf-8")
    agreement.write_text(re.sub(rf"(?m)^name: *{source}\b", f"name: {name}", text, count=1), encoding="utf-8")
    text = runner.read_text(encoding="utf-8").replace(f'"name": "{source}"', f'"name": "{name}"', 1)
    runner.write_text(_BROKER_CONFIG.sub(r"\1broker.yaml", text), encoding="utf-8")
    for sweep in (built / "sweeps").glob("*.yaml"):
        text = sweep.read_text(encoding="utf-8").replace(f"scenarios/{source}/sweeps", f"{name}/sweeps")
        sweep.write_text(text, encoding="utf-8")
    named = (
        yaml.safe_load(agreement.read_text(encoding="utf-8"))["name"],
        json.loads(runner.read_text(encoding="utf-8"))["name"],
    )
    if named != (name, name):
        raise ConfigError([Problem(source, "name", str(named), f"could not be made {name}: this scenario's files have changed")])


def _readme(built: Path, source: str) -> str:
    name = built.name
    agents = [folder.parent.name for folder in sorted(built.glob("*/config.yaml"))]
    rows = "\n".join(f"| `{agent}/` | settings (`config.yaml`) and data that only this agent reads |" for agent in agents)
    notes = "".join(f"- `{path.relative_to(built)}`\n" for path in sorted(built.rglob("PROVENANCE.md")))
    return f"""# {name}

Made by `portage new` from the scenario `{source}` of Portage {__version__}. Run it: `portage run {name}`.

| | |
|---|---|
| `scenario.yaml` | the public agreement: what every agent knows |
| `runner.json` | the processes; `helics run --path={name}/runner.json` starts them |
| `broker.yaml` | ports, rounds and longest waits |
| `published.yaml` | what the data rest on, and what the paper published: only reports read it, change it with the data |
{rows}

Where the data comes from, and which programs made it (they stay in Portage's repository, in `scenarios/{source}`):

{notes}"""
