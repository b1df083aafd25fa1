"""The report of a day on which not all goes well: vehicles are lost or have not left at its end, plans are not proven."""

from types import SimpleNamespace

import pandas as pd
import pytest
from station_days import STATIONS, fleet_session, run_station_day

from federates.worlds.fleets.report import energy, summary

ROUGH = {"noise": 0.2, "level": 1.15, "shares": [0.8, 0.2]}


def _run(day):
    """Return as much of a run's tables as the account reads."""

    def frame(table):
        rows = day.company.tables.get(table) or day.rows(table)
        return pd.DataFrame(rows)

    return SimpleNamespace(frame=frame, title="a rough morning", lacks=lambda *_: "")


@pytest.fixture(scope="module", params=[{"lose": 0.5}, {"lose": 0.7, "hold": 0.4}], ids=["lost", "not left"])
def day(request):
    return run_station_day(fleet_session(periods=11), {"mves": {"lost_after_s": 60.0}}, **ROUGH, **request.param)


def test_what_is_lost_or_has_not_left_is_counted_once(day):
    books = pd.DataFrame(day.rows("station_energy")).set_index("station")
    at_r, at_q = books.loc[list(STATIONS[:2])], books.loc[list(STATIONS[2:])]
    assert at_q["lost_kwh"].sum() > 50.0
    account = energy.account(_run(day))
    assert account.total["open_kwh"] == pytest.approx(0.0, abs=1e-6)
    assert account.closes, account.differences
    # What is under way has left r and is not at q.
    assert account.total["under_way_kwh"] == pytest.approx(at_r["counted_kwh"].sum() - at_q["counted_kwh"].sum(), abs=1e-6)


def test_the_figure_s_branches_and_what_is_given_are_all_that_was_drawn(day):
    run = _run(day)
    account = energy.account(run)
    assert "The account closes" in energy.ENERGY.reading(run)
    (axes,) = energy.ENERGY.draw(run).axes
    written = [
        float(line.split(" kWh")[0].replace("\u202f", ""))
        for text in axes.texts
        for line in text.get_text().splitlines()
        if " kWh" in line
    ]
    assert written[0] == pytest.approx(account.total["drawn_kwh"], abs=0.06)
    assert sum(written[1:]) == pytest.approx(written[0], abs=0.5)


@pytest.mark.parametrize(
    ("gaps", "said"),
    [
        ([0.01, 0.03], "proven to within 2.00 % of the best on average, 3.00 % at most."),
        ([0.01, float("nan")], "1.00 % at most, but for 1 of which nothing is proven."),
        ([float("nan")] * 2, "rounds on average; nothing is proven of the plans."),
    ],
)
def test_a_plan_of_which_nothing_is_proven_is_said(monkeypatch, gaps, said):
    table = pd.DataFrame({"gap": gaps, "agreed": True, "rounds": 5})
    monkeypatch.setattr(summary, "agreement", lambda _: table)
    monkeypatch.setattr(summary, "overload", lambda _: [])
    run = SimpleNamespace(lacks=lambda *_: "no table", session=fleet_session())
    run.summary = summary.summary(run)
    (sentence,) = summary.headline(run)
    assert sentence.endswith(said)
