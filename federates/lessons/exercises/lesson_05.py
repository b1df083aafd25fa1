"""Judges of lesson 5: receivers' ledgers, differences of the true cost, hidden worths, and the wire itself."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from federates.boundary.exchange import cost_topic
from federates.boundary.messages import decode, encode
from federates.boundary.names import Role
from federates.boundary.world import parse_session
from federates.lessons.exercise import Wrong, exercise
from federates.lessons.judging import as_function, as_number, ask
from federates.lessons.material.morning import agreement, operators
from federates.lessons.material.notes import Notes
from federates.power_operator.models.price_taker.operator import PriceTakerOperator

_POWER, _TRANSPORT = Role.POWER_OPERATOR.value, Role.TRANSPORT_OPERATOR.value
_VEHICLES = 300.0
_NEAR_USD = 0.5
_MOST_QUESTIONS, _CENT = 20, 0.01
_MOST_LOST_USD = 0.05


@cache
def _line_day() -> tuple[Any, dict[str, int]]:
    """Return the audit of a day on a small railway, and the numbers that each agent told by the ledgers of who heard them."""
    import pandas as pd

    from federates.api import federate
    from federates.audit.audit import audit_run
    from federates.coordinator.algorithms.posted_price import PostedPrice
    from federates.transport_operator.models.timetable.operator import TimetableOperator

    line = {"schema_version": 1, "world": "rail", "name": "line", "periods": 3, "period_s": 3600}
    line |= {"rail_stations": ["port", "mine"], "trains": [{"name": "k1", "home": "port"}], "trip_periods": [[0, 1], [1, 0]]}
    agents = {_POWER: PriceTakerOperator(), _TRANSPORT: TimetableOperator(), "coordinator": PostedPrice()}
    day = federate(line, agents, report=False)
    told: dict[str, int] = {}
    heard = pd.concat([pd.read_parquet(day.folder / agent / "ledger.parquet") for agent in agents])
    # A message that two have heard was told once.
    once = heard[heard["direction"] == "received"].drop_duplicates(["topic", "period", "round", "sha256"])
    for row in once.itertuples():
        sender, shape = str(row.topic).partition("/")[0], str(row.shape)
        told[sender] = told.get(sender, 0) + (int(np.prod([int(n) for n in shape.split(",")])) if shape[:1].isdigit() else 0)
    return audit_run(day.folder), told


@exercise(
    "5.1",
    "hand in a function told(audit, name): how many numbers an agent has told in all.",
    (
        "audit.agents has one entry for each agent; its told has one entry for each topic.",
        "Such an entry has the number of its messages, and the number of its numbers.",
        "Find the agent whose name is name, and add up numbers over its told.",
    ),
)
def _numbers_told(answer: Any) -> str:
    """Count in the ledgers of those who heard it, on another day."""
    function = as_function(answer, "told")
    audit, by_receivers = _line_day()
    for name, numbers in by_receivers.items():
        given = as_number(ask(function, audit, name), "what told returns")
        if given != numbers:
            messages = sum(told.messages for agent in audit.agents if agent.name == name for told in agent.told)
            why = "that is how many messages, not numbers" if given == messages else "receivers have written down another number"
            raise Wrong(f"for {name} on a small railway your function returns {given:g}: {why}.")
    return "it is what the receivers have written down in their own ledgers, too."


@cache
def last_vehicle_usd() -> float:
    """Return what one vehicle less saves the operator where so many leave at equal prices, usd: its true costs, twice."""
    session, all_of = parse_session(agreement(), "agreement"), operators()
    power: Any = all_of[_POWER]
    transport: Any = all_of[_TRANSPORT]
    for name, operator in ((_POWER, power), (_TRANSPORT, transport)):
        operator.begin(session.view(name), Notes())
    heard = {"gate": power.open_period(0, None)}
    transport.open_period(0, None)
    low, high = 0.0, 60.0
    for _ in range(40):
        middle = (low + high) / 2
        plan = transport.solve({"delivery": np.full(session.connection_shape, middle)}, heard).quantities["delivery"]
        low, high = (low, middle) if plan.sum() > _VEHICLES else (middle, high)
    entry = np.unravel_index(int(np.argmax(plan)), plan.shape)
    less = plan.copy()
    less[entry] -= 1.0
    saved = [float(transport.evaluate({"delivery": z}, heard).cost_usd) for z in (plan, less)]
    return saved[0] - saved[1]


@exercise(
    "5.2",
    f"hand in what the last of {_VEHICLES:g} vehicles costs the transport operator, usd, where all pairs have one price.",
    (
        "An operator that answers a price sends vehicles as long as the next one costs less than the price.",
        "So each row of curve is a point of its marginal cost: the price, and the vehicles at which the last one costs so much.",
        f"{_VEHICLES:g} vehicles lie between two rows; interpolate (np.interp needs rising vehicles).",
    ),
)
def _marginal_cost(answer: Any) -> str:
    """Take one vehicle less out of such a plan, and look at what the operator's true cost falls by."""
    given = as_number(answer, "the cost")
    if abs(given - last_vehicle_usd()) > _NEAR_USD:
        raise Wrong("with one vehicle less in such a plan the operator's own cost falls by another amount.")
    return "taken out of the plan, one vehicle saves the operator just that; you have read its private cost."


@exercise(
    "5.3",
    f"hand in a function find_worth(ask): what a vehicle is worth to an operator, to a cent, by {_MOST_QUESTIONS} questions.",
    (
        "Below its worth the operator asks for vehicles, above it for none. What does one question tell you?",
        "Halve the interval in which the worth lies with every question (bisection).",
        "From 100 usd to one cent takes 14 halvings.",
    ),
)
def _find_worth(answer: Any) -> str:
    """Let it question operators whose worth is drawn, and count the questions."""
    function = as_function(answer, "find_worth")
    session = parse_session(agreement(), "agreement").view(_POWER)
    for worth, need in ((30.7, 120.0), (4.11, 7.0), (93.58, 2.0), (61.0, 1.0), (0.37, 40.0)):
        operator, asked = PriceTakerOperator(PriceTakerOperator.Settings(worth_usd=worth, need=need)), list[float]()
        operator.begin(session, Notes())
        operator.open_period(0, None)

        def question(price: float, operator: Any = operator, asked: list[float] = asked) -> float:
            asked.append(float(price))
            prices = {"delivery": np.full(session.connection_shape, float(price))}
            return float(operator.solve(prices, {}).quantities["delivery"].sum())

        found = as_number(ask(function, question), "what find_worth returns")
        if len(asked) > _MOST_QUESTIONS:
            raise Wrong(f"it asks {len(asked)} times, and may ask {_MOST_QUESTIONS} times.")
        if abs(found - worth) > _CENT + 1e-9:
            raise Wrong(f"after {len(asked)} questions it misses the worth of an operator by more than a cent.")
    return "five operators have told you their worth to the cent, and none of them a word too much."


@exercise(
    "5.4",
    "hand in two functions: hide(bound_usd, secret) tells a true bound with a secret in it, show(told_usd) reads the secret.",
    (
        "A bound may be lower than it need be: who is to know by how much?",
        "The wire keeps six decimals. Round the bound down to cents, and use the two decimals behind them.",
        "Step down by one cent first, so that adding secret / 10 000 stays below the bound; round before you take digits.",
    ),
)
def _hidden(answer: Any) -> str:
    """Send it over the wire: it must arrive, stay a bound, and be read."""
    if not (isinstance(answer, tuple | list) and len(answer) == 2):
        raise Wrong("hand in two functions: (hide, show).")
    hide, show = (as_function(function, name) for function, name in zip(answer, ("hide", "show"), strict=True))
    session, draw = parse_session(agreement(), "agreement").view(_TRANSPORT), np.random.default_rng(5)
    topic = cost_topic(_TRANSPORT)
    for bound in draw.uniform(100.0, 20_000.0, 40):
        secret = int(draw.integers(0, 100))
        told = as_number(ask(hide, float(bound), secret), "what hide returns")
        key = f"{_TRANSPORT}/cost_usd"
        wire = encode(topic, key, 0, 1, np.array([bound, told, 0.0]), session)
        heard = float(decode(topic, key, wire, session).values[1])
        if heard > bound + 1e-6:
            raise Wrong(f"{told} is told for the bound {bound}: too high, so it is no bound any more.")
        if heard < bound - _MOST_LOST_USD:
            raise Wrong(f"{told} is told for the bound {bound}: more than {100 * _MOST_LOST_USD:g} cents below it.")
        read = as_number(ask(show, heard), "what show returns")
        if read != secret:
            raise Wrong(f"{secret} was hidden in the bound {bound}, and {read:g} is read from {heard}.")
    return "forty secrets arrived in messages of the right shape; no ledger, hash or sandbox can tell."
