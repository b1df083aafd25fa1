"""Make the outputs on docs/audit.md anew, from two runs of a copy of the 30-bus day: ``python studies/make_audit.py --write``.

The second run has the curious operator that stands on the page. Without ``--write`` the page is printed. What does not depend on
a run is held against the code by tests/unit/test_audit_page.py.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from federates.scaffold.scenario import new_scenario

PAGE = Path(__file__).parents[1] / "docs/audit.md"
BLOCK = r"(<!-- output: {name} -->\n```text\n).*?(```\n)"
CURIOUS = re.compile(r"```python title=power_operator/curious.py\n(.*?)```", re.DOTALL)


def main() -> None:
    """Run both, and put what they print into the page."""
    with tempfile.TemporaryDirectory() as folder:
        scenario = new_scenario(Path(folder).resolve() / "ieee30", "ieee30")
        outputs = {"clean": audit(scenario)}
        make_curious(scenario, CURIOUS.search(PAGE.read_text(encoding="utf-8"))[1])
        outputs["curious"] = audit(scenario, only="breach:|Audit:")
    page = PAGE.read_text(encoding="utf-8")
    for name, text in outputs.items():
        page = put(page, name, text)
    if "--write" in sys.argv:
        PAGE.write_text(page, encoding="utf-8")
    else:
        print(page)


def audit(scenario: Path, only: str = "") -> str:
    """Run the scenario and return what `portage audit` prints of it, or its lines that match ``only``."""
    before = set((scenario / "results").glob("*"))
    portage(scenario.parent, "run", str(scenario))
    folder = next(path for path in set((scenario / "results").glob("*")) - before if (path / "graph.json").exists())
    said = portage(scenario.parent, "audit", str(folder)).replace(f"{scenario.parent}/", "")
    return "".join(f"{line}\n" for line in said.splitlines() if re.match(only, line))


def portage(folder: Path, *words: str) -> str:
    """Return what the command prints."""
    command = [sys.executable, "-m", "federates.cli", *words]
    return subprocess.run(command, cwd=folder, env=os.environ | {"NO_COLOR": "1"}, stdout=subprocess.PIPE, text=True).stdout


def make_curious(scenario: Path, source: str) -> None:
    """Put the curious operator in the power operator's place."""
    (scenario / "power_operator/curious.py").write_text(source, encoding="utf-8")
    config = scenario / "power_operator/config.yaml"
    changed = yaml.safe_load(config.read_text(encoding="utf-8")) | {"operator": "curious:Curious"}
    config.write_text(yaml.safe_dump(changed, sort_keys=False), encoding="utf-8")


def put(page: str, name: str, text: str) -> str:
    """Return ``page`` with another text in the block ``name``."""
    changed, count = re.subn(BLOCK.format(name=name), lambda found: found[1] + text + found[2], page, flags=re.DOTALL)
    if count != 1 or not text:
        raise SystemExit(f"{PAGE.name}: output {name}: {count} blocks, {json.dumps(text[:60])}")
    return changed


if __name__ == "__main__":
    main()
