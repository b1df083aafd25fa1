"""Independent check of a schedule against the data: plain loops that share no code with the model.

Hours, not periods; ramps and capabilities by cases, not by linear rows; flows from voltage angles, not from
distribution factors; costs from the curves and the hours off. What the model and this check share is the data alone.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from federates.power_operator.models.unit_commitment.network import Network
from federates.power_operator.models.unit_commitment.schedule import Schedule
from federates.power_operator.models.unit_commitment.system import PowerSystem, StartUp

Values = NDArray[np.float64]


def check_schedule(system: PowerSystem, schedule: Schedule, tolerance_mw: float = 1e-3, tolerance_usd: float = 0.01) -> list[str]:
    """Return every violation in ``schedule`` in words, none for a sound one.

    Load shed, energy spilled, missing reserve and overload count as sound as far as the schedule states and prices
    them. ``tolerance_usd`` is for the cost of a unit over the horizon.
    """
    found: list[str] = []
    for g in range(system.units.count):
        name = system.units.names[g]
        found += [f"unit {name}: {text}" for text in _events(system, schedule, g)]
        found += [f"unit {name}: {text}" for text in _run_lengths(system, schedule, g)]
        found += [f"unit {name}: {text}" for text in _outputs(system, schedule, g, tolerance_mw)]
        found += [f"unit {name}: {text}" for text in _unit_costs(system, schedule, g, tolerance_usd)]
    found += _renewables(system, schedule, tolerance_mw)
    found += _balance(system, schedule, tolerance_mw)
    found += _reserve(system, schedule, tolerance_mw)
    found += _lines(system, schedule, tolerance_mw)
    found += _slack_costs(system, schedule, tolerance_usd)
    return found


def _events(system: PowerSystem, schedule: Schedule, g: int) -> Iterator[str]:
    before = bool(system.units.initial_on_h[g] > 0)
    for t in range(system.periods):
        now = bool(schedule.on[g, t])
        if bool(schedule.start[g, t]) != (now and not before):
            yield f"period {t}: the start recorded does not match on and off"
        if bool(schedule.stop[g, t]) != (before and not now):
            yield f"period {t}: the stop recorded does not match on and off"
        if system.units.must_run[g] and not now:
            yield f"period {t}: must run but is off"
        before = now


def _run_lengths(system: PowerSystem, schedule: Schedule, g: int) -> Iterator[str]:
    units = system.units
    state, hours = bool(units.initial_on_h[g] > 0), float(abs(units.initial_on_h[g]))
    for t in range(system.periods):
        now = bool(schedule.on[g, t])
        if now != state:
            needed = float(units.min_up_h[g] if state else units.min_down_h[g])
            if hours < needed - 1e-6:
                yield f"period {t}: was {'on' if state else 'off'} for {hours:g} h, at least {needed:g} h needed"
            state, hours = now, 0.0
        hours += system.period_h


def _outputs(system: PowerSystem, schedule: Schedule, g: int, tolerance: float) -> Iterator[str]:
    units = system.units
    was_on, before = bool(units.initial_on_h[g] > 0), float(units.initial_output_mw[g])
    rise, fall = float(units.ramp_up_mw_per_h[g]) * system.period_h, float(units.ramp_down_mw_per_h[g]) * system.period_h
    for t in range(system.periods):
        on, output = bool(schedule.on[g, t]), float(schedule.output_mw[g, t])
        highest = output + float(schedule.reserve_mw[g, t])
        yield from (f"period {t}: {text}" for text in _range(system, g, on, output, highest, tolerance))
        if on and not was_on and highest > units.start_up_ramp_mw[g] + tolerance:
            yield f"period {t}: {highest:.3f} MW at the start, at most {units.start_up_ramp_mw[g]:g} MW"
        if was_on and not on and before > units.shut_down_ramp_mw[g] + tolerance:
            yield f"period {t}: stops from {before:.3f} MW, at most {units.shut_down_ramp_mw[g]:g} MW"
        if on and was_on and highest - _output_before(schedule, system, g, t) > rise + tolerance:
            yield f"period {t}: ramps up more than {rise:g} MW"
        if on and was_on and _output_before(schedule, system, g, t) - output > fall + tolerance:
            yield f"period {t}: ramps down more than {fall:g} MW"
        was_on, before = on, highest


def _output_before(schedule: Schedule, system: PowerSystem, g: int, t: int) -> float:
    """Return the output of a unit in the period before ``t``."""
    return float(system.units.initial_output_mw[g] if t == 0 else schedule.output_mw[g, t - 1])


def _range(system: PowerSystem, g: int, on: bool, output: float, highest: float, tolerance: float) -> Iterator[str]:
    low, high = float(system.units.p_min_mw[g]), float(system.units.p_max_mw[g])
    if not on and abs(highest) > tolerance:
        yield f"{highest:.3f} MW while off"
    if on and output < low - tolerance:
        yield f"{output:.3f} MW is below the minimum of {low:g} MW"
    if on and highest > high + tolerance:
        yield f"{highest:.3f} MW with reserve is above the maximum of {high:g} MW"
    if highest - output < -tolerance:
        yield f"reserve of {highest - output:.3f} MW is negative"


def _unit_costs(system: PowerSystem, schedule: Schedule, g: int, tolerance: float) -> Iterator[str]:
    units, costs, curve = system.units, schedule.costs, system.units.cost_curves[g]
    production = start_up = shut_down = 0.0
    was_on, hours_off = bool(units.initial_on_h[g] > 0), float(max(-units.initial_on_h[g], 0.0))
    for t in range(system.periods):
        on = bool(schedule.on[g, t])
        if on:
            production += _cost_on_curve(curve.mw, curve.usd_per_h, float(schedule.output_mw[g, t])) * system.period_h
        if on and not was_on:
            start_up += _start_up_cost(units.start_up[g], hours_off)
        if was_on and not on:
            shut_down += float(units.shut_down_usd[g])
        hours_off = 0.0 if on else hours_off + system.period_h
        was_on = on
    for kind, mine, stated in (
        ("production", production, costs.production_usd[g]),
        ("start-ups", start_up, costs.start_up_usd[g]),
        ("shut-downs", shut_down, costs.shut_down_usd[g]),
    ):
        if abs(mine - float(stated.sum())) > tolerance + 1e-7 * abs(mine):
            yield f"{kind} cost {mine:.2f} USD, {float(stated.sum()):.2f} USD stated"


def _cost_on_curve(mw: Values, usd_per_h: Values, output_mw: float) -> float:
    if len(mw) == 1:
        return float(usd_per_h[0])
    s = 0
    while s < len(mw) - 2 and output_mw > mw[s + 1]:
        s += 1
    return float(usd_per_h[s] + (usd_per_h[s + 1] - usd_per_h[s]) / (mw[s + 1] - mw[s]) * (output_mw - mw[s]))


def _start_up_cost(start_up: StartUp, hours_off: float) -> float:
    cost = float(start_up.cost_usd[0])
    for lag_h, category_usd in zip(start_up.lag_h, start_up.cost_usd, strict=True):
        if hours_off >= lag_h - 1e-6:
            cost = float(category_usd)
    return cost


def _renewables(system: PowerSystem, schedule: Schedule, tolerance: float) -> Iterator[str]:
    data = system.renewables
    for w in range(len(data.names)):
        for t in range(system.periods):
            used = float(schedule.renewable_mw[w, t])
            if not data.lower_mw[w, t] - tolerance <= used <= data.available_mw[w, t] + tolerance:
                allowed = f"{data.lower_mw[w, t]:g} to {data.available_mw[w, t]:g} MW"
                yield f"renewable {data.names[w]}: period {t}: {used:.3f} MW, {allowed} allowed"


def _balance(system: PowerSystem, schedule: Schedule, tolerance: float) -> Iterator[str]:
    for t in range(system.periods):
        supply = sum(float(part[:, t].sum()) for part in (schedule.output_mw, schedule.renewable_mw, schedule.injected_mw))
        shed, spill, load = float(schedule.shed_mw[t]), float(schedule.spill_mw[t]), float(system.load_mw[:, t].sum())
        if min(shed, spill) < -tolerance:
            yield f"period {t}: load shed or energy spilled is negative"
        if abs(supply + shed - spill - load) > tolerance:
            yield f"period {t}: supply and load differ by {supply + shed - spill - load:.3f} MW"


def _reserve(system: PowerSystem, schedule: Schedule, tolerance: float) -> Iterator[str]:
    if system.reserve_mw is None:
        return
    for t in range(system.periods):
        held = float(schedule.reserve_mw[:, t].sum() + schedule.reserve_short_mw[t])
        if held < system.reserve_mw[t] - tolerance:
            yield f"period {t}: reserve of {held:.3f} MW, {system.reserve_mw[t]:g} MW required"


def _lines(system: PowerSystem, schedule: Schedule, tolerance: float) -> Iterator[str]:
    network = system.network
    if network is None:
        return
    for t in range(system.periods):
        injection = _injection(system, schedule, t)
        flow = _flows_by_angles(network, injection)
        slip = tolerance + 1e-6 * float(np.abs(injection).sum())  # what the dropped distribution factors may move
        for line in range(len(network.ids)):
            name = f"period {t}: line {network.ids[line]}"
            if abs(flow[line] - schedule.line_flow_mw[line, t]) > slip:
                yield f"{name}: flow is {flow[line]:.3f} MW, {schedule.line_flow_mw[line, t]:.3f} MW stated"
            if abs(flow[line]) > network.limits_mw[line] + schedule.line_slack_mw[line, t] + slip:
                yield f"{name}: flow of {flow[line]:.3f} MW is over the limit of {network.limits_mw[line]:g} MW"


def _injection(system: PowerSystem, schedule: Schedule, t: int) -> Values:
    total = float(system.load_mw[:, t].sum())
    net: Values = schedule.injected_mw[:, t] - system.load_mw[:, t]
    for b in range(len(system.buses)):
        share = float(system.load_mw[b, t]) / total if total > 0 else 1.0 / len(system.buses)
        net[b] += share * float(schedule.shed_mw[t] - schedule.spill_mw[t])
    for g, b in enumerate(system.units.bus):
        net[b] += schedule.output_mw[g, t]
    for w, b in enumerate(system.renewables.bus):
        net[b] += schedule.renewable_mw[w, t]
    return net


def _flows_by_angles(network: Network, injection_mw: Values) -> Values:
    buses = len(injection_mw)
    nodal, driven = np.zeros((buses, buses)), np.array(injection_mw)
    shift = np.zeros(len(network.ids)) if network.shift_rad is None else network.shift_rad
    for line, (a, b) in enumerate(zip(network.from_bus, network.to_bus, strict=True)):
        y = network.susceptance_mw_per_rad[line]
        nodal[a, a] += y
        nodal[b, b] += y
        nodal[a, b] -= y
        nodal[b, a] -= y
        driven[a] += y * shift[line]
        driven[b] -= y * shift[line]
    angle = np.zeros(buses)
    angle[:-1] = np.linalg.solve(nodal[:-1, :-1], driven[:-1])  # the last bus is the reference here
    difference = angle[network.from_bus] - angle[network.to_bus] - shift
    return np.asarray(network.susceptance_mw_per_rad * difference)


def _slack_costs(system: PowerSystem, schedule: Schedule, tolerance: float) -> Iterator[str]:
    costs, hours = schedule.costs, system.period_h
    for kind, amount_mw, price, stated in (
        ("load shed", schedule.shed_mw, system.shed_price_usd_per_mwh, costs.shed_usd),
        ("energy spilled", schedule.spill_mw, system.spill_price_usd_per_mwh, costs.spill_usd),
        ("missing reserve", schedule.reserve_short_mw, system.reserve_slack_price_usd_per_mwh, costs.reserve_slack_usd),
    ):
        mine = float(amount_mw.sum()) * price * hours
        if abs(mine - float(stated.sum())) > tolerance + 1e-7 * abs(mine):
            yield f"{kind} costs {mine:.2f} USD, {float(stated.sum()):.2f} USD stated"
    overload = 0.0
    for line in range(schedule.line_slack_mw.shape[0]):
        network = system.network
        own = network.slack_price_usd_per_mwh if network is not None else None
        price = system.line_slack_price_usd_per_mwh if own is None else float(own[line])
        overload += float(schedule.line_slack_mw[line].sum()) * price * hours
    if abs(overload - float(costs.line_slack_usd.sum())) > tolerance + 1e-7 * overload:
        yield f"overload costs {overload:.2f} USD, {float(costs.line_slack_usd.sum()):.2f} USD stated"
