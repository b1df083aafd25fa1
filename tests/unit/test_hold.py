"""Holding a run: nothing is asked while it is held, one question passes at a step, and no limit passes in the meantime."""

import os
import threading
import time

from federates.runtime.hold import HOLD, Hold, is_held, wait_while_held
from federates.runtime.watchdog import Watchdog


def _folders(tmp_path):
    for agent in ("coordinator", "a"):
        (tmp_path / agent).mkdir()
    return Hold(tmp_path, ("a", "coordinator"), "coordinator"), tmp_path / "coordinator"


def test_a_question_waits_until_the_run_goes_on(tmp_path):
    hold, own = _folders(tmp_path)
    wait_while_held(own)  # not held: it returns
    hold.hold()
    assert hold.held
    assert is_held(tmp_path / "a")
    passed = []
    asking = threading.Thread(target=lambda: [(wait_while_held(own), passed.append(n)) for n in range(3)], daemon=True)
    asking.start()
    time.sleep(0.2)
    assert passed == []
    for number in range(2):
        hold.step()
        _until(lambda number=number: passed == list(range(number + 1)))
        time.sleep(0.15)
        assert passed == list(range(number + 1)), "one step lets one question pass"
    hold.release()
    asking.join(5)
    assert passed == [0, 1, 2]
    assert not is_held(tmp_path / "a")


def test_a_run_that_is_held_twice_takes_no_step(tmp_path):
    """The file is never empty: an agent would take what is written anew for a step."""
    hold, own = _folders(tmp_path)
    hold.hold()
    written, over = os.stat(own / HOLD), threading.Event()
    asking = threading.Thread(target=lambda: (wait_while_held(own), over.set()), daemon=True)
    asking.start()
    for _ in range(200):
        hold.hold()
    assert not over.wait(0.2)
    assert (os.stat(own / HOLD).st_ino, os.stat(own / HOLD).st_mtime_ns) == (written.st_ino, written.st_mtime_ns)
    hold.step()
    assert over.wait(5.0)
    assert [path.name for path in own.iterdir()] == [HOLD]


def test_no_limit_passes_while_the_run_is_held(tmp_path):
    hold, _ = _folders(tmp_path)
    said = []
    watchdog = Watchdog(said.append, hard=False, stands=lambda: is_held(tmp_path / "a")).start()
    hold.hold()
    time.sleep(0.3)
    with watchdog.limit(0.4, "waiting"):
        time.sleep(1.2)
        assert said == []
        hold.release()
        _until(lambda: bool(said))
    watchdog.stop()
    assert said == ["waiting took longer than 0.4 s"]


def test_a_folder_that_is_gone_is_nothing_to_hold(tmp_path):
    hold = Hold(tmp_path / "gone", ("a", "coordinator"), "coordinator")
    hold.hold()
    hold.release()
    assert not hold.held


def _until(done, limit_s=5.0):
    deadline = time.monotonic() + limit_s
    while not done() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert done()
