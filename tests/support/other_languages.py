"""Builds the programs of `examples/`, puts them into a scenario, and runs it as a user would."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parents[2]
TRANSPORT = ("transport_operator", "transport_operator_c", "./transport_operator road.txt rail.txt")
POWER = ("power_operator", "power_operator_cpp", "./power_operator worth.txt")


def missing_tool() -> str | None:
    """Return the first tool that building needs and that is not here, None if all are."""
    tools = ("make", os.environ.get("CC", "gcc"), os.environ.get("CXX", "g++"))
    return next((tool for tool in tools if shutil.which(tool) is None), None)


def build_programs(out: Path) -> Path:
    """Build the C and the C++ program as docs/other_languages.md says, into ``out``."""
    words = ["make", "-C", str(ROOT / "examples"), f"PYTHON={sys.executable}", f"OUT={out}"]
    built = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)
    assert built.returncode == 0, built.stdout + built.stderr
    return out


def copy_of(scenario: str, folder: Path) -> Path:
    """Return a copy of a shipped scenario, at its place beside broker.yaml."""
    shutil.copy(ROOT / "broker.yaml", folder)
    copy = folder / "scenarios" / scenario
    shutil.copytree(ROOT / "scenarios" / scenario, copy, ignore=shutil.ignore_patterns("results", "*.log"))
    return copy


def put_in(scenario: Path, programs: Path, which: tuple[str, str, str], files: dict[str, str] | None = None) -> None:
    """Copy a program and its data into the agent's folder and name it in runner.json; ``files`` replaces data files by texts."""
    role, folder, command = which
    shutil.copy(programs / folder / role, scenario / role)
    for data in (ROOT / "examples" / folder).glob("*.txt"):
        shutil.copy(data, scenario / role)
    for name, text in (files or {}).items():
        (scenario / role / name).write_text(text)
    runner = scenario / "runner.json"
    entries = json.loads(runner.read_text())
    for entry in entries["federates"]:
        if entry["name"] == role:
            entry["exec"] = f"python -u -m federates.executable {role} -- {command}"
    runner.write_text(json.dumps(entries, indent=1))


@dataclass
class Outcome:
    """What a run left."""

    code: int
    output: str
    folder: Path

    @property
    def record(self) -> dict:
        return json.loads((self.folder / "run.json").read_text())

    def table(self, name: str) -> pd.DataFrame:
        return pd.read_parquet(self.folder / f"{name}.parquet")

    def rows(self, name: str) -> pd.DataFrame:
        return pd.read_csv(self.folder / name)


def outcome_of(scenario: Path, code: int, output: str) -> Outcome:
    """Return what the scenario's only run left."""
    (folder,) = (scenario / "results").iterdir()
    return Outcome(code, output, folder)


def run(words: list[str], scenario: Path, environment: dict[str, str], limit_s: float = 120) -> Outcome:
    """Run ``words`` and return what the scenario's only run left."""
    done = subprocess.run(words, capture_output=True, text=True, env=environment, timeout=limit_s, check=False)
    return outcome_of(scenario, done.returncode, done.stdout + done.stderr)


def portage_run(scenario: Path, environment: dict[str, str]) -> Outcome:
    """Run the scenario by `portage run`."""
    return run(["python", "-m", "federates.cli", "run", str(scenario)], scenario, environment)


def helics_run(scenario: Path, environment: dict[str, str], limit_s: float = 120) -> Outcome:
    """Run the scenario by `helics run`."""
    return run(["helics", "run", "--path", str(scenario / "runner.json")], scenario, environment, limit_s)
