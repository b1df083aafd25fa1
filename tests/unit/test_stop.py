"""Signals, and what the launcher makes of processes that fail; the runs in real processes are in `test_endings`."""

import signal
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from federates.boundary.errors import PortageError
from federates.cli import compare
from federates.runs.launch import Launch, _broker_is_done, _grace_s, first_failure
from federates.runs.reports import make_readable
from federates.runs.stop import Stopped, hear_signals, why
from federates.runtime.broker_config import BrokerConfig
from federates.runtime.identity import RunIdentity
from federates.runtime.results import write_json
from federates.runtime.run_record import begin_run_record

AGENTS = ("coordinator", "power_operator")


@pytest.mark.parametrize(("sent", "said"), [("SIGINT", "by the user"), ("SIGTERM", "by SIGTERM"), ("SIGHUP", "by SIGHUP")])
def test_the_first_signal_stops_and_the_second_only_talks(capfd, sent, said):
    number = getattr(signal, sent)
    given = signal.signal(number, signal.SIG_DFL)  # a shell lets its jobs in the background ignore SIGINT
    before = signal.getsignal(number)
    with hear_signals():
        with pytest.raises(Stopped) as stopped:
            signal.raise_signal(number)
        signal.raise_signal(number)  # while everything is being ended
        assert "it is ending already" in capfd.readouterr().err
        with pytest.raises(Stopped):
            signal.raise_signal(number)
    assert why(stopped.value) == f"interrupted {said}"
    assert signal.getsignal(number) is before
    signal.signal(number, given)


def test_a_signal_that_is_ignored_stays_so():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with hear_signals():
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_another_thread_hears_nothing():
    before = signal.getsignal(signal.SIGTERM)
    seen = []

    def body():
        with hear_signals():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    assert seen == [before]


def a_run(folder: Path, **codes: int | None) -> Launch:
    agents = {name: name for name in AGENTS}
    identity = RunIdentity("one", str(folder), str(folder), 0, "", BrokerConfig(schema_version=1), "rail", agents)
    processes = {name: SimpleNamespace(returncode=code, poll=lambda code=code: code) for name, code in codes.items()}
    return Launch(SimpleNamespace(), identity, processes)


def test_a_banner_is_not_taken_for_a_reason(tmp_path):
    run = a_run(tmp_path, broker=1)
    (tmp_path / "logs").mkdir()
    log = tmp_path / "logs/broker.log"
    assert first_failure(run) == f"broker: ended with exit code 1; see {log}"
    log.write_text("broker: run one on 127.0.0.1:40000\n")
    assert first_failure(run) == f"broker: ended with exit code 1; see {log}"
    log.write_text("broker: run one on 127.0.0.1:40000\nportage: the disk\n[helics] more\n")
    assert first_failure(run) == "broker: ended with exit code 1 (the disk)"


def test_who_writes_the_report_may_go_on_when_another_fails(tmp_path):
    run = a_run(tmp_path, broker=None, coordinator=-9)
    short = _grace_s(run)
    for agent in AGENTS:
        (tmp_path / agent).mkdir()
        (tmp_path / agent / "finished.json").write_text("{}")
    assert _grace_s(run) > run.identity.broker.limits.finish_s > short
    assert _broker_is_done(a_run(tmp_path, broker=1, coordinator=None)), "nobody waits for it then"


def test_what_no_report_can_be_made_of_is_one_line(tmp_path):
    with pytest.raises(PortageError, match="no run's folder: it has neither"):
        make_readable(tmp_path)
    begin_run_record(tmp_path, AGENTS, 0.0)
    with pytest.raises(PortageError, match="nothing to report: the run ended before its agents had started"):
        make_readable(tmp_path)
    (tmp_path / "coordinator").mkdir()
    write_json(tmp_path / "coordinator/session.json", {"name": "day"})
    assert make_readable(tmp_path)["status"] == "running"
    assert (tmp_path / "session.json").exists()
    assert (tmp_path / "configuration.json").exists()


def test_a_comparison_goes_on_without_the_schemes_that_failed(tmp_path, monkeypatch, capsys):
    """One ran and failed, one could not even be started, two are compared."""
    compared = {}

    def launch(found, overrides, **options):
        if overrides["scheme"] == "c":
            raise PortageError("no room")
        run = a_run(tmp_path / overrides["scheme"])
        whole = overrides["scheme"] in "ab"
        run.record = {
            "status": "complete" if whole else "failed",
            "failure": None if whole else "why",
            "run_id": "x",
            "wall_s": 1,
        }
        return run

    def compare_runs(runs, folder):
        compared.update(runs)
        return folder / "comparison.html"

    monkeypatch.setattr("federates.runs.launch.launch", launch)
    monkeypatch.setattr("federates.runs.reports.compare_runs", compare_runs)
    runs: dict[str, Launch] = {}
    found = SimpleNamespace(folder=tmp_path)
    failed = compare._run_schemes(found, {}, ["a", "c", "d", "b"], 2, runs)
    assert compare._compare(["a", "c", "d", "b"], runs, failed) == 1
    assert compared == {"a": tmp_path / "a", "b": tmp_path / "b"}
    said = capsys.readouterr()
    assert "Comparison: " in said.out
    assert "Not compared: scheme c, which failed: no room" in said.err
    assert "Not compared: scheme d, which failed: why" in said.err
