"""The model against trying every commitment, against itself without presolve, and against the independent checker."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from brute_force import cheapest_usd
from schedule_checker import check_schedule
from small_systems import planned, random_system, solved, triangle_system

from federates.lp.linear_model import LinearModel
from federates.power_operator.models.unit_commitment.commitment import LazyLines, LazyLinesOptions, add_commitment
from federates.power_operator.models.unit_commitment.schedule import schedule_of, slack_report


@pytest.mark.parametrize("seed", range(10))
def test_every_commitment_tried(seed):
    system = random_system(seed, units=2 + seed % 2, periods=4 - seed % 2, reserve=seed % 3 == 0)
    solution, schedule, _ = planned(system)
    assert solution.objective == pytest.approx(cheapest_usd(system), abs=1e-4)
    assert schedule.costs.total_usd == pytest.approx(solution.objective, abs=1e-4)
    assert check_schedule(system, schedule) == []


@pytest.mark.parametrize("seed", range(6))
def test_without_presolve(seed):
    system = random_system(seed + 100, units=5, periods=10, reserve=seed % 2 == 0)
    with_it, without = (solved(system, presolve=how)[0].objective for how in ("on", "off"))
    assert with_it == pytest.approx(without, rel=1e-6)


@pytest.mark.parametrize("seed", range(6))
def test_grid_of_three_buses(seed):
    system = triangle_system(seed)
    solution, schedule, _ = planned(system)
    assert check_schedule(system, schedule) == []
    assert schedule.costs.total_usd == pytest.approx(solution.objective, abs=1e-3)
    assert bool(slack_report(system, schedule)) == (schedule.costs.slack_usd > 1.0)
    copperplate, _ = solved(replace(system, network=None))
    assert copperplate.objective <= solution.objective + 1e-3


def test_lines_that_bind_from_the_start_or_lazily_cost_the_same():
    system = triangle_system(2)
    lazy, lines = solved(system)
    assert lines.active[0].size
    again = lines.solve(lines._solver, gap_rel=1e-7, start=lazy.values)
    assert lines.rounds == 1
    assert again.objective == pytest.approx(lazy.objective, rel=1e-6)


def test_half_hour_periods_scale():
    hourly = random_system(4, units=3, periods=4)
    halves = replace(
        hourly,
        period_h=0.5,
        load_mw=np.repeat(hourly.load_mw, 2, axis=1),
        renewables=replace(
            hourly.renewables,
            available_mw=np.repeat(hourly.renewables.available_mw, 2, axis=1),
            lower_mw=np.repeat(hourly.renewables.lower_mw, 2, axis=1),
        ),
    )
    solution, schedule, _ = planned(halves)
    assert check_schedule(halves, schedule) == []
    assert schedule.costs.total_usd == pytest.approx(solution.objective, abs=1e-4)


def _sound():
    """Return a system on a grid and its schedule, in which units start or stop."""
    system = triangle_system(0, periods=8)
    return system, planned(system)[1]


def _changed(array, place, by):
    copy = np.array(array)
    copy[place] = copy[place] + by if copy.dtype != bool else ~copy[place]
    return copy


def _with_costs(schedule, **parts):
    return replace(schedule, costs=replace(schedule.costs, **parts))


BROKEN = {
    "above the maximum": lambda s: replace(s, output_mw=_changed(s.output_mw, (0, 2), 500.0)),
    "below the minimum|while off": lambda s: replace(s, output_mw=_changed(s.output_mw, (0, 2), -s.output_mw[0, 2] + 1.0)),
    "supply and load differ": lambda s: replace(s, renewable_mw=_changed(s.renewable_mw, (0, 1), -0.5)),
    "allowed": lambda s: replace(s, renewable_mw=_changed(s.renewable_mw, (0, 1), 100.0)),
    "flow is": lambda s: replace(s, line_flow_mw=_changed(s.line_flow_mw, (1, 3), 2.0)),
    "over the limit": lambda s: replace(s, injected_mw=s.injected_mw + np.array([[300.0], [0.0], [-300.0]])),
    "start recorded": lambda s: replace(s, start=_changed(s.start, (1, 4), 0)),
    "stop recorded": lambda s: replace(s, stop=_changed(s.stop, (1, 4), 0)),
    "needed": lambda s: replace(s, on=_changed(s.on, (slice(None), slice(1, 8, 2)), 0)),
    "ramps": lambda s: replace(s, output_mw=_changed(s.output_mw, (slice(None), 5), -1000.0)),
    "reserve of": lambda s: replace(
        s, reserve_mw=np.zeros_like(s.reserve_mw), reserve_short_mw=np.zeros_like(s.reserve_short_mw)
    ),
    "production cost": lambda s: _with_costs(s, production_usd=s.costs.production_usd * 1.01),
    "start-ups cost": lambda s: _with_costs(s, start_up_usd=s.costs.start_up_usd + 1.0),
    "shut-downs cost": lambda s: _with_costs(s, shut_down_usd=s.costs.shut_down_usd + 1.0),
    "overload costs": lambda s: _with_costs(s, line_slack_usd=s.costs.line_slack_usd + 1.0),
}


def test_the_sound_schedule_passes():
    system, schedule = _sound()
    assert check_schedule(system, schedule) == []
    assert schedule.start.any() or schedule.stop.any()


@pytest.mark.parametrize("words", BROKEN)
def test_a_broken_schedule_is_caught(words):
    system, schedule = _sound()
    found = "\n".join(check_schedule(system, BROKEN[words](schedule)))
    assert any(word in found for word in words.split("|")), found


def test_ramps_and_capabilities_are_caught():
    system, schedule = _sound()
    zero = np.zeros(system.units.count)
    slow = replace(system, units=replace(system.units, ramp_up_mw_per_h=zero, ramp_down_mw_per_h=zero))
    found = "\n".join(check_schedule(slow, schedule))
    assert "ramps up" in found
    assert "ramps down" in found
    stuck = replace(system, units=replace(system.units, start_up_ramp_mw=zero, shut_down_ramp_mw=zero))
    assert any("at the start" in text or "stops from" in text for text in check_schedule(stuck, schedule))


class _Slow:
    """A solver that takes longer than it is allowed."""

    def __init__(self, solver):
        self._solver = solver

    def __getattr__(self, name):
        return getattr(self._solver, name)

    def solve(self, *, time_limit_s, **how):
        time.sleep(max(time_limit_s, 0.0) + 0.01)
        return self._solver.solve(**how)


def test_out_of_time_before_all_lines_are_in_gives_a_plan_that_pays_for_its_overload():
    system = triangle_system(2)
    model = LinearModel()
    lines = LazyLines(add_commitment(model, system), LazyLinesOptions(relaxed_first=False))
    solution = lines.solve(_Slow(model.solver()), time_limit_s=0.2)
    schedule = schedule_of(lines.commitment, lines, solution.values)
    assert solution.status == "time_limit"
    assert schedule.costs.line_slack_usd.sum() > 1.0
    assert schedule.costs.total_usd == pytest.approx(solution.objective, abs=1e-3)
    assert check_schedule(system, schedule) == []
    assert solution.bound <= solved(system)[0].objective + 1e-3


def test_stopped_by_the_caller():
    system = triangle_system(2)
    model = LinearModel()
    lines = LazyLines(add_commitment(model, system))
    seen = []
    solution = lines.solve(
        model.solver(presolve="off"), gap_rel=0.0, on_improvement=lambda found: not seen.append(found.objective)
    )
    assert solution.status in ("interrupted", "optimal")
    assert solution.bound <= solution.objective + 1e-6
