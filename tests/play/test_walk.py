"""A lecturer and three students walk through a game of the small day, in four pages of a real browser.

What one of them is told is recorded byte by byte and searched for the others' private numbers; every page is judged by axe-core.
"""

import json
import re
import shutil

import pytest
import yaml
from browsers import chromium, needs_chromium, violations
from game_pages import answer_as_computed, game_of, has_question, lecturer, page_of, press, sit, wait_until
from processes import processes_of
from recording_proxy import RecordingProxy

from federates.play.app import JOIN, PROJECTOR

pytestmark = needs_chromium
PEOPLE = {"springs": "Ann", "transport_operator": "Bo", "coordinator": "Cy"}


@pytest.fixture
def small_day(root, tmp_path):
    """Return a copy of la_small in which every private number can be told from all others."""
    scenario = tmp_path / "scenarios" / "la_small"
    shutil.copytree(root / "scenarios/la_small", scenario, ignore=shutil.ignore_patterns("results"))
    shutil.copy(root / "broker.yaml", tmp_path / "broker.yaml")
    for agent, worth in (("springs", 7.0313), ("norwalk", 8.0479)):
        path = scenario / agent / "config.yaml"
        data = yaml.safe_load(path.read_text())
        by_hour = data["settings"]["worth_usd_by_hour"]
        (station,) = by_hour
        by_hour[station] = [round(worth + 1.1173 * hour, 4) for hour in range(24)]
        data["settings"]["need"] = {"springs": 4.1371, "norwalk": 6.2753}[agent]
        path.write_text(yaml.safe_dump(data))
    path = scenario / "transport_operator/config.yaml"
    path.write_text(path.read_text().replace("trip_cost_spread_usd: 20", "trip_cost_spread_usd: 20.3719"))
    return scenario


def _judge(found, **pages):
    found.update({name: wrong for name, page in pages.items() if (wrong := violations(page))})


def _coordinate(page):
    """Decide as a person would: prices, then what a plan costs, then the cheapest plan whose cost is known."""
    if not has_question(page):
        return
    round_ = int(re.search(r"round (\d+)", page.locator("#where").inner_text())[1])
    if round_ == 1:
        for cell in page.locator(".entry input:visible").all():
            cell.fill("11.5")
    else:
        page.get_by_label("Ask what this plan would cost" if round_ == 2 else "Commit this plan").check()
    if round_ == 2:
        for cell in page.locator(".entry input:visible").all():
            cell.fill("1.5")
    if round_ == 3:
        press(page, "What would be proven of this plan?")
        page.get_by_text("Cost by what was told").wait_for()
    press(page, "Send my answer")


def _walk(small_day, tmp_path, periods):
    wrong = {}
    with chromium() as browser, game_of(small_day, tmp_path, periods=periods, hints=True, answer_s=120.0) as play:
        proxy = RecordingProxy(int(play.address.rpartition(":")[2]))
        tabs = browser.new_context(viewport={"width": 1000, "height": 700})
        leads = lecturer(tabs, play)
        where = {"springs": f"http://127.0.0.1:{proxy.port}"}
        pages = {agent: sit(tabs, play, name, agent, address=where.get(agent, "")) for agent, name in PEOPLE.items()}
        leads.get_by_text("3 students have joined").wait_for()
        other = page_of(tabs, play.link(JOIN))
        other.get_by_text("taken by Ann").wait_for()
        _judge(wrong, join=other, lobby=pages["springs"], lecturer=leads)
        other.goto(play.link(PROJECTOR))
        other.get_by_text("Ann (springs)").wait_for()
        _judge(wrong, wall=other)
        press(leads, "Start")
        wait_until(pages.values(), lambda: has_question(pages["coordinator"]))
        _judge(wrong, coordinator=pages["coordinator"], playing=leads)
        _coordinate(pages["coordinator"])
        wait_until(pages.values(), lambda: has_question(pages["springs"]))
        # By keyboard: Enter in a cell asks the calculator, and sends nothing.
        pages["springs"].get_by_label(re.compile("r2, to q1")).press("Enter")
        pages["springs"].get_by_text("Own cost", exact=True).wait_for()
        pages["springs"].set_viewport_size({"width": 390, "height": 700})
        assert pages["springs"].evaluate("document.documentElement.scrollWidth") <= 390
        _judge(wrong, operator=pages["springs"], playing_wall=other)

        def act(page):
            if page is pages["coordinator"]:
                _coordinate(page)
            elif page is not leads:
                answer_as_computed(page)
            elif page.get_by_text("Open the next hour.").is_visible():
                press(page, "Next hour")
                page.get_by_text("Open the next hour.").wait_for(state="hidden")

        wait_until([leads, *pages.values()], lambda: play.game.ended, 120.0 + 100.0 * periods, act)
        leads.get_by_role("button", name="Open the debrief to all").wait_for()
        told = proxy.told
        press(leads, "Open the debrief to all")
        for page in pages.values():
            page.get_by_role("link", name="Open the debrief").click(timeout=120_000)
            page.get_by_role("heading", name="Debrief").wait_for()
        _judge(wrong, debrief=pages["springs"])
        faults = [fault for page in (leads, other, *pages.values()) for fault in page.faults]
        shown = pages["springs"].locator("main").inner_text()
        folder = play.game.groups[1].folder
        kept = (play.game.folder / "debrief.html").read_text()
        proxy.close()
    assert wrong == {}
    assert faults == []
    assert processes_of(tmp_path) == []
    assert json.loads((folder / "run.json").read_text())["status"] == "complete"
    return folder, told, shown, kept


def _answered(folder, agent):
    return [json.loads(path.read_text()) for path in (folder / agent / "seat").glob("answered-*.json")]


def _numbers(content):
    """Return the numbers in a text that nobody has by chance: of five digits or more, by their first six."""
    found = re.findall(r"\d+\.\d+", content)
    return {text[:7].lstrip("0") for text in found if len(text.replace(".", "").strip("0")) >= 5}


def _private(folder, agent):
    """Return an agent's own numbers: its settings, what it expected, and what its answers cost it."""
    seat = folder / agent / "seat"
    own = json.loads((seat / "sheet.json").read_text())
    found = _numbers(json.dumps([own["settings"], own["data"]]))
    for question in seat.glob("question-*.json"):
        found |= _numbers(json.dumps(json.loads(question.read_text()).get("outlook", {})))
    return found | _numbers(json.dumps([[a.get("own_cost_usd"), a.get("own_total_usd")] for a in _answered(folder, agent)]))


def _check(folder, told, shown, kept, periods):
    for agent in PEOPLE:
        assert {(a["period"], a["by"]) for a in _answered(folder, agent)} == {(period, "person") for period in range(periods)}
    assert {a["by"] for a in _answered(folder, "norwalk")} == {"class"}
    seen = _numbers(told.decode("utf-8", "replace"))
    heard = _numbers((folder / "springs/journal.jsonl").read_text())
    own = _private(folder, "springs")
    assert own & seen >= _numbers("7.0313 4.1371"), "the search finds what is there"
    for other in ("norwalk", "transport_operator"):
        secret = _private(folder, other) - own - heard
        assert len(secret) > 10
        assert secret & seen == set()
    assert "Ann" in shown
    assert "Together you have reached" in kept
    assert not re.search(r'(src|href)="(?!data:|#)', kept), "the file needs no other"


@pytest.mark.long
def test_one_hour_of_the_small_day(small_day, tmp_path):
    _check(*_walk(small_day, tmp_path, 1), 1)


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_the_whole_small_day(small_day, tmp_path):
    _check(*_walk(small_day, tmp_path, 6), 6)
