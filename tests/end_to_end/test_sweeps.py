"""Whole sweeps, with workers: results survive whatever ends the process."""

import functools
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
import psutil
import pytest
from small_sweep import NEED, SLOPE, write, write_study

from federates.boundary.errors import PortageError
from federates.sweep import run_sweep


@pytest.fixture
def place(tmp_path):
    return write_study(tmp_path)


def test_sweep_resumes_reuses_and_retries(place):
    log = str(place / "log.txt")
    options = {"options": {"log": log}, "executor": {"kind": "local", "workers": 2}}
    seen = []
    end = run_sweep(write(place, vary={SLOPE: [1, 13, 2]}, **options), lambda progress: seen.append(progress.finished))
    assert not end.ok
    assert (end.progress.done, end.progress.reused, list(end.progress.failed.values())) == (
        2,
        0,
        ["ValueError: thirteen in small/transport_operator"],
    )
    assert seen == [0, 1, 2, 3]
    table = pd.read_csv(place / "out/sweep.csv")
    assert table["total_cost_usd"].tolist()[::2] == [12.0, 24.0]
    assert table["done"].tolist() == [True, False, True]
    assert "Not every point has a result" in end.page.read_text(encoding="utf-8")
    assert {path.name for path in (place / "out/figures").iterdir()} == {"curve.svg", "curve.png"}
    assert len(Path(log).read_text().splitlines()) == 3
    # Two old points, two new ones; the failed one is not asked for any more.
    end = run_sweep(write(place, vary={SLOPE: [2, 66, 3, 1]}, **options))
    assert (end.progress.done, end.progress.reused) == (1, 2)
    assert "worker process ended" in next(iter(end.progress.failed.values()))
    assert end.table[SLOPE].tolist() == [2, 66, 3, 1]
    before = len(Path(log).read_text().splitlines())
    end = run_sweep(write(place, vary={SLOPE: [3, 2, 1]}, **options))
    assert end.ok
    assert end.progress.reused == 3
    assert len(Path(log).read_text().splitlines()) == before, "nothing was computed"


def test_one_and_two_workers_and_a_cluster_of_two_give_the_same_table(place):
    import dask
    from distributed import LocalCluster

    vary = {SLOPE: [1, 2, 3], NEED: [1.5, 2.5]}
    files = []
    own = {"n_workers": 2, "threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}
    # Dask tries what was on a worker that ended again elsewhere, three times by default.
    with dask.config.set({"distributed.scheduler.allowed-failures": 2}), LocalCluster(**own) as cluster:
        remote = {"kind": "scheduler", "address": cluster.scheduler_address}
        for name, executor in (
            ("one", {"kind": "local", "workers": 1}),
            ("two", {"kind": "local", "workers": 2}),
            ("cluster", remote),
        ):
            assert run_sweep(write(place, vary=vary, executor=executor, output=name)).ok
            files.append((place / name / "sweep.csv").read_bytes())
        end = run_sweep(write(place, vary={SLOPE: [1, 13, 2, 66]}, executor=remote, output="cluster"))
    assert files[0] == files[1] == files[2]
    assert len(files[0].splitlines()) == 7
    died, raised = (end.table.set_index(SLOPE)["error"][slope] for slope in (66, 13))
    assert "worker process ended" in died
    assert raised.startswith("ValueError: thirteen")
    assert end.table["done"].tolist() == [True, False, True, False]


@pytest.mark.long
def test_only_a_cluster_needs_dask(place):
    """Everything is imported, and a sweep is run, by a Python that has no Dask."""
    code = (
        "import importlib, pkgutil, sys\n"
        "class NoDask:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in ('dask', 'distributed'): raise ModuleNotFoundError(name, name=name)\n"
        "sys.meta_path.insert(0, NoDask())\n"
        "import federates\n"
        "names = [module.name for module in pkgutil.walk_packages(federates.__path__, 'federates.')]\n"
        "for name in names:\n"
        "    if not name.endswith('.__main__') and name != 'federates.sweep.cluster': importlib.import_module(name)\n"
        "assert len(names) > 200 and not {'dask', 'distributed'} & set(sys.modules)\n"
        "from pathlib import Path\n"
        "from federates.sweep import run_sweep\n"
        "assert run_sweep(Path(sys.argv[1])).ok\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(write(place))], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert pd.read_csv(place / "out/sweep.csv")["total_cost_usd"].tolist() == [12.0, 24.0, 36.0]


def test_a_scheduler_that_does_not_answer_is_said(place, monkeypatch):
    monkeypatch.setattr("federates.sweep.cluster.CONNECT_S", 1)
    with pytest.raises(PortageError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        run_sweep(write(place, executor={"kind": "scheduler", "address": "tcp://127.0.0.1:9"}))


def start(file: Path) -> subprocess.Popen:
    command = [sys.executable, "-m", "federates.cli", "sweep", str(file)]
    # A shell that starts the tests in the background has them ignore Ctrl-C, and a child inherits that.
    heed = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    return subprocess.Popen(command, **pipes, text=True, start_new_session=True, preexec_fn=heed)


def wait_for_points(folder: Path, count: int, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 120
    while len(list(folder.glob("points/*.json"))) < count:
        assert process.poll() is None, process.stdout.read()
        assert time.monotonic() < deadline
        time.sleep(0.05)


OTHER_WAYS = [pytest.param(how, marks=pytest.mark.faults) for how in (signal.SIGINT, signal.SIGTERM)]


@pytest.mark.parametrize("how", [signal.SIGKILL, *OTHER_WAYS])
def test_a_sweep_that_is_killed_or_stopped_goes_on_where_it_was(place, how):
    log = place / "log.txt"
    file = write(
        place,
        vary={SLOPE: [1, 2, 3, 4, 5, 6]},
        options={"wait_s": 0.7, "log": str(log)},
        executor={"kind": "local", "workers": 1},
    )
    process = start(file)
    wait_for_points(place / "out", 2, process)
    workers = psutil.Process(process.pid).children(recursive=True)
    assert workers
    if how is signal.SIGINT:
        os.killpg(process.pid, how)  # as a terminal does: all of the sweep's group get it
    else:
        process.send_signal(how)
    text, _ = process.communicate(timeout=60)
    assert process.returncode == (-how if how is signal.SIGKILL else 130)
    assert "Traceback" not in text
    assert psutil.wait_procs(workers, timeout=20)[1] == []
    copies = list(Path(tempfile.gettempdir()).glob(f"portage-run-{process.pid}-*"))
    assert how is signal.SIGKILL or copies == []
    known = len(list((place / "out/points").glob("*.json")))
    assert 2 <= known < 6
    if how is not signal.SIGKILL:
        assert f"Stopped (interrupted by {'the user' if how is signal.SIGINT else 'SIGTERM'})" in text
        assert len(pd.read_csv(place / "out/sweep.csv")) == known
    process = start(file)
    text, _ = process.communicate(timeout=120)
    assert process.returncode == 0, text
    assert [copy for copy in copies if copy.exists()] == [], "the next start clears up what a killed one left"
    assert f"6 of 6 points have a result ({known} known before)" in text
    assert pd.read_csv(place / "out/sweep.csv")["total_cost_usd"].tolist() == [12.0 * slope for slope in range(1, 7)]
    computed = [float(line.split()[0]) for line in log.read_text().splitlines()]
    assert len(computed) <= 6 + 1, "only the point that was under way was computed twice"
    assert json.loads((place / "out/sweep.json").read_text())["missing"] == 0


def test_command_line_says_what_failed_and_returns_one(place):
    process = start(write(place, vary={SLOPE: [1, 13]}))
    text, _ = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "1 of 2 points have a result" in text
    assert "ValueError: thirteen" in text
    process = start(write(place, vary={"transport_operator.settings.slop": [1]}))
    text, _ = process.communicate(timeout=120)
    assert process.returncode == 2
    assert "1 problem found; nothing was started" in text
