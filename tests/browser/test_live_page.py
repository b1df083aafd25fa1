"""The live view in a real Chromium: what it shows is what the tables say, it moves, and it hears of a round at once."""

import json
import shutil
import statistics
import threading
import time
from pathlib import Path

import pandas as pd
import pytest
from browsers import WATCH_HOW_LATE, chromium, needs_chromium, until, violations
from quick_runs import quick_run
from small_scenario import write_small_scenario

from federates.runtime.hold import Hold
from federates.view.export import export
from federates.view.site import LiveView

pytestmark = needs_chromium
_LIGHT = {"power_operator": "price_taker", "transport_operator": "timetable", "coordinator": "posted_price"}
_ALL_THAT_COMES = """async () => {
  const reader = (await fetch("events")).body.getReader(), decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const quiet = new Promise((done) => setTimeout(() => done({ done: true }), 600));
    const { done, value } = await Promise.race([reader.read(), quiet]);
    if (done) break;
    text += decoder.decode(value, { stream: true });
  }
  reader.cancel();
  return text;
}"""
_SIZES = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


def _copy(root, name, folder):
    shutil.copy(root / "broker.yaml", folder)
    folder = folder / "scenarios"
    ignored = shutil.ignore_patterns("results", "sweeps", "calibration")
    return shutil.copytree(root / "scenarios" / name, folder / name, ignore=ignored)


@pytest.fixture(scope="module")
def road(tmp_path_factory):
    """Return a run on the road that is over: an hour of Los Angeles, in which something is sent."""
    scenario = _copy(Path(__file__).parents[2], "la_gcs", tmp_path_factory.mktemp("road"))
    return quick_run(scenario, {"start_hour": 7, "periods": 1}, use={"traffic_sumo": "bpr"})


@pytest.fixture(scope="module")
def rail(tmp_path_factory):
    scenario = _copy(Path(__file__).parents[2], "ieee30", tmp_path_factory.mktemp("rail"))
    return quick_run(scenario, {"periods": 6}, use=_LIGHT)


@pytest.fixture(scope="module")
def site(road):
    with LiveView(road, "road", ("everybody", "power_operator", "transport_operator", "traffic_sumo", "coordinator")) as view:
        yield view


@pytest.fixture
def opened(browser):
    """Return a function that opens a page, and afterwards hold that no script failed and nothing came from elsewhere."""
    contexts, wrong = [], []

    def open_page(link, **options):
        context = browser.new_context(**({"viewport": _SIZES["desktop"]} | options))
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on(
            "console",
            lambda said: wrong.append(said.text) if said.type == "error" and "Failed to load" not in said.text else None,
        )
        own = ("data:", "file:", "/".join(link.split("/")[:3]) + "/")
        page.on("request", lambda asked: None if asked.url.startswith(own) else wrong.append(asked.url))
        page.goto(link)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert wrong == []


def _ready(page):
    page.wait_for_selector("#panels:not([hidden])", timeout=20_000)
    until(page, "document.body.dataset.beat !== undefined", limit_s=20)
    until(page, "document.getElementById('play').textContent !== ''")
    return page


def _beats(page):
    return int(page.get_attribute("#slider", "max")) + 1


def _go(page, beat):
    page.evaluate(
        "(at) => { const s = document.getElementById('slider'); s.value = at; s.dispatchEvent(new Event('input')); }", beat
    )
    until(page, "(at) => Number(document.getElementById('slider').value) === at", beat)
    page.wait_for_timeout(120)


def test_each_round_shows_what_the_tables_say(site, road, opened):
    page = _ready(opened(site.links["everybody"]))
    rounds = pd.read_parquet(road / "coordinator/rounds.parquet")
    answers = pd.read_parquet(road / "coordinator/answers.parquet")
    seen = {}
    for beat in range(_beats(page)):
        _go(page, beat)
        key, kind = page.evaluate("[document.body.dataset.beat, document.body.dataset.kind]")
        if kind in ("solve", "evaluate", "relax"):
            cells = page.eval_on_selector_all("table.rounds tbody td:nth-child(3)", "cells => cells.map(c => c.textContent)")
            seen[key] = (kind, page.inner_text("#negotiation .state"), cells)
    assert set(seen) == {f"{row.period}/{row.round}" for row in rounds.itertuples()}
    for row in rounds.itertuples():
        kind, state, cells = seen[f"{row.period}/{row.round}"]
        assert kind == row.command
        if pd.notna(row.lower_bound_usd):
            assert f"lower bound {row.lower_bound_usd:,.2f} USD".replace(",", "\u202f").replace("-", "\u2212") in state
        asked = answers.query(f"period == {row.period} and round == {row.round} and agent == 'power_operator'")
        shown = sum(float(cell.replace("\u202f", "").replace("\u2212", "-")) for cell in cells if cell != "–")
        assert shown == pytest.approx(asked.connection_veh.sum(), abs=0.06 * max(len(cells), 1))


def test_vehicles_move_on_the_map_and_the_load_is_drawn(site, opened):
    page = _ready(opened(site.links["everybody"]))
    kinds = []
    for beat in range(_beats(page)):
        _go(page, beat)
        kinds.append(page.evaluate("document.body.dataset.kind"))
    _go(page, len(kinds) - 1 - kinds[::-1].index("drive"))
    page.click("#play")
    page.wait_for_timeout(1200)
    pixels = "() => { const c = document.querySelector('#map canvas'); return c.toDataURL(); }"
    first = page.evaluate(pixels)
    page.wait_for_timeout(500)
    assert page.evaluate(pixels) != first, "the map must move while a period is carried out"
    assert "on the road" in page.inner_text("#map")
    assert page.locator("#feeders svg.chart").count() == 4
    page.keyboard.press("Space")


def test_it_can_be_stepped_by_buttons_and_by_keys(site, opened):
    page = _ready(opened(site.links["everybody"]))
    _go(page, 2)
    page.click("#step")
    until(page, "document.getElementById('slider').value === '3'")
    page.click("#back")
    until(page, "document.getElementById('slider').value === '2'")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("ArrowRight")
    until(page, "document.getElementById('slider').value === '3'")
    page.select_option("#speed", "16")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Space")
    until(page, "Number(document.getElementById('slider').value) > 6")
    _go(page, _beats(page) - 2)
    page.click("#play")
    until(page, "document.getElementById('play').textContent === 'Play again'")


@pytest.mark.parametrize("agent", ["power_operator", "transport_operator"])
def test_nothing_of_anothers_numbers_reaches_an_agents_page(site, road, agent, opened, browser):
    """Searched in all that the browser was sent: costs that each operator told the coordinator, and nobody else."""
    costs = pd.read_parquet(road / "coordinator/answer_costs.parquet")
    marks = {
        name: {f"{cost:.6f}".rstrip("0") for cost in group.cost_usd if abs(cost) > 1 and cost % 1}
        for name, group in costs.groupby("agent")
    }
    assert all(marks.values())
    page = _ready(opened(site.links[agent]))
    text = page.evaluate(_ALL_THAT_COMES)
    assert len(text) > 1000
    for other, numbers in marks.items():
        found = {number for number in numbers if number in text}
        assert bool(found) == (other == agent), (other, found)
    assert "own" in page.inner_text("#feeders") or agent == "power_operator"


@pytest.mark.parametrize(("size", "scheme"), [("desktop", "light"), ("phone", "dark")])
def test_nothing_is_wrong_by_axe(site, size, scheme, opened):
    page = _ready(opened(site.links["everybody"], viewport=_SIZES[size], color_scheme=scheme))
    _go(page, 3)
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing may scroll sideways"


def test_the_page_of_a_wrong_link_says_so(site, opened):
    link = site.links["everybody"]
    page = opened(link.replace(link.split("/")[3], "nobody"))
    assert "This link is not valid" in page.inner_text("main")
    assert violations(page) == []


def test_trains_are_drawn_in_time_and_space(rail, opened):
    with LiveView(rail, "rail", ("everybody", "transport_operator")) as view:
        page = _ready(opened(view.links["everybody"]))
        _go(page, _beats(page) - 1)
        assert page.locator("#diagram polyline").count() == 4
        assert page.locator("#market svg.chart").count() in (0, 2)
        assert violations(page) == []
        own = _ready(opened(view.links["transport_operator"]))
        assert "told to nobody" in own.inner_text("#market")


def test_an_exported_run_is_one_file_that_shows_the_same(site, road, tmp_path, opened):
    target = export(road, tmp_path / "run.html")
    text = target.read_text(encoding="utf-8")
    assert "/static/" not in text.replace("src=", "")
    live, alone = _ready(opened(site.links["everybody"])), _ready(opened(target.as_uri()))
    assert _beats(live) == _beats(alone)
    for page in (live, alone):
        _go(page, 4)
    for part in ("#negotiation", "#messages", "#clock", "#title"):
        assert live.inner_text(part) == alone.inner_text(part)
    assert violations(alone) == []
    assert export(road, tmp_path / "again.html").read_bytes() == target.read_bytes()


def test_an_exported_page_of_an_agent_holds_nothing_of_others(road, tmp_path, opened):
    page = _ready(opened(export(road, tmp_path / "own.html", "power_operator").as_uri()))
    assert "power_operator" in page.inner_text("#viewer")
    assert "not told" in page.inner_text("#negotiation") or "–" in page.inner_text("#negotiation")


def _running(road, folder):
    """Return a copy of a run that seems to go on, on another computer."""
    copy = shutil.copytree(road, folder)
    record = json.loads((copy / "run.json").read_text())
    (copy / "run.json").write_text(json.dumps(record | {"status": "running", "process": {"host": "elsewhere", "pid": 1}}))
    return copy


def test_a_run_is_held_and_let_go_on_by_the_page(road, tmp_path, opened):
    copy = _running(road, tmp_path / "run")
    hold = Hold(copy, ("coordinator", "power_operator"), "coordinator")
    with LiveView(copy, "road", ("everybody", "power_operator"), hold=hold) as view:
        page = _ready(opened(view.links["everybody"]))
        page.click("#hold")
        until(page, "document.getElementById('hold').textContent === 'Let the run go on'")
        assert hold.held
        before = (copy / "coordinator/hold").read_text()
        page.click("#hold-step")
        until(page, "!document.getElementById('hold-step').disabled")
        deadline = time.monotonic() + 5
        while (copy / "coordinator/hold").read_text() == before and time.monotonic() < deadline:
            page.wait_for_timeout(50)
        assert (copy / "coordinator/hold").read_text() != before
        again = _ready(opened(view.links["everybody"]))
        assert again.inner_text("#hold") == "Let the run go on", "a page that comes later knows that the run is held"
        again.click("#hold")
        until(again, "document.getElementById('hold').textContent === 'Hold the run'")
        assert not hold.held
        assert _ready(opened(view.links["power_operator"])).locator("#hold").count() == 0


def test_a_server_that_stops_is_said_and_what_was_seen_stays(road, tmp_path, opened):
    copy = _running(road, tmp_path / "run")
    view = LiveView(copy, "road").start()
    page, other = _ready(opened(view.links["everybody"])), _ready(opened(view.links["everybody"]))
    other.close()  # who leaves disturbs nobody
    assert _beats(page) > 5
    view.stop()
    until(page, "document.getElementById('notice').textContent.includes('connection to the server is lost')", limit_s=10)
    _go(page, 2)
    assert page.inner_text("#messages")


def test_a_round_is_on_the_page_within_half_a_second(tmp_path, opened):
    """The page hears of each round while the run goes on: the time in the journal against the time when it was drawn."""
    scenario = write_small_scenario(tmp_path, session={"periods": 12})
    done = []
    running = threading.Thread(target=lambda: done.append(quick_run(scenario)))
    running.start()
    while not any((scenario / "results").glob("*/run.json")):
        time.sleep(0.01)
    folder = next((scenario / "results").iterdir())
    with LiveView(folder, "road") as view:
        page = opened(view.links["everybody"])
        page.evaluate(WATCH_HOW_LATE)
        running.join()
        until(page, "document.getElementById('notice').textContent.includes('complete')", limit_s=20)
        late = page.evaluate("window.late")
    # The first look takes in what was before the page was there.
    late = late[1:]
    assert len(late) >= 3
    assert statistics.median(late) < 0.5, late


@pytest.mark.long
def test_a_world_that_portage_does_not_know_is_shown_by_what_every_world_has(tmp_path, opened, monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "third_world"))
    import market

    market.install(tmp_path / "site")
    scenario = market.write_market(tmp_path, market.traders(4), "ocd", {"update": "box_step", "gap_target": 0.001}, periods=2)
    run = quick_run(scenario)
    with LiveView(run, "market", ("everybody", "buyer_0")) as view:
        page = _ready(opened(view.links["everybody"]))
        _go(page, 2)
        assert page.locator(".card.own").count() == 0
        assert page.locator(".wiring .node").count() == 5
        assert "trade" in page.inner_text("#messages")
        assert page.eval_on_selector_all("table.rounds tbody th", "cells => cells.map(c => c.textContent)") == ["bread"]
        assert violations(page) == []
        own = _ready(opened(view.links["buyer_0"]))
        assert own.locator(".wiring .node").count() == 2, "it knows of nobody but the coordinator"
