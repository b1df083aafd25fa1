"""Figures, reports and comparisons that are alike in both worlds, of days made up for the purpose."""

from __future__ import annotations

import json
import re
import shutil
import sys

import pandas as pd
import pytest
import rail_example_runs
import road_example_runs
from report_pages import check_self_contained

from federates.boundary.errors import ConfigError
from federates.reporting.compare import write_comparison
from federates.reporting.figures import save_figure, svg_bytes
from federates.reporting.report import write_report
from federates.reporting.tables import RunTables
from federates.reporting.world import world_report

pytestmark = pytest.mark.filterwarnings("error")

WORLDS = ("road", "rail")
EVERYWHERE = {"wiring", "sequence"}
"""Of what the broker and the agents' loops write, which days made up do not have; tests/integration has them of real runs."""


def own_figures(world: str) -> set[str]:
    return {figure.name for figure in world_report(world).figures} - EVERYWHERE


FIGURES = [(world, name) for world in WORLDS for name in sorted(own_figures(world))]
WITHOUT_AXES = {"one_line_diagram"}
WITHOUT_UNIT = {"Link", "Station", "Bus", "Line at its limit"}


def empty_run(world: str, folder, record: dict):
    if world == "road":
        return road_example_runs.write_run(folder, {}, road_example_runs.session(), record)
    return rail_example_runs.Folder(folder, rail_example_runs.session()).finish({"run_id": "x", **record})


@pytest.fixture(scope="module")
def runs(reported) -> dict[str, RunTables]:
    return {world: RunTables.read(folder) for world, folder in reported.items()}


@pytest.fixture(scope="module")
def turned_round(reported, tmp_path_factory) -> dict[str, RunTables]:
    """Return both runs with the rows of every table the other way round."""
    out = {}
    for world, folder in reported.items():
        copy = shutil.copytree(folder, tmp_path_factory.mktemp("turned") / world)
        for path in copy.glob("*/*.parquet"):
            pd.read_parquet(path).iloc[::-1].to_parquet(path)
        out[world] = RunTables.read(copy)
    return out


@pytest.mark.parametrize(("world", "name"), FIGURES)
def test_a_figure_has_units_at_its_axes_and_is_the_same_whatever_the_order_of_the_rows(reported, turned_round, world, name):
    run = turned_round[world]
    assert run.world.figure(name).obstacle(run) == ""
    figure = run.world.figure(name).draw(run)
    shown = [axes for axes in figure.get_axes() if axes.axison and axes.has_data()]
    found = [text for axes in shown for text in (axes.get_xlabel(), axes.get_ylabel()) if text]
    assert bool(found) == (name not in WITHOUT_AXES)
    assert all(text in WITHOUT_UNIT or re.search(r"\([^)]+\)", text) for text in found)
    assert all(axes.get_xlabel() for axes in shown if axes.get_subplotspec() and axes.get_subplotspec().is_last_row())
    assert all(axes.get_ylabel() for axes in shown if world == "rail")
    first = (reported[world] / f"figures/{name}.svg").read_bytes()
    assert svg_bytes(figure) == first
    assert b"dc:date" not in first


@pytest.mark.parametrize(("world", "name"), [("road", "fig6_delivery_time"), ("rail", "wind")])
def test_png_files_are_the_same_bytes_every_time(reported, runs, tmp_path, world, name):
    save_figure(runs[world].world.figure(name).draw(runs[world]), tmp_path, name, formats=("png",))
    assert (tmp_path / f"{name}.png").read_bytes() == (reported[world] / f"figures/{name}.png").read_bytes()


def test_figures_leave_no_global_state(runs):
    import matplotlib

    before = dict(matplotlib.rcParams)
    svg_bytes(runs["road"].world.figure("routing").draw(runs["road"]))
    assert dict(matplotlib.rcParams) == before
    if "matplotlib.pyplot" in sys.modules:
        assert not sys.modules["matplotlib.pyplot"].get_fignums()


@pytest.mark.parametrize("world", WORLDS)
def test_report_is_one_self_contained_page(reported, runs, world):
    text = (reported[world] / "report.html").read_text(encoding="utf-8")
    page, figures = check_self_contained(text), own_figures(world)
    assert page.tags.count("img") == len(figures)
    assert {"what", "headline", "figures", "tables", "basis", "settings"} <= set(page.ids)
    said = {
        "road": ("example", "gap within tolerance", "NOT a measurement", "Caltrans AADT"),
        "rail": ("Published and reconstructed", "NOT the authors", "train2 is late", "Power operator together", "mobile"),
    }
    assert all(words in text for words in said[world])
    files = {path.name for path in (reported[world] / "figures").iterdir()}
    assert files == {f"{name}.{kind}" for name in figures for kind in ("png", "svg")}
    written = json.loads((reported[world] / "summary.json").read_text(encoding="utf-8"))
    assert written == runs[world].summary | {"headline": world_report(world).headline(runs[world])}


@pytest.mark.usefixtures("without_figures")
@pytest.mark.parametrize("world", WORLDS)
def test_the_same_run_gives_the_same_page(reported, copy_of, world):
    (folder,) = copy_of({world: reported[world]}).values()
    assert write_report(folder).read_bytes() == write_report(folder).read_bytes()


@pytest.mark.parametrize("world", WORLDS)
def test_report_of_a_failed_run_that_left_nothing(tmp_path, world):
    folder = empty_run(world, tmp_path, {"status": "failed", "failure": "power_operator <stopped> at 3600 s"})
    text = write_report(folder).read_text(encoding="utf-8")
    page = check_self_contained(text)
    assert "power_operator &lt;stopped&gt; at 3600 s" in text
    assert {"failure", "left-out"} <= set(page.ids)
    assert text.count("was not written") >= len(world_report(world).figures) - 1
    assert "img" not in page.tags


@pytest.mark.usefixtures("without_figures")
@pytest.mark.parametrize("world", WORLDS)
def test_text_of_a_run_is_escaped_and_configuration_is_shown(reported, copy_of, world):
    (folder,) = copy_of({world: reported[world]}).values()
    (folder / "configuration.json").write_text(json.dumps({"coordinator": {"note": "<script>alert(1)</script>"}}))
    path = folder / "coordinator/negotiations.parquet"
    pd.read_parquet(path).assign(reason="<b>", verdict="<i>", cause="<script>").to_parquet(path)
    text = write_report(folder).read_text(encoding="utf-8")
    check_self_contained(text)
    assert "&lt;script&gt;alert(1)" in text
    assert "&lt;b&gt; (&lt;i&gt;)" in text
    assert "Resolved configuration" in text


@pytest.mark.usefixtures("not_rendered")
@pytest.mark.parametrize(
    ("world", "tables", "figures"),
    [
        ("road", ("feeder_load", "delivery_forecast"), {"fig5_feeder_load", "fig6_delivery_time"}),
        ("road", ("schedule", "link_state"), {"bounds", "energy_account"}),
        ("road", ("rounds", "deliveries", "link_plan"), {"bounds", "prices"}),
        ("rail", ("storage_state",), {"capacity_and_routes", "storage_energy"}),
        ("rail", ("power_balance",), {"dispatch", "wind", "price"}),
        ("rail", ("rounds",), {"bounds", "prices"}),
        ("rail", ("line_flow",), {"line_flow", "bus_prices", "one_line_diagram"}),
        ("rail", ("bus_prices",), {"bus_prices"}),
    ],
)
def test_a_missing_table_leaves_out_what_needs_it_and_says_so(reported, copy_of, world, tables, figures):
    (folder,) = copy_of({world: reported[world]}).values()
    shutil.rmtree(folder / "figures")
    for table in tables:
        (path,) = folder.glob(f"*/{table}.parquet")
        path.unlink()
    text = write_report(folder).read_text(encoding="utf-8")
    check_self_contained(text)
    assert all(f"<code>{table}</code> was not written" in text for table in tables)
    drawn = {path.stem for path in (folder / "figures").glob("*")}
    assert drawn == own_figures(world) - figures
    left_out = text[text.index('id="left-out"') : text.index("</section>", text.index('id="left-out"'))]
    assert left_out.count("<li>") == left_out.count("was not written.") == len(figures | EVERYWHERE)


@pytest.mark.parametrize(("world", "scheme"), [("road", "fastest_route"), ("rail", "fixed")])
def test_comparison_refuses_what_cannot_be_compared(road_days, rail_days, tmp_path, copy_of, world, scheme):
    days = road_days if world == "road" else rail_days
    (other,) = copy_of({scheme: days[scheme]}).values()
    public = json.loads((other / "session.json").read_text())
    (other / "session.json").write_text(json.dumps(public | {"start_hour": 5, "name": "other"}))
    first = next(iter(days))
    with pytest.raises(ConfigError) as caught:
        write_comparison({first: days[first], scheme: other, "no_such": other}, tmp_path / "out")
    fields = {(problem.field, problem.value) for problem in caught.value.problems}
    assert fields == {("start_hour", "5"), ("name", "other"), ("scheme", "no_such")}
    with pytest.raises(ConfigError, match=f"was given as {scheme}"):
        write_comparison({scheme: days[first]}, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(ConfigError, match="at least one run"):
        write_comparison({}, tmp_path / "out")


def test_comparison_refuses_runs_of_two_worlds(reported, tmp_path):
    with pytest.raises(ConfigError, match="world = rail"):
        write_comparison({"proposed": reported["road"], "mobile": reported["rail"]}, tmp_path / "out")
