"""Operators by rail, traffic models and algorithms with one small fault each, and bad habits: a table, as `mutants`."""

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
from good_agents import GoodAlgorithm, GoodPower, GoodRailPower, GoodRailTransport, GoodTraffic, only, the
from mutants import connection, fails, hoard, later, money, overwrite, table

from federates.boundary.roles import Commit, Solve

__all__ = ["HABITS", "RAIL_ALGORITHMS", "RAIL_POWER", "RAIL_TRANSPORT", "ROAD_ALGORITHMS", "TRAFFIC"]

NOTES = Path("../notes.txt")


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


def recorded(**row):
    return lambda self, args, answer: self.recorder.record("own", **row)


def flood(self, args, answer):
    for number in range(4_000):
        self.recorder.record("own", number=number)
    return answer


def mixed_kinds(self, args, answer):
    self.recorder.record("own", value=1.0 if self.period % 2 else "one")
    return answer


HABITS = table(
    globals(),
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
        ("RecordsAnArray", "records.rows", {"commit": lambda self, args, a: self.recorder.record("own", plan=the(args[0]))}),
        ("RecordsAList", "records.rows", {"commit": recorded(plan=[1, 2])}),
        ("RecordsNone", "records.rows", {"commit": recorded(plan=None)}),
        ("RecordsNoColumn", "records.rows", {"commit": recorded()}),
        ("RecordsAFlood", "records.rows", {"solve": flood}),
        ("RecordsMixedKinds", "records.rows", {"solve": mixed_kinds}),
        ("RecordsOutside", "records.rows", {"commit": lambda self, args, a: self.recorder.record("../stations", number=1)}),
        ("RecordsOtherColumns", "records.rows", {"commit": lambda self, args, a: self.recorder.record("stations", number=1)}),
    ],
)


def everywhere(z):
    return np.ones_like(z)


def stay(self, args, answer):
    z = np.zeros_like(the(answer))
    z[np.arange(len(z)), [0, 0, 1]] = 1.0
    return only(answer, z)


RAIL_POWER = table(
    globals(),
    GoodRailPower,
    [
        ("HalfATrain", "answers.range", {"solve": connection(lambda z: 0.5 * z)}),
        (
            "SteepPlane",
            "bound.proven",
            {"evaluate": lambda self, args, a: replace(a, slopes={"connection": 0.5 * the(a.slopes)})},
        ),
        ("ATrainAndAHalf", "answers.range", {"solve": connection(lambda z: 1.5 * z)}),
        ("TrainsMixedUp", "answers.shape", {"solve": connection(lambda z: z.transpose(1, 2, 0))}),
        ("RailNan", "answers.finite", {"relax": money(more=np.nan)}),
        ("RailOpensWithAList", "opening.shape", {"open_period": lambda self, args, a: []}),
        ("RailDearerLater", "answers.own_cost", {"solve": later(money(cost=1.5))}),
        ("RailOnePercent", "answers.own_cost", {"solve": money(cost=1.01)}),
        ("RailBoasts", "bound.proven", {"solve": lambda self, args, a: replace(a, bound_usd=a.bound_usd + 1.0)}),
        ("RailRelaxBoasts", "bound.proven", {"relax": lambda self, args, a: replace(a, bound_usd=a.bound_usd + 1.0)}),
        ("RailBoastsLater", "bound.proven", {"solve": later(lambda self, args, a: replace(a, bound_usd=a.bound_usd + 1.0), 5)}),
        (
            "RailFlatPlane",
            "bound.proven",
            {"evaluate": lambda self, args, a: replace(a, slopes={"connection": 0.0 * the(args[0])})},
        ),
        ("RailUsesAll", "evaluate.within", {"evaluate": connection(everywhere)}),
        ("RailHoards", "answers.memory", {"relax": hoard}),
        ("RailFailsLater", "answers.every_round", {"relax": later(fails(ValueError("a late fault")), 6)}),
        ("RailOverwrites", "answers.independent", {"relax": overwrite(0)}),
        ("RailOverwritesPlaces", "answers.independent", {"relax": overwrite(1)}),
    ],
)
RAIL_TRANSPORT = table(
    globals(),
    GoodRailTransport,
    [
        ("RailForgetsPlaces", "opening.shape", {"open_period": lambda self, args, places: places[:, :2]}),
        ("RailPlacesBefore", "opening.shape", {"open_period": lambda self, args, places: places - np.array([0.0, args[0], 0.0])}),
        ("RailNoSuchStation", "opening.shape", {"open_period": lambda self, args, places: places + np.array([9.0, 0.0, 0.0])}),
        ("RailNowhere", "answers.range", {"solve": connection(lambda z: np.roll(z, 1, axis=1))}),
        ("RailBeside", "evaluate.within", {"evaluate": stay}),
        ("RailTransportDearer", "answers.own_cost", {"solve": money(cost=1.5, more=1.0)}),
        ("RailTransportBoasts", "bound.proven", {"solve": lambda self, args, a: replace(a, bound_usd=a.bound_usd + 1.0)}),
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
    globals(),
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
    globals(),
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
    globals(),
    GoodAlgorithm,
    [
        ("RailWaitsForProof", "decisions.unproven", {"next": waits_longer}),
        ("RailPricesMixed", "decisions.valid", prices(lambda p: p.transpose(0, 2, 1))),
        ("CommitsElsewhere", "plan.feasible", plan(elsewhere)),
        ("CommitsEverywhere", "plan.feasible", plan(np.ones_like)),
        ("RailByHash", "decisions.deterministic", prices(lambda p: p + (hash("q1") % 100) * 1e-3)),
    ],
)
