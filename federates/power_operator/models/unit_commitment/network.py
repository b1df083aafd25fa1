"""Grid of lines in the DC approximation and its power transfer distribution factors (PTDF)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu

from federates.boundary.canonical import canonical
from federates.boundary.errors import ModelError
from federates.lp.arithmetic import product

Values = NDArray[np.float64]
Indices = NDArray[np.int64]
Convention = Literal["x_tap", "series"]

PTDF_CUTOFF = 1e-6  # smaller factors are dropped: 1 GW at a bus then moves a line's flow by less than 1 kW


@dataclass(frozen=True, slots=True)
class Network:
    """Lines of a grid; every array has shape (L,).

    ``susceptance_mw_per_rad`` is the susceptance times the base power; ``limits_mw`` may be infinite;
    ``shift_rad`` is the angle of a phase shifter; ``slack_price_usd_per_mwh`` replaces the system's price of
    overload per line.
    """

    ids: tuple[str, ...]
    from_bus: Indices
    to_bus: Indices
    susceptance_mw_per_rad: Values
    limits_mw: Values
    shift_rad: Values | None = None
    slack_price_usd_per_mwh: Values | None = None

    def incidence(self, buses: int) -> sp.csr_matrix:
        """Return the line-bus incidence matrix, (L, B): +1 at the from bus, -1 at the to bus."""
        line = np.arange(len(self.ids))
        rows, columns = np.concatenate([line, line]), np.concatenate([self.from_bus, self.to_bus])
        signs = np.concatenate([np.ones(line.size), -np.ones(line.size)])
        return sp.csr_matrix((signs, (rows, columns)), shape=(line.size, buses))


def susceptance(r_pu: Values, x_pu: Values, tap: Values, convention: Convention) -> Values:
    """Return line susceptances in p.u., shape (L,).

    ``x_tap`` is 1 / (x tap), as MATPOWER has it (Zimmerman et al. 2011, doi:10.1109/TPWRS.2010.2051168);
    ``series`` is x / (r^2 + x^2) without taps, as the DC results of pglib-opf and PowerModels have it.
    A tap of 0 stands for 1.
    """
    if convention == "series":
        return x_pu / (r_pu**2 + x_pu**2)
    return 1.0 / (x_pu * np.where(tap == 0, 1.0, tap))


def islands(network: Network, buses: int) -> Indices:
    """Return the number of the connected part that each bus belongs to, shape (B,)."""
    live = network.susceptance_mw_per_rad != 0
    ends = (network.from_bus[live], network.to_bus[live])
    graph = sp.csr_matrix((np.ones(int(live.sum())), ends), shape=(buses, buses))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def ptdf(network: Network, buses: int, reference: int = 0) -> Values:
    """Return the PTDF matrix, (L, B): MW on a line per MW injected at a bus and taken out at ``reference``.

    H = B_f B^-1 (Zimmerman et al. 2011, MATPOWER User's Manual, DC modelling); factors under `PTDF_CUTOFF` are zero.
    Rounded to twelve digits: the last bits of a factorisation differ from processor to processor.

    Raises
    ------
    ModelError : the grid is not connected.
    """
    parts = islands(network, buses)
    if parts.size and parts.max() > 0:
        apart = np.flatnonzero(parts != parts[reference])
        raise ModelError(f"the grid is not connected: bus {int(apart[0])} (of {apart.size}) has no line to bus {reference}")
    incidence = network.incidence(buses)
    flow = sp.diags(network.susceptance_mw_per_rad) @ incidence
    kept = np.flatnonzero(np.arange(buses) != reference)
    factors = np.zeros((len(network.ids), buses))
    if kept.size:
        nodal = (incidence.T @ flow).tocsc()[kept][:, kept]
        # H B = B_f with B symmetric, so that H' = B^-1 B_f'
        factors[:, kept] = canonical(splu(nodal.tocsc()).solve(flow[:, kept].T.toarray()).T)
    factors[np.abs(factors) < PTDF_CUTOFF] = 0.0
    return factors


def shift_flow_mw(network: Network, factors: Values) -> Values:
    """Return the flow that the phase shifters drive by themselves, (L,); ``factors`` is the PTDF matrix."""
    if network.shift_rad is None or not network.shift_rad.any():
        return np.zeros(len(network.ids))
    driven = network.susceptance_mw_per_rad * network.shift_rad
    return np.asarray(product(factors, network.incidence(factors.shape[1]).T @ driven) - driven)
