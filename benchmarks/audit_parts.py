"""What each part of the audit costs in one run, added up as if nothing of it happened at the same time as anything else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import pandas as pd
from audit_broker import STOPWATCH

from federates.runtime.ledger import Ledger
from federates.runtime.results import ResultWriter

_REPEAT = 5
COUNT_EVENTS = '''
"""Counts the audit events of a Python process; written at its end to a file that is opened before the process is confined."""
import atexit, os, sys
words = " ".join(sys.orig_argv)
if "-m federates." in words and "-m federates.cli" not in words:  # an agent
    out, count = os.open(f"{os.environ['PORTAGE_EVENTS']}/{os.getpid()}", os.O_CREAT | os.O_WRONLY), [0]
    def _hook(event, args):
        count[0] += 1
    sys.addaudithook(_hook)
    atexit.register(lambda: os.write(out, str(count[0]).encode()))
'''
"""A ``sitecustomize.py``, which Python runs at the start of every process whose search path has it."""
PRICES = '''
"""Prints what one event of no interest, the first open of a file, and the confinement itself cost this process, in s."""
import json, os, sys, time
from pathlib import Path
from federates.boundary.names import Role
from federates.runtime.broker_config import BrokerConfig
from federates.isolation.confinement import Confinement
from federates.runtime.identity import RunIdentity

def each(action, items):
    began = time.process_time()
    for item in items:
        action(item)
    return (time.process_time() - began) / len(items)

def prices():
    return each(lambda _: sys.audit("portage.nothing", 1), range(100_000)), each(lambda file: open(file).close(), library)

scenario = Path(sys.argv[1])
own = scenario / "power_operator/config.yaml"
library = sorted(map(str, Path(os.__file__).parent.rglob("*.py")))[:1000]
each(lambda file: open(file).close(), library)
agents = {role: role for role in ("coordinator", "power_operator", "transport_operator")}

def confine(**audit):
    broker = BrokerConfig(schema_version=1, audit=audit)
    identity = RunIdentity("r", str(scenario), str(scenario / "results/prices"), 24_000, "k", broker, "rail", agents)
    began = time.process_time()
    confinement = Confinement("power_operator", Role.POWER_OPERATOR, identity, own.parent, None)
    confinement.write()
    return time.process_time() - began

before = prices()
off = {"files": False, "sandbox": "off"}
without_s = min(confine(**off) for _ in range(3))
confine_s = confine() - without_s
after = prices()
print(json.dumps([after[0] - before[0], after[1] - before[1], confine_s]))
'''


def with_counter(environment: dict[str, str], folder: Path) -> dict[str, str]:
    """Return ``environment`` with a search path that makes every process count its audit events into ``folder``."""
    (folder / "sitecustomize.py").write_text(COUNT_EVENTS, encoding="utf-8")
    path = os.pathsep.join([str(folder), *filter(None, [environment.get("PYTHONPATH")])])
    return environment | {"PYTHONPATH": path, "PORTAGE_EVENTS": str(folder)}


def events_in(folder: Path) -> int:
    """Return how many events all agents of the counted run raised."""
    return sum(int(file.read_text() or 0) for file in folder.iterdir() if file.name.isdigit())


def parts(scenario: Path, run: Path, events: int, gate_s: float) -> list[tuple[str, int, float]]:
    """Return what was done, how often, and how long all of it took, s, for one audited ``run``."""
    ledgers = [pd.read_parquet(path) for path in sorted(run.glob("*/ledger.parquet"))]
    rows = sum(len(ledger) for ledger in ledgers)
    ledger_s = sum(_again_s(ledger) for ledger in ledgers)
    files = [json.loads(path.read_text()) for path in run.glob("*/files.json")]
    opened = sum(entry["count"] for record in files for entry in record["opened"])
    event_s, open_s, confine_s = _prices(scenario)
    watch = json.loads((run / STOPWATCH).read_text())
    return [
        ("messages written down at both ends", rows, ledger_s),
        ("processes confined and their record of files written", len(files), len(files) * confine_s),
        ("files opened and written down", opened, opened * open_s),
        ("other events of Python that were passed over", events, events * event_s),
        ("looks at the wiring", watch["looks"], watch["looks_s"]),
        ("the start held back until the wiring is seen, at most", 1, gate_s),
        ("the audit at the end", 1, watch["end_s"]),
    ]


def _again_s(ledger: pd.DataFrame) -> float:
    """Return the processor time of writing the same rows again as an agent does: a part per period, merged at the end."""
    rows = [
        (row.direction == "sent", row.topic, row.period, row.round, (row.bytes // 8,), bytes(row.bytes))
        for row in ledger.itertuples()
    ]
    return median(_write_s(rows) for _ in range(_REPEAT))


def _write_s(rows: list[tuple[bool, str, int, int, tuple[int, ...], bytes]]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        writer = ResultWriter(Path(folder))
        ledger, period = Ledger(writer), 0
        for sent, key, of, round_, shape, payload in rows:
            if of > period:
                writer.flush()
                period = of
            (ledger.sent if sent else ledger.received)(key, of, round_, shape, payload)
        writer.finish("benchmark")
        return time.process_time() - began


def _prices(scenario: Path) -> tuple[float, float, float]:
    """Return the medians of `PRICES`, each from a process of its own, for a confinement is for good."""
    (scenario / "results").mkdir(exist_ok=True)
    found = []
    for _ in range(_REPEAT):
        done = subprocess.run([sys.executable, "-c", PRICES, str(scenario)], check=True, capture_output=True, text=True)
        found.append(json.loads(done.stdout))
    event_s, open_s, confine_s = (median(column) for column in zip(*found, strict=True))
    return max(0.0, event_s), max(0.0, open_s), confine_s
