"""The whole debrief of a game as plain data."""

from __future__ import annotations

from typing import Any

from federates.boundary.names import Role
from federates.debrief.bluffs import bluff_rows, summary, told_by_people
from federates.debrief.game import Game
from federates.debrief.points import points

_DIGITS = 6


def debrief(game: Game, reference: Game) -> dict[str, Any]:
    """Return what is to be told after a game.

    Parameters
    ----------
    reference : the same day, played by the shipped classes (`federates.debrief.reference`).

    Returns
    -------
    dict
        ``run`` and ``reference``: folders. ``efficiency``: share of the reference's gain. ``periods``: a row each with
        ``cost_usd`` (true, of all), ``best_usd`` (the reference's), ``bound_usd`` (proven: no plan costs less; null where the
        horizon is longer than a period, so that the bound is of more than the period), ``idle_usd`` (without any exchange),
        ``extra_usd`` (cost minus best), ``agreed``, ``verdict``. ``price_of_disagreement_usd``: ``extra_usd`` of the periods that
        were not agreed; ``extra_usd``: of all. ``agents``: a row each with role, who played, ``cost_usd``, ``payment_usd`` (what
        it pays; negative: is paid), ``gain_usd``, ``reference_gain_usd``, ``points`` and how it answered. ``ranking``: names
        of who was played by people, best first. ``bluffs``: every answer that was not so. ``private``: by agent its
        settings, data and what it expected of each period.
    """
    told = told_by_people(game)
    gains = {agent: game.gain_usd(agent) for agent in game.operators}
    known = {agent: reference.gain_usd(agent) if agent in reference.accounts else 0.0 for agent in game.operators}
    scored = points(gains, known)
    rows = [_operator(game, agent, gains[agent], known[agent], scored.operators[agent]) for agent in game.operators]
    for row in rows:
        row |= summary(row["agent"], game.answered(row["agent"]), told)
    rows.append(_coordinator(game, scored.coordinator))
    periods = _periods(game, reference)
    found = {
        "run": str(game.folder),
        "reference": str(reference.folder),
        "scenario": game.session.name,
        "world": game.session.world,
        "efficiency": scored.efficiency,
        "extra_usd": sum(row["extra_usd"] for row in periods if row["extra_usd"] is not None),
        "price_of_disagreement_usd": sum(row["extra_usd"] or 0.0 for row in periods if not row["agreed"]),
        "periods": periods,
        "agents": rows,
        "ranking": ranking(rows),
        "bluffs": bluff_rows(told),
        "private": {agent: _private(game, agent) for agent in game.desks},
    }
    rounded: dict[str, Any] = _rounded(found)
    return rounded


def ranking(rows: list[dict[str, Any]]) -> list[str]:
    """Return the agents that people played, most points first; equal ones by name."""
    played = [row for row in rows if row["seconds"] > 0 and row["points"] is not None]
    return [row["agent"] for row in sorted(played, key=lambda row: (-round(row["points"], 6), row["agent"]))]


def _operator(game: Game, agent: str, gain_usd: float, reference_usd: float, scored: float | None) -> dict[str, Any]:
    accounts = game.accounts[agent]
    return {
        **_who(game, agent),
        "cost_usd": sum(account.cost_usd for account in accounts),
        "payment_usd": sum(account.payment_usd for account in accounts),
        "gain_usd": gain_usd,
        "reference_gain_usd": reference_usd,
        "points": scored,
    }


def _coordinator(game: Game, scored: float | None) -> dict[str, Any]:
    agent = Role.COORDINATOR.value
    own = summary(agent, game.answered(agent), ())
    nothing = dict.fromkeys(("cost_usd", "payment_usd", "gain_usd", "reference_gain_usd"))
    return {**_who(game, agent), **nothing, "points": scored, **own}


def _who(game: Game, agent: str) -> dict[str, Any]:
    sheet = game.sheets[agent]
    return {"agent": agent, "role": sheet["role"], "class": sheet["class"], "seconds": sheet["seconds"]}


def _periods(game: Game, reference: Game) -> list[dict[str, Any]]:
    cost, best, idle = game.cost_by_period(), reference.cost_by_period(), game.idle_by_period()
    one_period = game.session.sizes(0).get("H") == 1 or game.world.plan_lasts(game.session)
    bounds = {each.period: each.lower_usd for each in (*game.agreed, *reference.agreed)} if one_period else {}
    rows = []
    for each in game.agreed:
        period = each.period
        extra_usd = cost[period] - best[period] if period in cost and period in best else None
        usd = {"cost_usd": cost.get(period), "best_usd": best.get(period), "bound_usd": bounds.get(period)}
        how = {"agreed": each.agreed, "verdict": each.verdict}
        rows.append({"period": period, **usd, "idle_usd": idle.get(period), "extra_usd": extra_usd, **how})
    return rows


def _private(game: Game, agent: str) -> dict[str, Any]:
    sheet = game.sheets[agent]
    outlooks = {str(each["period"]): each["outlook"] for each in game.questions[agent] if each.get("outlook")}
    return {"settings": sheet["settings"], "data": sheet["data"], "outlook": outlooks}


def _rounded(value: Any) -> Any:
    """Return plain data with numbers to six decimals, so that no rounding error shows."""
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return round(value, _DIGITS) + 0.0 if isinstance(value, float) else value
