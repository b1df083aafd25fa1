"""Put what a run of the Los Angeles day says into the README: ``python studies/make_readme.py RUN``.

``helics run --path=scenarios/la_gcs/runner.json`` first; RUN is the folder of its results. A test compares the README with a run.
"""

import json
import re
import sys
from pathlib import Path

from page_parts import made_with

README = Path(__file__).parents[1] / "README.md"
PART = re.compile(r"(<!-- what came out: made by `python studies/make_readme.py RUN` -->\n).*?(<!-- end -->\n)", re.DOTALL)


def sentences(run: Path) -> list[str]:
    """Return what the broker's log ends with, without the places of the results."""
    return [line.replace("\u202f", " ") for line in json.loads((run / "run.json").read_text())["headline"]]


def part(run: Path) -> str:
    """Return the README's part for a run."""
    ends = ["Results: .../scenarios/la_gcs/results/<run id>", "Report:  .../scenarios/la_gcs/results/<run id>/report.html"]
    return "\n".join(["```", *sentences(run), *ends, "```", "", made_with(run), ""])


def shown() -> str:
    """Return the part as it stands in the README."""
    found = PART.search(README.read_text(encoding="utf-8"))
    assert found is not None, "README.md has lost the marks of what came out"
    return found[0][len(found[1]) : -len(found[2])]


def main(run: Path) -> None:
    """Write the part."""
    text = README.read_text(encoding="utf-8")
    README.write_text(PART.sub(lambda marks: marks[1] + part(run) + marks[2], text), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
