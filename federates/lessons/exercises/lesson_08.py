"""Judges of lesson 8: the conformance kit, a search by trying, and what a run has left."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from federates.boundary.names import ROAD, Role
from federates.lessons.exercise import Wrong, exercise
from federates.lessons.judging import as_number, ask, conforms
from federates.lessons.material.notes import Notes

_POWER = Role.POWER_OPERATOR.value
_WORTH_USD, _NEED_VEH = 25.0, 12.0
_FINE = np.linspace(0.0, _NEED_VEH, 4001)
_NEAR_USD = 1e-4


@exercise(
    "8.1",
    "hand in a class, derived from Careless, that plays by the rules.",
    (
        "The kit says which rule is broken, what was asked, and what came. Which of the three values of the answer is it about?",
        "The bound is of own cost plus price times what is asked: nothing that could be chosen may come to less.",
        "Override solve: take the answer of super().solve, and make a new Answer with the cost and payment of what it asks for.",
    ),
)
def _repaired(answer: Any) -> str:
    conforms(_POWER, answer, ROAD)
    return "the conformance kit finds no rule that it breaks."


@exercise(
    "8.2",
    "hand in the class Falling, whose solve and evaluate you have written.",
    (
        "Each station and period is on its own, and only the cheapest origin counts: one number s to find, at the least price p.",
        "Where the slope of cost plus payment is zero: -worth (1 - s / need) + p = 0. Never less than no vehicle.",
        "evaluate: of what is given use all, but at most need at a station; scale all origins by the same factor.",
        "The bound of solve is cost + (price * z).sum(): the minimum itself. That of evaluate is the cost.",
    ),
)
def _falling(answer: Any) -> str:
    conforms(_POWER, answer, ROAD)
    from federates.conformance.kit import small_session

    session = small_session(ROAD).view(_POWER)
    operator = answer(answer.Settings(worth_usd=_WORTH_USD, need=_NEED_VEH), Path())
    operator.begin(session, Notes())
    operator.open_period(0, None)
    need = _NEED_VEH * session.period_s / 3600.0

    def missing_usd(at_station: Any) -> Any:
        return need * _WORTH_USD / 2 * (1.0 - np.minimum(at_station / need, 1.0)) ** 2

    for number in range(6):
        price = np.random.default_rng(number).uniform(0.0, 1.6 * _WORTH_USD, session.connection_shape)
        told = ask(operator.solve, {"delivery": price}, {})
        z = told.quantities["delivery"]
        own_usd = float(missing_usd(z.sum(axis=0)).sum())
        if abs(told.cost_usd - own_usd) > _NEAR_USD:
            raise Wrong(f"solve tells a cost of {told.cost_usd:.4f} usd, and what it asks for leaves {own_usd:.4f} usd.")
        tried = _FINE / _NEED_VEH * need
        least = price.min(axis=0)[..., None] * tried + missing_usd(tried)
        best_usd = float(least.min(axis=-1).sum())
        if own_usd + float((price * z).sum()) > best_usd + 1e-3:
            raise Wrong("at random prices other quantities than yours come to less in all, cost and payment.")
        given = np.random.default_rng(100 + number).uniform(0.0, need, session.connection_shape)
        used = ask(operator.evaluate, {"delivery": given}, {}).quantities["delivery"]
        if abs(float(missing_usd(used.sum(axis=0)).sum()) - float(missing_usd(given.sum(axis=0)).sum())) > _NEAR_USD:
            raise Wrong("evaluate leaves vehicles unused that would still be worth something.")
    return "it conforms, and no quantity that was tried comes to less than yours."


@exercise(
    "8.3",
    'hand in the run of scenario "mine" with your class in place of the power operator that it names.',
    (
        "The sentence above has a run with use=...; only the class of the power operator changes.",
        'A class in a file of the scenario is named "file:Class", without .py.',
        "Copy falling.py into the folder mine/power_operator first, or into mine, where every agent may read it.",
    ),
)
def _swapped(answer: Any) -> str:
    from federates.api import Run
    from federates.audit.audit import audit_run

    if not isinstance(answer, Run):
        raise Wrong("hand in what portage.run returns.")
    used = json.loads((answer.folder / "configuration.json").read_text(encoding="utf-8"))[_POWER]
    if not str(used["operator"]).endswith(":Falling"):
        raise Wrong(f"the power operator of this run is {used['operator']}, which is not your class.")
    audit = audit_run(answer.folder)
    if not audit.clean:
        raise Wrong(f"the audit of this run is not clean: {audit.breaches[0]}")
    worth_usd, need = (as_number(used["settings"][name], f"the setting {name}") for name in ("worth_usd", "need"))
    prices, answers = answer.tables["prices"], answer.tables["answers"]
    first = prices[(prices["round"] == 1) & (prices["for_period"] == 0) & (prices["period"] == 0)]
    asked = answers[
        (answers["round"] == 1) & (answers["for_period"] == 0) & (answers["period"] == 0) & (answers["agent"] == _POWER)
    ]
    for station, price in first.groupby("station")["price_usd_per_veh"].min().items():
        expected = need * max(0.0, 1.0 - float(price) / worth_usd)
        seen = float(asked[asked["station"] == station]["connection_veh"].sum())
        if abs(seen - expected) > 1e-3:
            raise Wrong(f"at {price:g} usd it asked for {seen:.3f} vehicles at {station}, and its own settings say otherwise.")
    return "your class has lived in a process of its own, asked for what its cost says, and the audit is clean."
