"""The debrief of a game: every group against one run of the day without people, as a page and as one file."""

from __future__ import annotations

import contextlib
import re
import threading
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from markupsafe import Markup

from federates.boundary.errors import PortageError
from federates.boundary.exchange import Exchange
from federates.boundary.names import Role
from federates.debrief import game as played
from federates.debrief.debrief import debrief
from federates.debrief.reference import play_without_people
from federates.play.chart import cost_chart
from federates.play.forms import clock
from federates.play.game import Game
from federates.play.group import Group
from federates.play.pages import PAGES, STATIC
from federates.runs.stop import Stop
from federates.runtime.results import disk_error
from federates.web.app import STATIC as WEB_STATIC

Json: TypeAlias = dict[str, Any]
_LOOK_S = 0.5
_FILE = "debrief.html"
_UNIT = re.compile(r"_(usd_per_[a-z]+|veh_per_h|kwh_per_veh|usd|veh|kwh|kw|mwh|mw|s|h|km)$")
_SHOWN = {"kwh": "kWh", "kw": "kW", "mwh": "MWh", "mw": "MW", "usd": "USD"}


class Debrief:
    """The debrief of one game. The day without people is played while the students play, once."""

    def __init__(self, game: Game) -> None:
        self._game = game
        self._stop = Stop()
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._reference: Path | None = None
        self._content: Json | None = None

    def prepare(self) -> None:
        """Play the day without people in the background, once a group has agreed on something: until then all are starting."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._play_aside, name="reference", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Let the day without people end, whoever waits for it."""
        self._stop.why = "the server of the game was stopped"
        self._over.set()

    def end(self) -> None:
        """Do so, and wait until nothing goes on in the background."""
        self.stop()
        if self._thread is not None:
            self._thread.join()

    def make(self) -> Path:
        """Compute the debrief and keep it in the game's folder as one file; return that.

        Raises
        ------
        PortageError : no group has agreed on anything, or the day without people could not be played.
        """
        with self._lock:
            return self._make()

    def page(self, alone: bool) -> str:
        """Return the page; ``alone``: with all that it needs in it. Of several who ask at once one has it computed.

        Raises
        ------
        PortageError : as of `make`.
        """
        if self._content is None:
            with self._lock:
                if self._content is None:  # who held the lock may have made it
                    self._make()
        return self._page(alone)

    def _make(self) -> Path:
        groups = [group for group in self._game.groups.values() if _hours(group)]
        if not groups:
            raise PortageError("No group has agreed on any hour, so there is nothing to tell")
        reference = self._play_reference()
        self._content = _content(self._game, groups, reference)
        path = self._game.folder / _FILE
        try:
            path.write_text(self._page(alone=True), encoding="utf-8")
        except OSError as error:
            raise disk_error(path, error) from error
        return path

    def _page(self, alone: bool) -> str:
        sheets = (WEB_STATIC / "base.css", STATIC / "play.css") if alone else ()
        style = Markup("\n".join(sheet.read_text(encoding="utf-8") for sheet in sheets))  # noqa: S704 (files of this package)
        return PAGES.text("debrief.html.j2", alone=alone, style=style, **(self._content or {}))

    def _play_aside(self) -> None:
        while not self._over.wait(_LOOK_S):
            if any(_hours(group) for group in self._game.groups.values()):
                with self._lock, contextlib.suppress(PortageError):  # tried again, and said, when it is needed
                    self._play_reference()
                return

    def _play_reference(self) -> Path:
        if self._reference is None:
            game = self._game
            place = game.scenario.folder, game.overrides, dict(game.scenario.use), game.folder
            self._reference = play_without_people(*place, self._stop).folder
        return self._reference


def _hours(group: Group) -> int:
    """Return how many hours a group has agreed on."""
    committed = [period for log in group.logs.values() if (period := log.committed) is not None]
    return max(committed, default=-1) + 1


def _content(game: Game, groups: list[Group], reference: Path) -> Json:
    told = [_group(game, group, reference) for group in groups]
    # Who has played more hours has had more to lose: groups that ended early come behind.
    ranked = sorted(told, key=lambda row: (-row["hours"], -(row["efficiency"] or 0.0), row["number"]))
    private = debrief_of(groups[0], reference)["private"]
    return {
        "scenario": game.scenario.name,
        "groups": ranked,
        "headline": _headline(ranked),
        "private": [_known(game, agent, own) for agent, own in private.items() if agent in game.scenario.roles],
    }


def debrief_of(group: Group, reference: Path) -> Json:
    """Return the debrief of a group's run; the reference counts in the hours that the group has played."""
    assert group.folder is not None
    run, honest = played.Game(group.folder), played.Game(reference)
    hours = {account.period for rows in run.accounts.values() for account in rows}
    honest.accounts = {agent: [row for row in rows if row.period in hours] for agent, rows in honest.accounts.items()}
    return debrief(run, honest)


def _group(game: Game, group: Group, reference: Path) -> Json:
    found = debrief_of(group, reference)
    names = {agent: game.played_by(group.number, agent) for agent in game.scenario.roles}
    players = sorted(
        (row | {"name": names[row["agent"]], "role": row["role"].replace("_", " ")} for row in found["agents"]),
        key=lambda row: (not row["name"], -(row["points"] or 0.0)),
    )
    hours = [row | {"hour": clock(game.session, row["period"])} for row in found["periods"]]
    return {
        "number": group.number,
        "names": ", ".join(name for name in dict.fromkeys(names.values()) if name),
        "failure": group.failure,
        "hours": len(hours),
        "whole": len(hours) == game.session.periods,
        "agreed": sum(row["agreed"] for row in hours),
        "efficiency": found["efficiency"],
        "extra_usd": found["extra_usd"],
        "price_usd": found["price_of_disagreement_usd"],
        "cost_usd": sum(row["cost_usd"] or 0.0 for row in hours),
        "best_usd": sum(row["best_usd"] or 0.0 for row in hours),
        "players": players,
        "periods": hours,
        "outcomes": _outcomes(found, names),
        "bluffs": [_bluff(game, row, names) for row in found["bluffs"]],
        "chart": cost_chart(hours),
        "sent": _sent(game, group.folder, reference),
    }


def _sent(game: Game, run: Path | None, reference: Path) -> Json:
    """Return what was carried out in each hour, and what was so in the reference: rows by exchange; none where a plan lasts."""
    if run is None or game.world.plan_lasts(game.session):
        return {"names": [], "rows": []}
    days = [played.Game(folder).notices(Role.COORDINATOR, "commit") for folder in (run, reference)]
    names = [f"{exchange.name.replace('_', ' ')}, {exchange.unit}" for exchange in game.world.exchanges]
    rows = [
        (
            clock(game.session, period),
            [_offered(game, exchange, day.get(period)) for exchange in game.world.exchanges for day in days],
        )
        for period in sorted(days[0])
    ]
    return {"names": names, "rows": rows}


def _offered(game: Game, exchange: Exchange, notice: Json | None) -> float | None:
    if notice is None:
        return None
    given = (notice["given"][agent] for agent, role in game.scenario.roles.items() if role in exchange.offers)
    return float(sum(np.asarray(each[exchange.name])[..., 0].sum() for each in given))


def _headline(ranked: list[Json]) -> str:
    best = ranked[0]
    if best["efficiency"] is None:
        return "There was nothing to gain by any exchange in this day."
    share = f"{best['efficiency']:.0%} of what the day had to give"
    if len(ranked) == 1:
        return f"Together you have reached {share}; {best['extra_usd']:.2f} USD were lost."
    return f"Group {best['number']} ({best['names']}) is first: it has reached {share}, and lost {best['extra_usd']:.2f} USD."


def _outcomes(found: Json, names: dict[str, str]) -> list[str]:
    """Return in words how who bluffed ended, beside a day in which nobody does."""
    agents = {row["agent"] for row in found["bluffs"]}
    rows = [row for row in found["agents"] if row["agent"] in agents]
    more = {row["agent"]: row["gain_usd"] - row["reference_gain_usd"] for row in rows}
    return [
        f"{names[agent] or agent} gained {abs(usd):.2f} USD {'more' if usd > 0 else 'less'} than where all answer honestly"
        for agent, usd in more.items()
    ]


def _bluff(game: Game, row: Json, names: dict[str, str]) -> Json:
    """Return in words what was told and was not so."""
    said = []
    if row["false_claim"]:
        more = row["claimed_more_usd"]
        said.append(f"told a cost {abs(more):.2f} USD {'above' if more > 0 else 'below'} the own one")
    if row["other_answer"] and row["withheld"]:
        said.append(f"sent {row['withheld']:g} less than was possible")
    elif row["other_answer"]:
        said.append(f"gave an answer {row['forgone_usd']:.2f} USD worse for itself than its best one at these prices")
    who = names[row["agent"]] or "the shipped class"
    return {"who": who, "agent": row["agent"], "hour": clock(game.session, row["period"]), "round": row["round"], "said": said}


def _known(game: Game, agent: str, own: Json) -> Json:
    """Return what one agent knew, as a table with a row for each hour, and its settings."""
    columns: dict[str, dict[int, float]] = {}
    for period, outlook in own["outlook"].items():
        for name, value in _columns(outlook):
            columns.setdefault(name, {})[int(period)] = value
    # What is nothing all day tells nothing.
    columns = {name: entries for name, entries in columns.items() if any(entries.values())}
    periods = sorted(int(period) for period in own["outlook"])
    rows = [(clock(game.session, period), [entries.get(period) for entries in columns.values()]) for period in periods]
    role = game.scenario.roles[agent].replace("_", " ")
    return {"agent": agent, "role": role, "columns": list(columns), "rows": rows, "settings": list(_flat(own["settings"]))}


def _columns(outlook: Json) -> list[tuple[str, float]]:
    """Return name and value of what was expected of the opened period itself."""
    found = []
    for name, value in outlook.items():
        entries = value.items() if isinstance(value, dict) else [("", value)]
        for place, numbers in entries:
            while isinstance(numbers, list) and numbers:
                numbers = numbers[0]
            if isinstance(numbers, int | float):
                found.append((_named(name, place), float(numbers)))
    return found


def _named(name: str, place: str) -> str:
    """Return a column's name with its unit at the end, such as ``worth q1, USD`` of ``worth_usd`` and ``q1``."""
    unit = _UNIT.search(name)
    words = (name if unit is None else name[: unit.start()]).replace("_", " ")
    shown = "" if unit is None else ", " + " ".join(_SHOWN.get(word, word) for word in unit[1].split("_"))
    return f"{words} {place}".strip() + shown


def _flat(settings: Any, path: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    if isinstance(settings, dict):
        return [row for key, value in settings.items() for row in _flat(value, (*path, str(key)))]
    if settings is None or settings == "":
        return []
    text = ", ".join(map(str, settings)) if isinstance(settings, list) else str(settings)
    return [(": ".join(path).replace("_", " "), text)]
