"""What the live view costs a run, how late a round is on the page, and how smoothly a day moves in the browser.

    python benchmarks/live_view.py [--pairs 5] [--periods 24] [--day RUN] [--write]

``--periods`` is of the pairs; the journal and the page in the browser are measured on a whole day, which is run unless it is
given.

Needs Chromium. Runs of Los Angeles as processes, in turn without a page and with one that is open in a browser on the same
computer. With ``--write`` the outcome goes to benchmarks/live_view.md.
"""

import argparse
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests/support")]

from browsers import WATCH_HOW_LATE, chromium, until  # noqa: E402

from federates.runtime.journal import JOURNAL, Journal  # noqa: E402
from federates.view.export import export  # noqa: E402

PAGE = ROOT / "benchmarks/live_view.md"

_FRAMES = """window.frames = [];
const ask = window.requestAnimationFrame.bind(window);
let before = performance.now();
window.requestAnimationFrame = (call) => ask((now) => {
  call(now);
  window.frames.push(now - before);
  before = now;
});"""


def run_day(results: Path, periods: int, browser=None) -> tuple[float, float, Path, list[float]]:
    """Run the first periods of the day; return wall-clock and processor time, s, its folder, and how late rounds were, s."""
    words = [sys.executable, "-u", "-m", "federates.cli", "run", str(ROOT / "scenarios/la_gcs"), "--set", f"periods={periods}"]
    words += ["--results", str(results), *(["--web"] if browser else [])]
    before, used = set(results.iterdir()), resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    late: list[float] = []
    page = None
    for line in process.stdout:
        if browser and page is None and (found := re.search(r"http://\S+", line)):
            page = browser.new_page()
            page.goto(found.group())
            page.evaluate(WATCH_HOW_LATE)
    if process.wait():
        raise SystemExit("the run failed")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if page is not None:
        late = page.evaluate("window.late")[1:]
        page.close()
    (folder,) = set(results.iterdir()) - before
    cpu_s = after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
    return json.loads((folder / "run.json").read_text())["wall_s"], cpu_s, folder, late


def journal_cost(folder: Path, scratch: Path) -> tuple[int, float, float, float]:
    """Return messages written down in a run, the time that takes in all and for the busiest agent, s, and the size, MB."""
    times, count, size = {}, 0, 0
    for path in folder.glob(f"*/{JOURNAL}"):
        said = [json.loads(line) for line in path.read_text().splitlines()]
        values = [None if isinstance(m["values"], dict) else np.array(m["values"], dtype=float) for m in said]
        journal = Journal(scratch)
        begun = time.perf_counter()
        for message, array in zip(said, values, strict=True):
            if array is not None:
                journal.note(message["way"], message["key"], message["period"], message["round"], array)
        times[path.parent.name] = time.perf_counter() - begun
        journal.close()
        count, size = count + len(said), size + path.stat().st_size
    return count, sum(times.values()), max(times.values()), size / 1e6


def smoothness(browser, page_file: Path, speed: str) -> tuple[float, int, float, float]:
    """Play an exported day; return the time, s, frames, the share that was late, and processor time of a frame, ms, on average.

    Processor time is that of the page's main thread: script, layout and painting. It is what decides whether a frame is in time
    on a computer that is not busy with other things.
    """
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.add_init_script(_FRAMES)
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.goto(page_file.as_uri())
    until(page, "document.body.dataset.beat !== undefined")
    page.wait_for_timeout(1000)
    page.select_option("#speed", speed)
    page.evaluate("window.frames.length = 0")
    worked_s, begun = _task_s(devtools), time.monotonic()
    page.click("#play")
    while page.evaluate("document.getElementById('play').textContent") != "Play again":
        page.wait_for_timeout(500)
    took_s, frames = time.monotonic() - begun, page.evaluate("window.frames")
    worked_s = _task_s(devtools) - worked_s
    page.close()
    late = sum(frame > 1.5 * statistics.median(frames) for frame in frames) / len(frames)
    return took_s, len(frames), late, 1000 * worked_s / len(frames)


def _task_s(devtools) -> float:
    metrics = devtools.send("Performance.getMetrics")["metrics"]
    return next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--periods", type=int, default=24)
    parser.add_argument("--day", type=Path)
    parser.add_argument("--speeds", nargs="*", default=["4", "16"])
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, chromium() as browser:
        results = Path(scratch) / "results"
        results.mkdir()
        run_day(results, 1)  # everything is in the file system's cache from here on
        pairs, used, late, load = [], [], [], [os.getloadavg()[0]]
        for number in range(arguments.pairs):
            took = {}
            for seen in (None, browser) if number % 2 == 0 else (browser, None):
                took[seen is not None] = run_day(results, arguments.periods, seen)
            late += took[True][3]
            pairs.append(took[True][0] / took[False][0])
            used.append(took[True][1] / took[False][1])
            load.append(os.getloadavg()[0])
            print(f"with a page: wall {pairs[-1]:.3f}, processor {used[-1]:.3f}; without {took[False][0]:.1f} s", flush=True)
        folder = arguments.day or run_day(results, 24)[2]
        day_s = json.loads((folder / "run.json").read_text())["wall_s"]
        journal = journal_cost(folder, Path(scratch))
        file = export(folder, Path(scratch) / "day.html")
        played = [(speed, *smoothness(browser, file, speed)) for speed in arguments.speeds]
        text = words(pairs, used, load, arguments.periods, late, journal, day_s, played, file.stat().st_size / 1e6)
    print(text)
    if arguments.write:
        PAGE.write_text(text, encoding="utf-8")


def words(pairs, used, load, periods, late, journal, day_s, played, file_mb) -> str:
    """Return the page."""
    ratio, processor = (
        f"{statistics.median(found):.3f} (median; {min(found):.3f} to {max(found):.3f})" for found in (pairs, used)
    )
    busy = (
        f"Its load by other work was {min(load):.0f} to {max(load):.0f}, so that wall-clock times scatter."
        if max(load) > 2
        else ""
    )
    count, all_s, most_s, size_mb = journal
    shares = [f"{100 * value / day_s:.2f} %" for value in (all_s, most_s)]
    late_ms = sorted(1000 * value for value in late)
    usual_ms, most_ms = statistics.median(late_ms), late_ms[int(0.95 * (len(late_ms) - 1))]
    rows = "\n".join(
        f"| {speed} | {took_s:.0f} s | {frames} | {100 * share:.1f} % | {work:.1f} ms |"
        for speed, took_s, frames, share, work in played
    )
    return f"""# The live view

Made by `python benchmarks/live_view.py --write`: Los Angeles as processes, with Chromium without a graphics card on the same
computer of two cores. What depends on this computer is given as a ratio. {busy}

**A run with an open page against one without**, {len(pairs)} pairs of {periods} hours in turn: wall-clock time, as the run
records it, {ratio}; processor time of all processes of the run, which now serve the page too, {processor}.

**The journal**: {count} messages are written down in a day, {size_mb:.1f} MB. One after the other in one process this takes
{shares[0]} of the run's time; in a run the agents share it, and the busiest takes {shares[1]}.

**From the message to the page**: between the time in the journal of the newest message and the moment at which the page has
drawn it lie {usual_ms:.0f} ms (median; 95 % within {most_ms:.0f} ms, {len(late_ms)} updates).

**The whole day in the browser**, from the exported page ({file_mb:.1f} MB), 1280 x 900. A frame is late if it took more than 1.5
times the usual one. Work is processor time of the page's main thread for a frame, on average, of the 16.7 ms that there are; on a
computer that is busy with other things a frame may be late all the same.

| speed | takes | frames | late | work |
|---|---:|---:|---:|---:|
{rows}
"""


if __name__ == "__main__":
    main()
