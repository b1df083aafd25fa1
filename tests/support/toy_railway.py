"""A railway of a few stations and periods whose joint optimum is found by trying every pair of routes.

The power operator trades energy: a train buys and sells where it stands, at prices per station and period, within its battery;
what all trains sell at a station beyond ``depth`` brings half the price, and every trade hour may cost ``fixed_usd``, which makes
its cost an integer programme. The transport operator knows every route of its own timetable, with random costs per trip.

What trains cost (``factors``) and carry (``sizes``) is private to one operator each. Trains for which it differs have kinds of
their own, unless ``kinds`` says otherwise.
"""

import itertools

import numpy as np
from negotiate import POWER, TRANSPORT, play

from federates.boundary.messages import Answer
from federates.boundary.roles import Solve
from federates.lp.linear_model import LinearModel
from federates.runtime.negotiation_record import NegotiationRecord
from federates.worlds.rail.session import RailSession

BATTERY, RATE = 2.0, 1.0


def random_case(seed):
    """Return the keywords of a random railway: private costs, sizes, ends, slots and travel times, each in some of the cases."""
    rng = np.random.default_rng((20251, seed))
    trains = int(rng.choice([1, 2, 2, 2, 3]))
    homes = tuple(int(home) for home in rng.integers(0, 3, trains))
    case = {"seed": int(rng.integers(1_000_000)), "homes": homes, "periods": 4 if trains == 3 else int(rng.integers(4, 7))}
    case |= {"fixed_usd": float(rng.choice([0.0, 0.5, 1.0])), "slower": int(rng.choice([0, 0, 1]))}
    if rng.random() < 0.3:
        case["by_time"] = float(rng.uniform(0.05, 0.8))
    for name in ("factors", "sizes"):
        if rng.random() < 0.6:
            case[name] = tuple(float(value) for value in rng.choice([0.5, 1.0, 3.0], trains))
    if rng.random() < 0.3:
        case["ends"] = tuple(int(end) for end in rng.integers(0, 3, trains))
    elif len(set(homes)) == trains and rng.random() < 0.5:
        case["slots"] = 1
    return case


class Rows:
    """Recorder that keeps everything."""

    def __init__(self):
        self.tables = {}

    def record(self, table, **row):
        self.tables.setdefault(table, []).append(row)

    def record_many(self, table, columns):
        self.tables.setdefault(table, []).extend(
            dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)
        )

    def progress(self, **fields):
        pass


class ToyRailway:
    """One random case, both operators, and the truth."""

    def __init__(self, seed, *, periods=5, homes=(0, 1), fixed_usd=0.0, slots=None, slower=0, scheme="mobile", by_time=None,
                 factors=None, sizes=None, kinds=None, ends=None):  # fmt: skip
        rng = np.random.default_rng(seed)
        stations = 3
        trip = rng.integers(1, 3, (stations, stations)) * (1 - np.eye(stations, dtype=int))
        names = tuple(f"s{s}" for s in range(stations))
        self.factors = np.ones(len(homes)) if factors is None else np.array(factors, dtype=float)
        self.sizes = np.ones(len(homes)) if sizes is None else np.array(sizes, dtype=float)
        own = [
            f"costs{factor:g}-carries{size:g}".replace(".", "_") for factor, size in zip(self.factors, self.sizes, strict=True)
        ]
        kinds = own if kinds is None else kinds
        self.session = RailSession(
            schema_version=1,
            world="rail",
            name="toy",
            scheme=scheme,
            periods=periods,
            rail_stations=names,
            trains=tuple({"name": f"k{k}", "home": names[home], "kind": kinds[k]} for k, home in enumerate(homes)),
            trip_periods=tuple(map(tuple, trip.tolist())),
        )
        self.homes, self.slots, self.fixed_usd = homes, slots, fixed_usd
        self.ends = homes if ends is None else ends
        self.trip = trip
        self.own_trip = trip + slower * (trip > 0)
        self.cost = rng.uniform(0.0, 2.0, (stations, stations)) if by_time is None else by_time * self.own_trip
        self.price = rng.uniform(0.0, 10.0, (stations, periods))
        self.depth = rng.uniform(0.3, 1.5, stations)
        self.lie_usd = 0.0
        self.calls = []
        self.record = None
        """What writes the tables of every negotiation, as the coordinator's loop does."""
        self.at(0, [(home, 0) for home in homes], np.zeros(self.session.connection_shape))

    def at(self, period, ready, past):
        """Set the situation: where trains are, station and period, and what was carried out."""
        self.period, self.past = period, np.array(past)
        self.ready = self.announced(ready)
        self._model, self._routes, self._values = None, None, {}

    def announced(self, ready):
        """Return what the transport operator says of a period, (K, 3): where trains are, and where they end (-1: open)."""
        places = [(int(row[0]), int(row[1])) for row in ready]
        late = [
            start + self.own_trip[place, end] > self.session.periods
            for (place, start), end in zip(places, self.ends, strict=True)
        ]
        return np.array(
            [(*at, -1 if open_ else end) for at, open_, end in zip(places, late, self.ends, strict=True)], dtype=float
        )

    # --- transport operator -------------------------------------------------------------------------------------------------

    def routes(self):
        """Return all plans of all trains within the slots: (connection (K, S, T), cost)."""
        if self._routes is None:
            each = [self._routes_of(k) for k in range(len(self.homes))]
            self._routes = []
            for chosen in itertools.product(*each):
                stands = self.past + np.array([stood for stood, _ in chosen])
                if self.slots is None or (stands.sum(axis=0) <= self.slots).all():
                    self._routes.append((stands, float(sum(cost for _, cost in chosen))))
            assert self._routes
        return self._routes

    def routes_or_none(self):
        """Return `routes`, None if there are none within the slots."""
        try:
            return self.routes()
        except AssertionError:
            self._routes = None
            return None

    def _routes_of(self, k):
        periods = self.session.periods
        place, start = int(self.ready[k, 0]), int(self.ready[k, 1])
        end = int(self.ready[k, 2])
        found = []

        def walk(station, period, stood, cost):
            if period >= periods:
                if end in (station, -1):
                    found.append((stood, cost))
                return
            here = stood.copy()
            here[station, period] = 1.0
            walk(station, period + 1, here, cost)
            for other in range(len(self.trip)):
                arrival = period + self.own_trip[station, other]
                if other != station and arrival <= periods:
                    walk(other, arrival, stood, cost + self.factors[k] * self.cost[station, other])

        walk(place, start, np.zeros(self.session.connection_shape[1:]), 0.0)
        return found

    def transport(self, multipliers=None, asked=None):
        if multipliers is not None:
            stands, cost = min(self.routes(), key=lambda plan: plan[1] - float((multipliers * plan[0]).sum()))
            return Answer({"connection": stands}, cost, cost - float((multipliers * stands).sum()))
        kept = [float((asked * plan[0]).sum()) for plan in self.routes()]
        stands, cost = min(
            (plan for plan, agrees in zip(self.routes(), kept, strict=True) if agrees > max(kept) - 1e-9), key=lambda p: p[1]
        )
        return Answer({"connection": stands}, cost, cost)

    # --- power operator -----------------------------------------------------------------------------------------------------

    def power(self, multipliers=None, offered=None, relaxed=False):
        columns, solver = self._programme()
        joined = columns["joined"]
        solver.set_bounds(joined, 0.0, 1.0 if offered is None else np.minimum(offered, 1.0))
        solver.set_cost(joined, 0.0 if multipliers is None else multipliers)
        if offered is None:
            found = solver.solve(relaxed=relaxed, gap_abs=1e-9)
            plan = self._past_and(found.values[joined])
            own = found.objective - float((multipliers * found.values[joined]).sum())
            bound = (found.objective if relaxed else found.bound) + self.lie_usd
            return Answer({"connection": plan}, own, bound)
        relaxation = solver.solve(relaxed=True)
        slope = np.minimum(relaxation.column_dual[joined], 0.0)
        slope[:, :, : self.period] = 0.0
        found = solver.solve(gap_abs=1e-9)
        used = {"connection": self._past_and(found.values[joined])}
        return Answer(used, found.objective, relaxation.objective, {"connection": slope})

    def value(self, stands):
        """Return f_P of a connection."""
        key = stands.tobytes()
        if key not in self._values:
            self._values[key] = self.power(offered=stands).cost_usd
        return self._values[key]

    def _past_and(self, joined):
        plan = np.round(joined, 9) + 0.0
        plan[:, :, : self.period] = self.past[:, :, : self.period]
        return plan

    def _programme(self):
        if self._model is None:
            model = LinearModel()
            columns = self._columns(model)
            self._add_routes(model, columns)
            self._add_trade(model, columns)
            model.constant(100.0)
            self._model = columns, model.solver()
        return self._model

    def _columns(self, model):
        trains, stations, periods = self.session.connection_shape
        shape = (trains, stations, periods)
        open_ = np.broadcast_to(np.arange(periods) >= self.ready[:, 1][:, None, None], shape).astype(float)
        return {
            "joined": model.variables("joined", shape, integer=True, upper=1.0),
            "stands": model.variables("stands", shape, upper=open_, integer=True),
            "leaves": model.variables("leaves", (trains, stations, stations, periods), upper=1.0, integer=True),
            "buys": model.variables("buys", shape, cost=self.price),
            "sells": model.variables("sells", shape),
            "energy": model.variables("energy", (trains, periods), upper=BATTERY * self.sizes[:, None]),
            "near": model.variables("near", (stations, periods), upper=self.depth[:, None], cost=-self.price),
            "far": model.variables("far", (stations, periods), cost=-0.5 * self.price),
            "trades": model.variables("trades", (stations, periods), upper=1.0, cost=self.fixed_usd, integer=True),
        }

    def _add_routes(self, model, columns):
        trains, stations, periods = self.session.connection_shape
        stands, leaves = columns["stands"], columns["leaves"]
        for k, s, r, t in itertools.product(range(trains), range(stations), range(stations), range(periods)):
            possible = s != r and t >= self.ready[k, 1] and t + self.trip[s, r] <= periods
            model.rows("possible", [(1.0, leaves[k, s, r, t : t + 1])], upper=float(possible))
        for k, s, t in itertools.product(range(trains), range(stations), range(periods + 1)):
            place, start, end = self.ready[k]
            if t < start:
                continue
            come = [leaves[k, r, s, t - self.trip[r, s]] for r in range(stations) if r != s and t - self.trip[r, s] >= start]
            come += [stands[k, s, t - 1]] if t > start else []
            go = [stands[k, s, t], *leaves[k, s, :, t].tolist()] if t < periods else []
            here = float(place == s and start == t)
            late = end < 0
            gone = float(t == periods and s == end)
            terms = [(sign, np.array([c])) for sign, group in ((1.0, come), (-1.0, go)) for c in group]
            upper = 1.0 - here if late and t == periods else gone - here
            if terms:
                model.rows("node", terms, gone - here if not late or t < periods else 0.0 - here, upper, shape=(1,))
        model.rows("connected", [(1.0, columns["joined"]), (-1.0, stands)], upper=0.0)

    def _add_trade(self, model, columns):
        trains, _, _ = self.session.connection_shape
        buys, sells, energy = columns["buys"], columns["sells"], columns["energy"]
        rate = RATE * self.sizes
        model.rows("rate", [(1.0, buys), (1.0, sells), (-rate[:, None, None], columns["joined"])], upper=0.0)
        before = np.concatenate([np.full((trains, 1), -1), energy[:, :-1]], axis=1)
        model.rows(
            "battery",
            [(1.0, energy), (-1.0, before), (-1.0, np.moveaxis(buys, 1, 2)), (1.0, np.moveaxis(sells, 1, 2))],
            0.0,
            0.0,
            shape=energy.shape,
        )
        model.rows("end", [(1.0, energy[:, -1])], 0.0, 0.0)
        sold = np.moveaxis(sells, 0, 2)
        model.rows(
            "sold",
            [(1.0, sold), (-1.0, columns["near"]), (-1.0, columns["far"])],
            upper=0.0,
            lower=0.0,
            shape=columns["near"].shape,
        )
        traded = [(1.0, np.moveaxis(c, 0, 2)) for c in (sells, buys)]
        model.rows("trade_hour", [*traded, (-rate.sum(), columns["trades"])], upper=0.0, shape=columns["near"].shape)

    # --- both -----------------------------------------------------------------------------------------------------------------

    def optimum_usd(self):
        """Return the least joint cost of all plans; the power operator's cost is never less than with every stand offered."""
        best, least = np.inf, self.value(np.ones(self.session.connection_shape))
        for stands, cost in sorted(self.routes(), key=lambda plan: plan[1]):
            if cost + least >= best:
                break
            best = min(best, self.value(stands) + cost)
        return best

    def answers(self, decision):
        """Return both answers to a decision, of the periods that are open."""
        self.calls.append(decision)
        if isinstance(decision, Solve):
            prices = self._of_the_day(decision.prices["connection"], np.zeros_like(self.past))
            told = self.power(prices, relaxed=decision.relaxed), self.transport(prices)
        else:
            asked, offered = (self._of_the_day(decision.given[a]["connection"], self.past) for a in (POWER, TRANSPORT))
            told = self.power(offered=asked), self.transport(asked=offered)
        return dict(zip((POWER, TRANSPORT), map(self._open, told), strict=True))

    def _of_the_day(self, rest, past):
        """Return what a message says of the open periods with the periods before."""
        assert rest.shape == past[:, :, self.period :].shape
        return np.concatenate([past[:, :, : self.period], rest], axis=2)

    def _open(self, answer):
        """Return an answer of the whole day as it crosses: of its open periods."""
        rest = {"connection": answer.quantities["connection"][:, :, self.period :]}
        slopes = None if answer.slopes is None else {"connection": answer.slopes["connection"][:, :, self.period :]}
        return Answer(rest, answer.cost_usd, answer.bound_usd, slopes, answer.bound_kind)

    def play(self, algorithm, period=0, ready=None, most=3000):
        """Play the rounds of one period to the decision; ``ready`` (K, 2): where trains are, by default where they begin."""
        ready = self.ready if ready is None else self.announced(ready)
        record = self.record or NegotiationRecord(self.session, Rows())
        return play(algorithm, record, self.answers, period, {"train_ready": ready}, most)
