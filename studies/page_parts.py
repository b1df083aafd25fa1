"""What pages of results have in common: with what they were made, and figures with their captions."""

import json
from pathlib import Path

_SHOWN = ("portage-cosim", "boundary", "python", "helics", "highspy", "pyomo", "numpy", "scipy", "eclipse-sumo")


def made_with(run: Path) -> str:
    """Return the versions with which the run in ``run`` was made, as a sentence."""
    found = json.loads((run / "run.json").read_text(encoding="utf-8"))["versions"]
    return f"Made with {', '.join(f'{name} {found[name]}' for name in _SHOWN if name in found)}."


def markdown_picture(name: str, reading: str) -> str:
    """Return a figure of the docs with its caption in Markdown; who does not see it reads the first sentence."""
    alt = reading.split(". ")[0].rstrip(".").replace("[", "(").replace("]", ")")
    return f"![{alt}](figures/{name}.png)\n\n{reading}\n"
