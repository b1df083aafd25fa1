"""Traffic models and algorithms with one small fault each, and classes with bad habits: as `mutants`, as a table."""

import gc
import os
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from good_agents import GoodAlgorithm, GoodPower, GoodTraffic, the
from mutants import fails, mutant

from federates.boundary.roles import Commit, Solve

__all__ = ["HABITS", "RAIL_ALGORITHMS", "ROAD_ALGORITHMS", "TRAFFIC"]

NOTES = Path("../notes.txt")


def table(base, rows):
    return [(mutant(globals(), base, name, faults), meant) for name, meant, faults in rows]


def level(self, args, gate):
    """Return the gate with what this process, and no other, has."""
    return replace(gate, time_s=gate.time_s + os.getpid() % 1000)


def by_hash(self, args, gate):
    return replace(gate, time_s=gate.time_s + hash("r1") % 1000)


def by_order(self, args, gate):
    order = list({f"station {number}" for number in range(20)})
    return replace(gate, time_s=gate.time_s + order.index("station 3"))


def by_address(self, args, answer):
    return replace(answer, cost_usd=answer.cost_usd + id(self) % 1000, bound_usd=answer.bound_usd)


def by_chance(self, args, gate):
    self.__dict__.setdefault("luck", np.random.default_rng().uniform())
    return replace(gate, time_s=gate.time_s + self.luck)


def does(action):
    """Return a fault that does something once the agent has begun, and answers nothing else."""
    return {"begin": lambda self, args, answer: action()}


def stdout_away():
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115


def program(*words, **options):
    subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)


def orphan():
    program("setsid", "--fork", "sleep", "6")


def child_writes():
    subprocess.run(["touch", str(NOTES)], check=True)


def shell_writes():
    os.system(f"echo written > {NOTES}")


def link_outside():
    os.symlink("/dev/null", f"../link{time.monotonic_ns()}")


def rename_outside():
    Path("own.txt").write_text("own")
    os.rename("own.txt", f"../{os.getpid()}.txt")


def database_outside():
    sqlite3.connect("../rows.sqlite").close()


HABITS = table(
    GoodPower,
    [
        ("ByProcess", "answers.deterministic", {"open_period": level}),
        ("ByHash", "answers.deterministic", {"open_period": by_hash}),
        ("ByOrderOfASet", "answers.deterministic", {"open_period": by_order}),
        ("ByChance", "answers.deterministic", {"open_period": by_chance}),
        ("ByAddress", "answers.deterministic", {"evaluate": by_address}),
        ("ChangesFolder", "end.unchanged", does(lambda: os.chdir("/"))),
        ("ChangesUmask", "end.unchanged", does(lambda: os.umask(0o077))),
        ("ChangesEnvironment", "end.unchanged", does(lambda: os.environ.update(OMP_NUM_THREADS="7"))),
        ("ChangesRecursion", "end.unchanged", does(lambda: sys.setrecursionlimit(12_345))),
        ("ChangesPrinting", "end.unchanged", does(lambda: np.set_printoptions(precision=2))),
        ("ChangesSockets", "end.unchanged", does(lambda: socket.setdefaulttimeout(3.0))),
        ("StopsCollecting", "end.unchanged", does(gc.disable)),
        ("TakesStandardOutput", "end.unchanged", does(stdout_away)),
        ("LeavesASleeper", "end.clean", does(lambda: program("sleep", "6"))),
        ("LeavesASession", "end.clean", does(lambda: program("sleep", "6", start_new_session=True))),
        ("LeavesAnOrphan", "end.clean", does(orphan)),
        ("ChildWritesOutside", "end.clean", does(child_writes)),
        ("ShellWritesOutside", "end.clean", does(shell_writes)),
        ("MakesAFolder", "end.clean", does(lambda: Path("../more").mkdir(exist_ok=True))),
        ("LinksOutside", "end.clean", does(link_outside)),
        ("RenamesOutside", "end.clean", does(rename_outside)),
        ("ADatabaseOutside", "end.clean", does(database_outside)),
        ("TouchesOutside", "end.clean", does(lambda: os.utime("..", (1.0, 1.0)))),
        ("LeavesAFolder", "end.clean", does(tempfile.mkdtemp)),
        ("LeavesQuietly", "interface.begin", does(lambda: os._exit(0))),
        ("NeedsAFile", "interface.begin", does(lambda: Path("data.csv").read_text())),
    ],
)


def links(**changes):
    """Return a fault that changes what is seen of links: a function for each array's name."""

    def fault(self, args, seen):
        changed = {name: change(getattr(seen.links, name), args) for name, change in changes.items()}
        return replace(seen, links=replace(seen.links, **changed))

    return fault


def stations(**changes):
    def fault(self, args, seen):
        changed = {name: change(getattr(seen.stations, name), args) for name, change in changes.items()}
        return replace(seen, stations=replace(seen.stations, **changed))

    return fault


def third(change):
    """Return the change in the third period only."""
    return lambda values, args: change(values) if args[0] == 2 else values


TRAFFIC = table(
    GoodTraffic,
    [
        (
            "TrafficFailsLater",
            "traffic.every_period",
            {"run": lambda self, args, a: a if args[0] != 3 else fails(OSError("gone"))(0, 0, 0)},
        ),
        ("TrafficSaysNothing", "traffic.shape", {"run": lambda self, args, a: None}),
        ("TrafficSaysLinks", "traffic.shape", {"run": lambda self, args, a: a.links}),
        ("BinsMixedUp", "traffic.shape", {"run": stations(arrivals_veh=lambda v, args: v.T)}),
        ("OneStationLess", "traffic.shape", {"run": stations(passing_veh=lambda v, args: v[1:])}),
        ("MaskedSpeed", "traffic.shape", {"run": links(speed_m_per_s=lambda v, args: np.ma.masked_less(v, 0))}),
        ("SpeedAsList", "traffic.shape", {"run": links(speed_m_per_s=lambda v, args: v.tolist())}),
        ("NoSpeedLater", "traffic.finite", {"run": links(speed_m_per_s=third(lambda v: v * np.nan))}),
        ("EndlessTime", "traffic.finite", {"run": links(travel_time_s=lambda v, args: v / 0.0)}),
        ("NegativeFlow", "traffic.finite", {"run": links(flow_veh_per_h=third(lambda v: v - 1e5))}),
        ("NegativeArrivals", "traffic.finite", {"run": stations(arrivals_veh=lambda v, args: v - 1.0)}),
        ("OneTooMany", "traffic.arrivals", {"run": stations(arrivals_veh=third(lambda v: v + 1.0))}),
        ("WrongDestination", "traffic.arrivals", {"run": stations(arrivals_veh=lambda v, args: v[::-1].copy() * 4.0)}),
        ("NobodyArrives", "traffic.delivers", {"run": stations(arrivals_veh=lambda v, args: 0.0 * v)}),
        ("DensityPerMetre", "traffic.consistent", {"run": links(density_veh_per_km=lambda v, args: v / 1000.0)}),
        ("FlowPerPeriodLater", "traffic.consistent", {"run": links(flow_veh_per_h=third(lambda v: 2.0 * v))}),
        ("TrafficByProcess", "traffic.deterministic", {"run": links(travel_time_s=lambda v, args: v + os.getpid() % 1000)}),
        ("TrafficByHash", "traffic.deterministic", {"run": links(travel_time_s=lambda v, args: v + hash("r1") % 1000)}),
        (
            "TrafficByChance",
            "traffic.deterministic",
            {"run": links(travel_time_s=lambda v, args: v + np.random.default_rng().uniform())},
        ),
        ("TrafficLeavesASleeper", "end.clean", {"close": lambda self, args, a: program("sleep", "6", start_new_session=True)}),
        ("TrafficChangesFolder", "end.unchanged", {"run": lambda self, args, a: (os.chdir("/"), a)[1]}),
        ("TrafficCannotClose", "end.clean", {"close": fails(OSError("still open"))}),
    ],
)


def decides(kind, change):
    """Return a fault that changes the decisions of one kind."""

    def fault(self, args, decision):
        return change(self, decision) if isinstance(decision, kind) else decision

    return {"start": fault, "next": fault}


def prices(change):
    return decides(Solve, lambda self, d: self.solve(change(the(d.prices))))


def plan(change, agreed=None):
    def other(self, d):
        return self.carry_out(change(self.plan), d.agreed if agreed is None else agreed, d.reason, d.lower_bound_usd)

    return decides(Commit, other)


def waits_for_proof(self, args, decision):
    """Go on until the bounds have met, which they need not ever do."""
    if isinstance(decision, Commit) and not decision.agreed:
        self.round, self.prices = 0, 0.9 * self.prices
        return self.solve(self.prices)
    return decision


def waits_longer(self, args, decision):
    """Forget to stop where the gap stays above one per cent."""
    if isinstance(decision, Commit) and not decision.agreed:
        self.round = 0
        return self.evaluate(self.zero)
    return decision


ROAD_ALGORITHMS = table(
    GoodAlgorithm,
    [
        ("WaitsForProof", "decisions.unproven", {"next": waits_for_proof}),
        ("PricesMixed", "decisions.valid", prices(lambda p: p.transpose(1, 0, 2))),
        ("NanPrices", "decisions.valid", prices(lambda p: p * np.nan)),
        ("PricesAsList", "decisions.valid", prices(lambda p: p.tolist())),
        ("MaskedPrices", "decisions.valid", prices(np.ma.masked_invalid)),
        ("CommitsAPair", "decisions.valid", decides(Commit, lambda self, d: (self.plan, True))),
        ("CommitsInfinity", "decisions.valid", plan(lambda z: z + np.inf)),
        ("NanBound", "decisions.valid", decides(Commit, lambda self, d: replace(d, lower_bound_usd=float("nan")))),
        ("AsksOnAndOn", "decisions.end", decides(Commit, lambda self, d: self.evaluate(self.zero))),
        ("EndsAllAtOnce", "decisions.every_round", decides(Commit, lambda self, d: os._exit(0))),
        ("CommitsTooLittle", "plan.feasible", plan(lambda z: z - 1.0 - z.max())),
        ("CommitsFractions", "plan.feasible", plan(lambda z: z + 0.25)),
        ("CommitsTwiceTheBest", "plan.agreed", plan(lambda z: np.floor(2.0 * z), agreed=True)),
        ("CommitsNothing", "plan.agreed", plan(np.zeros_like, agreed=True)),
        ("BoundAboveBest", "plan.bound", decides(Commit, lambda self, d: replace(d, agreed=False, lower_bound_usd=1e7))),
        ("NoReason", "decisions.reason", decides(Commit, lambda self, d: replace(d, reason=None))),
        ("BlankReason", "decisions.reason", decides(Commit, lambda self, d: replace(d, reason="  "))),
        ("DecidesByProcess", "decisions.deterministic", prices(lambda p: p + (os.getpid() % 100) * 1e-3)),
        ("DecidesByHash", "decisions.deterministic", prices(lambda p: p + (hash("q1") % 100) * 1e-3)),
        ("DecidesByChance", "decisions.deterministic", prices(lambda p: p + np.random.default_rng().uniform() * 1e-3)),
        ("AlgorithmChangesUmask", "end.unchanged", {"start": lambda self, args, d: (os.umask(0o077), d)[1]}),
        (
            "AlgorithmRecordsPrices",
            "records.rows",
            {"start": lambda self, args, d: (self.recorder.record("own", prices=self.zero), d)[1]},
        ),
    ],
)


def elsewhere(z):
    moved = z.copy()
    moved[0] = np.roll(moved[0], 1, axis=0)
    return moved


RAIL_ALGORITHMS = table(
    GoodAlgorithm,
    [
        ("RailWaitsForProof", "decisions.unproven", {"next": waits_longer}),
        ("RailPricesMixed", "decisions.valid", prices(lambda p: p.transpose(0, 2, 1))),
        ("CommitsElsewhere", "plan.feasible", plan(elsewhere)),
        ("CommitsEverywhere", "plan.feasible", plan(np.ones_like)),
        ("RailByHash", "decisions.deterministic", prices(lambda p: p + (hash("q1") % 100) * 1e-3)),
    ],
)
