"""The fleets' world: agents of all six roles through a real federation, against a closed form."""

import numpy as np
import pyarrow.parquet as pq
import pytest

from federates.boundary.errors import ConfigError
from federates.boundary.world import parse_session
from federates.runs.in_process import run_in_process
from tests.support.small_fleets import SESSION, optimum, write_fleets

FLEETS = {"u": (40.0, 0.5), "c": (10.0, 1.0), "d": (5.0, 2.0)}
NEED_KWH, CONGESTION, PERIODS = 60.0, 20.0, 2


def _tables(run, agent):
    return lambda name: pq.read_table(run / agent / f"{name}.parquet").to_pandas()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    settings = {"update": "box_step", "plan": "mean", "gap_target": 1e-4}
    folder = write_fleets(tmp_path_factory.mktemp("fleets"), FLEETS, settings=settings, congestion=CONGESTION, need_kwh=NEED_KWH)
    return run_in_process(folder)


def test_bounds_lie_on_both_sides_of_the_joint_optimum(run):
    kwh, slopes = zip(*FLEETS.values(), strict=True)
    costs = [optimum(need, 1.0, np.array(slopes), kwh, CONGESTION)[1] for need in (NEED_KWH, NEED_KWH / 2)]
    best_usd = PERIODS * sum(costs)  # of a horizon of two periods
    negotiations = _tables(run, "coordinator")("negotiations")
    assert (negotiations["lower_bound_usd"] <= best_usd + 1e-6).all()
    assert (negotiations["upper_bound_usd"] >= best_usd - 1e-6).all()
    assert negotiations["agreed"].all()
    # What is negotiated is proven to 0.01 %; then loads that would leave a vehicle nearly empty are carried by another fleet.
    rounds = _tables(run, "coordinator")("rounds")
    assert (rounds.groupby("period")["gap"].min() <= 1e-4).all()
    assert (negotiations["gap"] <= 0.01).all()


def test_no_vehicle_leaves_nearly_empty_where_another_fleet_goes_too(run):
    schedule = _tables(run, "coordinator")("schedule")
    kwh = schedule["fleet"].map({name: kwh for name, (kwh, _) in FLEETS.items()})
    part = (schedule["delivery_kwh"] / kwh) % 1.0
    light = schedule[(part > 1e-5) & (part < 0.1)]
    carrying = schedule[schedule["delivery_kwh"] > 1e-5].groupby(["period", "origin", "destination"])["fleet"]
    takers = schedule.loc[schedule.groupby(["period", "origin", "destination"])["delivery_kwh"].idxmax(), "fleet"]
    assert set(light.index) <= set(takers.index)  # only who carries most may have a light one: it has taken the others' loads
    assert carrying.nunique().max() > 1


def test_committed_vehicles_are_whole_and_carry_what_is_delivered(run):
    schedule = _tables(run, "coordinator")("schedule")
    kwh = schedule["fleet"].map({name: kwh for name, (kwh, _) in FLEETS.items()})
    assert (schedule["vehicles"] == np.ceil(schedule["delivery_kwh"] / kwh - 1e-6)).all()
    assert schedule["delivery_kwh"].sum() > 0
    moved = _tables(run, "traffic_sumo")("moved")
    assert moved["vehicles"].tolist() == schedule.groupby("period")["vehicles"].sum().tolist()
    paid = schedule["reward_usd_per_kwh"] * schedule["delivery_kwh"]
    np.testing.assert_allclose(schedule["reward_usd"], paid, atol=1e-6)


def test_stations_are_told_what_comes_and_tell_fleets_and_company(run):
    schedule = _tables(run, "coordinator")("schedule")
    for station, of in (("r1", "origin"), ("q1", "destination")):
        sent = schedule[schedule[of] == station].groupby("period")["delivery_kwh"].sum()
        np.testing.assert_allclose(_tables(run, station)("seen")["told_kwh"], sent, atol=1e-6)
    # The company hears its stations' receipts one period later: at r and at q what was sent.
    heard = _tables(run, "power_operator")("receipts_seen").groupby("period")["kwh"].last()
    first = schedule[schedule["period"] == 0]["delivery_kwh"].sum()
    assert heard[0] == 0.0
    assert heard[1] == pytest.approx(2 * first)


def test_companies_own_stations_and_see_no_other(tmp_path):
    companies = {"north": (1.0, ["r1", "q1"]), "south": (2.0, ["r2", "q2"])}
    stations = {"resourceful_stations": ["r1", "r2"]}
    folder = write_fleets(tmp_path, FLEETS, companies, settings={"max_iterations": 2}, periods=1, **stations)
    run = run_in_process(folder)
    schedule = _tables(run, "coordinator")("schedule")
    across = schedule[(schedule["origin"] == "r1") != (schedule["destination"] == "q1")]
    assert not across["delivery_kwh"].any()  # nobody asks for what leads from one company's station to the other's
    answers = _tables(run, "coordinator")("answers")
    for company, (_, own) in companies.items():
        seen = answers[answers["agent"] == company]
        assert set(seen["source"]) | set(seen["station"]) <= set(own)


def _without(name):
    return {**SESSION, "agents": [agent for agent in SESSION["agents"] if agent["name"] != name]}


def _renamed(name, new):
    return {**SESSION, "agents": [{**agent, "name": new} if agent["name"] == name else agent for agent in SESSION["agents"]]}


_HALF = {"name": "power_operator", "role": "power_operator", "part": {"stations": ["r1"]}}


@pytest.mark.parametrize(
    ("session", "words"),
    [
        (_without("q1"), "q1 is the part of nobody"),
        (_renamed("q1", "q9"), "must be some of r1, q1"),
        (_renamed("c", "u"), "every name may stand once"),
        (_without("c"), "fleets c is the part of nobody"),
        ({**SESSION, "vehicle_kwh": {"u": 400.0}}, "must be some of u"),
        ({**SESSION, "vehicle_kwh": {**SESSION["vehicle_kwh"], "x": 1.0}}, "fleets x is the part of nobody"),
        ({**SESSION, "vehicle_kwh": {"u": 400.0, "c": 0.0}}, "vehicle_kwh"),
        ({**SESSION, "vehicle_kwh": {"c": 10.0, "u": 400.0}}, "in order: u, c"),
        ({**SESSION, "scheme": "fastest_route"}, "Input should be 'proposed' or 'no_mves'"),
        ({**_without("q1"), "limited_stations": []}, "limited_stations"),
        ({**_without("r1"), "resourceful_stations": []}, "resourceful_stations"),
        (
            {**_without("power_operator"), "agents": [*_without("power_operator")["agents"], _HALF]},
            "q1 is the part of nobody",
        ),
    ],
)
def test_a_wrong_agreement_is_refused_in_words(session, words):
    assert parse_session(SESSION, "scenario.yaml").fleets == ("u", "c")
    with pytest.raises(ConfigError, match=words):
        parse_session(session, "scenario.yaml")
