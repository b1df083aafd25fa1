"""What each page is told: the student of one seat, the lecturer, the projector, and who wants to join.

A student's view is made from the files of the student's own agent and from who sits where; nothing else is at hand here.
"""

from __future__ import annotations

import time
from typing import Any, TypeAlias

from federates.boundary.exchange import Exchange
from federates.boundary.names import Role
from federates.play.forms import clock, exchange_form, hear_form, of_agent, shown
from federates.play.game import Game, Student
from federates.play.group import Group
from federates.play.seat_log import SeatLog

Json: TypeAlias = dict[str, Any]
_HISTORY = 200
"""Most rows of a history: a game of six periods has some dozens."""
_TITLES = {
    ("solve", "asks"): "At these prices, how much do you ask for?",
    ("solve", "offers"): "At these prices, how much do you offer?",
    ("evaluate", "asks"): "You would be given this. How much of it would you use?",
    ("evaluate", "offers"): "You are asked for this. How much of it can you send?",
    ("solve", "both"): "At these prices, how much do you offer, and how much do you ask for?",
    ("evaluate", "both"): "You would be given this, and are asked for that. How much of it do you use and send?",
    ("coordinate", "coordinates"): "What do you do next: set prices, ask what a plan costs, or commit a plan?",
}
_GONE = "The lecturer has freed your seat, or the game has ended. Ask for the link to join again."


def join_view(game: Game) -> Json:
    """Return which seats there are and which are free."""
    groups = [
        {"group": n, "seats": [_chair(game, n, agent, role) for agent, role in game.seats.items()]} for n in sorted(game.groups)
    ]
    return {"state": game.state, "scenario": game.scenario.name, "groups": groups}


def _chair(game: Game, group: int, agent: str, role: str) -> Json:
    sitting = game.sits(group, agent)
    return {"agent": agent, "role": words(role), "name": None if sitting is None else sitting.name}


def words(name: str) -> str:
    """Return the name of a role or quantity as a person reads it."""
    return name.replace("_", " ")


def student_view(game: Game, student: str) -> Json:
    """Return all that a student's page shows."""
    me = game.students.get(student)
    if me is None:
        return {"state": "gone", "words": _GONE}
    group = game.groups[me.group]
    log = group.logs.get(me.agent)
    session = game.session.view(me.agent)
    view: Json = {
        "now": time.time(),
        "state": game.state,
        "me": {"name": me.name, "group": me.group, "agent": me.agent, "role": words(game.seats[me.agent])},
        "several": len(game.groups) > 1,
        "periods": session.periods,
        "hints": game.rules.hints,
        "failure": group.failure,
        "over": group.over,
        "waiting": waiting_for(game, group),
        "question": None,
        "history": [],
        "notices": [],
        "heard": [],
        "ready": log is not None and bool(log.sheet),
    }
    if log is None or log.newest is None:
        return view
    newest, role = log.newest, game.seats[me.agent]
    view |= {"period": newest["period"], "hour": clock(session, newest["period"]), "round": newest["round"]}
    view["question"] = None if log.open is None else _question(game, session, role, log.open, log.refused)
    view["history"] = [_past(session, entry) for entry in log.messages()[-_HISTORY:]]
    view["notices"] = _notices(game, session, role, log)
    heard = group.heard(me.agent)
    forms = (hear_form(game.world, session, me.agent, key, entry["period"], entry["values"]) for key, entry in heard.items())
    view["heard"] = [
        form | {"hour": clock(session, entry["period"])}
        for form, entry in zip(forms, heard.values(), strict=True)
        if form is not None
    ]
    return view


def _question(game: Game, session: Any, role: str, asked: Json, refused: list[str]) -> Json:
    exchanges = of_agent(game.world, role)
    side = _side(role, exchanges)
    view = {
        "n": asked["n"],
        "kind": asked["kind"],
        "side": side,
        "title": _TITLES.get((asked["kind"], side), "Your answer?"),
        "deadline": game.deadline(asked),
        "refused": refused,
        "forms": [_filled_form(game, session, exchange, asked) for exchange in exchanges],
    }
    if asked["kind"] == "coordinate":
        view |= _coordination(game, session, asked)
    return view


def _side(role: str, exchanges: tuple[Exchange, ...]) -> str:
    if role == Role.COORDINATOR:
        return "coordinates"
    sides = {"asks" if role in exchange.asks else "offers" for exchange in exchanges}
    return sides.pop() if len(sides) == 1 else "both"


def _filled_form(game: Game, session: Any, exchange: Exchange, asked: Json) -> Json:
    form = exchange_form(game.world, session, exchange, asked["period"])
    for key in ("prices", "given", "asked_prices"):
        if asked.get(key) is not None:
            form[key] = shown(asked[key][exchange.name])
    return form


def _coordination(game: Game, session: Any, asked: Json) -> Json:
    """Return what the coordinator hears of the others: answers, what they prove, and plans that they suggest."""
    told = asked.get("answers") or {}
    answers = [
        {
            "agent": agent,
            "role": words(game.scenario.roles[agent]),
            "cost_usd": answer.get("cost_usd"),
            "bound_usd": answer.get("bound_usd"),
            "forms": [
                exchange_form(game.world, game.session.view(agent), exchange, asked["period"])
                | {"values": shown(answer["quantities"][exchange.name])}
                for exchange in of_agent(game.world, game.scenario.roles[agent])
            ],
        }
        for agent, answer in told.items()
    ]
    plans = [
        {
            "name": plan["name"],
            "cost_usd": plan["cost_usd"],
            "quantities": {name: shown(values) for name, values in plan["quantities"].items()},
        }
        for plan in asked.get("plans") or []
    ]
    return {"answers": answers, "proof": asked.get("proof"), "plans": plans}


def _past(session: Any, entry: Json) -> Json:
    """Return one row of a student's history; what the shipped class would have said is for the debrief."""
    answered = entry["answered"]
    told = (answered.get("told") or {}).get("quantities") or {}
    return {
        "hour": clock(session, entry["period"]),
        "round": entry["round"],
        "kind": entry["kind"],
        "by": answered["by"],
        "why": answered.get("why", ""),
        "sums": {name: float(shown(sum(_flat(values)))) for name, values in told.items()},
        "decision": next(iter(answered.get("decision") or {}), ""),
        "cost_usd": answered.get("own_cost_usd"),
        "payment_usd": answered.get("payment_usd"),
        "total_usd": answered.get("own_total_usd"),
    }


def _flat(values: Any) -> list[float]:
    return [number for entry in values for number in _flat(entry)] if isinstance(values, list) else [float(values)]


def _notices(game: Game, session: Any, role: str, log: SeatLog) -> list[Json]:
    """Return the newest notice of each kind: what the period looks like, and what was agreed last."""
    newest = {question["kind"]: question for _, question in sorted(log.questions.copy().items()) if question["deadline"] is None}
    notices = []
    for kind, notice in newest.items():
        found: Json = {"kind": kind, "hour": clock(session, notice["period"]), "own_cost_usd": notice.get("own_cost_usd")}
        found["outlook"] = notice.get("outlook") or {}
        if role != Role.COORDINATOR and notice.get("given"):
            found["forms"] = [_filled_form(game, session, exchange, notice) for exchange in of_agent(game.world, role)]
        # The coordinator hears what is proven of the plan; what is given to whom it has decided itself.
        found |= {"verdict": notice.get("verdict", ""), "agreed": notice.get("agreed", False)}
        notices.append(found)
    return notices


def waiting_for(game: Game, group: Group) -> list[Json]:
    """Return the seats of a group that have a question before them."""
    return [
        {
            "agent": agent,
            "role": words(game.seats[agent]),
            "name": _name(game.sits(group.number, agent)),
            "deadline": game.deadline(asked),
        }
        for agent, log in group.logs.items()
        if (asked := log.open) is not None
    ]


def _name(student: Student | None) -> str:
    return "" if student is None else student.name


def lecturer_view(game: Game) -> Json:
    """Return all groups: who sits where, what each of them waits for, how far they are. No quantity and no cost is in it."""
    return {
        "now": time.time(),
        "state": game.state,
        "scenario": game.scenario.name,
        "periods": game.session.periods,
        "last_period": game.last_period,
        "last_hour": None if game.last_period is None else clock(game.session, game.last_period),
        "students": len(game.students),
        "answer_s": game.rules.answer_s,
        "groups": [_group(game, group) for group in game.groups.values()],
    }


def _group(game: Game, group: Group) -> Json:
    newest = max((log.newest for log in group.logs.values() if log.newest), key=lambda q: (q["period"], q["round"]), default=None)
    committed = max((period for log in group.logs.values() if (period := log.committed) is not None), default=-1)
    return {
        "group": group.number,
        "launched": group.launched,
        "over": group.over,
        "failure": group.failure,
        "period": None if newest is None else newest["period"],
        "hour": None if newest is None else clock(game.session, newest["period"]),
        "round": None if newest is None else newest["round"],
        "done": committed + 1,
        "seats": [_seat(game, group, agent, role) for agent, role in game.seats.items()],
    }


def _seat(game: Game, group: Group, agent: str, role: str) -> Json:
    sitting, log = game.sits(group.number, agent), group.logs.get(agent)
    asked = None if log is None else log.open
    return {
        "agent": agent,
        "role": words(role),
        "name": _name(sitting),
        "here": sitting is not None and sitting.here > 0,
        "deadline": None if asked is None else game.deadline(asked),
        "late": 0 if log is None else log.late,
        "answers": 0 if log is None else len(log.answered),
    }
