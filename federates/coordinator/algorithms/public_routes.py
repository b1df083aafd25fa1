"""Routes of the public timetable as flows: equations (1)-(4) of Ding et al., JMPCE 2025, from where the trains are.

A train may stand without being connected, so that every 0/1 connection that either operator can mean is a route here, also one
whose trips take longer than the public timetable says.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from federates.boundary.negotiation import Index
from federates.coordinator.algorithms.rail_problem import RailProblem
from federates.lp.linear_model import LinearModel
from federates.worlds.rail.timetable import TimeSpaceNetwork, time_space_network


def add_routes(model: LinearModel, problem: RailProblem) -> Index:
    """Add one route per train to ``model``; return the columns that are 1 where a train stands connected, (K, S, H)."""
    network = time_space_network(problem.session.trip_periods, problem.shape[2])
    trains, stations = len(problem.session.trains), network.stations
    leaves = np.array([problem.ready[k] < problem.session.periods for k in range(trains)])
    arcs = model.variables("arc", (trains, network.arcs), upper=np.repeat(leaves[:, None], network.arcs, axis=1), integer=True)
    unconnected = model.variables("unconnected", (trains, network.station_arcs.size), upper=leaves[:, None], integer=True)
    ends = model.variables("end", (trains, stations), upper=_ends(problem, stations) * leaves[:, None])
    brought = _brought(network)
    waiting = brought[:, network.station_arcs.ravel()]
    last = sp.csr_matrix(
        (-np.ones(stations), ([network.node(s, network.periods) for s in range(stations)], np.arange(stations))),
        shape=(network.nodes, stations),
    )
    supply = np.zeros((trains, network.nodes))
    for k in np.flatnonzero(leaves).tolist():
        supply[k, network.node(int(problem.station[k]), int(problem.ready[k]) - problem.period)] = -1.0
    each = sp.eye(trains)
    terms = [(sp.kron(each, a), x.ravel()) for a, x in ((brought, arcs), (waiting, unconnected), (last, ends))]
    model.rows("node", terms, supply.ravel(), supply.ravel())
    return arcs[:, network.station_arcs]


def _brought(network: TimeSpaceNetwork) -> sp.csr_matrix:
    """Return what each arc brings to (1) or takes from (-1) each node, shape (N, A)."""
    numbers, ones = np.arange(network.arcs), np.ones(network.arcs)
    places = (np.concatenate([network.head, network.tail]), np.tile(numbers, 2))
    return sp.csr_matrix((np.concatenate([ones, -ones]), places), shape=(network.nodes, network.arcs))


def _ends(problem: RailProblem, stations: int) -> np.ndarray:
    """Return where each train may end the day (K, S): where the transport operator says, or anywhere if that is open."""
    allowed = np.ones((len(problem.session.trains), stations))
    for k in range(len(allowed)):
        if problem.end_is_certain(k):
            allowed[k] = np.arange(stations) == problem.end[k]
    return allowed
