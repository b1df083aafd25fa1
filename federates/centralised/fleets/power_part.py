"""A company in the joint programme: energy that arrives is given, kept or spilled; what nobody gives is unmet.

stock[q,j] = stock[q,j-1] + due[q,j] + arriving[q,j] - given[q,j] - spilled[q,j]
given[q,j] + unmet[q,j] = need[q,j],   given[q,j] <= discharging[q]
stock[q,j] <= what has arrived within the longest wait
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from federates.centralised.fleets.parties import CompanyHour
from federates.lp.linear_model import LinearModel
from federates.lp.linear_terms import Indices
from federates.power_operator.delivery_programme import PREFERENCE_USD, PlanData


def add_company(model: LinearModel, company: CompanyHour) -> Indices:
    """Add a company; return the columns of what it asks for, at its own stations, (R', Q', H), kWh."""
    d = company.data
    shape, bins = d.cost_usd.shape, d.need_kwh.shape
    earliest = np.moveaxis(np.arange(d.cost_usd.size).reshape(shape[2], *shape[:2]), 0, 2)
    most = np.minimum(d.surplus_veh, d.charging_veh)
    asked = model.variables("asked", shape, upper=most[:, None, :], cost=d.cost_usd + PREFERENCE_USD * earliest)
    given = model.variables("given", bins, upper=np.minimum(d.need_kwh, d.discharging_kwh[:, None]))
    unmet = model.variables("unmet", bins, upper=d.need_kwh, cost=d.unmet_usd_per_kwh)
    arriving = _arriving(d)
    sent = arriving @ np.broadcast_to(most[:, None, :], shape).ravel()
    all_kwh = (d.stock_kwh + d.due_kwh.sum(axis=1) + sent.reshape(bins).sum(axis=1))[:, None]
    stock = model.variables("stock", bins, upper=all_kwh, cost=d.waiting_usd_per_kwh[:, None])
    spilled = model.variables("spilled", bins, upper=all_kwh)
    one = sp.identity(stock.size)
    before = sp.kron(sp.identity(bins[0]), sp.eye(bins[1], k=-1))
    come = d.due_kwh.copy()
    come[:, 0] += d.stock_kwh
    model.rows(
        "kept",
        [(one - before, stock.ravel()), (one, given.ravel()), (one, spilled.ravel()), (-arriving, asked.ravel())],
        lower=come.ravel(),
        upper=come.ravel(),
        shape=(stock.size,),
    )
    model.rows("met", [(1.0, given), (1.0, unmet)], lower=d.need_kwh, upper=d.need_kwh)
    lag = np.arange(bins[1])[:, None] - np.arange(bins[1])[None, :]
    lately = sp.kron(sp.identity(bins[0]), sp.csr_matrix(((lag >= 0) & (lag < d.wait_bins)).astype(np.float64)))
    model.rows(
        "longest_wait",
        [(one, stock.ravel()), (-(lately @ arriving), asked.ravel())],
        upper=lately @ d.due_kwh.ravel() + d.holdable_kwh.ravel(),
        shape=(stock.size,),
    )
    model.rows("feeders_and_spots", [(1.0, np.swapaxes(asked, 1, 2))], upper=most, shape=most.shape)
    return asked


def _arriving(d: PlanData) -> sp.csr_matrix:
    """Return what of each departure, (R' Q' H), arrives in each bin of arrival, (Q' J)."""
    (resourceful, limited, horizon), bins = d.cost_usd.shape, d.need_kwh.shape[1]
    matrix = np.zeros((limited, bins, resourceful, limited, horizon))
    for r, q, t in np.ndindex(resourceful, limited, horizon):
        first = t * d.bins
        part = d.share[r, q, : bins - first]
        matrix[q, first : first + part.size, r, q, t] = d.kwh_per_vehicle[r, q] * part
    return sp.csr_matrix(matrix.reshape(limited * bins, -1))
