"""How-tos and other pages, executed as a reader would: files are written, changes made, commands and Python run, in order.

What is shortened: a day is a few periods long, and the formula `bpr` stands in for SUMO where a page keeps SUMO.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from code_blocks import ROOT, blocks

FORMULA = """schema_version: 1
model: bpr
settings:
  stations:
    r1: {junction: J110_101, passing_link: US101S_I110-ELA}
    r2: {junction: JELA, passing_link: I5S_ELA-I710}
    q1: {junction: J5_605, passing_link: I5S_I710-I605}
    q2: {junction: J105_605, passing_link: I105E_I710-I605}
"""


_NAMED_RUN = re.compile(r"([\w/]+/results)/(?:RUN|<run id>|\d{8}-\d{6}-\w{4})")
_INPUT = shutil.ignore_patterns("results", "*.log", "calibration")


@dataclass
class Reader:
    """Somebody who follows pages of the folder ``pages`` in a ``folder`` of the own."""

    pages: Path
    folder: Path
    environment: dict

    def follow(self, page, *, only_write=False):
        """Do what the page says; return what its commands printed. ``only_write``: no day is run, and nothing that needs one."""
        said = []
        for block in blocks(self.pages / page):
            if block.language == "diff":
                self.change(self.folder / block.title, block.body)
            elif block.title and not block.marks:
                (self.folder / block.title).parent.mkdir(parents=True, exist_ok=True)
                (self.folder / block.title).write_text(block.body, encoding="utf-8")
            elif block.runs and not (only_write and (block.language == "python" or "portage run" in block.body)):
                said.append(self.run(block))
        return said

    def change(self, path, body):
        before = "".join(line[1:] + "\n" for line in body.splitlines() if line[0] in "- ")
        after = "".join(line[1:] + "\n" for line in body.splitlines() if line[0] in "+ ")
        text = path.read_text(encoding="utf-8")
        assert text.count(before) == 1, f"{path.name} has not exactly once:\n{before}"
        path.write_text(text.replace(before, after), encoding="utf-8")

    def run(self, block):
        if block.language == "python":
            words = [sys.executable, "-c", _NAMED_RUN.sub(lambda match: str(self.newest(match[1])), block.body)]
        else:
            words = ["bash", "-euo", "pipefail", "-c", self.commands(block.body)]
        done = subprocess.run(words, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=500)
        assert done.returncode == 0, f"{block}\n{block.body}\n{done.stdout}\n{done.stderr}\n{self.logs()}"
        if "portage new " in block.body:
            shorten(self.folder / "mine")
        return done.stdout

    def commands(self, body):
        """Return the commands of a block with this reader's own folders in place of those that the page makes up."""
        if "pip install " in body:
            # Into a folder of the test's own, not into the environment of whoever runs the tests.
            site = self.folder.parent / "site"
            body = body.replace("pip install ", f"pip install --quiet --target {site} ")
            self.environment = self.environment | {"PYTHONPATH": str(site)}
        body = body.replace("/data/runs", str(self.folder.parent / "runs"))
        return _NAMED_RUN.sub(r"$(ls -d \1/2* | tail -n 1)", body)

    def newest(self, results):
        return max(path for path in (self.folder / results).glob("2*") if (path / "run.json").exists())

    def logs(self):
        return "\n".join(f"--- {path}\n{path.read_text()}" for path in sorted(self.folder.glob("*/results/*/logs/*.log")))


def short_scenarios(folder):
    """Copy the scenarios that ship into ``folder``, each with a short day, and without reports, which take longer than that."""
    shutil.copytree(ROOT / "scenarios", folder / "scenarios", ignore=_INPUT)
    shutil.copy(ROOT / "broker.yaml", folder)
    for broker in (folder / "broker.yaml", *(folder / "scenarios").glob("*/broker.yaml")):
        broker.write_text(f"{broker.read_text(encoding='utf-8').rstrip()}\nreport: false\n", encoding="utf-8")
    for agreement in (folder / "scenarios").glob("*/scenario.yaml"):
        shorten(agreement.parent)


def shorten(scenario):
    """Make a whole day one of the morning's two periods, by formula on the road; by rail of four, for trains need two to move."""
    agreement = scenario / "scenario.yaml"
    text = agreement.read_text(encoding="utf-8")
    if "\nperiods: 24" not in text:
        return
    on_the_road = (scenario / "traffic_sumo").is_dir()
    short = text.replace("\nperiods: 24", f"\nperiods: {2 if on_the_road else 4}")
    if on_the_road:
        short = short.replace("\nstart_hour: 0", "\nstart_hour: 7")
        assert "\nstart_hour: 7\n" in short
        (scenario / "traffic_sumo/config.yaml").write_text(FORMULA, encoding="utf-8")
    agreement.write_text(short, encoding="utf-8")
