"""What a page of results was made with: one line, from the record of the run."""

import json
from pathlib import Path

__all__ = ["made_with"]

_SHOWN = ("portage-cosim", "boundary", "python", "helics", "highspy", "pyomo", "numpy", "scipy", "eclipse-sumo")


def made_with(run: Path) -> str:
    """Return the versions with which the run in ``run`` was made, as a sentence."""
    found = json.loads((run / "run.json").read_text(encoding="utf-8"))["versions"]
    return f"Made with {', '.join(f'{name} {found[name]}' for name in _SHOWN if name in found)}."
