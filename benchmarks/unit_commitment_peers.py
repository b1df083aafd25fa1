"""The 118-bus day solved by Portage, Egret and PyPSA: same data, same HiGHS, one thread, a gap of 0.1 %.

Run ``python benchmarks/unit_commitment_peers.py [FOLDER]``. The peers are installed into a throw-away environment, which takes
a few minutes and 1 GB. PyPSA has linear costs only, so everyone also gets the day with one segment a unit; and it has
no initial output, so that its first hour is freer. Times are from data in memory to a plan, wall and CPU; the
least of two runs.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
GAP_REL = 1e-3
PACKAGES = ("gridx-egret==0.6.2", "pypsa==1.4.0", "highspy==1.15.1")
RUNS = 2


def egret_data(system):
    """Return the system as an Egret model; overload, shed and spill have our prices."""
    units, network = system.units, system.network
    hours = [str(t + 1) for t in range(system.periods)]

    def series(values):
        return {"data_type": "time_series", "values": [float(v) for v in values]}

    generators = {}
    for g, name in enumerate(units.names):
        points = [[float(p), float(c)] for p, c in zip(units.cost_curves[g].mw, units.cost_curves[g].usd_per_h, strict=True)]
        lag = max(float(units.start_up[g].lag_h[0]), float(units.min_down_h[g]))  # Egret wants no less than the time down
        starts = [[lag, float(units.start_up[g].cost_usd[0])]]
        generators[name] = {
            "generator_type": "thermal", "bus": system.buses[units.bus[g]], "in_service": True, "fuel": "G",
            "p_min": float(units.p_min_mw[g]), "p_max": float(units.p_max_mw[g]), "min_up_time": float(units.min_up_h[g]),
            "min_down_time": float(units.min_down_h[g]), "ramp_up_60min": float(units.ramp_up_mw_per_h[g]),
            "ramp_down_60min": float(units.ramp_down_mw_per_h[g]), "startup_capacity": float(units.start_up_ramp_mw[g]),
            "shutdown_capacity": float(units.shut_down_ramp_mw[g]), "initial_status": float(units.initial_on_h[g]),
            "initial_p_output": float(units.initial_output_mw[g]), "startup_cost": starts,
            "shutdown_cost": float(units.shut_down_usd[g]),
            "p_cost": {"data_type": "cost_curve", "cost_curve_type": "piecewise", "values": points},
        }  # fmt: skip
    for w, name in enumerate(system.renewables.names):
        generators[name] = {
            "generator_type": "renewable", "bus": system.buses[system.renewables.bus[w]], "in_service": True, "fuel": "W",
            "p_min": series(system.renewables.lower_mw[w]), "p_max": series(system.renewables.available_mw[w]),
        }  # fmt: skip
    branches = {
        name: {
            "branch_type": "line", "from_bus": system.buses[network.from_bus[line]], "to_bus": system.buses[network.to_bus[line]],
            "resistance": 0.0, "reactance": 100.0 / float(network.susceptance_mw_per_rad[line]), "in_service": True,
            "rating_long_term": float(network.limits_mw[line]) if network.limits_mw[line] < 1e6 else None,
            "angle_diff_min": -90.0, "angle_diff_max": 90.0, "violation_penalty": system.line_slack_price_usd_per_mwh,
        }
        for line, name in enumerate(network.ids)
    }  # fmt: skip
    loads = {b: {"bus": b, "in_service": True, "p_load": series(system.load_mw[i])} for i, b in enumerate(system.buses)}
    common = {
        "time_keys": hours, "time_period_length_minutes": 60 * system.period_h, "baseMVA": 100.0, "reference_bus_angle": 0.0,
        "load_mismatch_cost": system.shed_price_usd_per_mwh, "reference_bus": system.buses[0],
    }  # fmt: skip
    elements = {"bus": {b: {"base_kv": 1.0} for b in system.buses}, "load": loads, "branch": branches, "generator": generators}
    return {"elements": elements | {"storage": {}, "area": {}, "zone": {}, "interface": {}}, "system": common}


def run_egret(data, constraints):
    """Return cost and times of Egret's tight formulation with all lines in it, as angles or as PTDF rows.

    Egret's own solve knows no HiGHS (its lazy PTDF rows need a solver it knows), so that Pyomo's HiGHS solves its model.
    """
    from egret.data.model_data import ModelData
    from egret.models.unit_commitment import create_tight_unit_commitment_model
    from pyomo.contrib.appsi.solvers import Highs
    from pyomo.environ import value

    given = ModelData(data)
    start, cpu = time.perf_counter(), time.process_time()
    options = {"lazy": False} if constraints.startswith("ptdf") else None
    model = create_tight_unit_commitment_model(given, network_constraints=constraints, ptdf_options=options)
    solver = Highs()
    solver.config.mip_gap, solver.config.time_limit = GAP_REL, 300
    solver.highs_options = {"threads": 1}
    solver.solve(model)
    return value(model.TotalCostObjective), time.perf_counter() - start, time.process_time() - cpu


def pypsa_network(data):
    """Return the PyPSA network: linear costs, firm line limits, and no ramp from the initial output."""
    import pandas as pd
    import pypsa

    system, elements = data["system"], data["elements"]
    network = pypsa.Network(snapshots=pd.RangeIndex(len(system["time_keys"])))
    for bus in elements["bus"]:
        network.add("Bus", bus, v_nom=1.0)
    for name, line in elements["branch"].items():
        rating = line["rating_long_term"] or 1e5
        ends = {"bus0": line["from_bus"], "bus1": line["to_bus"]}
        network.add("Line", name, x=line["reactance"] / 100.0, r=1e-9, s_nom=rating, **ends)
    for name, load in elements["load"].items():
        network.add("Load", f"load {name}", bus=load["bus"], p_set=load["p_load"]["values"])
    for name, unit in elements["generator"].items():
        if unit["generator_type"] == "renewable":
            most = max(unit["p_max"]["values"])
            share = [value / most for value in unit["p_max"]["values"]]
            network.add("Generator", name, bus=unit["bus"], p_nom=most, p_max_pu=share, marginal_cost=0.0)
        else:
            network.add("Generator", name, **_pypsa_unit(unit))
    return network


def _pypsa_unit(unit):
    points, most = unit["p_cost"]["values"], unit["p_max"]
    slope = (points[-1][1] - points[0][1]) / (points[-1][0] - points[0][0])
    hours = int(unit["initial_status"])
    return {
        "bus": unit["bus"], "p_nom": most, "p_min_pu": unit["p_min"] / most, "committable": True, "marginal_cost": slope,
        "stand_by_cost": points[0][1] - slope * points[0][0], "start_up_cost": unit["startup_cost"][0][1],
        "shut_down_cost": unit["shutdown_cost"], "min_up_time": int(unit["min_up_time"]),
        "min_down_time": int(unit["min_down_time"]), "up_time_before": max(hours, 0), "down_time_before": max(-hours, 0),
        "ramp_limit_up": unit["ramp_up_60min"] / most, "ramp_limit_down": unit["ramp_down_60min"] / most,
        "ramp_limit_start_up": unit["startup_capacity"] / most, "ramp_limit_shut_down": unit["shutdown_capacity"] / most,
    }  # fmt: skip


def run_pypsa(data):
    start, cpu = time.perf_counter(), time.process_time()
    network = pypsa_network(data)
    options = {"mip_rel_gap": GAP_REL, "threads": 1, "time_limit": 300.0, "output_flag": False}
    network.optimize(solver_name="highs", solver_options=options)
    return network.objective, time.perf_counter() - start, time.process_time() - cpu


def run_portage(system):
    from federates.lp.linear_model import LinearModel
    from federates.power_operator.models.unit_commitment.commitment import LazyLines, add_commitment

    start, cpu = time.perf_counter(), time.process_time()
    model = LinearModel()
    lines = LazyLines(add_commitment(model, system))
    usd = lines.solve(model.solver(threads=1), gap_rel=GAP_REL).objective
    return usd, time.perf_counter() - start, time.process_time() - cpu


PEERS = {
    "Egret, PTDF": lambda data: run_egret(data, "ptdf_power_flow"),
    "Egret, angles": lambda data: run_egret(data, "btheta_power_flow"),
    "PyPSA": run_pypsa,
}


def show(case, name, row):
    text = "failed" if row is None else f"{row[0]:14.2f} USD {row[1]:7.2f} s wall {row[2]:7.2f} s CPU"
    print(f"{case:12} {name:18} {text}", flush=True)


def child(name, path):
    """Run one peer on one instance, in the environment of the peers; the last line of output is the result."""
    data = json.loads(Path(path).read_text())
    print(json.dumps(PEERS[name](data)))


def least(runs):
    return min(runs, key=lambda row: row[1]) if runs else None


def run_peer(python, name, path):
    rows = []
    for _ in range(RUNS):
        done = subprocess.run([python, __file__, "--peer", name, str(path)], capture_output=True, text=True, timeout=900)
        if done.returncode:
            print(done.stderr.strip().splitlines()[-1:])
            return None
        rows.append(json.loads(done.stdout.strip().splitlines()[-1]))
    return least(rows)


def main():
    from unit_commitment import FOLDER, system_of

    arguments = sys.argv[1:]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        venv.create(folder / "env", with_pip=True)
        python = str(folder / "env" / "bin" / "python")
        subprocess.run([python, "-m", "pip", "install", "-q", *PACKAGES], check=True)
        for segments in (10, 1):
            system = system_of(Path(arguments[0]) if arguments else FOLDER, segments)
            path = folder / f"{segments}.json"
            path.write_text(json.dumps(egret_data(system)))
            case = f"{segments} segments"
            show(case, "Portage", least([run_portage(system) for _ in range(RUNS)]))
            for name in PEERS:
                if segments == 1 or name != "PyPSA":
                    show(case, name, run_peer(python, name, path))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--peer"]:
        child(sys.argv[2], sys.argv[3])
    else:
        main()
