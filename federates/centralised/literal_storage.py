"""Storage stations and trains as published: equations (1)-(25) of Ding et al., JMPCE 2025, in Pyomo."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyomo.environ as pyo

from federates.centralised.joint_data import JointData


def add_trains(model: Any, data: JointData) -> None:
    """Add (1)-(4), closed tracks and station slots; x[k, a] is one where train k is on arc a."""
    rail = data.rail
    model.transport_usd = pyo.Expression(expr=0.0)
    if rail is None:
        model.x = None
        return
    tsn = rail.tsn
    arcs = [int(a) for a in np.flatnonzero(rail.open_arcs)]
    model.A = pyo.Set(initialize=arcs)
    model.x = pyo.Var(model.K, model.A, domain=pyo.Binary)
    under_way = {t: [a for a in arcs if tsn.start[a] <= t < tsn.end[a]] for t in model.T}
    model.eq1 = pyo.Constraint(model.K, model.T, rule=lambda m, k, t: sum(m.x[k, a] for a in under_way[t]) == 1)
    nodes = [(s, t) for s in range(tsn.stations) for t in range(1, tsn.periods)]
    enters = {node: [a for a in arcs if (tsn.destination[a], tsn.end[a]) == node] for node in nodes}
    leaves = {node: [a for a in arcs if (tsn.origin[a], tsn.start[a]) == node] for node in nodes}
    model.eq2 = pyo.Constraint(
        model.K,
        nodes,
        rule=lambda m, k, s, t: (
            sum(m.x[k, a] for a in enters[s, t]) == sum(m.x[k, a] for a in leaves[s, t])
            if enters[s, t] or leaves[s, t]
            else pyo.Constraint.Skip
        ),
    )
    first = {k: [a for a in arcs if tsn.start[a] == 0 and tsn.origin[a] == rail.start[k]] for k in model.K}
    last = {k: [a for a in arcs if tsn.end[a] == tsn.periods and tsn.destination[a] == rail.end[k]] for k in model.K}
    model.eq3 = pyo.Constraint(model.K, rule=lambda m, k: sum(m.x[k, a] for a in first[k]) == 1)
    model.eq4 = pyo.Constraint(model.K, rule=lambda m, k: sum(m.x[k, a] for a in last[k]) == 1)
    if (rail.slots < len(data.session.trains)).any():
        model.slots = pyo.Constraint(
            model.S, model.T, rule=lambda m, s, t: sum(_standing(m, data, k, s, t) for k in m.K) <= int(rail.slots[s, t])
        )
    model.transport_usd.expr = sum(float(rail.cost_usd[k, a]) * model.x[k, a] for k in model.K for a in arcs)


def _standing(model: Any, data: JointData, k: int, s: int, t: int) -> Any:
    """Return I[k, s, t], the station arc of s at t."""
    assert data.rail is not None
    arc = int(data.rail.tsn.station_arcs[s, t])
    return model.x[k, arc] if data.rail.open_arcs[arc] else 0.0


def add_stations(model: Any, data: JointData) -> None:
    """Add (5)-(15) and the end states of stations."""
    fleet, last = data.fleet, data.system.periods - 1
    hours, beta = data.system.period_h, fleet.duration_h
    most_mw, most_mwh = fleet.capacity_mw, fleet.energy_mwh
    model.c = pyo.Var(model.S, model.T, bounds=lambda m, s, t: (0, float(most_mw[s])))  # (6)
    model.e = pyo.Var(model.S, model.T, bounds=lambda m, s, t: (0, float(most_mwh[s])))  # (10)
    model.c_in, model.c_out = (pyo.Var(model.S, model.T, bounds=lambda m, s, t: (0, float(most_mw[s]))) for _ in range(2))
    model.e_in, model.e_out = (pyo.Var(model.S, model.T, bounds=lambda m, s, t: (0, float(most_mwh[s]))) for _ in range(2))
    model.p_ch, model.p_dis = (pyo.Var(model.S, model.T, domain=pyo.NonNegativeReals) for _ in range(2))
    model.u_ch, model.u_dis = (pyo.Var(model.S, model.T, domain=pyo.Binary) for _ in range(2))

    def before(state: Any, start: Any, s: int, t: int) -> Any:
        return state[s, t - 1] if t > 0 else float(start[s])

    model.eq5 = pyo.Constraint(
        model.S,
        model.T,
        rule=lambda m, s, t: m.c[s, t] == before(m.c, fleet.start_capacity_mw, s, t) + m.c_in[s, t] - m.c_out[s, t],
    )
    model.eq9 = pyo.Constraint(
        model.S,
        model.T,
        rule=lambda m, s, t: (
            m.e[s, t]
            == before(m.e, fleet.start_energy_mwh, s, t)
            + m.e_in[s, t]
            - m.e_out[s, t]
            + (fleet.charge_efficiency * m.p_ch[s, t] - m.p_dis[s, t] / fleet.discharge_efficiency) * hours
        ),
    )
    model.eq10 = pyo.Constraint(model.S, model.T, rule=lambda m, s, t: m.e[s, t] <= beta * m.c[s, t])
    model.eq13 = pyo.Constraint(model.S, model.T, rule=lambda m, s, t: m.p_ch[s, t] <= m.c[s, t])
    model.eq14 = pyo.Constraint(model.S, model.T, rule=lambda m, s, t: m.p_dis[s, t] <= m.c[s, t])
    model.eq15 = pyo.Constraint(model.S, model.T, rule=lambda m, s, t: m.u_ch[s, t] + m.u_dis[s, t] <= 1)
    model.eq15_ch = pyo.Constraint(model.S, model.T, rule=lambda m, s, t: m.p_ch[s, t] <= float(most_mw[s]) * m.u_ch[s, t])
    model.eq15_dis = pyo.Constraint(model.S, model.T, rule=lambda m, s, t: m.p_dis[s, t] <= float(most_mw[s]) * m.u_dis[s, t])
    model.end_c = pyo.Constraint(model.S, rule=lambda m, s: m.c[s, last] == float(fleet.end_capacity_mw[s]))
    model.end_e = pyo.Constraint(model.S, rule=lambda m, s: m.e[s, last] == float(fleet.end_energy_mwh[s]))


def add_exchange(model: Any, data: JointData) -> None:
    """Add (16)-(25) and the end states of trains."""
    fleet, last = data.fleet, data.system.periods - 1
    if data.rail is None:
        model.fixed = pyo.Constraint(
            model.S,
            model.T,
            rule=lambda m, s, t: m.c_in[s, t] + m.c_out[s, t] + m.e_in[s, t] + m.e_out[s, t] == 0,
        )
        return
    loads = (
        ("c", fleet.train_capacity_mw, fleet.train_start_capacity_mw, fleet.train_end_capacity_mw),
        ("e", fleet.train_energy_mwh, fleet.train_start_energy_mwh, fleet.train_end_energy_mwh),
    )
    for name, most, start, end in loads:
        _add_load(model, data, name, most, start, end, last)
    model.eq21 = pyo.Constraint(model.K, model.T, rule=lambda m, k, t: m.train_e[k, t] <= fleet.duration_h * m.train_c[k, t])


def _add_load(model: Any, data: JointData, name: str, most: Any, start: Any, end: Any, last: int) -> None:
    """Add one kind of load, c or e: (16)-(20), (22)-(25)."""
    state = pyo.Var(model.K, model.T, bounds=lambda m, k, t: (0, float(most[k])))  # (17), (21)
    into, out = (pyo.Var(model.K, model.S, model.T, domain=pyo.NonNegativeReals) for _ in range(2))
    model.add_component(f"train_{name}", state)
    model.add_component(f"train_{name}_in", into)
    model.add_component(f"train_{name}_out", out)

    def balance(m: Any, k: int, t: int) -> Any:
        before = state[k, t - 1] if t > 0 else float(start[k])
        return state[k, t] == before + sum(into[k, s, t] - out[k, s, t] for s in m.S)

    def limit(exchange: Any) -> Any:
        return lambda m, k, s, t: exchange[k, s, t] <= float(most[k]) * _standing(m, data, k, s, t)

    station_in, station_out = getattr(model, f"{name}_in"), getattr(model, f"{name}_out")
    model.add_component(f"eq16_20_{name}", pyo.Constraint(model.K, model.T, rule=balance))
    model.add_component(f"eq18_22_{name}", pyo.Constraint(model.K, model.S, model.T, rule=limit(into)))
    model.add_component(f"eq19_23_{name}", pyo.Constraint(model.K, model.S, model.T, rule=limit(out)))
    model.add_component(
        f"eq24_25_{name}_in",
        pyo.Constraint(model.S, model.T, rule=lambda m, s, t: station_in[s, t] == sum(out[k, s, t] for k in m.K)),
    )
    model.add_component(
        f"eq24_25_{name}_out",
        pyo.Constraint(model.S, model.T, rule=lambda m, s, t: station_out[s, t] == sum(into[k, s, t] for k in m.K)),
    )
    model.add_component(f"end_train_{name}", pyo.Constraint(model.K, rule=lambda m, k: state[k, last] == float(end[k])))
