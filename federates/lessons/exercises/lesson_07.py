"""Judges of lesson 7: the timetable counted by matrix powers, one planner with all data, other cutting planes, both operators."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from federates.boundary.messages import Array
from federates.boundary.world import parse_session
from federates.lessons.exercise import Wrong, exercise
from federates.lessons.judging import as_array, as_number
from federates.lessons.material.small_railway import SmallRailway

_PERIODS = 5
_NEAR_USD, _NEAR_PERCENT = 2.0, 0.15
_MOST_PLANES, _MOST_USD = 300, 60.0
_PROVEN_USD = 5400.0


@cache
def least_cost_usd() -> float:
    """Return what the best day costs, usd: one programme with both operators' data, no prices and no days in it."""
    from federates.centralised.joint_data import JointData
    from federates.centralised.solve import solve_flow
    from federates.power_operator.models.unit_commitment.operator import UnitCommitmentOperator
    from federates.power_operator.models.unit_commitment.storage_data import storage_fleet
    from federates.transport_operator.models.time_space_network.network import build_network

    railway = SmallRailway()
    operators: dict[str, Any] = railway.operators()
    session: Any = parse_session(railway.agreement, "agreement")
    power, transport = operators["power_operator"], operators["transport_operator"]
    day = UnitCommitmentOperator.read_day(power.settings, power.folder, session)
    fleet = storage_fleet(power.settings, session, day.buses)
    data = JointData(session, day.system, fleet, build_network(transport.settings, session))
    return solve_flow(data, 1e-6, 60.0, 1).total_cost_usd


@exercise(
    "7.1",
    "hand in how many different days one train can have.",
    (
        "Count backwards: let f(t) be the ways to go on from the farm with t periods left, and g(t) from the city.",
        "A period later a train that stays is where it was, and one that leaves is at the other station.",
        "f(t) = f(t - 1) + g(t - 1), the same for g; with nothing left f = 1 and g = 0.",
    ),
)
def _routes(answer: Any) -> str:
    given = as_number(answer, "the number of days")
    # Entry (a, b) of the n-th power counts the ways from a to b in n steps.
    ways = np.linalg.matrix_power(np.ones((2, 2), dtype=np.int64), _PERIODS)
    if given != ways[0, 0]:
        every = ways[0].sum()
        raise Wrong(
            "a day must end at the farm." if given == every else "trips take one period, and a train may come and go again."
        )
    return "so two trains have some hundred days together, and ten trains in a real day more than anybody can list."


@exercise(
    "7.2",
    "hand in what the best day with one_trip costs both operators, usd.",
    (
        "railway.days has all days of both trains; railway.cost_usd(day) is what one costs.",
        "[day for day in railway.days if one_trip in day] are those in question; take the least cost of them.",
    ),
)
def _best_day(answer: Any) -> str:
    given, least = as_number(answer, "the cost"), least_cost_usd()
    if given > least + _NEAR_USD:
        raise Wrong("there is a cheaper day.")
    if given < least - _NEAR_USD:
        raise Wrong("no day costs so little: one planner with all data finds none.")
    return "one planner with all data, free to choose both trains' days, finds none that costs less."


@cache
def relaxed_bound_usd() -> float:
    """Return the most that relaxed answers can prove at any prices, usd: Kelley's cutting planes, one price for both trains."""
    from scipy.optimize import linprog

    railway, shape = SmallRailway(), (2, _PERIODS)
    planes, best, promised = list[tuple[Array, float]](), -np.inf, np.inf
    prices = np.full(shape, -10.0)
    while promised - best > _NEAR_USD and len(planes) < _MOST_PLANES:
        power, transport = railway.answers(np.stack([prices, prices]), relaxed=True)
        value = power.bound_usd + transport.bound_usd
        best = max(best, value)
        slope = (power.quantities["connection"] - transport.quantities["connection"]).sum(axis=0).ravel()
        planes.append((slope, value - float(slope @ prices.ravel())))
        # max v with v <= each plane, prices within a box: the bound that the planes still promise.
        rows = np.array([np.append(-slope, 1.0) for slope, _ in planes])
        found = linprog(
            np.append(np.zeros(prices.size), -1.0),
            A_ub=rows,
            b_ub=[offset for _, offset in planes],
            bounds=[(-_MOST_USD, _MOST_USD)] * prices.size + [(None, None)],
        )
        promised, prices = float(found.x[-1]), found.x[:-1].reshape(shape)
    return best


@exercise(
    "7.3",
    "hand in two gaps, per cent of the plan's cost: by the best bound of relaxed answers, and by that of whole answers.",
    (
        "rounds.command says of each round which question it was: relax, solve or evaluate; bound_usd is what its answers prove.",
        "The plan's cost is the last upper_bound_usd.",
        "100 * (plan - best bound) / plan, once with the largest bound of the rounds relax, once with that of the rounds solve.",
    ),
)
def _two_gaps(answer: Any) -> str:
    relaxed, whole = as_array(answer, (2,), "the two gaps").tolist()
    plan = least_cost_usd()  # the negotiation has found the best day
    gap = 100 * (plan - relaxed_bound_usd()) / plan
    if abs(100 * relaxed - gap) < _NEAR_PERCENT:
        raise Wrong("hand in per cent, not shares.")
    if abs(relaxed - gap) > _NEAR_PERCENT:
        raise Wrong(f"by the most that relaxed answers can prove, found in another way, the gap is not {relaxed:.2f} %.")
    if not -1e-6 <= whole <= _NEAR_PERCENT:
        raise Wrong(
            f"by the bounds of whole answers the gap is not {whole:.2f} %: no plan is below a bound, and more was proven."
        )
    return "relaxed answers are quick and leave a gap; a few whole ones close it."


@exercise(
    "7.4",
    f"hand in prices, an array (train, station, period), that prove that no day costs less than {_PROVEN_USD:g} usd.",
    (
        "The negotiation has found such prices. In which round was the bound largest?",
        "Take the rows of day.tables['prices'] of that round, and put them into an array by train, station and period.",
        "Trains are k1, k2, stations farm, city; the column is for_period. Prices of zero are left out of the table.",
    ),
)
def _certificate(answer: Any) -> str:
    prices = as_array(answer, (2, 2, _PERIODS), "the prices")
    bound = sum(answer.bound_usd for answer in SmallRailway().answers(prices))
    if bound < _PROVEN_USD:
        raise Wrong(f"both operators, asked at your prices, prove that no day costs less than {bound:.2f} usd.")
    return f"asked anew, both operators prove {bound:.2f} usd at your prices: a proof that anybody can repeat."
