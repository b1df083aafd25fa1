"""Figures of real runs: every one of the report in print and on a slide, who talks to whom, a round, and the day that moves."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from figure_boxes import alike_in_grey, text_problems
from matplotlib.patches import FancyArrowPatch
from quick_runs import quick_run
from report_pages import Page

from federates.boundary.errors import ConfigError
from federates.boundary.lines import Roster, lines
from federates.reporting.animation import OFFSET, write_animation
from federates.reporting.export import figures_of
from federates.reporting.fit import finished
from federates.reporting.media import MEDIA, drawn_for
from federates.reporting.sequence import steps
from federates.reporting.tables import RunTables
from federates.reporting.wiring import wires, wiring_figure
from federates.scaffold.scenario import new_scenario
from federates.worlds.road.report.links import load_geometry

SVG = "{http://www.w3.org/2000/svg}"
RUNS = {
    "road": ("la_gcs", {"periods": 2, "start_hour": 15}, {"traffic_sumo": "bpr"}),
    "rail": ("ieee30", {"periods": 6}, {"coordinator": "cuts"}),
    "fleets": ("la_fleets", {"periods": 1, "start_hour": 8, "horizon_periods": 2}, {"traffic_sumo": "bpr"}),
}


def _run(world: str, folder: Path) -> Path:
    scenario, changes, use = RUNS[world]
    return quick_run(new_scenario(folder / scenario, scenario), changes, use=use)


@pytest.fixture(scope="module")
def road(tmp_path_factory) -> Path:
    return _run("road", tmp_path_factory.mktemp("road"))


def problems(folder: Path, medium: str) -> list[str]:
    """Return what a reader would miss in the figures of a run, and those that were not drawn."""
    found = []
    with drawn_for(MEDIA[medium]):
        for entry in figures_of(folder):
            if entry.obstacle:
                found.append(f"{entry.name}: {entry.obstacle}")
                continue
            figure = finished(entry.draw().figure)
            said = text_problems(figure, MEDIA[medium].text_pt) + alike_in_grey(figure)
            found += [f"{entry.name}, {medium}: {words}" for words in said]
            run_id = folder.name
            assert not any(run_id in text.get_text() or str(folder) in text.get_text() for text in figure.findobj(_is_text))
    return found


def _is_text(artist) -> bool:
    return hasattr(artist, "get_text") and isinstance(artist.get_text(), str)


@pytest.mark.long
def test_every_figure_of_a_day_on_the_road_can_be_read_in_a_column(road):
    assert problems(road, "column") == []


@pytest.mark.long
@pytest.mark.parametrize("world", RUNS)
def test_every_figure_of_every_world_can_be_read_in_every_medium(tmp_path, world):
    folder = _run(world, tmp_path)
    assert [words for medium in MEDIA for words in problems(folder, medium)] == []


def test_the_wiring_is_that_of_the_topic_table(road):
    run = RunTables.read(road)
    roster = Roster.of(run.session)
    table = [line for line in lines(roster) if line.topic.name != "session"]
    expected = {(roster.agents[line.sender], roster.agents[r]) for line in table for r in line.receivers}
    found = wires(run)
    assert {(wire.sender, wire.receiver) for wire in found} == expected
    assert sum(wire.lines for wire in found) == sum(len(line.receivers) for line in table)
    assert ("transport_operator", "traffic_sumo") in expected


@pytest.mark.parametrize("medium", MEDIA)
def test_every_arrow_of_the_wiring_lies_in_the_picture_and_on_no_other(road, medium):
    with drawn_for(MEDIA[medium]):
        figure = finished(wiring_figure(RunTables.read(road)))
        figure.draw_without_rendering()
        axes = figure.axes[0]
        paths = [patch.get_path() for patch in axes.patches if isinstance(patch, FancyArrowPatch)]
        assert len(paths) == 7
        for path in paths:
            box = path.get_extents()
            (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
            assert left <= box.x0 <= box.x1 <= right
            assert low <= box.y0 <= box.y1 <= high
        extents = {tuple(path.get_extents().extents.round(2)) for path in paths}
        assert len(extents) == len(paths)


def test_a_round_is_told_in_its_order(road):
    found = steps(RunTables.read(road))
    words = [step.words for step in found if step.stage == "round 1"]
    assert words.index("price of delivery") < words.index("answer: quantity, slope and cost")
    assert words.index("command: solve") < words.index("answer: quantity, slope and cost")
    opening = [step.words for step in found if step.stage == "the period opens"]
    assert opening.index("command: open") < opening.index("gate") < opening.index("gate, passed on")
    end = [step.words for step in found if step.stage == "the period is committed"]
    assert end.index("command: commit") < end.index("departures") < end.index("links")
    answers = [step for step in found if step.words.startswith("answer")]
    assert {pair for step in answers for pair in step.pairs} == {
        ("power_operator", "coordinator"),
        ("transport_operator", "coordinator"),
    }


def test_the_animated_day_has_every_vehicle_from_its_station_to_the_other_and_needs_nothing_else(road, tmp_path):
    run = RunTables.read(road)
    trips = run.frame("deliveries")
    arrived = trips[trips["arrive_s"] >= 0].sort_values("depart_s", kind="stable")
    assert len(arrived) > 0
    root = ElementTree.parse(write_animation(road, tmp_path / "day.svg", 48.0)).getroot()
    moved = [use for use in root.iter(f"{SVG}use") if use.find(f"{SVG}animateMotion") is not None]
    assert len(moved) == len(arrived)
    paths = {path.get("id"): path.get("d") for path in root.iter(f"{SVG}path")}
    day_s = run.session.periods * run.session.period_s
    ends: dict[str, set[tuple[str, str]]] = {}
    for use, trip in zip(moved, arrived.itertuples(), strict=True):
        motion = use.find(f"{SVG}animateMotion")
        assert float(motion.get("begin")[:-1]) == pytest.approx(48.0 * min(trip.depart_s / day_s, 1.0), abs=0.01)
        corners = re.findall(r"[ML]([\d.]+) ([\d.]+)", paths[motion.find(f"{SVG}mpath").get("href")[1:]])
        ends.setdefault(trip.origin, set()).add(corners[0])
        ends.setdefault(trip.destination, set()).add(corners[-1])
    # A vehicle begins and ends where its stations lie: at one place each.
    assert all(len(places) == 1 for places in ends.values())
    assert set(ends) <= set(load_geometry(run).stations)
    assert all(float(x) > OFFSET and float(y) > OFFSET for places in ends.values() for x, y in places)
    text = (tmp_path / "day.svg").read_text(encoding="utf-8")
    assert not re.search(r'href="(?!#)', text)


def test_the_animated_page_is_the_same_picture_with_a_button_and_a_slider(road, tmp_path):
    text = write_animation(road, tmp_path / "day.html").read_text(encoding="utf-8")
    page = Page(text)
    assert not page.open
    assert {"button", "input", "label", "svg"} <= set(page.tags)
    assert not re.search(r"https?://(?!www\.w3\.org)", text)
    assert not [value for tag, _, value in page.references if not value.startswith("#")]
    with pytest.raises(ConfigError, match=r"must end in .svg or .html"):
        write_animation(road, tmp_path / "day.mp4")
