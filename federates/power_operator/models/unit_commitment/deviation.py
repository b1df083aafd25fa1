"""The day as it turns out: forecast times an autoregressive error, from the session's seed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from federates.boundary.canonical import canonical
from federates.power_operator.models.unit_commitment.settings import DeviationSettings

__all__ = ["actual_profile"]

Array = NDArray[np.float64]


def actual_profile(
    forecast_mw: Array, error_share: float, settings: DeviationSettings, seed: int, stream: int, most_mw: Array | float = np.inf
) -> Array:
    """Return what really comes, shape (..., T): each row has its own relative error of first-order autoregression.

    The error has the standard deviation ``error_share`` in every period and the correlation ``persistence`` between two in a row.
    ``stream`` keeps load and renewables apart; the same seed gives the same day. Values stay between 0 and ``most_mw``.
    """
    rows = forecast_mw.reshape(-1, forecast_mw.shape[-1])
    # Drawn by logarithms now and then, whose last bits differ from processor to processor.
    shocks = canonical(np.random.default_rng((seed, stream)).standard_normal(rows.shape))
    error = np.empty_like(rows)
    fresh = np.sqrt(1.0 - settings.persistence**2)
    for t in range(rows.shape[1]):
        error[:, t] = shocks[:, t] if t == 0 else settings.persistence * error[:, t - 1] + fresh * shocks[:, t]
    actual = rows * (1.0 + error_share * error)
    return np.asarray(np.clip(actual.reshape(forecast_mw.shape), 0.0, most_mw))
