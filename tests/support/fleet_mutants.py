"""Good agents of the fleets' world with one small fault each: name, the check that is meant to catch it, and the fault."""

import time
from dataclasses import replace

import numpy as np
from good_fleets import NEGOTIATES, GoodChain, GoodCompany, GoodFleet, GoodRoad, GoodStation
from mutants import fails, money, table

from federates.boundary.messages import Answer
from federates.boundary.roles import Commit
from federates.conformance.kit import small_session

__all__ = ["CASES"]

SESSION = small_session("fleets").model_copy(update={"periods": 4, "horizon_periods": 2})
SHORT = SESSION.model_copy(update={"periods": 1, "horizon_periods": 1})
"""For algorithms, each of whose negotiations takes many rounds."""
_FLOOD_VEH = 100.0


def reported(name, change):
    """Return a station that says something else than it should in one message."""
    return lambda self, args, said: {**said, name: change(said[name])}


def receipts(change):
    def other(values):
        found = values.copy()
        change(found)
        return found

    return reported("receipts", other)


def at_period(wanted, fault):
    return lambda self, args, said: fault(self, args, said) if wanted(self, args[0]) else said


def slow(self, args, said):
    time.sleep(0.5)
    return said


def full(self, args, said):
    if args[1] is not None and args[1]["stations"].arrivals_veh.sum() > _FLOOD_VEH:
        raise OverflowError("more vehicles than spots")
    return said


def guess(self, args, said):
    return reported("balance", lambda balance: replace(balance, need_kwh=balance.need_kwh + np.random.default_rng().uniform()))(
        self, args, said
    )


class KeepsWhatItIsTold(GoodStation):
    """Takes the allotments of the last period for those of this one: it has kept the array, not what stood in it."""

    def receipts(self, allotted, arrivals):
        kept, self.kept = getattr(self, "kept", allotted), allotted
        found = super().receipts(allotted, arrivals)
        found[:, 2] = np.minimum(found[:, 2], np.abs(kept[:, 1]) + found[:, 2] * 0.5)
        return found


STATION = [
    *table(
        globals(),
        GoodStation,
        [
            ("SleepyStation", "reports.in_time", {"open_period": slow}),
            (
                "LeavesBeforeTheAccountIsClosed",
                "reports.every_period",
                {"open_period": at_period(lambda self, period: period == self.session.periods, fails(RuntimeError("gone")))},
            ),
            ("TellsNoReceipts", "reports.shape", {"open_period": lambda self, args, said: {"gate": said["gate"]}}),
            ("TellsOneFleetOnly", "reports.shape", {"open_period": reported("receipts", lambda values: values[:, :1])}),
            ("SaysNothingAtFirst", "reports.shape", {"open_period": at_period(lambda self, p: p == 0, lambda *_: None)}),
            (
                "NeedsNothingLess",
                "reports.range",
                {"open_period": reported("balance", lambda b: replace(b, need_kwh=b.need_kwh - 1.0))},
            ),
            (
                "SparesAtALimitedStation",
                "reports.range",
                {"open_period": reported("balance", lambda b: replace(b, surplus_kwh=b.surplus_kwh + 1.0))},
            ),
            (
                "DoesNotKnowTheQueue",
                "reports.range",
                {"open_period": reported("gate", lambda g: replace(g, time_s=g.time_s * np.nan))},
            ),
            ("CountsTwice", "reports.account", {"open_period": receipts(lambda r: r[..., 0].__imul__(2.0))}),
            ("MakesEnergy", "reports.account", {"open_period": receipts(lambda r: r[..., 2].__imul__(1.1))}),
            ("FindsFullBatteries", "reports.account", {"open_period": receipts(lambda r: r[..., 1:].__iadd__(r[..., :1]))}),
            ("ForgetsSomeVehicles", "reports.account", {"open_period": receipts(lambda r: r[..., 0].__imul__(0.5))}),
            ("FullStation", "reports.flooded", {"open_period": full}),
            ("GuessesItsNeed", "reports.deterministic", {"open_period": guess}),
        ],
    ),
    (KeepsWhatItIsTold, "reports.independent"),
]


def pays_for_room(self, args, answer):
    paid = 0.01 * float(args[0]["passage"].sum())
    return replace(answer, cost_usd=answer.cost_usd + paid, bound_usd=answer.bound_usd + paid)


def answered(name, change):
    return lambda self, args, answer: replace(answer, quantities={**answer.quantities, name: change(answer.quantities[name])})


def likes_low_rewards(self, args, answer):
    z = np.maximum(1.0 - args[0]["delivery"], 0.0)
    cost = float(0.5 * self.settings.slope * (z**2).sum())
    return Answer({"delivery": z, "passage": z / self.kwh}, cost, answer.bound_usd)


FLEET = table(
    globals(),
    GoodFleet,
    [
        ("PaysForRoom", "evaluate.falling", {"evaluate": pays_for_room}),
        ("OverfullVehicles", "answers.range", {"solve": answered("passage", lambda p: 0.5 * p)}),
        ("DrivesMoreThanItMay", "evaluate.within", {"evaluate": answered("passage", lambda p: p + 1.0)}),
        ("LikesLowRewards", "prices.monotone", {"solve": likes_low_rewards}),
        ("BooksTooManyPassages", "prices.best", {"solve": answered("passage", lambda p: p + 1.0)}),
        ("PromisesTooHighABound", "bound.proven", {"solve": money(more=0.0, bound=0.5)}),
        ("AlwaysBusy", "answers.every_round", {"commit": fails(RuntimeError("no vehicle"))}),
    ],
)
COMPANY = table(
    globals(),
    GoodCompany,
    [
        ("TellsItsNeed", "opening.shape", {"open_period": lambda self, args, told: np.zeros(5)}),
        (
            "ChargedForOffers",
            "evaluate.falling",
            {"evaluate": lambda self, args, a: replace(a, cost_usd=a.cost_usd + float(args[0]["delivery"].sum()))},
        ),
    ],
)
ROAD = table(
    globals(),
    GoodRoad,
    [
        ("LeavesOneBehind", "commit.feasible", {"commit": lambda self, args, departures: departures[1:]}),
        ("LeadsMoreThanARoadHolds", "answers.range", {"solve": answered("passage", lambda p: 10.0 * p)}),
    ],
)


def commits(change):
    """Return an algorithm whose commits are changed: what is given to each agent, in an order of agents."""

    def fault(self, args, decision):
        if not isinstance(decision, Commit):
            return decision
        given = {agent: {name: z.copy() for name, z in own.items()} for agent, own in decision.given.items()}
        change(given)
        return replace(decision, given=given)

    return {"next": fault}


CHAIN = table(
    globals(),
    GoodChain,
    [
        ("SendsHalfAVehicle", "plan.feasible", commits(lambda given: given["trucks"]["passage"].__iadd__(0.5))),
        ("LetsMoreDriveThanAreLed", "plan.feasible", commits(lambda given: given["vans"]["passage"].__iadd__(1.0))),
        (
            "PromisesMoreThanIsDelivered",
            "plan.feasible",
            commits(lambda given: given["power_operator"]["delivery"].__iadd__(1.0)),
        ),
        ("FillsBatteriesTwice", "plan.feasible", commits(lambda given: given["trucks"]["delivery"].__imul__(3.0))),
    ],
)
CASES = [
    *(("charging_station", SESSION, None, *case) for case in STATION),
    *(("mves_fleet", SESSION, None, *case) for case in FLEET),
    *(("power_operator", SESSION, None, *case) for case in COMPANY),
    *(("transport_operator", SESSION, None, *case) for case in ROAD),
    *(("coordinator", SHORT, NEGOTIATES, *case) for case in CHAIN),
]
"""Role, session, settings, class and the check that is meant to catch it."""
