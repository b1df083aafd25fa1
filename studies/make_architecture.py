"""Draw who talks to whom, one round and one period from the world objects, into docs/architecture.md and the README.

``python studies/make_architecture.py``; with ``--check`` nothing is written, and the exit code is 1 if a page is not up to date.
"""

import re
import sys
from pathlib import Path

from federates.boundary.exchange import Message, Moment
from federates.boundary.names import FLEETS, ROAD, Role
from federates.boundary.world import World, shipped_worlds, world_of

ROOT = Path(__file__).parents[1]
PAGES = (ROOT / "docs/architecture.md", ROOT / "README.md")
_MARK = re.compile(r"(<!-- diagram: (?P<name>[\w-]+) -->\n).*?(<!-- end of diagram -->)", re.S)


def who_talks_to_whom(world: World) -> str:
    """Return the agents of a world as a flow chart: an arrow for all that one tells another."""
    told: dict[tuple[str, str], list[str]] = {}
    for exchange in world.exchanges:
        for role in exchange.roles:
            told.setdefault((Role.COORDINATOR, role), []).append(f"{exchange.name}: price, given")
            told.setdefault((role, Role.COORDINATOR), []).append(
                f"{exchange.name}: {'asked' if role in exchange.asks else 'offered'}, cost, bound"
            )
    for message in world.messages:
        if message.passed_on:
            told.setdefault((message.sender, Role.COORDINATOR), []).append(message.name)
            for hearer in message.hearers:
                told.setdefault((Role.COORDINATOR, hearer), []).append(message.name)
        else:
            for hearer in message.hearers:
                told.setdefault((message.sender, hearer), []).append(message.name)
    lines = ["flowchart LR", *(f"  {role}" for role in world.roles)]
    lines += [f'  {sender} -- "{"<br>".join(words)}" --> {reader}' for (sender, reader), words in told.items()]
    return "\n".join(lines)


def one_period(world: World) -> str:
    """Return the messages of a period as a sequence diagram, one round in it."""
    roles = (Role.COORDINATOR, *world.operators, *world.models, *world.reporters)
    lines = ["sequenceDiagram", *(f"  participant {role}" for role in roles)]
    lines.append(f"  {Role.COORDINATOR}->>{world.operators[0]}: open (to all operators)")
    lines += _messages(world, Moment.OPENING)
    lines.append("  loop every round, until the algorithm commits")
    for exchange in world.exchanges:
        lines += [
            f"    {Role.COORDINATOR}->>{role}: solve: price of {exchange.name}, or evaluate: {exchange.name} given"
            for role in exchange.roles
        ]
        lines += [f"    {role}->>{Role.COORDINATOR}: {exchange.name}, cost, bound" for role in exchange.roles]
    lines += ["  end", f"  {Role.COORDINATOR}->>{world.operators[0]}: commit (to all operators): what is given to each"]
    return "\n".join([*lines, *_messages(world, Moment.DISPATCH), *_messages(world, Moment.OBSERVATION)])


def _messages(world: World, moment: Moment) -> list[str]:
    found: list[Message] = [message for message in world.messages if message.moment is moment]
    passed_on = [message for message in found if message.passed_on]
    said = [f"  {message.sender}->>{Role.COORDINATOR}: {message.name}" for message in passed_on]
    said += [f"  {m.sender}->>{hearer}: {m.name}" for m in found if m not in passed_on for hearer in m.hearers]
    return said + [
        f"  {Role.COORDINATOR}->>{hearer}: {message.name}, passed on" for message in passed_on for hearer in message.hearers
    ]


def diagrams() -> dict[str, str]:
    """Return all diagrams by name."""
    found = {f"{world.name}-who": who_talks_to_whom(world) for world in shipped_worlds()}
    return found | {f"{name}-period": one_period(world_of(name)) for name in (ROAD, FLEETS)}


def made(text: str) -> str:
    """Return a page with its diagrams drawn anew."""
    drawn = diagrams()
    return _MARK.sub(lambda match: f"{match[1]}```mermaid\n{drawn[match['name']]}\n```\n{match[3]}", text)


def main() -> int:
    """Draw, or check."""
    stale = [page for page in PAGES if made(page.read_text(encoding="utf-8")) != page.read_text(encoding="utf-8")]
    for page in stale:
        if "--check" in sys.argv:
            print(f"{page.relative_to(ROOT)} is not up to date: run `python studies/make_architecture.py`", file=sys.stderr)
        else:
            page.write_text(made(page.read_text(encoding="utf-8")), encoding="utf-8")
    return int(bool(stale) and "--check" in sys.argv)


if __name__ == "__main__":
    sys.exit(main())
