"""Time of the assignments: Sioux Falls from nothing, and the Los Angeles joint graph over the whole horizon.

Run ``python benchmarks/assignment.py``; one core is enough (set OPENBLAS_NUM_THREADS=1 for steady figures). Times
are the process's own CPU time, the least of a few repeats. The targets are those this package was built to.
"""

from __future__ import annotations

import importlib.util
import time
from pathlib import Path

import numpy as np

from federates.boundary.config import parse_config, read_yaml
from federates.transport_operator.models.joint_graph.operator import JointGraphOperator
from federates.worlds.road.messages import Gate
from federates.worlds.road.session import RoadSession

ROOT = Path(__file__).parents[1]
GATE = Gate(np.array([460.0, 470.0, 700.0, 690.0]), np.array([26.0, 20.0, 17.0, 17.0]))


class Silent:
    """A recorder that drops everything."""

    def record(self, table: str, **row: object) -> None:
        """Drop."""

    def progress(self, **fields: object) -> None:
        """Drop."""


def sioux_falls():
    path = ROOT / "tests" / "verification" / "test_transport_sioux_falls.py"
    spec = importlib.util.spec_from_file_location("sioux_falls", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def cpu_s(work, repeats=3):
    best, result = np.inf, None
    for _ in range(repeats):
        start = time.process_time()
        result = work()
        best = min(best, time.process_time() - start)
    return best, result


def network_rows():
    module = sioux_falls()
    network = module.SiouxFalls()
    for name, optimum in (("user equilibrium", False), ("system optimum", True)):
        law = module.Bpr(network.free, network.capacity, optimum)
        for gap in (1e-4, 1e-6, 1e-8):
            seconds, (result, paths) = cpu_s(lambda law=law, gap=gap: network.solve(law, gap))
            extra = f"{result.iterations} rounds, {sum(map(len, paths.paths))} paths, objective {result.objective[0]:.2f}"
            yield f"Sioux Falls {name}", gap, seconds, 2.0, extra


def los_angeles_operator(gap):
    scenario = ROOT / "scenarios" / "la_gcs"
    session = parse_config(read_yaml(scenario / "scenario.yaml"), RoadSession, "scenario.yaml")
    raw = read_yaml(scenario / "transport_operator" / "config.yaml")["settings"] | {"gap_tolerance": gap}
    settings = parse_config(raw, JointGraphOperator.Settings, "config.yaml")
    operator = JointGraphOperator(settings, scenario / "transport_operator")
    operator.begin(session, Silent())
    operator.open_period(15, None)
    return operator


def los_angeles_rows(calls=100):
    for gap in (1e-9, 1e-10):
        operator, rng = los_angeles_operator(gap), np.random.default_rng(0)
        rewards = rng.uniform(5, 35, (calls, 2, 2, 4))

        def cold(operator=operator, rewards=rewards):
            for reward in rewards:
                operator._planner.forget()
                operator.solve({"delivery": reward}, {"gate": GATE})

        walk = rewards[0] + np.cumsum(rng.normal(0, 0.5, rewards.shape), axis=0)

        def warm(operator=operator, walk=walk):
            for reward in walk:
                operator.solve({"delivery": reward}, {"gate": GATE})

        def given(operator=operator, rewards=rewards):
            for reward in rewards:
                operator.evaluate({"delivery": reward}, {"gate": GATE})

        yield "Los Angeles solve, 4 periods, from nothing", gap, cpu_s(cold)[0] / calls, 0.020, "mean of 100"
        yield "Los Angeles solve, 4 periods, next round", gap, cpu_s(warm)[0] / calls, 0.020, "mean of 100"
        yield "Los Angeles evaluate, 4 periods", gap, cpu_s(given)[0] / calls, 0.010, "mean of 100"


def main():
    print(f"{'problem':<44}{'gap':>8}{'CPU ms':>10}{'target ms':>11}{'ratio':>8}  note")
    for name, gap, seconds, target, note in [*network_rows(), *los_angeles_rows()]:
        print(f"{name:<44}{gap:>8.0e}{1e3 * seconds:>10.2f}{1e3 * target:>11.0f}{seconds / target:>8.3f}  {note}")


if __name__ == "__main__":
    main()
