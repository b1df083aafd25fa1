"""Runs in real time, by the time stamps of what the agents wrote down; only that time goes no faster is ever asked of a clock."""

import json
import threading
import time
from types import SimpleNamespace

import pandas as pd
import pytest
from quick_runs import quick_run
from small_rail_scenario import write_small_rail_scenario
from small_scenario import AGENTS, write_small_scenario

from federates.boundary.errors import FederationError
from federates.boundary.topics import Command
from federates.reporting.real_time import real_time_sections
from federates.reporting.tables import RunTables
from federates.runtime.hold import Hold
from federates.runtime.real_time import Pace, RealTime

PERIODS = 3
PERIOD_S = 0.6
"""Length of a period on the wall."""
FACTOR = 3600 / PERIOD_S
EARLY_S = 0.02
"""Two clocks are compared: that of the day in the journal, and one that is never set."""


def tables(run):
    found = {p.relative_to(run).as_posix(): pd.read_parquet(p) for p in sorted(run.glob("*/*.parquet"))}
    return {name: table for name, table in found.items() if "timings" not in name}


def moved(found):
    """Return how many vehicles each period sends, where any."""
    vehicles = found["coordinator/schedule.parquet"].groupby("period").vehicles.sum()
    return vehicles[vehicles > 0].to_dict()


def opened_s(run, agent="power_operator"):
    """Return when an agent was told to open each period, s of the day's clock."""
    lines = [json.loads(line) for line in (run / agent / "journal.jsonl").read_text().splitlines()]
    told = [line for line in lines if line["way"] == "received" and line["key"] == "coordinator/command"]
    return {line["period"]: line["wall"] for line in told if line["values"] == [float(Command.OPEN)]}


@pytest.fixture(scope="module")
def paced(tmp_path_factory):
    scenario = write_small_scenario(tmp_path_factory.mktemp("paced"))
    return quick_run(scenario, real_time=RealTime(FACTOR)), quick_run(scenario)


def test_no_period_opens_before_it_is_due(paced):
    opened = opened_s(paced[0])
    assert sorted(opened) == list(range(PERIODS + 1))  # the last one closes the day
    for period in opened:
        assert opened[period] - opened[0] >= period * PERIOD_S - EARLY_S


def test_its_tables_are_those_of_a_run_without(paced):
    with_, without = map(tables, paced)
    assert {name.split("/")[1] for name in set(with_) - set(without)} <= {"pace.parquet", "late_answers.parquet"}
    for name, table in without.items():
        pd.testing.assert_frame_equal(with_[name], table)


def test_the_pace_is_written_down(paced):
    pace = tables(paced[0])["coordinator/pace.parquet"]
    assert pace.period.tolist() == list(range(PERIODS))
    assert pace.due_s.tolist() == pytest.approx([p * PERIOD_S for p in range(PERIODS)])
    assert (pace.opened_s >= pace.due_s - 1e-6).all()
    assert pace.late_s.tolist() == pytest.approx((pace.opened_s - pace.due_s).tolist(), abs=1e-6)
    assert not pace.given_up.any()


def test_a_run_that_is_held_in_the_middle_is_not_late_for_that(tmp_path):
    scenario, held_s = write_small_scenario(tmp_path), 1.5

    def hold_it():
        journals = scenario / "results"
        while not (begun := list(journals.glob("*/coordinator/negotiations.parts"))):
            time.sleep(0.01)
        hold = Hold(begun[0].parents[1], AGENTS, "coordinator")
        hold.hold()
        time.sleep(held_s)
        hold.release()

    holding = threading.Thread(target=hold_it)
    holding.start()
    run = quick_run(scenario, real_time=RealTime(FACTOR))
    holding.join()
    opened = opened_s(run)
    last = max(opened)
    # The clock stands from when the coordinator is held up, which may be a moment after it was told so.
    assert opened[last] - opened[0] >= last * PERIOD_S + held_s / 2
    assert (tables(run)["coordinator/pace.parquet"].due_s == [p * PERIOD_S for p in range(PERIODS)]).all()


SLOW = """
import time

from small_agents import SmallPower


class Slow(SmallPower):
    def solve(self, prices, openings):
        if self.period == 1 and not hasattr(self, "slept"):
            self.slept = True
            time.sleep({seconds})
        return super().solve(prices, openings)
"""
SLEEPS_S = 1.3 * PERIOD_S


def write_slow(folder):
    scenario = write_small_scenario(folder)
    (scenario / "power_operator" / "slow.py").write_text(SLOW.format(seconds=SLEEPS_S))
    return scenario


@pytest.mark.parametrize("strict", [False, True], ids=["waits", "strict"])
def test_a_late_answer_is_waited_for_or_missing(tmp_path, paced, strict):
    use = {"power_operator": "slow:Slow"}
    run = quick_run(write_slow(tmp_path), use=use, real_time=RealTime(FACTOR, strict))
    found, plain = tables(run), tables(paced[1])
    late = found["coordinator/late_answers.parquet"]
    slow = late[(late.period == 1) & (late.agent == "power_operator") & (late.took_s >= SLEEPS_S)]
    assert len(slow) == 1
    assert slow.activity.item() in ("solve", "relax")
    # It was asked within the period, so it is late by less than it took, and by more than the period was short of that.
    assert SLEEPS_S - PERIOD_S - EARLY_S <= slow.late_s.item() <= slow.took_s.item()
    pace = found["coordinator/pace.parquet"].set_index("period")
    assert not pace.in_time[1]
    assert pace.late_s[2] >= SLEEPS_S - PERIOD_S - EARLY_S
    assert (pace.strict == strict).all()
    if strict:
        assert pace.given_up[1]
        reason = found["coordinator/negotiations.parquet"].set_index("period").reason[1]
        assert "over before its plan was agreed, in strict real time: power_operator (" in reason
        assert set(moved(plain)) == set(range(PERIODS))
        assert moved(found) == {p: n for p, n in moved(plain).items() if not pace.given_up[p]}
    else:
        assert not pace.given_up.any()
        for name, table in plain.items():
            pd.testing.assert_frame_equal(found[name], table)


def test_where_plans_last_strict_time_ends_the_run(tmp_path):
    """The day of the small trains is negotiated in no time, but no time at all is not enough."""
    scenario = write_small_rail_scenario(tmp_path)
    with pytest.raises(FederationError, match="period 0 was over before its plan was agreed, in strict real time"):
        quick_run(scenario, real_time=RealTime(1e12, strict=True))


def test_strict_time_over_a_network_moves_nothing_either(tmp_path):
    network = {"everyone": "perfect", "classes": {"perfect": {"latency_s": 0.01}}}
    run = quick_run(write_small_scenario(tmp_path), {"network": network}, real_time=RealTime(1e12, strict=True))
    found = tables(run)
    assert found["coordinator/pace.parquet"].given_up.all()
    assert (found["coordinator/commits.parquet"].outcome == "nothing").all()
    assert moved(found) == {}


def test_the_report_says_how_the_pace_was_kept(paced):
    with_, without = map(RunTables.read, paced)
    (section,) = real_time_sections(with_)
    assert section.text[0].startswith("In real time one simulated hour takes 0.6 s; all wait for late answers. ")
    assert [row[0] for row in section.grids[-1].rows] == ["0", "1", "2"]
    assert with_.summary["real_time_factor"] == FACTOR
    assert real_time_sections(without) == ()
    assert not any(name.startswith("real_time") for name in without.summary)


def test_time_stands_while_a_run_is_held(tmp_path):
    """By a clock of the test: what the run was held counts neither as passed nor as late."""
    clock, held, rows = [100.0], [], []

    def stand():
        if held:
            clock[0] += held.pop()

    def sleep(seconds):
        clock[0] += seconds

    recorder = SimpleNamespace(record=lambda table, **row: rows.append((table, row)))
    pace = Pace(RealTime(60.0), 600.0, recorder, stand, lambda: False, lambda: clock[0], sleep)
    pace.open(0)
    assert pace.now_s == 0.0
    held.append(1000.0)
    pace.stand()
    assert pace.now_s == 0.0
    clock[0] += 3.0
    held.append(50.0)  # somebody holds the run while it waits for the next period
    pace.open(1)
    assert pace.now_s == pytest.approx(10.0)
    assert clock[0] == pytest.approx(100.0 + 1000.0 + 10.0 + 50.0)
    pace.asked(1, "solve")
    pace.watch(SimpleNamespace(asks_for_time=lambda agent: True), ["a"], 1.0, "nobody")  # nobody has heard it yet
    clock[0] += 10.5
    pace.watch(SimpleNamespace(asks_for_time=lambda agent: True), ["a"], 1.0, "its answer")
    pace.committed(given_up=False)
    assert rows[0] == (
        "late_answers",
        {"period": 1, "round": 1, "activity": "solve", "agent": "a", "took_s": 10.5, "late_s": 0.5},
    )
    assert rows[1][1]["in_time"] is False


def test_who_steps_through_a_run_does_not_wait_for_the_clock():
    clock = [0.0]
    pace = Pace(RealTime(1.0), 600.0, SimpleNamespace(record=None), held=lambda: True, clock=lambda: clock[0])
    pace.open(0)
    pace.open(1)  # would sleep for ten minutes
    assert pace.now_s == 0.0
