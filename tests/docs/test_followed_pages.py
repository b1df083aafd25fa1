"""Pages with commands that are no how-tos, followed as a reader would in a folder with the scenarios that ship."""

import re
import shutil

import pandas as pd
import pytest
from code_blocks import ROOT
from page_reader import Reader, short_scenarios


@pytest.fixture
def reader(tmp_path, environment):
    short_scenarios(tmp_path / "work")
    return Reader(ROOT, tmp_path / "work", environment)


def runs_of(folder):
    return sorted(path.parent for path in folder.glob("**/results/*/run.json"))


@pytest.mark.long
def test_the_page_for_the_first_five_minutes(reader):
    *commands, by_python = reader.follow("docs/start.md")
    negotiated, fastest, again = (pd.read_parquet(run / "coordinator/schedule.parquet") for run in runs_of(reader.folder))
    assert negotiated.vehicles.sum() > 0
    assert not fastest.equals(negotiated)
    assert again.vehicles.tolist() == negotiated.vehicles.tolist()
    assert re.search(r"The operators agreed in 2 periods", commands[0])
    assert re.search(r"Comparison: .*comparison\.html", commands[-1])
    assert "The operators agreed in 2 periods" in by_python


@pytest.mark.parametrize("page", ["docs/battery_wear.md", "docs/sweep.md"])
def test_a_page_with_a_few_lines_of_python(reader, page):
    assert reader.follow(page)


@pytest.mark.long
@pytest.mark.parametrize(
    ("page", "runs"),
    [
        ("README.md", 8),
        ("docs/alternatives.md", 1),
        ("docs/audit.md", 1),
        ("docs/coalitions.md", 1),
        ("docs/fleets_reference.md", 0),
        ("docs/stackelberg.md", 1),
    ],
)
def test_a_page_with_days_to_run(reader, page, runs):
    said = reader.follow(page)
    assert said
    assert len([run for run in runs_of(reader.folder.parent) if '"complete"' in (run / "run.json").read_text()]) == runs


@pytest.mark.long
def test_two_hours_of_sumo_in_one_process(reader):
    """The page sets SUMO's engine, so its traffic model must be SUMO."""
    config = "scenarios/la_gcs/traffic_sumo/config.yaml"
    shutil.copy(ROOT / config, reader.folder / config)
    reader.follow("docs/own_operator.md")
    (run,) = runs_of(reader.folder)
    assert (run / "traffic_sumo/link_state.parquet").is_file()
