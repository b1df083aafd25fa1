"""Broken scenario files by the thousand: a seeded generator of mutants, and what `check` must say about each.

A mutant is one change of one file. Whether it must be refused is decided here, from what the documentation says and not from
the readers: ``refuse`` says that it must be, ``accept`` that it must not, ``either`` that it depends on what the change met.
"""

from __future__ import annotations

import csv
import io
import json
import os
import random
import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from federates.boundary.errors import ConfigError, Problem
from federates.runs.check import check_scenario

ROOT = Path(__file__).parents[2]
Verdict = Literal["refuse", "accept", "either"]

NUMBERS = {
    "period",
    "load_mw",
    "wind",
    "bus",
    "p_min_mw",
    "min_up_h",
    "min_down_h",
    "ramp_mw_per_h",
    "start_up_usd",
    "initial_on_h",
    "line",
    "from_bus",
    "to_bus",
    "limit_mw",
    "h",
    "pm_leaning",
    "lat",
    "lon",
    "length_km",
    "lanes_ml_mean",
    "hov_stations",
    "hour",
    "flow_vph",
    "target_s",
    "correction_s",
    "lanes",
    "hov_lanes",
    "flow_veh_per_h",
}
"""Columns of numbers that a run reads."""
UNREAD = {("lanes", "la_links_stations.csv")}
KEYED = {
    "load.csv",
    "renewables.csv",
    "units.csv",
    "line_limits.csv",
    "weekday_hourly_share.csv",
    "la_junctions.csv",
    "la_links.csv",
    "la_links_hourly.csv",
    "link_times.csv",
    "junctions.csv",
    "links.csv",
    "background_hourly.csv",
}
"""Files in which no row may stand twice."""
WHOLE = KEYED - {"line_limits.csv", "junctions.csv", "la_junctions.csv", "la_links.csv"}
"""Files in which no row may be missing."""
NO_NUMBERS = (
    *["abc", "nan", "inf", "-inf", "1e300", "-1e300", "1e999", "2_40.5", "true", "0x10", "12,5", "--3"],
    "1 2",
    "",
    "9" * 5000,
)
HAZARDS = {
    "unhashable key": "a: {{ x }}\n",
    "list as a key": "? [a, b]\n: 1\n",
    "bad int": "a: !!int x\n",
    "bad float": "a: !!float x\n",
    "bad timestamp": "a: !!timestamp x\n",
    "python object": "a: !!python/object/apply:os.getcwd []\n",
    "deep": "a: " + "[" * 3000 + "]" * 3000 + "\n",
    "deeper": "a: " + "{a: " * 20_000 + "\n",
    "digits": "a: " + "9" * 5000 + "\n",
    "binary digits": "a: 0b_\n",
    "date": "a: 2026-02-30\n",
    "alias of itself": "a: &a [*a]\n",
    "tab": "a:\n\tb: 1\n",
    "bomb": "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
    + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 10)),
}
COMMANDS = (
    "{} | tee log", "{} > log", "{} && true", "python -c pass", "{} --config", "{} --config other.yaml --config config.yaml",
    "{} --set periodz=3", "missing_program --x", "python missing.py", "./missing.sh", "", "python -m nowhere.atall", "'",
    "python -m .foo", "python -m __main__", "python -m federates.agent", "{} --config \ud800", "./" + "b" * 300,
    "python " + "x" * 5000,
)  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One broken file; ``write`` puts it in the place of the sound one."""

    scenario: str
    file: str
    what: str
    verdict: Verdict
    write: Callable[[Path], None]

    def __str__(self) -> str:
        return f"{self.scenario}/{self.file}: {self.what}"


@dataclass(frozen=True)
class Outcome:
    """What `check` did: problems, or what it must never end with."""

    problems: tuple[Problem, ...]
    crash: str = ""


class Scenarios:
    """Copies of shipped scenarios, in which one file at a time is broken."""

    def __init__(self, folder: Path, names: tuple[str, ...] = ("la_gcs", "ieee30")) -> None:
        self.folder, self.names = folder, names
        shutil.copy(ROOT / "broker.yaml", folder / "broker.yaml")
        for name in names:
            source, away = ROOT / "scenarios" / name, shutil.ignore_patterns("results", "*.log", "calibration", "sweeps", "*.md")
            shutil.copytree(source, folder / "scenarios" / name, ignore=away)

    def files(self, name: str) -> list[str]:
        scenario = self.folder / "scenarios" / name
        unread = ("i5n_observed", "pems_d07")
        found = [path for path in sorted(scenario.rglob("*")) if path.suffix in (".yaml", ".json", ".csv")]
        return [str(path.relative_to(scenario)) for path in found if not path.name.startswith(unread)]

    def outcome(self, mutant: Mutant, limit_s: int = 30) -> Outcome:
        """Put the mutant into its place, check the scenario, and put the sound file back."""
        place = self.folder / "scenarios" / mutant.scenario / mutant.file
        sound = place.read_bytes()
        try:
            mutant.write(place)
            return _check(place.parents[len(Path(mutant.file).parts) - 1], limit_s)
        finally:
            shutil.rmtree(place) if place.is_dir() and not place.is_symlink() else place.unlink(missing_ok=True)
            place.write_bytes(sound)


def _check(scenario: Path, limit_s: int) -> Outcome:
    def too_long(*_: object) -> None:
        raise TimeoutError

    # Processor time, because a busy computer is no hang; and time by the clock for one that waits for ever.
    before = [(number, signal.signal(number, too_long)) for number in (signal.SIGPROF, signal.SIGALRM)]
    signal.setitimer(signal.ITIMER_PROF, limit_s)
    signal.alarm(20 * limit_s)
    try:
        check_scenario(scenario)
        return Outcome(())
    except ConfigError as error:
        return Outcome(tuple(error.problems))
    except TimeoutError:
        return Outcome((), f"no answer within {limit_s} s of processor time")
    except BaseException as error:
        return Outcome((), f"{type(error).__name__}: {error}"[:300])
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.alarm(0)
        for number, handler in before:
            signal.signal(number, handler)


def complaints(mutant: Mutant, outcome: Outcome) -> Iterator[str]:
    """Yield what is wrong with what `check` did about a mutant."""
    if outcome.crash:
        yield f"{mutant}: {outcome.crash}"
    elif mutant.verdict == "refuse" and not outcome.problems:
        yield f"{mutant}: accepted"
    elif mutant.verdict == "accept" and outcome.problems:
        yield f"{mutant}: refused: {outcome.problems[0]}"
    for problem in outcome.problems:
        said = str(problem)
        if "\n" in said or len(said) > 1700 or not all((problem.file, problem.field, problem.value, problem.allowed)):
            yield f"{mutant}: not one clear line: {said[:300]!r}"
        for word in ("Traceback", "object at 0x", "Error("):
            if word in said:
                yield f"{mutant}: speaks Python: {said[:300]}"
    if len(outcome.problems) > 12:
        yield f"{mutant}: {len(outcome.problems)} problems for one change"


def mutants(scenarios: Scenarios, count: int, seed: int) -> Iterator[Mutant]:
    """Yield ``count`` mutants, the same for the same seed."""
    drawn = random.Random(seed)
    for _ in range(count):
        name = drawn.choice(scenarios.names)
        file = drawn.choice(scenarios.files(name))
        text = (scenarios.folder / "scenarios" / name / file).read_text(encoding="utf-8")
        kinds = [_as_a_file, _as_text]
        kinds += {".csv": [_as_csv] * 4, ".yaml": [_as_values] * 5 + [_as_yaml], ".json": [_as_runner] * 3}[Path(file).suffix]
        what, verdict, write = drawn.choice(kinds)(drawn, file, text)
        yield Mutant(name, file, what, verdict, write)


Change = tuple[str, Verdict, Callable[[Path], None]]


def _text(text: str) -> Callable[[Path], None]:
    return lambda place: place.write_bytes(text.encode())


def _instead(make: Callable[[Path], Any]) -> Callable[[Path], None]:
    def write(place: Path) -> None:
        place.unlink()
        make(place)

    return write


def _as_a_file(drawn: random.Random, file: str, text: str) -> Change:
    def huge(place: Path) -> None:
        place.touch()
        os.truncate(place, 5_000_000_000)

    ways: dict[str, Callable[[Path], None]] = {
        "missing": Path.unlink,
        "a folder": _instead(Path.mkdir),
        "a pipe": _instead(os.mkfifo),
        "a circle of links": _instead(lambda place: place.symlink_to(place.name)),
        "a link to nothing": _instead(lambda place: place.symlink_to("nothing")),
        "/dev/zero": _instead(lambda place: place.symlink_to("/dev/zero")),
        "5 GB": _instead(huge),
        "empty": _text(""),
        "bytes": lambda place: place.write_bytes(bytes(range(256)) * 20),
        "Latin-1": lambda place: place.write_bytes(b"# caf\xe9\n" + text.encode()),
        "UTF-16": lambda place: place.write_bytes(text.encode("utf-16")),
        "NUL": lambda place: place.write_bytes(b"\0" + text.encode()),
        "a web page": _text("<!DOCTYPE html>\n<html><body>404: Not Found</body></html>\n"),
    }
    what = drawn.choice(sorted(ways))
    optional = Path(file).name == "published.yaml" and what in ("missing", "a link to nothing")
    return what, "either" if optional else "refuse", ways[what]


def _as_text(drawn: random.Random, file: str, text: str) -> Change:
    at = drawn.randrange(len(text))
    ways: dict[str, tuple[Verdict, str]] = {
        "byte order mark": ("accept", "\ufeff" + text),
        "lines of Windows": ("accept", text.replace("\n", "\r\n")),
        f"cut at {at}": ("either", text[:at]),
        f"changed at {at}": ("either", text[:at] + drawn.choice("aZ0-,:{}[]\"'#\t\n") + text[at + 1 :]),
        f"inserted at {at}": ("either", text[:at] + drawn.choice("aZ0-,:{}[]\"'#\t\n") + text[at:]),
    }
    what = drawn.choice(sorted(ways))
    return what, ways[what][0], _text(ways[what][1])


def _as_csv(drawn: random.Random, file: str, text: str) -> Change:
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    header, *rows = csv.reader(lines)
    at, name = drawn.randrange(len(rows)), Path(file).name
    column = drawn.choice([c for c in header if c in NUMBERS and (c, name) not in UNREAD])
    bad, place = drawn.choice(NO_NUMBERS), header.index(column)
    changed = [list(row) for row in rows]
    changed[at][place] = bad
    keyed: Verdict = "refuse" if name in KEYED else "either"
    whole: Verdict = "refuse" if name in WHOLE else "either"
    fits: Verdict = "accept" if name in KEYED else "either"
    ways: dict[str, tuple[Verdict, list[list[str]]]] = {
        f"{column} of row {at} = {bad[:20]!r}": ("refuse", [header, *changed]),
        f"row {at} twice": (keyed, [header, *rows, rows[at]]),
        f"row {at} missing": (whole, [header, *rows[:at], *rows[at + 1 :]]),
        "rows in reverse": (fits, [header, *rows[::-1]]),
        f"row {at} too long": ("refuse", [header, *rows[:at], [*rows[at], "7"], *rows[at + 1 :]]),
        f"row {at} too short": ("refuse", [header, *rows[:at], rows[at][:-1], *rows[at + 1 :]]),
        f"column {column} missing": ("refuse", [row[:place] + row[place + 1 :] for row in [header, *rows]]),
        f"column {column} misspelt": ("refuse", [[c + "x" if c == column else c for c in header], *rows]),
        f"header {column} twice": ("refuse", [[*header, column], *([*row, "1"] for row in rows)]),
        "no header": ("refuse", rows),
        "no rows": ("refuse", [header]),
    }
    if header[0] in ("period", "h"):
        ways["numbered from 1"] = ("refuse", [header, *([str(int(row[0]) + 1), *row[1:]] for row in rows)])
        ways[f"{header[0]} = 2.5"] = ("refuse", [header, *rows[:2], ["2.5", *rows[2][1:]], *rows[3:]])
    what = drawn.choice(sorted(ways))
    out = io.StringIO()
    csv.writer(out, lineterminator="\n", delimiter=";" if what == "no header" and at % 2 else ",").writerows(ways[what][1])
    return what, ways[what][0], _text(out.getvalue())


def _leaves(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield (*path, key), value
        yield from _leaves(value, (*path, key))


def _changed(data: Any, path: tuple[Any, ...], value: Any) -> Any:
    copy = json.loads(json.dumps(data))
    place = copy
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return copy


def _as_values(drawn: random.Random, file: str, text: str) -> Change:
    data = yaml.safe_load(text)
    path, value = drawn.choice(list(_leaves(data)))
    where = ".".join(str(key) for key in path)
    if isinstance(value, bool) or value is None:
        choices = [("either", v) for v in (1, 7, "x", [1], {})]
    elif isinstance(value, (int, float)):
        refused = [True, False, "abc", float("nan"), float("inf"), 1e300, -1e300, {"a": 1}, "12,5", "2_4", 10**400, [[[1]]]]
        choices = [("refuse", v) for v in refused] + [("either", v) for v in (-value, value * 1000, 0, None, [1], 0.5)]
    elif isinstance(value, str):
        choices = [("refuse", v) for v in ({"a": 1}, ["a"])]
        choices += [("either", v) for v in ("", value + "x", 7, True, None, "x" * 9999)]
    else:
        choices = [("refuse", v) for v in ("abc", 7, True)] + [("either", v) for v in (None, [], {}, [1], {"a": 1})]
    verdict, new = drawn.choice(choices)
    if "notes" in path or Path(file).name == "published.yaml":
        verdict = "either"
    return f"{where} = {str(new)[:40]!r}", verdict, _text(yaml.safe_dump(_changed(data, path, new)))


def _as_yaml(drawn: random.Random, file: str, text: str) -> Change:
    data = yaml.safe_load(text)
    if drawn.random() < 0.5:
        hazard = drawn.choice(sorted(HAZARDS))
        return hazard, "refuse", _text(text + HAZARDS[hazard])
    key = drawn.choice(sorted(data))
    ways = {
        f"{key} misspelt": {(k[:-1] + "q" if k == key else k): v for k, v in data.items()},
        f"{key} twice": None,
        "a list": [data],
    }
    what = drawn.choice(sorted(ways))
    twice = f"{key}: 1\n"
    return what, "refuse", _text(text + twice if ways[what] is None else yaml.safe_dump(ways[what]))


def _as_runner(drawn: random.Random, file: str, text: str) -> Change:
    data = json.loads(text)
    at = drawn.randrange(len(data["federates"]))
    entry = data["federates"][at]

    def told(**keys: Any) -> str:
        return json.dumps(_changed(data, ("federates", at), entry | keys))

    command = drawn.choice(COMMANDS)
    name = drawn.choice((None, float("nan"), 7, ["x"], "", "a/b", "x" * 999))
    folder = drawn.choice(("nowhere", "a\0b", "/", "..", "", "x" * 5000))
    ways = {
        f"exec of {at} = {command}": told(exec=command.format(entry["exec"])),
        f"name = {str(name)[:20]!r}": json.dumps(data | {"name": name}),
        f"name of {at} = {str(name)[:20]!r}": told(name=name),
        f"directory of {at} = {folder[:20]!r}": told(directory=folder if entry["name"] != "broker" else "nowhere"),
        f"host of {at}": told(host=drawn.choice(("example.org", 7, None, "0.0.0.0"))),
        f"unknown key of {at}": told(exek="x"),
        f"env of {at}": told(env=drawn.choice(("x", {"A": 1}, ["A"], {"A=B": "x"}, {"": "x"}, {"A": "\0"}, {"A": "\ud800"}))),
        f"{at} left out": json.dumps(data | {"federates": [e for e in data["federates"] if e is not entry]}),
        f"{at} twice": json.dumps(data | {"federates": [*data["federates"], entry]}),
        "name twice": text.replace("{", '{"name": "x", ', 1),
        "levels": text.replace("{", '{"x": ' + "[" * 100_000 + "]" * 100_000 + ",", 1),
        "trailing comma": text.replace("]", ",]"),
        "federates = 7": json.dumps(data | {"federates": 7}),
        "a broker of HELICS": json.dumps(data | {"broker": True}),
    }
    what = drawn.choice(sorted(ways))
    return what, "refuse", _text(ways[what])
