"""What a run's agents say while it goes on: the row that shows where it is, and one line for every hour that is over."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from federates.boundary.names import RAIL, ROAD, Role
from federates.runtime.identity import RunIdentity

__all__ = ["RunTail"]

_C, _P, _T, _X = (role.value for role in (Role.COORDINATOR, Role.POWER_OPERATOR, Role.TRANSPORT_OPERATOR, Role.TRAFFIC))
Fields = dict[str, Any]


class RunTail:
    """Reads new lines of the agents' ``progress.jsonl`` files; ``asked`` is the last question's period and round by rail."""

    def __init__(self, identity: RunIdentity) -> None:
        self.world = identity.world
        self.asked: tuple[int, int] | None = None
        self._folder = Path(identity.run_folder)
        self._roles = dict(identity.agents)
        self._offsets = dict.fromkeys(identity.agents, 0)
        self._fields: Fields = {}
        self._session: Fields = {}
        self._planned: dict[int, str] = {}
        self._loads: dict[int, dict[str, str]] = {}
        """By period, what each agent tells of its stations."""
        self._lines: list[str] = []
        self._negotiated_from = 0
        self._began_s = time.monotonic()

    def read(self, ended: bool = False) -> list[str]:
        """Take in what is new; return the lines of the hours that are over since the last call, all of them if it has ended."""
        for agent in self._offsets:
            path = self._folder / agent / "progress.jsonl"
            if path.exists():
                self._read_file(agent, path)
        if ended:
            self._close_hours(before=None)
        lines, self._lines = self._lines, []
        return lines

    def cells(self) -> dict[str, str]:
        """Return what is shown of the run while it goes on, by column."""
        shown = {"elapsed": _minutes(time.monotonic() - self._began_s), "day": self._share(), "hour": self._hour(self._period())}
        cells = {ROAD: self._road_cells, RAIL: self._rail_cells}.get(self.world, self._plain_cells)
        return shown | cells()

    def _read_file(self, agent: str, path: Path) -> None:
        with path.open("rb") as file:
            file.seek(self._offsets[agent])
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._offsets[agent] += len(line)
                self._take(agent, json.loads(line))

    def _take(self, agent: str, said: Fields) -> None:
        # Two agents may use the same word for different things, so an agent's name stands before its fields.
        self._fields.update({f"{agent}.{name}": value for name, value in said.items()})
        if agent == _C:
            self._take_decision(said)
        elif self._roles[agent] == _P and (load := _load(said)):
            self._loads.setdefault(int(said.get("period", -1)), {})[agent] = load

    def _take_decision(self, said: Fields) -> None:
        if "asked_round" in said:
            self.asked = (int(said["asked_period"]), int(said["asked_round"]))
            if self.asked[1] == 1 and self.asked[0] > 0:
                self._negotiated_from = self.asked[0]
                self._fields.pop(f"{_C}.gap", None)
                self._lines.append(f"from {self._hour(self.asked[0])} on the operators negotiate the rest of the day again")
        if "committed" in said:
            period = int(said["committed"])
            self._close_hours(before=period)
            self._planned[period] = self._plan_words(said)

    def _close_hours(self, before: int | None) -> None:
        """Say what became of the hours before the one that is committed now: their load is known, or will not be told."""
        for period in sorted(p for p in self._planned if before is None or p < before):
            load = self._load_of(period)
            words = f"hour {self._hour(period)}  {self._planned.pop(period)}"
            self._lines.append(f"{words}  load/limit kW {load}" if load else words)

    def _plan_words(self, said: Fields) -> str:
        if self.world == RAIL:
            return f"trains at stations {said.get('trains_standing', '-')}  late {self._told(_T, 'trains_late')}"
        sent = f"  sent {said['vehicles_sent']}" if "vehicles_sent" in said else ""
        return f"rounds {self._told(_C, 'round')}  gap {self._gap()}{sent}"

    def _told(self, role: str, name: str) -> str:
        """Return what the agents of a role have told last of ``name``, one after the other."""
        told = [self._fields.get(f"{agent}.{name}") for agent, own in self._roles.items() if own == role]
        return " + ".join(str(value) for value in told if value is not None) or "-"

    def _load_of(self, period: int) -> str:
        """Return the loads of all power operators in a period, in the order of the agents."""
        loads = self._loads.get(period, {})
        return ", ".join(loads[agent] for agent in self._roles if agent in loads)

    def _road_cells(self) -> dict[str, str]:
        newest = max(self._loads, default=None)
        load = "-" if newest is None else f"{self._hour(newest)} {self._load_of(newest)}"
        return self._plain_cells() | {"on road": self._told(_X, "mves_on_road"), "load/limit kW": load}

    def _plain_cells(self) -> dict[str, str]:
        """Return what is shown in every world."""
        return {"round": self._told(_C, "round"), "gap": self._gap()}

    def _rail_cells(self) -> dict[str, str]:
        again = f"again from {self._hour(self._negotiated_from)}" if self._negotiated_from else "day ahead"
        return {
            "negotiation": again,
            "asked": self._told(_C, "asked"),
            "round": self._told(_C, "asked_round"),
            "gap": self._gap(),
        }

    def _period(self) -> int:
        """Return the period that the coordinator is at: the one it negotiates, or the one it has committed last."""
        names = ("committed", "period", "asked_period")
        return max((int(self._fields[f"{_C}.{name}"]) for name in names if f"{_C}.{name}" in self._fields), default=-1)

    def _gap(self) -> str:
        gap = self._fields.get(f"{_C}.gap", -1.0)
        return f"{gap:.2%}" if gap >= 0 else "-"

    def _hour(self, period: int) -> str:
        session = self._agreed()
        if period < 0 or not session:
            return "-"
        minute = round(60 * session.get("start_hour", 0) + period * session.get("period_s", 3600) / 60) % 1440
        return f"{minute // 60:02d}:{minute % 60:02d}"

    def _share(self) -> str:
        periods, done = self._agreed().get("periods"), self._fields.get(f"{_C}.committed", -1)
        return "-" if not periods else f"{max(0, int(done)) / int(periods):.0%}"

    def _agreed(self) -> Fields:
        path = self._folder / _C / "session.json"
        if not self._session and path.exists():
            self._session = json.loads(path.read_text(encoding="utf-8"))
        return self._session


def _load(said: Fields) -> str:
    loads = {name.removesuffix("_load_kw"): value for name, value in sorted(said.items()) if name.endswith("_load_kw")}
    return ", ".join(f"{name} {value:.0f}/{said.get(f'{name}_limit_kw', 0):.0f}" for name, value in loads.items())


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
