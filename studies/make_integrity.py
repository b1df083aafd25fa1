"""Make docs/integrity.md: what becomes of every fault on the wire, and what signatures cost.

``python studies/make_integrity.py`` puts every fault into a whole run in this process (tests/support/wire_faults.py), which takes
half a minute of processor time, and keeps what came out in studies/integrity.json; ``--page`` writes the page from that file,
``--check`` only says whether the page is up to date.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
sys.path[:0] = [str(ROOT / "tests/support")]

import integrity_vector  # noqa: E402
from wire_faults import CASES, FAULTS, PLACES, Outcome, run, word  # noqa: E402

from federates.boundary.markdown import markdown_table  # noqa: E402

KEPT, TEXT, PAGE = HERE / "integrity.json", HERE / "integrity.md.in", ROOT / "docs/integrity.md"


def outcomes() -> list[dict[str, str]]:
    """Return what becomes of every case, in a word or two."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        clean = undisturbed(Path(folder))
        for place, fault in CASES:
            outcome = run(place, fault, Path(folder), clean.before)
            found.append({"topic": place.kind, "phase": place.phase, "fault": fault, "outcome": word(outcome, clean)})
            print(*found[-1].values(), sep=" | ", flush=True)
    return found


def undisturbed(folder: Path) -> Outcome:
    """Return a run without a fault, with its session as it crossed: another run may replay it."""
    return run(PLACES[0], "none", folder)


def table(kept: list[dict[str, str]]) -> str:
    """Return the table of the page: a row for each class of topic and phase, a column for each fault."""
    rows = []
    for place in PLACES:
        found = {k["fault"]: k["outcome"] for k in kept if (k["topic"], k["phase"]) == (place.kind, place.phase)}
        rows.append([place.kind, place.phase, *(found[fault] for fault in FAULTS)])
    return markdown_table(["topic", "phase", *FAULTS], rows)


def page(kept: list[dict[str, str]]) -> str:
    """Return the text of the page."""
    words = [k["outcome"].partition(":")[0] for k in kept]
    told = {
        "faults": table(kept),
        "cases": str(len(kept)),
        "right": str(words.count("right")),
        "refused": str(words.count("refused")),
        "ended": str(words.count("ended")),
        **integrity_vector.shown(),
    }
    text = TEXT.read_text(encoding="utf-8")
    for name, value in told.items():
        text = text.replace(f"{{{{{name}}}}}", value)
    return text


def main(words: list[str]) -> int:
    """Make the page; return 1 if it is to be up to date and is not."""
    if not words:
        KEPT.write_text(json.dumps(outcomes(), indent=1) + "\n", encoding="utf-8")
    made = page(json.loads(KEPT.read_text(encoding="utf-8")))
    if "--check" in words:
        return int(made != PAGE.read_text(encoding="utf-8"))
    PAGE.write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
