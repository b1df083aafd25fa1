"""Good operators with one small fault each, as a table: name, what is meant to catch it, and the fault.

A fault is a function of the operator, what it was asked and what a good one answers; it returns another answer, or does damage.
`broken_operators` has those that take more than a line or two, `more_mutants` traffic models, algorithms and habits.
"""

import time
from dataclasses import replace

import numpy as np
from good_agents import GoodPower, GoodTransport, only, the

from federates.boundary.messages import Answer

__all__ = ["ROAD_POWER", "ROAD_TRANSPORT", "connection", "fails", "hoard", "later", "money", "mutant", "overwrite", "table"]


def mutant(module, base, name, faults):
    """Return a class whose methods are those of ``base``, what they return being passed through ``faults`` of the same name.

    It becomes a name of ``module``, so that a second process finds it there.
    """

    def faulty(method, fault):
        def call(self, *args):
            return fault(self, args, getattr(base, method)(self, *args))

        return call

    cls = type(name, (base,), {"__module__": module["__name__"]} | {m: faulty(m, fault) for m, fault in faults.items()})
    module[name] = cls
    return cls


def table(module, base, rows):
    return [(mutant(module, base, name, faults), meant) for name, meant, faults in rows]


def later(fault, period=4):
    """Return the fault, but only in one period."""
    return lambda self, args, answer: fault(self, args, answer) if self.period == period else answer


def connection(change):
    return lambda self, args, answer: only(answer, change(the(answer)))


def money(cost=1.0, bound=1.0, more=0.0):
    """Return the answer with its cost and bound times these."""
    return lambda self, args, a: replace(a, cost_usd=cost * a.cost_usd + more, bound_usd=bound * a.bound_usd + more)


def fails(error):
    def fault(self, args, answer):
        raise error

    return fault


def after(count, fault):
    """Return the fault, but only after so many calls of this period."""

    def counting(self, args, answer):
        key = ("count", self.period)
        self.__dict__.setdefault("counts", {})
        self.counts[key] = self.counts.get(key, 0) + 1
        return fault(self, args, answer) if self.counts[key] > count else answer

    return counting


def drift(self, args, answer):
    """Want something else every time, and prove next to nothing."""
    self.turn = getattr(self, "turn", 0) + 1
    z = np.maximum(the(answer) - self.turn % 2, 0.0)
    cost = float(self.settings.worth * (self.settings.need - z).sum())
    return Answer({"delivery": z}, cost, answer.bound_usd - 1e6)


def rises(self, args, answer):
    self.commits = getattr(self, "commits", 0) + 1


def per_commit(self, args, answer):
    return replace(answer, cost_usd=answer.cost_usd * 1.5 ** getattr(self, "commits", 0))


def price_of(change):
    """Return an operator by road that takes other prices than it is told for those that count."""

    def fault(self, args, answer):
        wrong = GoodPower.solve(self, {"delivery": change(the(args[0]))}, args[1])
        return replace(wrong, bound_usd=answer.bound_usd)

    return fault


def flattened(prices):
    return np.ascontiguousarray(prices.transpose(1, 0, 2)).reshape(prices.shape)


def want(self, z):
    return float(self.settings.worth * (self.settings.need - z).sum())


def wants(change):
    """Return an operator that wants something else than is best, and has the right bound."""

    def fault(self, args, answer):
        z = change(the(answer), the(args[0]))
        return Answer({"delivery": z}, want(self, z), answer.bound_usd)

    return fault


def hoard(self, args, answer):
    self.__dict__.setdefault("kept", []).append(np.ones(60_000))
    return answer


def remember_prices(self, args, answer):
    self.dear = max(getattr(self, "dear", 0.0), float(the(args[0]).max()))
    return answer


def open_by_prices(self, args, gate):
    return replace(gate, time_s=gate.time_s + min(getattr(self, "dear", 0.0), 100.0))


def keep_given(self, args, answer):
    before, self.given = getattr(self, "given", None), args[0]
    return answer if before is None else replace(answer, cost_usd=answer.cost_usd, bound_usd=answer.bound_usd)


def overwrite(which):
    def fault(self, args, answer):
        the(args[which])[...] = 0.0
        return answer

    return fault


def overwrite_seen(self, args, gate):
    if args[1] is not None:
        args[1].arrivals_veh[...] = 0.0
    return gate


def half_where_dear(z, prices):
    return np.where(prices > 3.0, 0.5 * z, z)


ROAD_POWER = table(
    globals(),
    GoodPower,
    [
        ("PairsMixedUp", "answers.shape", {"solve": connection(lambda z: z.transpose(1, 0, 2))}),
        ("PairsMixedUpGiven", "answers.shape", {"evaluate": connection(lambda z: z.transpose(1, 0, 2))}),
        ("OnePeriodLess", "answers.shape", {"solve": connection(lambda z: z[:, :, 1:])}),
        ("Boolean", "answers.shape", {"solve": connection(lambda z: z > 0)}),
        ("Masked", "answers.shape", {"solve": connection(np.ma.masked_invalid)}),
        ("AList", "answers.shape", {"solve": connection(lambda z: z.tolist())}),
        ("Objects", "answers.shape", {"evaluate": connection(lambda z: z.astype(object))}),
        ("Complex", "answers.shape", {"evaluate": connection(lambda z: z.astype(complex))}),
        ("NoCost", "answers.shape", {"evaluate": lambda self, args, a: replace(a, cost_usd=None)}),
        ("CostArray", "answers.shape", {"solve": lambda self, args, a: replace(a, cost_usd=np.array([a.cost_usd]))}),
        ("CostTrue", "answers.shape", {"solve": lambda self, args, a: replace(a, cost_usd=True)}),
        ("WrongSlope", "answers.shape", {"evaluate": lambda self, args, a: replace(a, slopes={"delivery": np.zeros(3)})}),
        ("NoSuchKind", "answers.shape", {"solve": lambda self, args, a: replace(a, bound_kind=9)}),
        ("ATuple", "answers.shape", {"evaluate": lambda self, args, a: (the(a), a.cost_usd)}),
        ("Nothing", "answers.shape", {"solve": later(lambda self, args, a: None)}),
        ("NanWhereDear", "answers.finite", {"solve": connection(lambda z: np.where(z > 0, z, np.nan))}),
        ("UnboundedBound", "answers.finite", {"solve": lambda self, args, a: replace(a, bound_usd=-np.inf)}),
        ("InfiniteCost", "answers.finite", {"evaluate": later(lambda self, args, a: replace(a, cost_usd=np.inf))}),
        (
            "NanSlope",
            "answers.finite",
            {"evaluate": lambda self, args, a: replace(a, slopes={"delivery": the(args[0]) * np.nan})},
        ),
        ("NegativeUse", "answers.range", {"evaluate": connection(lambda z: z - 1.0)}),
        ("NegativeLater", "answers.range", {"solve": later(connection(lambda z: z - 20.0))}),
        ("NoGate", "opening.shape", {"open_period": lambda self, args, g: g if args[0] != 3 else None}),
        (
            "NegativeSpots",
            "opening.shape",
            {"open_period": lambda self, args, g: replace(g, spots=g.spots - 5.0 * (args[0] == 5))},
        ),
        ("EndlessGate", "opening.shape", {"open_period": lambda self, args, g: replace(g, time_s=g.time_s + np.inf)}),
        ("GateAsList", "opening.shape", {"open_period": lambda self, args, g: [g.time_s, g.spots]}),
        (
            "NoLastOpening",
            "opening.shape",
            {"open_period": lambda self, args, g: fails(IndexError("day over"))(0, 0, 0) if args[0] == 6 else g},
        ),
        ("FailsLater", "answers.every_round", {"solve": later(fails(ValueError("a late fault")))}),
        ("FailsLaterStill", "answers.every_round", {"evaluate": later(fails(KeyError("r1")), 5)}),
        ("CannotCommit", "answers.every_round", {"commit": later(fails(RuntimeError("no plan")), 2)}),
        ("TiresAfter20", "answers.every_round", {"solve": after(20, fails(MemoryError("no more")))}),
        ("StopsIteration", "answers.every_round", {"solve": fails(StopIteration())}),
        ("Interrupts", "answers.every_round", {"evaluate": fails(KeyboardInterrupt())}),
        ("TimesOut", "answers.every_round", {"evaluate": fails(TimeoutError("the solver"))}),
        (
            "Noisy",
            "answers.repeatable",
            {"solve": lambda self, args, a: money(more=np.random.default_rng().uniform())(self, args, a)},
        ),
        ("ByTheClock", "answers.repeatable", {"evaluate": lambda self, args, a: money(more=time.perf_counter())(self, args, a)}),
        ("DriftsInABadGap", "answers.repeatable", {"solve": drift}),
        ("TiresOfPrices", "answers.repeatable", {"solve": after(3, money(more=1.0))}),
        ("OverwritesTimes", "answers.independent", {"solve": overwrite(1)}),
        ("OverwritesGiven", "answers.independent", {"evaluate": overwrite(0)}),
        ("OverwritesSeen", "answers.independent", {"open_period": overwrite_seen}),
        ("OpensByPrices", "answers.forgetful", {"solve": remember_prices, "open_period": open_by_prices}),
        ("HoardsPrices", "answers.memory", {"solve": hoard}),
        ("UsesTwice", "evaluate.within", {"evaluate": later(connection(lambda z: 2.0 * z + 1.0))}),
        ("UsesOnePercentMore", "evaluate.within", {"evaluate": connection(lambda z: 1.01 * z)}),
        ("UsesWhatItNeeds", "evaluate.within", {"evaluate": connection(lambda z: np.full_like(z, 12.0))}),
        (
            "FeesForPlenty",
            "evaluate.falling",
            {"evaluate": lambda self, args, a: money(more=float(the(args[0]).max() > 50))(self, args, a)},
        ),
        (
            "PaysMoreForMoreLater",
            "evaluate.falling",
            {"evaluate": later(lambda self, args, a: money(more=float(the(args[0]).sum()))(self, args, a), 0)},
        ),
        (
            "NanForMillions",
            "evaluate.infeasible",
            {"evaluate": lambda self, args, a: a if the(args[0]).max() < 1e5 else money(more=np.nan)(self, args, a)},
        ),
        ("OnePercentDearer", "answers.own_cost", {"solve": money(cost=1.01)}),
        ("OnePercentDearerGiven", "answers.own_cost", {"evaluate": money(cost=1.01)}),
        ("OnePercentCheaperGiven", "answers.own_cost", {"evaluate": money(cost=0.99, bound=0.99)}),
        ("DearerPerCommit", "answers.own_cost", {"solve": per_commit, "commit": rises}),
        ("DearerLater", "answers.own_cost", {"solve": later(money(cost=2.0))}),
        ("CostAndPrices", "answers.own_cost", {"solve": later(lambda self, args, a: replace(a, cost_usd=a.bound_usd))}),
        ("WrongWayLater", "prices.best", {"solve": later(price_of(lambda prices: 16.0 - prices))}),
        ("WrongWayWhereDear", "prices.monotone", {"solve": price_of(lambda p: np.where(p > 20.0, 0.0, p))}),
        ("HorizonReversed", "prices.best", {"solve": later(price_of(lambda prices: prices[:, :, ::-1].copy()))}),
        ("PricesMixedUp", "prices.monotone", {"solve": price_of(flattened)}),
        ("StationsReversed", "prices.best", {"solve": price_of(lambda prices: prices[:, ::-1].copy())}),
        ("AveragesPrices", "prices.best", {"solve": price_of(lambda prices: np.full_like(prices, prices.mean()))}),
        ("SeesTheNextPeriodOnly", "prices.monotone", {"solve": price_of(lambda p: np.repeat(p[:, :, :1], p.shape[2], axis=2))}),
        ("WantsHalf", "prices.best", {"solve": wants(lambda z, prices: 0.5 * z)}),
        ("WantsHalfWhereDear", "prices.best", {"solve": wants(half_where_dear)}),
        ("ForgetsAStation", "prices.best", {"solve": wants(lambda z, prices: z * np.array([1.0, 1.0, 0.0])[None, :, None])}),
        ("HalfLater", "prices.best", {"solve": later(wants(lambda z, prices: 0.5 * z))}),
        (
            "BoundFromPeriod2",
            "bound.proven",
            {"solve": lambda self, args, a: a if self.period < 2 else money(bound=1.02)(self, args, a)},
        ),
        ("BoundAfter20", "answers.repeatable", {"solve": after(20, money(bound=1.02))}),
        (
            "BoundWherePricesAreZero",
            "bound.proven",
            {"solve": lambda self, args, a: money(bound=1.02)(self, args, a) if 0.0 < (the(args[0]) == 0).mean() < 1 else a},
        ),
        ("BoundATouchTooHigh", "bound.proven", {"solve": money(bound=1.0001)}),
        ("BoundOfAnotherSign", "bound.proven", {"solve": lambda self, args, a: replace(a, bound_usd=abs(a.bound_usd) + 1.0)}),
        ("BoundAboveCost", "bound.proven", {"evaluate": later(lambda self, args, a: replace(a, bound_usd=a.bound_usd + 1.0))}),
        (
            "WrongPlane",
            "bound.proven",
            {"evaluate": lambda self, args, a: replace(a, slopes={"delivery": np.full_like(the(args[0]), 1.0)})},
        ),
    ],
)


def departures(change):
    return lambda self, args, found: [change(departure) for departure in found]


def later_departures(change, period=4):
    return later(departures(change), period)


def reverse(departure):
    return replace(departure, links=departure.links[::-1])


def other_way(departure):
    last = {"q1": "q2", "q2": "q3", "q3": "q1"}[departure.destination]
    return replace(departure, links=(departure.links[0], f"hub-{last}"))


def loses(self, args, found):
    return [replace(d, vehicles=d.vehicles - (i == 0)) for i, d in enumerate(found) if d.vehicles > 1 or i]


def ten_times(self, args, answer):
    """Offer ten times what the fleet has, as if it could."""
    z = 10.0 * np.minimum(the(answer), 30.0)
    cost = float(0.5 * self.settings.slope * (z**2).sum())
    return Answer({"delivery": z}, cost, answer.bound_usd)


def only_thirty(self, args, answer):
    return GoodTransport.evaluate(self, {"delivery": np.minimum(the(args[0]), 30.0)}, args[1])


def cost_of_all(self, args, answer):
    """Count what was asked, not what is sent."""
    cost = float(0.5 * self.settings.slope * (np.minimum(the(args[0]), 1e4) ** 2).sum())
    return replace(answer, cost_usd=cost, bound_usd=cost)


def cost_of_prices(self, args, answer):
    return replace(answer, cost_usd=-answer.bound_usd)


def sends(change):
    def fault(self, args, answer):
        z = change(the(answer))
        return Answer({"delivery": z}, float(0.5 * self.settings.slope * (z**2).sum()), answer.bound_usd)

    return fault


def echo_millions(self, args, answer):
    return echo(self, args, answer) if the(args[0]).max() > 1e5 else answer


def echo(self, args, answer):
    cost = float(0.5 * self.settings.slope * (the(args[0]) ** 2).sum())
    return Answer({"delivery": the(args[0]).copy()}, cost, cost)


ROAD_TRANSPORT = table(
    globals(),
    GoodTransport,
    [
        ("TimesMixedUp", "opening.shape", {"open_period": lambda self, args, times: times.T}),
        ("EndlessRoad", "opening.shape", {"open_period": lambda self, args, times: times + np.inf}),
        ("TimesAsInts", "opening.shape", {"open_period": lambda self, args, times: times.tolist()}),
        ("OffersMixedUp", "answers.shape", {"solve": connection(lambda z: z.transpose(1, 0, 2))}),
        ("OffersANegative", "answers.range", {"solve": later(connection(lambda z: z - 1e4))}),
        ("OffersAMillion", "answers.range", {"solve": connection(lambda z: z + 1e6)}),
        ("EchoesAMillion", "evaluate.infeasible", {"evaluate": echo_millions}),
        ("OffersTenTimes", "evaluate.within", {"solve": ten_times, "evaluate": only_thirty}),
        (
            "SendsHalfOfItsOffer",
            "evaluate.within",
            {"evaluate": lambda self, args, a: echo(self, ({"delivery": 0.5 * the(args[0])},), a)},
        ),
        ("SendsMoreLater", "evaluate.within", {"evaluate": later(connection(lambda z: z + 1.0))}),
        ("CostOfAllAsked", "answers.own_cost", {"evaluate": cost_of_all}),
        ("CostLessPrices", "answers.own_cost", {"solve": cost_of_prices}),
        ("DearerOffers", "answers.own_cost", {"solve": money(cost=1.01)}),
        ("CheaperOffers", "answers.own_cost", {"solve": money(cost=0.9)}),
        ("DearerOffersLater", "answers.own_cost", {"solve": later(money(cost=1.5))}),
        ("AlwaysTen", "prices.best", {"solve": sends(lambda z: np.full_like(z, 10.0))}),
        ("OffersHalf", "prices.best", {"solve": sends(lambda z: 0.5 * z)}),
        ("OffersTwice", "prices.best", {"solve": sends(lambda z: np.minimum(2.0 * z, 2000.0))}),
        ("OffersReversed", "prices.monotone", {"solve": sends(lambda z: z[:, :, ::-1].copy())}),
        ("OffersNothingLater", "prices.best", {"solve": later(sends(np.zeros_like))}),
        (
            "OfferBoasts",
            "bound.proven",
            {"solve": lambda self, args, a: replace(a, bound_usd=a.bound_usd + 0.01 * abs(a.bound_usd) + 0.1)},
        ),
        ("OfferBoastsLater", "bound.proven", {"solve": later(lambda self, args, a: replace(a, bound_usd=a.bound_usd + 1.0), 5)}),
        ("LinksReversed", "commit.feasible", {"commit": departures(reverse)}),
        ("LinksReversedLater", "commit.feasible", {"commit": later_departures(reverse)}),
        ("LeadsElsewhere", "commit.feasible", {"commit": departures(other_way)}),
        ("DropsAVehicleLater", "commit.feasible", {"commit": later(loses)}),
        ("LinkTwice", "commit.feasible", {"commit": departures(lambda d: replace(d, links=d.links + d.links[:1]))}),
        ("NoLink", "commit.feasible", {"commit": departures(lambda d: replace(d, links=()))}),
        ("FirstLinkOnly", "commit.feasible", {"commit": departures(lambda d: replace(d, links=d.links[:1]))}),
        ("SeventeenLinks", "commit.feasible", {"commit": departures(lambda d: replace(d, links=d.links * 9))}),
        ("HalfAVehicleSent", "commit.feasible", {"commit": departures(lambda d: replace(d, vehicles=d.vehicles - 0.5))}),
        (
            "SendsBackwards",
            "commit.feasible",
            {"commit": departures(lambda d: replace(d, origin=d.destination, destination=d.origin))},
        ),
        ("SendsTwice", "commit.feasible", {"commit": lambda self, args, found: found * 2}),
        ("SendsNobody", "commit.feasible", {"commit": lambda self, args, found: []}),
        ("SendsATuple", "commit.feasible", {"commit": lambda self, args, found: tuple(found)}),
        ("UnknownRoadLater", "commit.feasible", {"commit": later_departures(lambda d: replace(d, links=("shortcut",)))}),
        (
            "KeepsQuietAboutJams",
            "day.late",
            {
                "open_period": lambda self, args, times: (
                    times if args[1] is None or args[1].speed_m_per_s.min() > 10 else fails(ValueError("a jam"))(0, 0, 0)
                )
            },
        ),
    ],
)
