"""Do the same scenario's tables come out the same on another processor, with other threads, with other libraries.

    python benchmarks/reproducibility.py [--scenario scenarios/la_gcs] [--set periods=6] [--bpr] [--versions] [--write]

One run for each surrounding; every table but the wall-clock times is compared value by value with that of the first run, and the
first difference is named. ``--versions`` installs the oldest allowed numpy, scipy and highspy into a temporary folder with pip
and runs with them too. ``--bpr`` takes the quick traffic model in place of SUMO. With ``--write`` the outcome goes to
benchmarks/reproducibility.md, in place of what stood there of the same scenario.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from importlib.metadata import requires, version
from pathlib import Path

import pandas as pd
import yaml

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "benchmarks/reproducibility.md"
LIBRARIES = ("numpy", "scipy", "highspy")
_NOT_COMPARED = ("timings",)
"""Tables of wall-clock times."""


@dataclass(frozen=True)
class Surroundings:
    """Where a run takes place: environment variables, and a folder of libraries that go before the installed ones."""

    name: str
    variables: dict[str, str] = field(default_factory=dict)
    libraries: Path | None = None
    needs: str = ""
    """What the processor must have, by numpy's name: whoever calls such kernels without it dies."""


MATRIX = (
    Surroundings("as it is"),
    Surroundings("BLAS kernels of Prescott", {"OPENBLAS_CORETYPE": "Prescott"}),
    Surroundings("BLAS kernels of Haswell", {"OPENBLAS_CORETYPE": "Haswell"}),
    Surroundings("BLAS kernels of SkylakeX", {"OPENBLAS_CORETYPE": "SkylakeX"}, needs="AVX512F"),
    Surroundings("1 BLAS thread", {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}),
    Surroundings("2 BLAS threads", {"OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"}),
    Surroundings("numpy without AVX2, FMA", {"NPY_DISABLE_CPU_FEATURES": "@DISPATCHED@"}),
    Surroundings("C library without AVX2, FMA", {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-AVX2_Usable,-FMA_Usable"}),
    Surroundings("another order of sets", {"PYTHONHASHSEED": "4242"}),
)


def oldest() -> dict[str, str]:
    """Return the oldest version of each library that pyproject.toml allows."""
    found = {}
    for entry in requires("portage-cosim") or ():
        match = re.match(r"(\w+)[^>;]*>=([\d.]+)", entry)
        if match and "extra ==" not in entry and match[1] in LIBRARIES:
            found[match[1]] = match[2]
    return found


def overlay(folder: Path, versions: dict[str, str]) -> Path:
    """Install ``versions`` into ``folder`` and return it."""
    names = [f"{name}=={number}" for name, number in versions.items()]
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(folder), *names]
    subprocess.run(command, check=True)
    return folder


def copy(scenario: Path, top: Path, bpr: bool) -> Path:
    """Return a copy of ``scenario`` below ``top`` without results, with ``model: bpr`` if wanted."""
    target = top / "scenarios" / scenario.name
    top.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "broker.yaml", top)
    shutil.copytree(scenario, target, ignore=shutil.ignore_patterns("results", "calibration", "*.log"))
    if bpr:
        file = target / "traffic_sumo/config.yaml"
        data = yaml.safe_load(file.read_text())
        data["model"] = "bpr"
        for key in ("engine", "resolution", "truck_share"):
            data["settings"].pop(key, None)
        file.write_text(yaml.safe_dump(data, sort_keys=False))
    return target


def run(scenario: Path, changes: list[str], place: Surroundings) -> tuple[Path, float]:
    """Return the folder of a run's results and its wall time in s."""
    environment = os.environ | _dispatched(place.variables)
    environment["PATH"] = str(Path(sys.executable).parent) + os.pathsep + environment["PATH"]
    environment["PYTHONPATH"] = os.pathsep.join(str(p) for p in (place.libraries, ROOT) if p)
    before = set((scenario / "results").glob("*"))
    started = time.perf_counter()
    command = [sys.executable, "-m", "federates.cli", "run", str(scenario), *(f for c in changes for f in ("--set", c))]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    folders = set((scenario / "results").glob("*")) - before
    finished = [list(folder.glob("*/finished.json")) for folder in folders]
    if done.returncode and not (finished and len(finished[0]) == len(list(scenario.glob("*/config.yaml")))):
        raise SystemExit(f"{place.name}: the run ended with {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    if done.returncode:
        print(f"{place.name}: all agents finished, then: {done.stdout.strip().splitlines()[-2]}", flush=True)
    return folders.pop(), time.perf_counter() - started


def possible(place: Surroundings) -> bool:
    """Return whether this processor can run there."""
    from numpy._core._multiarray_umath import __cpu_features__

    return not place.needs or bool(__cpu_features__.get(place.needs))


def _dispatched(variables: dict[str, str]) -> dict[str, str]:
    """Put the features that this numpy chooses between at run time in the place of the mark."""
    if variables.get("NPY_DISABLE_CPU_FEATURES") != "@DISPATCHED@":
        return variables
    from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

    return {"NPY_DISABLE_CPU_FEATURES": " ".join(name for name in __cpu_dispatch__ if __cpu_features__.get(name))}


def tables(folder: Path) -> dict[str, pd.DataFrame]:
    """Return all compared tables of a run by ``<agent>/<table>``."""
    files = sorted(file for file in folder.glob("*/*.parquet") if file.stem not in _NOT_COMPARED)
    return {f"{file.parent.name}/{file.stem}": pd.read_parquet(file) for file in files}


def difference(first: dict[str, pd.DataFrame], other: dict[str, pd.DataFrame]) -> list[str]:
    """Return where two runs' tables differ, one line a table; the earliest period comes first."""
    found = [(0, f"{name}: only in one of the runs") for name in sorted(first.keys() ^ other.keys())]
    for name in sorted(first.keys() & other.keys()):
        found += _of_table(name, first[name], other[name])
    return [text for _, text in sorted(found, key=lambda entry: entry[0])]


def _of_table(name: str, one: pd.DataFrame, two: pd.DataFrame) -> list[tuple[int, str]]:
    if list(one.columns) != list(two.columns):
        return [(0, f"{name}: columns {sorted(set(one.columns) ^ set(two.columns))}")]
    rows = min(len(one), len(two))
    here, there = one.iloc[:rows].reset_index(drop=True), two.iloc[:rows].reset_index(drop=True)
    unequal = (here != there) & ~(here.isna() & there.isna())
    if unequal.to_numpy().any():
        row = int(unequal.any(axis=1).to_numpy().argmax())
        column = next(c for c in one.columns if unequal[c].iloc[row])
        period = int(here["period"].iloc[row]) if "period" in here else 0
        key = " ".join(f"{c}={here[c].iloc[row]}" for c in here.columns[:5] if c != column)
        count = int(unequal.any(axis=1).sum())
        return [
            (
                period,
                f"{name}: row {row} ({key}) {column}: {here[column].iloc[row]!r} / {there[column].iloc[row]!r}; {count} rows",
            )
        ]
    return [(0, f"{name}: {len(one)} / {len(two)} rows")] if len(one) != len(two) else []


def compare(scenario: Path, changes: list[str], places: list[Surroundings], *, bpr: bool, keep: Path | None) -> list[str]:
    """Run in all ``places``; return one row of a Markdown table for each."""
    lines, first = [], None
    with tempfile.TemporaryDirectory() as temporary:
        copied = copy(scenario, keep or Path(temporary), bpr)
        for place in places:
            if not possible(place):
                print(f"{place.name}: not run, for this processor has no {place.needs}", flush=True)
                lines.append(f"| {place.name} | | | not run: this processor has no {place.needs} |")
                continue
            folder, wall_s = run(copied, changes, place)
            found = tables(folder)
            unequal = [] if first is None else difference(first, found)
            first = found if first is None else first
            rows = sum(map(len, found.values()))
            print(f"{place.name}: {wall_s:.0f} s, {len(found)} tables, {rows} rows, {len(unequal)} differ", flush=True)
            print("\n".join(f"    {text}" for text in unequal), flush=True)
            said = "identical" if not unequal else f"{len(unequal)} tables differ, first `{unequal[0].split(':')[0]}`"
            lines.append(f"| {place.name} | {len(found)} | {rows} | {'the first run' if place is places[0] else said} |")
    return lines


def write(title: str, lines: list[str]) -> None:
    """Put the section ``title`` into the page, in place of the one that has that title."""
    head = "# The same tables everywhere\n\nMade by `python benchmarks/reproducibility.py --write`.\n"
    text = PAGE.read_text() if PAGE.is_file() else head
    sections = [s for s in re.split(r"(?m)^(?=## )", text)[1:] if not s.startswith(f"## {title}\n")]
    installed = ", ".join(f"{name} {version(name)}" for name in (*LIBRARIES, "eclipse-sumo", "helics"))
    on = f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}, {installed}"
    table = ["| surroundings | tables | rows | against the first run |", "|---|---|---|---|", *lines]
    made = f"## {title}\n\nOn {on}.\n\n" + "\n".join(table) + "\n\n"
    PAGE.write_text("\n".join([head, *(s.rstrip() + "\n" for s in sorted([*sections, made]))]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenario", type=Path, default=ROOT / "scenarios/la_gcs")
    parser.add_argument("--set", dest="changes", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--bpr", action="store_true", help="the quick traffic model in place of SUMO")
    parser.add_argument("--only", default="", help="only surroundings whose name matches this; the first run always is made")
    parser.add_argument("--versions", action="store_true", help="also with the oldest allowed libraries, by pip")
    parser.add_argument("--write", action="store_true", help="write benchmarks/reproducibility.md")
    parser.add_argument("--keep", type=Path, help="keep the runs in this folder")
    arguments = parser.parse_args()
    places = [place for place in MATRIX[1:] if re.search(arguments.only, place.name)]
    with tempfile.TemporaryDirectory() as temporary:
        if arguments.versions:
            old = oldest()
            name = ", ".join(f"{library} {number}" for library, number in old.items())
            places.append(Surroundings(f"oldest allowed: {name}", libraries=overlay(Path(temporary), old)))
        scenario = arguments.scenario.resolve()
        lines = compare(scenario, arguments.changes, [MATRIX[0], *places], bpr=arguments.bpr, keep=arguments.keep)
    if arguments.write:
        write(" ".join([scenario.name, *(["bpr"] if arguments.bpr else []), *arguments.changes]), lines)


if __name__ == "__main__":
    main()
