"""Figures, report and comparison of days made up for the purpose."""

from __future__ import annotations

import functools
import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from load_file import load_file
from matplotlib.colors import to_hex

from federates.boundary.errors import ConfigError
from federates.boundary.tables import table
from federates.reporting.compare import write_comparison
from federates.reporting.figures import RUN_FIGURES, delivery_time_figure, feeder_load_figure, link_flow_by_scheme_figure
from federates.reporting.figures.style import save_figure, svg_bytes
from federates.reporting.geometry import load_geometry
from federates.reporting.published import keep_published
from federates.reporting.report import write_report
from federates.reporting.tables import RunTables

pytestmark = pytest.mark.filterwarnings("error")

example = load_file(Path(__file__).with_name("test_reporting_example_runs.py"))

SCHEMES = ("proposed", "fastest_route", "no_mves")
CATEGORIES = {"Link"}


class Page(HTMLParser):
    """Collect what a page refers to, its identifiers, and whether its elements are balanced."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.references, self.ids, self.open, self.tags = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.references += [(tag, name, value) for name, value in attrs if name in {"src", "href", "srcset", "data", "action"}]
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in {"meta", "img", "br", "link", "input"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


REPOSITORY = Path(__file__).parents[2]


def check_self_contained(text: str) -> Page:
    page = Page(text)
    assert not page.open
    assert not {"link", "iframe", "object"} & set(page.tags)
    # Of scripts there are none, or the replay's data and the replay, both in the page.
    assert re.findall(r"<script[^>]*>", text) in ([], ['<script type="application/json" id="replay-data">', "<script>"])
    assert not re.search(r"fetch\(|XMLHttpRequest|import\(|https?://(?!www\.w3\.org)", text[text.rfind("<script>") :])
    for tag, _, value in page.references:
        if tag == "a":
            # A figure is in the page; the link leads to the same one as a file beside it.
            own_file = re.fullmatch(r"figures/(\w+)\.(svg|png)", value)
            assert own_file[1] in page.ids if own_file else value.startswith("#") and value[1:] in page.ids
        else:
            assert value.startswith("data:image/")
    style = text[text.index("<style>") : text.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    return page


def add_geometry(folder: Path) -> None:
    rows = [(link, seq, 34.0 - 0.05 * seq, -118.2 + 0.05 * seq * k) for k, link in enumerate(example.LINKS) for seq in (2, 0, 1)]
    points = pd.DataFrame(rows, columns=["link", "seq", "lat", "lon"])
    sites = pd.DataFrame([("r1", 34.0, -118.2), ("q1", 33.9, -118.1)], columns=["station", "lat", "lon"])
    example.write_run(
        folder, {"link_geometry": points, "station_sites": sites}, json.loads((folder / "session.json").read_text())
    )


def rewrite(folder: Path, name: str, change) -> None:
    path = folder / table(name).owner.value / f"{name}.parquet"
    frame = pd.read_parquet(path)
    change(frame)
    frame.to_parquet(path)


@pytest.fixture(scope="module")
def day(tmp_path_factory):
    folder = tmp_path_factory.mktemp("days")
    days = published_days(folder)
    for run in days.values():
        add_geometry(run)
    return days


def published_days(folder):
    """Return the example day under every scheme; each run keeps what la_gcs says about its data and the paper."""
    days = {scheme: example.day_run(folder / scheme, scheme) for scheme in SCHEMES}
    for run in days.values():
        keep_published(REPOSITORY / "scenarios/la_gcs", run)
    return days


@pytest.fixture
def days(tmp_path):
    return published_days(tmp_path)


@pytest.fixture
def svg_only(monkeypatch):
    """Leave the PNG out where a test reads only the page: it takes half the time."""
    for module in ("run_figure", "compare"):
        monkeypatch.setattr(f"federates.reporting.{module}.save_figure", functools.partial(save_figure, formats=("svg",)))


def labels(figure):
    for axes in figure.get_axes():
        if axes.axison and axes.has_data():
            yield axes


@pytest.mark.parametrize("entry", RUN_FIGURES, ids=lambda entry: entry.name)
def test_axes_of_every_figure_are_labelled_with_units(day, entry):
    figure = entry.draw(RunTables.read(day["proposed"]))
    found = [text for axes in labels(figure) for text in (axes.get_xlabel(), axes.get_ylabel()) if text]
    assert found
    assert all(text in CATEGORIES or re.search(r"\(\S+\)", text) for text in found)
    bottom = [axes for axes in labels(figure) if axes.get_subplotspec() and axes.get_subplotspec().is_last_row()]
    assert all(axes.get_xlabel() for axes in bottom)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_figures_of_all_schemes_are_drawn_or_excused(day, scheme):
    run = RunTables.read(day[scheme])
    excused = {entry.name for entry in RUN_FIGURES if entry.obstacle(run)}
    assert excused == ({"fig6_delivery_time", "routing", "prices"} if scheme == "no_mves" else set())


def test_geometry_from_files_is_that_from_tables(day, days):
    known = load_geometry(RunTables.read(day["proposed"]))
    folder = days["proposed"] / "traffic_sumo"
    run = RunTables.read(days["proposed"])
    assert load_geometry(run) is None
    for name, csv in (("link_geometry", "geometry.csv"), ("station_sites", "sites.csv")):
        RunTables.read(day["proposed"]).frame(name).to_csv(folder / csv, index=False)
    found = load_geometry(run)
    assert found.stations == known.stations
    assert all(found.links[link] == pytest.approx(known.links[link]) for link in example.LINKS)
    assert known.links["B_up"].tolist() == [pytest.approx(p) for p in ([-118.2, 34.0], [-118.15, 33.95], [-118.1, 33.9])]
    (folder / "geometry.csv").write_text("damaged")
    assert load_geometry(run) is None


def test_hours_are_ticked_from_0_to_24(day):
    axes = feeder_load_figure(RunTables.read(day["proposed"])).get_axes()[-1]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == [str(hour) for hour in range(0, 25, 2)]


def test_feeder_load_shows_the_data_of_the_run_given_for_each_side(days):
    rewrite(days["no_mves"], "feeder_load", lambda frame: frame.__setitem__("load_without_kw", 777.0))
    proposed, base = (RunTables.read(days[scheme]) for scheme in ("proposed", "no_mves"))
    axes = feeder_load_figure(proposed, base).get_axes()[0]
    drawn = {line.get_label(): line.get_ydata() for line in axes.get_lines()}
    assert set(drawn["without mobile storage"]) == {777.0}
    own = proposed.frame("feeder_load").query("station == 'q1' and period == 15 and bin == 2")["load_with_kw"].item()
    assert drawn["with mobile storage"][2 * (15 * example.B + 2)] == pytest.approx(own)


def test_feeder_load_shows_the_stations_that_give_and_the_probability_of_overload(days):
    helper = RunTables.read(days["proposed"]).frame("feeder_load").query("station == 'q1'").assign(station="r1", limit_kw=5000.0)
    helper["overload_probability_with"] = 0.25
    path = days["proposed"] / "power_operator/feeder_load.parquet"
    pd.concat([pd.read_parquet(path), helper]).to_parquet(path)
    axes = feeder_load_figure(RunTables.read(days["proposed"])).get_axes()
    assert [panel.get_title("left") for panel in axes] == ["q1", "q2", "r1, gives energy", "probability of overload"]
    lines = {line.get_label(): line.get_ydata() for line in axes[-1].get_lines()}
    assert set(lines["r1 with"]) == {0.25}
    assert set(lines["q1 without"]) == {0.0, 1.0}


def test_schemes_differ_by_more_than_colour(day):
    runs = {scheme: RunTables.read(day[scheme]) for scheme in SCHEMES[:2]}
    lines = [line for line in delivery_time_figure(runs).get_axes()[0].get_lines() if not line.get_label().startswith("_")]
    assert len({(line.get_marker(), line.get_linestyle()) for line in lines}) == len(lines) == 4
    assert len({to_hex(line.get_color()) for line in lines}) == 2


def test_saved_figures_are_the_same_bytes_every_time(day, tmp_path):
    run = RunTables.read(day["proposed"])
    for entry in RUN_FIGURES[:2]:
        first, second = (save_figure(entry.draw(run), tmp_path / str(k), entry.name) for k in (1, 2))
        assert first == second
        assert b"dc:date" not in first
        pngs = [(tmp_path / str(k) / f"{entry.name}.png").read_bytes() for k in (1, 2)]
        assert pngs[0] == pngs[1]


def test_figures_leave_no_global_state(day):
    import matplotlib

    before = dict(matplotlib.rcParams)
    svg_bytes(RUN_FIGURES[0].draw(RunTables.read(day["proposed"])))
    assert dict(matplotlib.rcParams) == before
    if "matplotlib.pyplot" in sys.modules:
        assert not sys.modules["matplotlib.pyplot"].get_fignums()


def test_report_is_one_self_contained_page(day):
    path = write_report(day["proposed"])
    text = path.read_text(encoding="utf-8")
    page = check_self_contained(text)
    assert page.tags.count("img") == len(RUN_FIGURES)
    assert {"what", "headline", "figures", "tables", "basis", "settings"} <= set(page.ids)
    assert "example" in text
    assert "gap within tolerance" in text
    assert {file.suffix for file in (day["proposed"] / "figures").iterdir()} == {".png", ".svg"}
    written = json.loads((day["proposed"] / "summary.json").read_text(encoding="utf-8"))
    assert written["scheme"] == "proposed"
    assert written["headline"][0].startswith("Without mobile storage")
    assert write_report(day["proposed"]).read_text(encoding="utf-8") == text


@pytest.mark.usefixtures("svg_only")
def test_report_says_which_flows_are_estimated(days):
    text = write_report(days["proposed"]).read_text(encoding="utf-8")
    assert "NOT a measurement" in text
    assert "Caltrans AADT" in text


@pytest.mark.usefixtures("svg_only")
def test_a_name_brings_no_provenance_and_no_claims(days, tmp_path):
    for run in days.values():
        (run / "published.yaml").unlink()
        change = json.loads((run / "session.json").read_text()) | {"name": "la_gcs_x"}
        (run / "session.json").write_text(json.dumps(change))
    text = write_report(days["proposed"]).read_text(encoding="utf-8")
    assert "Caltrans" not in text
    assert "the scenario does not say" in text
    page = write_comparison(days, tmp_path / "out")
    assert "The paper" not in page.read_text(encoding="utf-8")
    assert json.loads((tmp_path / "out/comparison.json").read_text())["claims"] == []


@pytest.mark.usefixtures("svg_only")
@pytest.mark.parametrize(("model", "name", "said"), [("sumo", "SUMO", "vehicle by vehicle"), ("bpr", "bpr", "traffic model bpr")])
def test_the_report_names_the_traffic_model_of_its_run(days, model, name, said):
    (days["proposed"] / "configuration.json").write_text(json.dumps({"traffic_sumo": {"model": model}}))
    text = write_report(days["proposed"]).read_text(encoding="utf-8")
    assert said in text
    assert f"min in {name} and" in text
    assert ("SUMO" in text) is (name == "SUMO")


def test_report_of_a_failed_run_without_tables(tmp_path):
    record = {"status": "failed", "failure": "traffic_sumo <stopped> at 3600 s"}
    example.write_run(tmp_path, {}, example.session(), record)
    text = write_report(tmp_path).read_text(encoding="utf-8")
    page = check_self_contained(text)
    assert "traffic_sumo &lt;stopped&gt; at 3600 s" in text
    assert {"failure", "left-out"} <= set(page.ids)
    assert text.count("was not written") >= len(RUN_FIGURES) - 1
    assert "img" not in page.tags


@pytest.mark.usefixtures("svg_only")
def test_text_of_a_run_is_escaped_and_configuration_is_shown(days):
    (days["no_mves"] / "configuration.json").write_text(json.dumps({"coordinator": {"note": "<script>alert(1)</script>"}}))
    text = write_report(days["no_mves"]).read_text(encoding="utf-8")
    check_self_contained(text)
    assert "&lt;script&gt;" in text
    assert "Resolved configuration" in text


@pytest.mark.parametrize(
    "names",
    [("feeder_load", "delivery_forecast"), ("schedule", "link_state"), ("rounds", "deliveries", "link_plan")],
    ids="+".join,
)
def test_report_without_some_tables(names, tmp_path):
    tables = {name: frame for name, frame in example.day_tables().items() if name not in names}
    text = write_report(example.write_run(tmp_path, tables, example.session())).read_text(encoding="utf-8")
    check_self_contained(text)
    assert all(f"<code>{name}</code> was not written" in text for name in names)


@pytest.mark.usefixtures("svg_only")
def test_report_of_a_run_that_failed_in_the_sixth_hour(tmp_path):
    tables = {name: frame[frame["period"] < 6] for name, frame in example.day_tables().items()}
    record = {"status": "failed", "failure": {"agent": "power_operator", "error": "ModelError"}}
    text = write_report(example.write_run(tmp_path, tables, example.session(), record)).read_text(encoding="utf-8")
    assert check_self_contained(text).tags.count("img") == len(RUN_FIGURES) - 1
    assert "This run failed" in text
    assert "ModelError" in text


def test_comparison_shows_the_claims_on_a_day_that_has_them(day, tmp_path):
    path = write_comparison(day, tmp_path / "out")
    check_self_contained(path.read_text(encoding="utf-8"))
    result = json.loads((path.parent / "comparison.json").read_text())
    verdicts = {claim["key"]: claim["verdict"] for claim in result["claims"]}
    # The example day sends nobody at night: there is no time to compare, and that is not called equal.
    night = {key for key in verdicts if key.startswith("equal_delivery_time")}
    peak = {key for key in verdicts if key.startswith("peak_delivery_time")}
    assert {verdicts[key] for key in night} == {"not shown"}
    assert {verdicts[key] for key in peak} == {"follows from the input"}
    assert {verdict for key, verdict in verdicts.items() if key not in night | peak} == {"shown"}
    assert all(claim["yardstick"] for claim in result["claims"])
    assert result["figures"]["fig5_feeder_load"]
    assert result["load_without_from"] == "no_mves"
    assert result["common_random_numbers"] is True
    rows = (path.parent / "summary.csv").read_text().splitlines()
    assert rows[0] == "quantity,proposed,fastest_route,no_mves"
    assert (path.parent / "summary.md").read_text().count("\n") == len(rows) + 1


def slower_proposed(days):
    rewrite(days["proposed"], "deliveries", lambda frame: frame.__setitem__("road_time_s", frame["road_time_s"] * 1.5))


def no_help(days):
    rewrite(days["proposed"], "feeder_load", lambda frame: frame.__setitem__("load_with_kw", frame["load_without_kw"]))


def help_at_night(days):
    rewrite(days["proposed"], "feeder_load", lambda frame: frame.__setitem__("load_with_kw", frame["load_with_kw"] - 20.0))


def morning_peak(days):
    def change(frame):
        frame.loc[frame["period"] == 8, "delivery_time_s"] *= 3.0

    rewrite(days["fastest_route"], "delivery_forecast", change)


@pytest.mark.parametrize(
    ("change", "flipped"),
    [
        (slower_proposed, {"longer_delivery_time_traffic"}),
        (no_help, {"overload_removed"}),
        (help_at_night, {"equal_load"}),
        (morning_peak, {"peak_delivery_time_formula"}),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_claims_flip_with_the_data(days, tmp_path, change, flipped):
    change(days)
    claims = claims_of(days, tmp_path)
    held = {key for key, verdict in claims.items() if verdict == "not shown" and not key.startswith("equal_delivery_time")}
    assert held == flipped


def claims_of(days, tmp_path) -> dict[str, str]:
    from federates.reporting.claims import check_claims

    runs = {scheme: RunTables.read(path) for scheme, path in days.items()}
    return {claim.key: claim.verdict for claim in check_claims(runs, runs["proposed"].published.statements)}


@pytest.mark.parametrize(
    ("factor", "periods", "shown"), [(1.01, [0, 1, 23], "shown"), (1.2, [0, 1, 23], "not shown"), (1.01, [1], "not shown")]
)
def test_night_claim_is_decided_by_vehicles_in_most_of_the_night(days, tmp_path, factor, periods, shown):
    for scheme, scale in (("proposed", 1.0), ("fastest_route", factor)):

        def at_night(frame, scale=scale):
            night = frame["period"].isin(periods)
            frame.loc[night, "vehicles"] = 1
            frame.loc[night, "delivery_time_s"] = 1800.0 * scale

        rewrite(days[scheme], "delivery_forecast", at_night)
    assert claims_of(days, tmp_path)["equal_delivery_time_formula"] == shown


@pytest.mark.usefixtures("svg_only")
def test_comparison_without_the_day_without_vehicles_says_so(day, tmp_path):
    path = write_comparison({"proposed": day["proposed"]}, tmp_path)
    result = json.loads((tmp_path / "comparison.json").read_text())
    assert result["load_without_from"] == "proposed"
    assert "no run without vehicles is given" in path.read_text(encoding="utf-8")
    assert {claim["verdict"] for claim in result["claims"] if "delivery_time" in claim["key"]} == {"not shown"}


@pytest.mark.usefixtures("svg_only")
def test_comparison_names_different_seeds_and_refuses_other_scenarios(days, tmp_path):
    public = json.loads((days["fastest_route"] / "session.json").read_text())
    (days["fastest_route"] / "session.json").write_text(json.dumps(public | {"seed": 9}))
    assert "different seeds" in write_comparison(days, tmp_path / "out").read_text(encoding="utf-8")
    (days["fastest_route"] / "session.json").write_text(json.dumps(public | {"start_hour": 5}))
    with pytest.raises(ConfigError, match="start_hour"):
        write_comparison(days, tmp_path / "out")
    with pytest.raises(ConfigError, match="was given as"):
        write_comparison({"no_mves": days["proposed"]}, tmp_path / "out")


def test_difference_of_link_flow_is_fastest_minus_proposed(day):
    runs = {scheme: RunTables.read(day[scheme]) for scheme in SCHEMES[:2]}
    panels = [axes for axes in link_flow_by_scheme_figure(runs).get_axes() if axes.collections and axes.get_ylabel() == "Link"]
    proposed, fastest, change = (np.ma.filled(axes.collections[0].get_array(), np.nan) for axes in panels)
    assert change == pytest.approx(fastest - proposed)
    assert np.nanmax(change) > 0
