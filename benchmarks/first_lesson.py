"""How long a learner waits from ``pip install`` to the first figure of lesson 1: ``python benchmarks/first_lesson.py``.

In a new virtual environment: install with the extra `lessons`, copy the notebooks, and run the first one in Jupyter's kernel up
to its first figure. Prints seconds of wall-clock and of processor time; how long downloads take is the network's.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
_TO_THE_FIGURE = """
import nbclient, nbformat
notebook = nbformat.read("01_two_agents_one_price.ipynb", 4)
drawn = next(i for i, cell in enumerate(notebook.cells) if "plt.show()" in cell.source)
notebook.cells = notebook.cells[: drawn + 1]
nbclient.NotebookClient(notebook).execute()
assert any("image/png" in output.get("data", {}) for output in notebook.cells[-1].outputs)
"""


def timed(name: str, command: list[str], folder: Path) -> float:
    """Run a command, print how long it took, and return that, s."""
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=folder, check=True)
    wall_s, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{name:24} {wall_s:7.1f} s, processor {cpu_s:6.1f} s", flush=True)
    return wall_s


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        folder, python = Path(place), str(Path(place) / "v" / "bin" / "python")
        wall_s = timed("virtual environment", [sys.executable, "-m", "venv", "v"], folder)
        wall_s += timed("pip install", [python, "-m", "pip", "install", "-q", "-e", f"{ROOT}[lessons]"], folder)
        wall_s += timed("portage lessons", [str(Path(python).with_name("portage")), "lessons", "my_lessons"], folder)
        wall_s += timed("to the first figure", [python, "-c", _TO_THE_FIGURE], folder / "my_lessons")
        print(f"{'all':24} {wall_s:7.1f} s")


if __name__ == "__main__":
    main()
