"""Days made up for the tests of reporting, written and reported once; whoever changes one copies it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import rail_example_runs
import report_pages
import road_example_runs

from federates.reporting.published import keep_published
from federates.reporting.report import write_report

SCENARIOS = Path(__file__).parents[2] / "scenarios"
ROAD_SCHEMES = ("proposed", "fastest_route", "no_mves")
RAIL_SCHEMES = ("mobile", "fixed", "central", "no_storage")


@pytest.fixture(scope="session")
def road_days(tmp_path_factory) -> dict[str, Path]:
    """Return the example day on the road under every scheme; each run keeps what la_gcs says about its data and the paper."""
    top = tmp_path_factory.mktemp("road")
    days = {scheme: road_example_runs.day_run(top / scheme, scheme) for scheme in ROAD_SCHEMES}
    for run in days.values():
        keep_published(SCENARIOS / "la_gcs", run)
        _add_geometry(run)
    return days


def _add_geometry(folder: Path) -> None:
    links = road_example_runs.LINKS
    rows = [(link, seq, 34.0 - 0.05 * seq, -118.2 + 0.05 * seq * k) for k, link in enumerate(links) for seq in (2, 0, 1)]
    points = pd.DataFrame(rows, columns=["link", "seq", "lat", "lon"])
    sites = pd.DataFrame([("r1", 34.0, -118.2), ("q1", 33.9, -118.1)], columns=["station", "lat", "lon"])
    tables = {"link_geometry": points, "station_sites": sites}
    road_example_runs.write_run(folder, tables, json.loads((folder / "session.json").read_text()))


@pytest.fixture(scope="session")
def rail_days(tmp_path_factory) -> dict[str, Path]:
    """Return the example day by rail under every scheme; each run keeps what ieee30 says about its data and the paper."""
    top = tmp_path_factory.mktemp("rail")
    return {s: rail_example_runs.rail_run(top / s, s, name="ieee30", published="ieee30") for s in RAIL_SCHEMES}


@pytest.fixture(scope="session")
def reported(road_days, rail_days) -> dict[str, Path]:
    """Return a run of each world whose report was written, with all figures."""
    runs = {"road": road_days["proposed"], "rail": rail_days["mobile"]}
    for run in runs.values():
        write_report(run)
    return runs


@pytest.fixture
def copy_of(tmp_path) -> Callable[[dict[str, Path]], dict[str, Path]]:
    """Return what copies days, so that they can be changed."""
    return lambda days: {name: shutil.copytree(run, tmp_path / "copies" / name) for name, run in days.items()}


@pytest.fixture
def not_rendered(monkeypatch) -> None:
    """Build figures without rendering them, where a test reads only the page."""
    monkeypatch.setattr("federates.reporting.page.save_figure", report_pages.note_figure)


@pytest.fixture
def without_figures(monkeypatch) -> None:
    """Leave the figures of whole runs out, where a test reads what stands beside them."""
    monkeypatch.setattr("federates.reporting.report.run_pictures", lambda run: ([], []))
    monkeypatch.setattr("federates.reporting.compare.saved_pictures", lambda drawings, folder: [])
