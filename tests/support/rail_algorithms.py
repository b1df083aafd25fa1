"""The coordinator's algorithms that know the world by rail, by the names that scenarios give them."""

from federates.coordinator.algorithms.admm import Admm
from federates.coordinator.algorithms.bundle import Bundle
from federates.coordinator.algorithms.cuts import Cuts
from federates.coordinator.algorithms.ocd import OptimalityConditionDecomposition
from federates.coordinator.algorithms.posted_price import PostedPrice

ALGORITHMS = {
    "ocd": OptimalityConditionDecomposition,
    "bundle": Bundle,
    "cuts": Cuts,
    "admm": Admm,
    "posted_price": PostedPrice,
}
