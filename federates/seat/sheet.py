"""What an agent knows, for the person in its seat: its own settings and data, and the agreement as it sees it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from federates.boundary.session import Session
from federates.boundary.world import World, world_of
from federates.seat.entries import fields

_MOST_BYTES, _MOST_FILES = 200_000, 20
_TEXT = (".csv", ".md", ".txt", ".yaml")


class Loaded(Protocol):
    """What is known of an agent that has been made: see `federates.runtime.plugins.LoadedAgent`."""

    @property
    def agent(self) -> str: ...  # noqa: D102
    @property
    def role(self) -> str: ...  # noqa: D102
    def resolved(self) -> dict[str, Any]: ...  # noqa: D102


def sheet(loaded: Loaded, folder: Path, view: Session, seconds: float) -> dict[str, Any]:
    """Return ``sheet.json`` (`federates.seat.mailbox`); ``folder`` is the agent's own of the scenario."""
    world: World = world_of(view.world)
    resolved = loaded.resolved()
    settings = resolved.pop("settings", {})
    return {
        "agent": loaded.agent,
        "role": loaded.role,
        "world": world.name,
        "class": next(iter(resolved.values()), ""),
        "seconds": seconds,
        "settings": settings,
        "data": _texts(folder),
        "session": view.model_dump(mode="json"),
        "exchanges": _exchanges(world, view, loaded.role),
    }


def _exchanges(world: World, view: Session, role: str) -> list[dict[str, Any]]:
    rows = []
    for field in fields(world, view, role, 0).values():
        exchange = field.exchange
        side = "asks" if role in exchange.asks else "offers" if role in exchange.offers else "coordinates"
        axes = [
            {"letter": letter, "meaning": world.letters.get(letter, ""), "names": None if names is None else list(names)}
            for letter, names in zip(exchange.axes, field.names, strict=True)
        ]
        said = {"name": exchange.name, "unit": exchange.unit, "price_unit": exchange.price_unit, "meaning": exchange.meaning}
        rows.append({**said, "side": side, "axes": axes, "whole": exchange.whole, "most": field.most})
    return rows


def _texts(folder: Path) -> dict[str, str]:
    """Return the small text files of an agent's own folder by name, but for its settings; none without a folder of its own."""
    found: dict[str, str] = {}
    if folder == Path():
        return found
    for path in sorted(folder.rglob("*")):
        if len(found) == _MOST_FILES or path.suffix not in _TEXT or path.name == "config.yaml" or not path.is_file():
            continue
        if path.stat().st_size <= _MOST_BYTES:
            found[path.relative_to(folder).as_posix()] = path.read_text(encoding="utf-8", errors="replace")
    return found
