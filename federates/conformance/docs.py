"""Make ``docs/conformance.md`` from the checks in the code: ``python -m federates.conformance.docs [--check]``."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from federates.boundary.markdown import markdown_table
from federates.boundary.world import shipped_worlds
from federates.conformance.check import EVERYONE, OPERATORS, Check, Does
from federates.conformance.checks import CHECKS
from federates.conformance.through_helics import wire_checks

__all__ = ["conformance_page"]

_PAGE = Path(__file__).parents[2] / "docs" / "conformance.md"
_TEXT = Path(__file__).with_name("page.md")
_TABLE_HERE = "<!-- table of checks -->\n"

_PARTS: tuple[tuple[str, tuple[Does, ...]], ...] = (
    ("Operators", OPERATORS),
    ("Traffic models", (Does.MODEL,)),
    ("Charging stations", (Does.REPORT,)),
    ("Coordinator algorithms", (Does.COORDINATE,)),
)


def conformance_page() -> str:
    """Return the text of ``docs/conformance.md``."""
    parts = [_part(title, of) for title, of in _PARTS]
    parts.append(_section("Executables, beside these", wire_checks, EVERYONE))
    return _TEXT.read_text(encoding="utf-8").replace(_TABLE_HERE, "\n".join(parts))


def _part(title: str, of: tuple[Does, ...]) -> str:
    return _section(title, (check for check in CHECKS if set(check.of) & set(of)), of)


def _section(title: str, checks: Iterable[Check], of: tuple[Does, ...]) -> str:
    rows = [
        (f"`{check.id}`", _scope(check, of), check.holds, ", ".join(f"`{name}`" for name in _shortest(check))) for check in checks
    ]
    return f"### {title}\n\n" + markdown_table(["check", "for", "what must hold", "needs"], rows)


def _shortest(check: Check) -> list[str]:
    """Return the ids that a check needs, without those that another of them needs anyway."""
    everything: list[Check] = [*CHECKS, *wire_checks]
    known = {other.id: other for other in everything}

    def behind(name: str) -> set[str]:
        needs = known[name].needs
        return set(needs).union(*(behind(need) for need in needs))

    return [name for name in check.needs if not any(name in behind(other) for other in check.needs if other != name)]


def _scope(check: Check, of: tuple[Does, ...]) -> str:
    """Return for whom a check is, where that is not everybody of its part."""
    of_some = not set(of) <= set(check.of)
    words = [f"who {kind}" for kind in check.of if of_some and kind in of]
    worlds = [world.name for world in shipped_worlds() if check.holds_in(world)]
    words += [f"{name} only" for name in worlds if len(worlds) < len(shipped_worlds())]
    words += ["classes only"] if check.classes_only else []
    return ", ".join(words) or "all"


def main() -> int:
    """Write the page, or with ``--check`` return 1 if it is not up to date."""
    text = conformance_page()
    if "--check" not in sys.argv:
        _PAGE.write_text(text, encoding="utf-8")
        return 0
    current = _PAGE.read_text(encoding="utf-8") if _PAGE.exists() else ""
    if current != text:
        print("docs/conformance.md is not up to date: run `python -m federates.conformance.docs`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
