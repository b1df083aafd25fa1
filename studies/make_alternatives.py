"""Run every sensible combination of what ships and write docs/alternatives.md: ``python studies/make_alternatives.py``.

Each combination is a scenario made by ``portage new``, with ``config.yaml`` files of its own, run by ``portage run``. Finished
rows are kept in studies/alternatives.json, so a second call does only what is missing or has changed; ``--only TEXT`` takes the
rows whose name has this text, ``--again`` runs them also if they are there, ``--page`` runs nothing, ``--write FOLDER`` only
makes the scenarios.
"""

import argparse
import itertools
import json
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import jinja2
import pandas as pd
import yaml
from page_parts import made_with

from federates.runtime.plugins import class_key
from federates.scaffold.scenario import new_scenario

HERE = Path(__file__).parent
CHOICES = yaml.safe_load((HERE / "alternatives.yaml").read_text(encoding="utf-8"))
ROWS, PAGE = HERE / "alternatives.json", HERE.parent / "docs/alternatives.md"
RECORDING = "data/recorded_day"
"""Where `replay` looks for a recorded day in the agent's folder."""


def shipped_class(name: str) -> str:
    """Return the class of a name in alternatives.yaml: what follows a colon tells settings of one class apart."""
    return name.partition(":")[0]


@dataclass(frozen=True)
class Combination:
    """One class per agent of a scenario."""

    scenario: str
    classes: tuple[tuple[str, str], ...]
    """Agent and the short name of its class."""

    @property
    def name(self) -> str:
        """Return the name of its row."""
        return " ".join((self.scenario, *(name for _, name in self.classes)))

    @property
    def configs(self) -> dict[str, dict]:
        """Return the ``config.yaml`` of every agent that does not keep the scenario's."""
        found = {}
        for agent, name in self.classes:
            settings = CHOICES[self.scenario][agent][name]
            if settings != "shipped":
                found[agent] = {"schema_version": 1, class_key(agent): shipped_class(name), "settings": settings}
        return found


def combinations() -> list[Combination]:
    """Return all rows in the order of the page."""
    rows = []
    for scenario, choices in CHOICES.items():
        for case in choices["cases"]:
            rows += [Combination(scenario, tuple(zip(case, names, strict=True))) for names in itertools.product(*case.values())]
    return rows


def prepare(combination: Combination, folder: Path, recording: Path | None = None) -> Path:
    """Write the scenario of a combination into ``folder`` and return it; ``recording`` is the day that `replay` shows."""
    made = new_scenario(folder / re.sub("[ :]", "-", combination.name), combination.scenario)
    for agent, config in combination.configs.items():
        settings = config["settings"]
        if isinstance(settings, str):  # the settings of another class, as the scenario has them
            settings = yaml.safe_load((made / agent / "config.yaml").read_text(encoding="utf-8"))["settings"]
        config = config | {"settings": _every_hour(settings)}
        (made / agent / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
        if settings.get("recording") and recording is not None:
            shutil.copytree(recording, made / agent / RECORDING, dirs_exist_ok=True)
    return made


def _every_hour(settings: dict) -> dict:
    if "vehicles" not in settings:
        return settings
    hours = [(row, range(24) if row["hour"] == "every" else [row["hour"]]) for row in settings["vehicles"]]
    return settings | {"vehicles": [row | {"hour": hour} for row, given in hours for hour in given]}


def numbers(run: Path) -> dict:
    """Return the row of a run: what its tables say of cost, bounds, agreement, rounds and time."""
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    rounds = pd.read_parquet(run / "coordinator/rounds.parquet")
    by_rail = (run / "coordinator/connections.parquet").exists()
    of_world = _rail(run) if by_rail else _road(run, rounds)
    return {"made_with": made_with(run), "rounds": len(rounds), "wall_s": record["wall_s"]} | of_world


_BOUNDS = {"cost_usd": "upper_bound_usd", "lower_bound_usd": "lower_bound_usd"}


def _rail(run: Path) -> dict:
    held = pd.read_parquet(run / "coordinator/negotiations.parquet")
    costs = pd.read_parquet(run / "power_operator/plan_costs.parquet")
    moves = pd.read_parquet(run / "transport_operator/train_moves.parquet")
    moves = moves[moves.phase == "realised"]
    # The algorithm's own bound is the better one where it is not contradicted, as in an agreement.
    bound_usd = held.lower_bound_usd.where(
        ~held.agreed, held.claimed_lower_bound_usd.fillna(-float("inf")).clip(held.lower_bound_usd)
    )
    gaps = held.gap.where(~held.agreed, held.claimed_gap)
    return {"cost_usd": float(held.upper_bound_usd[0]), "lower_bound_usd": float(bound_usd[0])} | {
        "realised_usd": float(costs[costs.phase == "realised"].total_usd.sum() + moves.cost_usd.sum()),
        "largest_gap": float(gaps.max(skipna=False)),
        "agreed": int(held.agreed.sum()),
        "negotiations": len(held),
        "moving": int((moves.origin != moves.destination).sum()),
    }


def _road(run: Path, rounds: pd.DataFrame) -> dict:
    last = rounds.groupby("period").last()
    schedule = pd.read_parquet(run / "coordinator/schedule.parquet")
    sent = pd.read_parquet(run / "traffic_sumo/deliveries.parquet")
    links = pd.read_parquet(run / "traffic_sumo/link_state.parquet")
    summary = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    return {name: float(last[column].mean()) for name, column in _BOUNDS.items()} | {
        "largest_gap": float(last.gap.max(skipna=False)),
        "agreed": int(schedule.groupby("period").agreed.first().sum()),
        "negotiations": len(last),
        "sent": int(schedule.vehicles.sum()),
        "trip_min": float(sent[sent.arrive_s >= 0].road_time_s.mean() / 60),
        "traffic_veh_h": float((links.flow_veh_per_h * links.travel_time_s).sum() / 3600),
        # A power operator without feeders leaves none of their tables.
        "above_limits_kwh": summary.get("above_limit_with_bin_kwh"),
    }


def run_in_processes(scenario: Path) -> Path:
    """Run a scenario by `portage run` and return the run's folder."""
    command = [sys.executable, "-m", "federates.cli", "run", str(scenario)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{scenario.name}:\n{done.stdout}\n{done.stderr}")
    (run,) = (path for path in (scenario / "results").iterdir() if (path / "run.json").exists())
    return run


def main() -> None:
    """Run what is missing and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="only the rows whose name has this text")
    parser.add_argument("--again", action="store_true", help="run rows also if they are there")
    parser.add_argument("--page", action="store_true", help="only write the page")
    parser.add_argument("--write", type=Path, metavar="FOLDER", help="run nothing: write the scenarios of the rows there")
    given = parser.parse_args()
    chosen = [row for row in combinations() if given.only in row.name]
    if given.write:
        given.write.mkdir(parents=True, exist_ok=True)
        print(*(f"portage run {prepare(row, given.write)}" for row in chosen), sep="\n")
        return
    kept = json.loads(ROWS.read_text(encoding="utf-8")) if ROWS.exists() else {}
    with tempfile.TemporaryDirectory() as work:
        for row in [] if given.page else chosen:
            found = kept.get(row.name)
            if given.again or not found or found["configs"] != row.configs:
                kept[row.name] = {"configs": row.configs} | _run(row, Path(work))
                _keep(kept)
                print(row.name, {key: value for key, value in kept[row.name].items() if key != "configs"}, flush=True)
    _keep(kept)
    PAGE.write_text(page(kept), encoding="utf-8")


def _run(combination: Combination, work: Path) -> dict:
    recorded = work / "recorded"
    # The day that `replay` shows is not kept: it is run anew whenever a row asks for it.
    if "replay" in dict(combination.classes).values() and not recorded.exists():
        first = next(row for row in combinations() if row.scenario == combination.scenario)
        shutil.copytree(run_in_processes(prepare(first, work)) / "traffic_sumo", recorded)
    folder = Path(tempfile.mkdtemp(dir=work))
    scenario = prepare(combination, folder, recorded if recorded.exists() else None)
    before_s = _children_cpu_s()
    row = numbers(run_in_processes(scenario)) | {"cpu_s": round(_children_cpu_s() - before_s, 2)}
    shutil.rmtree(folder)
    return row


def _children_cpu_s() -> float:
    """Return the processor time of all processes that were started here and have ended, theirs included, s."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _keep(kept: dict) -> None:
    order = [row.name for row in combinations() if row.name in kept]
    ROWS.write_text(json.dumps({name: kept[name] for name in order}, indent=1) + "\n", encoding="utf-8")


def page(kept: dict) -> str:
    """Return the page with every row that there is; its text is alternatives.md.j2, and takes all numbers from the rows."""
    loader = jinja2.FileSystemLoader(HERE)
    pages = jinja2.Environment(
        loader=loader,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        autoescape=jinja2.select_autoescape(),
    )
    pages.filters |= {"percent": _percent, "whole": "{:,.0f}".format, "tenth": "{:,.1f}".format}
    rows = {scenario: [row for row in combinations() if row.scenario == scenario and row.name in kept] for scenario in CHOICES}
    kept = {name: row | {"gap": gap(row)} for name, row in kept.items()}
    text = pages.get_template(PAGE.name + ".j2").render(choices=CHOICES, rows=rows, kept=kept) + "\n"
    # More than one where rows were made at different times.
    made = sorted({row["made_with"] for row in kept.values() if "made_with" in row})
    return text + "".join(f"\n{sentence}\n" for sentence in made)


def gap(row: dict) -> float:
    """Return (UB - LB) / |UB| of a row; a rounding error below zero is none."""
    return max(0.0, row["cost_usd"] - row["lower_bound_usd"]) / abs(row["cost_usd"])


def _percent(share: float) -> str:
    return f"{100 * share:,.{2 if abs(share) < 0.1 else 0}f} %"


if __name__ == "__main__":
    main()
