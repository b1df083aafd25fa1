"""Whoever describes a world gets whole reports: a world of toys, with two figures and one section, and nothing else touched."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace
from typing import Literal

import pandas as pd
import pytest
from report_pages import check_self_contained

from federates.boundary import session, tables
from federates.boundary.names import Role
from federates.boundary.session import Session
from federates.boundary.table import Table
from federates.reporting.claims import Claim, Verdict
from federates.reporting.figures import BLUE, by_period, draw_stairs, hour_axis, new_figure
from federates.reporting.tables import RunTables
from federates.reporting.world import Drawing, Grid, RunFigure, Section, WorldReport
from federates.runs import reports

POWER, TRANSPORT = Role.POWER_OPERATOR, Role.TRANSPORT_OPERATOR


class ToySession(Session):
    world: Literal["toys"]
    scheme: Literal["wound", "pushed"] = "wound"
    shelves: tuple[str, ...]

    stations = property(lambda self: self.shelves)
    connection_shape = property(lambda self: (1, len(self.shelves), self.periods))
    sizes = property(lambda self: {"H": self.periods})


TABLES = (
    Table("windings", POWER, "Turns of the key.", {"period": "period", "turns": "number"}, "toys"),
    Table("ways", TRANSPORT, "How far the toys went.", {"period": "period", "way_m": "length, m"}, "toys"),
)


def draw(run: RunTables, table: str, column: str):
    figure = new_figure(2.0, f"{column}: {run.title}")
    axes = figure.subplots()
    draw_stairs(axes, run, by_period(run, run.frame(table), column), color=BLUE)
    hour_axis(axes, run.session)
    return figure


def figure(name: str, table: str, column: str) -> RunFigure:
    def reading(run):
        return f"In all {run.frame(table)[column].sum():g}."

    return RunFigure(name, f"The {table}", lambda run: run.lacks(table), lambda run: draw(run, table, column), reading)


def claims(runs) -> list[Claim]:
    far = {scheme: run.summary["way_m"] for scheme, run in runs.items()}
    return [Claim("far", "Wound toys go further.", "ways", Verdict.of(far["wound"] > far["pushed"]), far, "They do.", "Ours.")]


TOYS = WorldReport(
    heading="Moving toys",
    basis=("What is made up", "Made up"),
    schemes={name: {"label": name, "color": BLUE, "marker": "o", "hatch": "", "dash": "-"} for name in ("wound", "pushed")},
    about=lambda run: [f"Toys between {', '.join(run.session.stations)}."],
    summary=lambda run: {"way_m": float(run.frame("ways")["way_m"].sum())},
    headline=lambda run: [f"The toys went {run.summary['way_m']:g} m."],
    figures=(figure("turns", "windings", "turns"), figure("far", "ways", "way_m")),
    name_of=lambda key: {"way_m": "Way of all <toys>"}.get(key, ""),
    sections=lambda run: [Section("broken", "Toys that broke", "Broken toys", items=("none",))],
    grids=lambda run: [Grid.of("Ways.", run.frame("ways").to_dict("records"), ("Period", str, "period"), ("m", str, "way_m"))],
    claims=claims,
    compared_figures=lambda runs: [Drawing("ways", "All ways", draw(runs["wound"], "ways", "way_m"), "How far.")],
    side_by_side=lambda runs: [Drawing("runs", "Ways", draw(runs["A"], "ways", "way_m"), "How far.")],
)


@pytest.fixture
def toys(monkeypatch, tmp_path):
    """Make the world known, and return the folders of a run of each of its schemes."""
    monkeypatch.setitem(sys.modules, "federates.worlds.toys.report", SimpleNamespace(REPORT=TOYS))
    monkeypatch.setitem(session._MODELS, "toys", ToySession)
    monkeypatch.setattr(tables, "TABLES", TABLES)
    runs = {}
    for scheme, way in (("wound", 5.0), ("pushed", 2.0)):
        runs[scheme] = folder = tmp_path / scheme
        for table, column, value in (("windings", "turns", 3), ("ways", "way_m", way)):
            part = folder / next(entry.owner.value for entry in TABLES if entry.name == table)
            part.mkdir(parents=True)
            pd.DataFrame({"period": range(4), column: [value] * 4}).to_parquet(part / f"{table}.parquet")
        public = {"schema_version": 1, "world": "toys", "name": "nursery", "scheme": scheme, "periods": 4, "shelves": ["a", "b"]}
        (folder / "session.json").write_text(json.dumps(public))
        (folder / "configuration.json").write_text(json.dumps({"power_operator": {"settings": {"way_m": way}}}))
    return runs


def test_a_run_has_a_whole_report(toys):
    text = reports.write_run_report(toys["wound"]).read_text()
    page = check_self_contained(text)
    assert {"what", "headline", "broken", "figures", "turns", "far", "tables", "basis", "settings"} <= set(page.ids)
    for words in ("Moving toys: nursery", "Toys between a, b.", "The toys went 20 m.", "In all 12.", "Ways.", "does not say"):
        assert words in text
    assert json.loads((toys["wound"] / "summary.json").read_text())["way_m"] == 20.0
    assert {path.name for path in (toys["wound"] / "figures").iterdir()} == {"turns.svg", "turns.png", "far.svg", "far.png"}
    assert reports.run_headline(toys["wound"]) == ["The toys went 20 m."]


def test_an_agent_has_a_report_of_what_it_may_see(toys):
    reports.write_agent_reports(toys["wound"])
    text = (toys["wound"] / "report-power_operator.html").read_text()
    assert {"turns", "messages", "tables", "settings"} <= set(check_self_contained(text).ids)
    assert "Turns of the key." in text
    assert "way_m" not in text.replace("power_operator", "")
    assert 'id="far"' in (toys["wound"] / "report-transport_operator.html").read_text()


def test_schemes_are_compared_with_what_was_said_of_them(toys, tmp_path):
    page = reports.compare_runs({"pushed": toys["pushed"], "wound": toys["wound"]}, tmp_path / "out")
    text = page.read_text()
    assert {"notes", "claims", "figures", "ways", "summary"} <= set(check_self_contained(text).ids)
    assert "Way of all &lt;toys&gt;" in text
    content = json.loads((tmp_path / "out/comparison.json").read_text())
    assert list(content["runs"]) == ["wound", "pushed"]
    assert content["claims"][0]["verdict"] == "shown"


def test_any_runs_stand_side_by_side(toys, tmp_path):
    text = reports.compare_side_by_side(list(toys.values()), tmp_path / "out").read_text()
    assert '<th scope="row">power_operator.settings.way_m</th><td>5</td><td>2</td>' in text
    assert 'id="runs"' in text


def test_a_world_without_a_description_is_named(toys, monkeypatch):
    monkeypatch.delitem(sys.modules, "federates.worlds.toys.report")
    with pytest.raises(reports.PortageError, match="toys"):
        reports.write_run_report(toys["wound"])
