"""The report for one agent holds what that agent may see, and nothing that depends on the others' data."""

import json
import shutil
from pathlib import Path

import pytest
import rail_example_runs as rail
import road_example_runs as road
from private_values import leaks, settings_of
from typer.testing import CliRunner

from federates.boundary.names import RAIL, ROAD, Role
from federates.boundary.topics import roles_of
from federates.cli.app import app
from federates.reporting.report import write_report
from federates.runs.reports import write_agent_report, write_agent_reports

pytestmark = pytest.mark.filterwarnings("error")


def with_settings(folder: Path, roles) -> Path:
    """Give every agent settings of its own, and a table that only it knows."""
    for k, role in enumerate(roles):
        settings = {f"secret_of_{role.value}": 1234.5678 + k, "files": [f"ledger-{role.value}.csv"]}
        (folder / role.value).mkdir(exist_ok=True)
        (folder / role.value / "config.json").write_text(json.dumps({"settings": settings}))
        (folder / role.value / "finished.json").write_text("{}")
    return folder


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    top = tmp_path_factory.mktemp("agents")
    made = {
        ROAD: road.write_run(top / "road", road.day_tables(), road.session()),
        RAIL: rail.rail_run(top / "rail"),
    }
    for world, folder in made.items():
        write_agent_reports(with_settings(folder, roles_of(world)))
    return made


CASES = [(world, role) for world in World for role in roles_of(world)]


@pytest.mark.parametrize(("world", "role"), CASES)
def test_nothing_of_the_others_stands_in_it(runs, world, role):
    folder = runs[world]
    page, others = folder / f"report-{role.value}.html", [other.value for other in roles_of(world) if other is not role]
    assert leaks(page, folder, role.value, others) == {}
    text = page.read_text()
    assert f"secret_of_{role.value}" in text
    assert f"ledger-{role.value}.csv" in text
    for path in (folder / role.value).glob("*.parquet"):
        assert f"<code>{path.stem}</code>" in text


@pytest.mark.usefixtures("without_figures")
def test_the_search_finds_what_the_full_report_shows(runs):
    """The full report has every agent's settings: a search that missed them would prove nothing."""
    folder = runs[ROAD]
    roles = roles_of(ROAD)
    (folder / "configuration.json").write_text(
        json.dumps({role.value: json.loads((folder / role.value / "config.json").read_text()) for role in roles})
    )
    found = leaks(write_report(folder), folder, "transport_operator", ["power_operator"])
    assert settings_of(folder, "power_operator") - set(found["power_operator"]) == {'"files":'}


@pytest.mark.parametrize(("world", "role"), CASES)
def test_it_is_the_same_where_the_others_data_are_not_there(runs, tmp_path, world, role):
    whole, alone = runs[world], tmp_path / runs[world].name
    alone.mkdir()
    shutil.copy(whole / "session.json", alone)
    shutil.copytree(whole / role.value, alone / role.value)
    assert write_agent_report(alone, role, most_figures=1).read_bytes() == (whole / f"report-{role.value}.html").read_bytes()


def test_every_figure_that_its_tables_suffice_for_is_drawn_on_demand(runs):
    page = runs[RAIL] / "report-transport_operator.html"
    before = page.read_text()
    done = CliRunner().invoke(app, ["report", str(runs[ROAD]), "--agent", "transport_operator"])
    assert done.exit_code == 0, done.output
    text = (runs[ROAD] / "report-transport_operator.html").read_text()
    drawn = {
        name for name in ("fig6_delivery_time", "link_flow", "routing", "fig5_feeder_load", "bounds") if f'id="{name}"' in text
    }
    assert drawn == {"fig6_delivery_time", "link_flow", "routing"}
    assert page.read_text() == before


@pytest.mark.parametrize("agent", ["traffic_sumo", "nobody"])
def test_an_agent_that_the_run_has_not_is_named(runs, agent):
    done = CliRunner().invoke(app, ["report", str(runs[RAIL]), "--agent", agent])
    assert done.exit_code != 0
    assert agent in done.output + str(done.exception)


def test_an_agent_that_failed_reads_what_it_said_itself(tmp_path):
    folder = road.write_run(tmp_path / "run", {}, road.session(), {"status": "failed", "failure": "power_operator: 123.45 short"})
    (folder / "transport_operator").mkdir()
    (folder / "transport_operator/failed.json").write_text(json.dumps({"message": "transport_operator: <heard>"}))
    text = write_agent_report(folder, Role.TRANSPORT_OPERATOR).read_text()
    assert "transport_operator: &lt;heard&gt;" in text
    assert "123.45" not in text
