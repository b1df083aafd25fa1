"""The whole problem as published, equation by equation, in Pyomo: to read, to teach with, and to measure the tight form by.

Equations (1)-(36) of Ding et al., JMPCE 2025, DOI 10.35833/MPCE.2023.000976. Constraint names carry the paper's numbers. Every
train is a train of its own, its exchange is limited by ``c_max I[k, s, t]``, and every line limit stands in the model from the
start. Nothing is shared with the tight form but the data.

Deviations from the source: costs are the same piecewise-linear curves and cycling the same tie-break as in the tight form, so
that both have one optimum. There are no priced slacks: an infeasible day is infeasible here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyomo.environ as pyo

from federates.boundary.errors import ModelError
from federates.centralised.joint_data import JointData
from federates.centralised.literal_storage import add_exchange, add_stations, add_trains
from federates.lp.arithmetic import product
from federates.power_operator.models.unit_commitment.network import ptdf, shift_flow_mw
from federates.power_operator.models.unit_commitment.system import PowerSystem


def build_literal_model(data: JointData) -> Any:
    """Return the Pyomo model of the day.

    Raises
    ------
    ModelError : a unit has start-up categories, of which the paper knows one.
    """
    system = data.system
    model = pyo.ConcreteModel(name=data.session.name)
    model.T = pyo.RangeSet(0, system.periods - 1)
    model.G = pyo.RangeSet(0, system.units.count - 1)
    model.W = pyo.RangeSet(0, len(system.renewables.names) - 1)
    model.S = pyo.RangeSet(0, len(data.fleet.stations) - 1)
    model.K = pyo.RangeSet(0, (len(data.fleet.trains) if data.rail is not None else 0) - 1)
    add_units(model, system)
    add_trains(model, data)
    add_stations(model, data)
    add_exchange(model, data)
    add_balance(model, data)
    add_lines(model, data)
    hours = system.period_h
    cycling_usd = data.fleet.throughput_usd_per_mwh * hours * sum(model.p_ch[i] + model.p_dis[i] for i in model.p_ch)
    # (26)
    model.cost = pyo.Objective(expr=model.thermal_usd + model.transport_usd + cycling_usd)
    return model


def add_units(model: Any, system: PowerSystem) -> None:
    """Add (27)-(32) with the piecewise-linear F_g."""
    units, hours = system.units, system.period_h
    if any(len(start_up.cost_usd) != 1 for start_up in units.start_up):
        raise ModelError("the literal formulation has one start-up cost per unit; use the flow formulation")
    model.u, model.y, model.z = (pyo.Var(model.G, model.T, domain=pyo.Binary) for _ in range(3))
    model.p = pyo.Var(model.G, model.T, domain=pyo.NonNegativeReals)
    segments = [(g, i) for g in model.G for i in range(len(units.cost_curves[g].widths_mw))]
    model.segment = pyo.Var(segments, model.T, domain=pyo.NonNegativeReals)
    widths = {(g, i): units.cost_curves[g].widths_mw[i] for g, i in segments}
    slopes = {(g, i): units.cost_curves[g].slopes_usd_per_mwh[i] for g, i in segments}
    count = {g: len(units.cost_curves[g].widths_mw) for g in model.G}
    model.eq27 = pyo.Constraint(
        model.G,
        model.T,
        rule=lambda m, g, t: m.p[g, t] == units.p_min_mw[g] * m.u[g, t] + sum(m.segment[g, i, t] for i in range(count[g])),
    )
    model.eq27_segment = pyo.Constraint(segments, model.T, rule=lambda m, g, i, t: m.segment[g, i, t] <= widths[g, i] * m.u[g, t])
    _add_ramps(model, system)
    _add_times(model, system)
    running_usd = sum(units.cost_curves[g].usd_per_h[0] * model.u[g, t] for g in model.G for t in model.T)
    extra_usd = sum(slopes[g, i] * model.segment[g, i, t] for g, i in segments for t in model.T)
    starts_usd = sum(units.start_up[g].cost_usd[0] * model.y[g, t] for g in model.G for t in model.T)
    stops_usd = sum(units.shut_down_usd[g] * model.z[g, t] for g in model.G for t in model.T)
    model.thermal_usd = pyo.Expression(expr=hours * (running_usd + extra_usd) + starts_usd + stops_usd)


def _before(model: Any, system: PowerSystem, g: int, t: int) -> tuple[Any, Any]:
    """Return commitment and output one period earlier: the initial state before the first."""
    if t > 0:
        return model.u[g, t - 1], model.p[g, t - 1]
    on = bool(system.units.initially_on[g])
    return float(on), float(system.units.initial_output_mw[g]) if on else 0.0


def _add_ramps(model: Any, system: PowerSystem) -> None:
    units, hours = system.units, system.period_h
    first_mw = np.clip(units.start_up_ramp_mw, units.p_min_mw, units.p_max_mw)
    last_mw = np.clip(units.shut_down_ramp_mw, units.p_min_mw, units.p_max_mw)

    def up(m: Any, g: int, t: int) -> Any:
        on, output = _before(m, system, g, t)
        return m.p[g, t] - output <= units.ramp_up_mw_per_h[g] * hours * on + first_mw[g] * m.y[g, t]

    def down(m: Any, g: int, t: int) -> Any:
        _, output = _before(m, system, g, t)
        return output - m.p[g, t] <= units.ramp_down_mw_per_h[g] * hours * m.u[g, t] + last_mw[g] * m.z[g, t]

    model.eq28 = pyo.Constraint(model.G, model.T, rule=up)
    model.eq29 = pyo.Constraint(model.G, model.T, rule=down)


def _add_times(model: Any, system: PowerSystem) -> None:
    units = system.units
    least_on, least_off = (np.maximum(system.whole_periods(h), 1) for h in (units.min_up_h, units.min_down_h))
    held = np.maximum(np.floor(np.abs(units.initial_on_h) / system.period_h + 1e-9), 1).astype(int)
    on = units.initially_on
    model.eq30 = pyo.Constraint(
        model.G,
        model.T,
        rule=lambda m, g, t: sum(m.y[g, i] for i in range(max(0, t - least_on[g] + 1), t + 1)) <= m.u[g, t],
    )
    model.eq31 = pyo.Constraint(
        model.G,
        model.T,
        rule=lambda m, g, t: sum(m.z[g, i] for i in range(max(0, t - least_off[g] + 1), t + 1)) <= 1 - m.u[g, t],
    )
    model.eq32 = pyo.Constraint(
        model.G, model.T, rule=lambda m, g, t: m.u[g, t] - _before(m, system, g, t)[0] == m.y[g, t] - m.z[g, t]
    )
    for g in model.G:
        stays = (least_on if on[g] else least_off)[g] - held[g]
        for t in range(max(0, min(int(stays), system.periods))):
            model.u[g, t].fix(1 if on[g] else 0)


def add_balance(model: Any, data: JointData) -> None:
    """Add (33)-(34)."""
    system = data.system
    renewables = system.renewables
    model.p_w = pyo.Var(
        model.W, model.T, bounds=lambda m, w, t: (float(renewables.lower_mw[w, t]), float(renewables.available_mw[w, t]))
    )
    load_mw = system.total_load_mw
    model.eq34 = pyo.Constraint(
        model.T,
        rule=lambda m, t: (
            sum(m.p[g, t] for g in m.G) + sum(m.p_w[w, t] for w in m.W) + sum(m.p_dis[s, t] - m.p_ch[s, t] for s in m.S)
            == float(load_mw[t])
        ),
    )


def add_lines(model: Any, data: JointData) -> None:
    """Add (35)-(36) for every line with a limit, all periods."""
    system, fleet = data.system, data.fleet
    network = system.network
    if network is None:
        return
    factors = ptdf(network, len(system.buses))
    constant_mw = shift_flow_mw(network, factors)[:, None] - product(factors, system.load_mw)
    limited = [line for line in range(len(network.ids)) if np.isfinite(network.limits_mw[line])]

    def flow(m: Any, line: int, t: int) -> Any:
        h = factors[line]
        terms = [h[bus] * m.p[g, t] for g, bus in enumerate(system.units.bus) if h[bus] != 0]
        terms += [h[bus] * m.p_w[w, t] for w, bus in enumerate(system.renewables.bus) if h[bus] != 0]
        terms += [h[bus] * (m.p_dis[s, t] - m.p_ch[s, t]) for s, bus in enumerate(fleet.bus) if h[bus] != 0]
        if not terms:
            return pyo.Constraint.Skip
        limit_mw = float(network.limits_mw[line])
        return pyo.inequality(-limit_mw - constant_mw[line, t], sum(terms), limit_mw - constant_mw[line, t])

    model.eq35_36 = pyo.Constraint(limited, model.T, rule=flow)
