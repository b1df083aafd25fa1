"""The replay of negotiations: its numbers are those of the tables, it stays small, and its script shows them (by node)."""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rail_example_runs as rail
import road_example_runs as road

from federates.reporting.formatting import clock
from federates.reporting.negotiation import Transcript, replay_data, replay_json
from federates.reporting.report import write_report
from federates.reporting.tables import RunTables


@pytest.fixture(scope="module")
def pages(reported):
    """Return the run's folder and the page of both worlds."""
    return {world: (run, (run / "report.html").read_text(encoding="utf-8")) for world, run in reported.items()}


def embedded(page: str) -> dict:
    return json.loads(re.search(r'<script type="application/json" id="replay-data">(.*?)</script>', page, re.S).group(1))


def table(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_parquet(folder / f"coordinator/{name}.parquet")


@pytest.mark.parametrize("world", ["road", "rail"])
def test_every_round_of_the_page_is_a_row_of_the_tables(pages, world):
    folder, page = pages[world]
    rounds = table(folder, "rounds").sort_values(["period", "round"])
    held = embedded(page)["negotiations"]
    assert [n["rounds"] for n in held] == rounds.groupby("period").size().tolist()
    shown = [row for n in held for row in n["shown"]]
    assert [row[:2] for row in shown] == rounds[["round", "command"]].values.tolist()
    for column, index, near in (("lower_bound_usd", 2, 0.006), ("upper_bound_usd", 3, 0.006), ("gap", 4, 1e-5)):
        values = np.array([math.nan if row[index] is None else row[index] for row in shown])
        np.testing.assert_allclose(values, rounds[column].astype(float), atol=near)
    assert [row[5] is None for row in shown] == (rounds["command"] == "evaluate").tolist()


def test_on_the_road_every_pair_has_its_price_and_its_vehicles(pages):
    folder, page = pages["road"]
    data = embedded(page)
    assert data["places"] == ["r1 to q1", "r1 to q2", "r2 to q1", "r2 to q2"]
    frames = {name: table(folder, name) for name in ("prices", "answers")}
    for number, negotiation in enumerate(data["negotiations"]):
        for row in negotiation["shown"]:
            for name, index, column, agent in (
                ("prices", 5, "price_usd_per_veh", None),
                ("answers", 6, "connection_veh", "power_operator"),
                ("answers", 7, "connection_veh", "transport_operator"),
            ):
                found = frames[name].query(f"period == {number} and round == {row[0]} and for_period == {number}")
                found = found if agent is None else found[found["agent"] == agent]
                by_pair = {f"{r.source} to {r.station}": getattr(r, column) for r in found.itertuples()}
                assert row[index] == pytest.approx([by_pair.get(place, 0.0) for place in data["places"]], abs=0.051)


def test_by_rail_prices_are_means_and_stands_sums_over_the_trains(pages):
    folder, page = pages["rail"]
    data, periods = embedded(page), rail.T
    row = data["negotiations"][0]["shown"][6]
    assert row[:2] == [7, "solve"]
    prices, answers = (table(folder, name).query("period == 0 and round == 7") for name in ("prices", "answers"))
    for number, station in enumerate(data["places"]):
        for t in range(periods):
            at = f"station == '{station}' and for_period == {t}"
            entry = number * periods + t
            assert row[5][entry] == pytest.approx(prices.query(at).price_usd_per_veh.sum() / 2, abs=0.006)
            assert row[6][entry] == len(answers.query(f"{at} and agent == 'power_operator'"))
            assert row[7][entry] == len(answers.query(f"{at} and agent == 'transport_operator'"))
    later = data["negotiations"][1]["shown"][0]
    assert later[6][:6] == [None] * 6, "the past of the day is over"
    assert None not in later[6][6:periods]


@pytest.mark.parametrize("world", ["road", "rail"])
@pytest.mark.usefixtures("without_figures")
def test_a_long_negotiation_is_thinned_and_says_so(pages, world, monkeypatch, tmp_path):
    folder, page = pages[world]
    whole = len(replay_json(embedded(page)))
    monkeypatch.setattr("federates.reporting.negotiation.REPLAY_LIMIT_BYTES", whole // 2)
    text = write_report(shutil.copytree(folder, tmp_path / "run")).read_text(encoding="utf-8")
    data = embedded(text)
    assert data["every"] > 1
    assert len(replay_json(data)) <= whole // 2
    assert f"only every {data['every']}th round and the last are here" in " ".join(text.split())
    for negotiation, all_of_it in zip(data["negotiations"], embedded(page)["negotiations"], strict=True):
        assert negotiation["shown"][0] == all_of_it["shown"][0]
        assert negotiation["shown"][-1] == all_of_it["shown"][-1]


@pytest.mark.usefixtures("without_figures")
def test_a_run_without_prices_has_no_replay(tmp_path):
    run = RunTables.read(road.day_run(tmp_path / "a"))
    run.missing["answers"] = "was not written"
    assert replay_data(run, str) is None
    fixed = rail.rail_run(tmp_path / "b", "fixed")
    assert "<script" not in write_report(fixed).read_text(encoding="utf-8")


def test_no_name_can_end_the_script():
    text = replay_json({"places": ["</script><b>", "&lt;"]})
    assert "<" not in text
    assert json.loads(text)["places"] == ["</script><b>", "&lt;"]


def test_the_busiest_negotiation_and_its_best_prices(pages):
    run = RunTables.read(pages["road"][0])
    said, sent = Transcript(run), run.frame("schedule").groupby("period")["vehicles"].sum()
    assert sent[said.shown] == sent.max()
    last = run.frame("rounds").query(f"period == {said.shown}")["round"].max()
    # The example's bound rises in every round.
    np.testing.assert_allclose(said.best_prices(said.shown), 14.0 * (1 - 0.5**last))
    by_rail = Transcript(RunTables.read(pages["rail"][0]))
    assert by_rail.shown == 0
    assert by_rail.prices(0, 3).shape == (len(by_rail.places), rail.T)


DOM = """
class Node {
  constructor(name) { this.name = name; this.children = []; this.attributes = {}; this.listeners = {}; this.textContent = ""; }
  append(...nodes) {
    this.children.push(...nodes.filter((node) => typeof node !== "string"));
    this.textContent += nodes.filter((node) => typeof node === "string").join("");
  }
  replaceChildren(...nodes) { this.children = nodes; }
  setAttribute(key, value) { this.attributes[key] = value; }
  addEventListener(kind, call) { this.listeners[kind] = call; }
}
const nodes = {};
globalThis.Option = function (text, value) { return Object.assign(new Node("option"), { textContent: text, value }); };
globalThis.document = {
  documentElement: new Node("html"),
  getElementById: (id) => nodes[id] ??= new Node(id),
  createElement: (name) => new Node(name),
  createElementNS: (space, name) => new Node(name),
};
const [page, script] = process.argv.slice(-2).map((path) => require("fs").readFileSync(path, "utf-8"));
document.getElementById("replay-data").textContent = page;
(0, eval)(script);
const seen = [];
const look = () => seen.push({
  state: nodes["replay-panel"].children[0].textContent,
  max: nodes["replay-round"].max,
  rows: nodes["replay-panel"].children[3].children[0].children[2].children
    .map((row) => row.children.map((cell) => cell.children[0]?.textContent ?? cell.textContent)),
});
look();
nodes["replay-round"].value = 0; nodes["replay-round"].listeners.input(); look();
nodes["replay-period"].value = 0; nodes["replay-period"].listeners.change(); look();
console.log(JSON.stringify({ seen, hidden: nodes["replay-box"].hidden, options: nodes["replay-period"].children.length }));
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
@pytest.mark.parametrize("world", ["road", "rail"])
def test_the_script_shows_the_numbers_of_the_round_that_the_slider_is_at(pages, world, tmp_path):
    page = pages[world][1]
    data = embedded(page)
    script = page[page.rindex("<script>") + len("<script>") : page.rindex("</script>")]
    for name, text in (("dom.js", DOM), ("data.json", json.dumps(data)), ("replay.js", script)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    command = ["node", *(str(tmp_path / name) for name in ("dom.js", "data.json", "replay.js"))]
    out = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert out["hidden"] is False
    assert out["options"] == len(data["negotiations"])
    shown = data["negotiations"][data["start"]]["shown"]
    priced = [row for row in shown if row[5] is not None]
    for seen, row in zip(out["seen"], (priced[-1], shown[0]), strict=False):
        assert seen["max"] == len(shown) - 1
        assert seen["state"].startswith(f"Round {row[0]} of {len(shown)}, {row[1]}: lower bound ")
        assert [cells[0] for cells in seen["rows"]] == data["places"]
        columns = data["columns"]
        for number, cells in enumerate(seen["rows"]):
            part = [row[index][number * columns : (number + 1) * columns] for index in (5, 6, 7)]
            means = np.mean(part[0]), np.sum(part[1]), np.sum(part[2])
            written = [float(text.replace("\u202f", "").replace("\u2212", "-")) for text in cells[1:]]
            assert written == pytest.approx(means, abs=0.06)
    assert out["seen"][2]["max"] == len(data["negotiations"][0]["shown"]) - 1


def test_labels_are_the_hours(pages):
    folder, page = pages["road"]
    run = RunTables.read(folder)
    assert [n["label"] for n in embedded(page)["negotiations"]] == [clock(run, p) for p in range(run.session.periods)]
