"""One agent's checkpoints in a run: written behind every period, and the one from which it goes on."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from federates.boundary.errors import FederationError
from federates.boundary.exchange import Moment
from federates.boundary.names import Role
from federates.runtime.checkpoint import SEAT, Checkpoint, checkpoint_file
from federates.runtime.identity import RunIdentity
from federates.runtime.journal import JOURNAL, Journal
from federates.runtime.replay import Replay
from federates.runtime.results import ResultWriter, in_disk_words, sync, write_json
from federates.runtime.run_record import RESUMED_RECORD
from federates.runtime.say import say

if TYPE_CHECKING:
    from federates.runtime.federate import Federate


class Checkpoints:
    """Writes them; or, in a run that goes on, brings the agent to the period where it does.

    Until it is there, `replay` is in place of the federation, and nothing is recorded, for it is written already.
    """

    def __init__(self, agent: str, identity: RunIdentity, writer: ResultWriter, journal: Journal, plugin: Any) -> None:
        self._agent, self._identity, self._plugin = agent, identity, plugin
        self._writer, self._journal = writer, journal
        self._folder = identity.folder_of(agent)
        self._on_its_way: _Writing | None = None
        self._answers: set[Path] = set()
        """Files of a person's answers that are on the disk, or on their way there."""
        self._started, self._began_work_s = time.perf_counter(), time.thread_time()
        self._from: Checkpoint | None = None
        self.replay: Replay | None = None
        if identity.from_period:
            at = self._from = Checkpoint.read(checkpoint_file(self._folder, identity.from_period), identity.run_id, agent)
            self.replay = Replay(self._folder / JOURNAL, at.journal_bytes, at.period)
            writer.go_on_behind(at.written)
            writer.muted = journal.muted = True

    def begin(self, federate: Federate) -> tuple[int, Any]:
        """Return the period with which the loop begins, and what its own state is there (None: none).

        That is where the run goes on if the class has restored its state, else period 0, from which it is replayed.
        """
        if self._from is None or self._from.state is None:
            return 0, None
        self._plugin.restore(self._from.state)
        federate.grants = self._from.grants
        if federate.network is not None:
            federate.network.restore(self._from.loop["network"])
        self._go_live(federate, "its state")
        return self._from.period, self._from.loop["own"]

    def passed(self, federate: Federate, period: int, loop: Any) -> None:
        """Keep that all before ``period`` is carried out; in a replay, go on in the federation if it is where it was."""
        if self.replay is not None:
            if period == self.replay.period:
                self._go_live(federate, "its journal")
            return
        started = time.perf_counter()
        self.wait()
        network = None if federate.network is None else federate.network.state()
        files = [*self._writer.take_unsynced(), self._folder / JOURNAL, *self._new_answers(), self._folder]
        checkpoint = Checkpoint(
            self._identity.run_id,
            self._agent,
            period,
            self._writer.written,
            self._journal.size_bytes,
            self._journal.sha256,
            federate.grants,
            self._plugin.state(),
            {"own": loop, "network": network},
        )
        self._on_its_way = _Writing(checkpoint, self._folder, files)
        self._on_its_way.start()
        self._timed("checkpoint", period - 1, started)

    def wait(self) -> None:
        """Wait until the last checkpoint is on the disk.

        Raises
        ------
        PortageError : the disk refuses.
        """
        writing, self._on_its_way = self._on_its_way, None
        if writing is not None:
            writing.join()
            if writing.error is not None:
                raise in_disk_words(self._folder, writing.error)

    def _new_answers(self) -> list[Path]:
        """Return the files of a person's answers since the last call, and their folder: the agent lives through them again."""
        seat = self._folder / SEAT
        found = {path for answers in ("answered-*.json", ".taken-*.json") for path in seat.glob(answers)} - self._answers
        self._answers |= found
        return [*sorted(found), seat] if found else []

    def _timed(self, activity: str, period: int, started: float) -> None:
        wall_s = time.perf_counter() - started
        self._writer.record("timings", period=period, round=0, activity=activity, wall_s=wall_s)

    def differs(self) -> None:
        """Take note that the agent now says otherwise than before; the coordinator, who asks, cannot go on then.

        Raises
        ------
        FederationError : it is the coordinator.
        """
        assert self.replay is not None
        if self._identity.agents[self._agent] == Role.COORDINATOR:
            raise FederationError(
                f"{self._agent}: the run cannot go on: {self.replay.differences[-1]}; its algorithm does not decide by what it "
                "hears alone, such as where a limit of time ends a negotiation"
            )

    def _go_live(self, federate: Federate, by: str) -> None:
        """Go over to the federation, and say again what others hear only when the period opens."""
        replay, self.replay = self.replay, None
        assert replay is not None
        self._writer.muted = self._journal.muted = False
        self._timed("resume", replay.period, self._started)
        topics = [t for message in federate.world.says(federate.role, Moment.DISPATCH) for t in message.sent()]
        federate.go_on(replay, replay.sent_last(topics))
        if count := len(replay.differences):
            say(
                f"portage: {self._agent}: lived through its journal again, and {count} messages differ, first: "
                f"{replay.differences[0]}; tables may differ from those of a run that was not interrupted"
            )
        record = {
            "from_period": replay.period,
            "by": by,
            "wall_s": round(time.perf_counter() - self._started, 3),
            "processor_s": round(time.thread_time() - self._began_work_s, 3),
            "differences": count,
            "first": replay.differences[:3],
        }
        write_json(self._folder / RESUMED_RECORD, record)


class _Writing(threading.Thread):
    """A checkpoint on its way to the disk, behind all that it counts on; the agent works on meanwhile.

    So its text is made at once: what it refers to may be the class's own, which changes in the next period.

    Raises
    ------
    TypeError : the state holds what is no plain value.
    """

    def __init__(self, checkpoint: Checkpoint, folder: Path, files: list[Path]) -> None:
        super().__init__(name=f"checkpoint of {checkpoint.agent}")
        _ = checkpoint.text
        self._checkpoint, self._folder, self._files = checkpoint, folder, files
        self.error: Exception | None = None

    def run(self) -> None:
        """Write it."""
        try:
            for path in self._files:
                sync(path)
            self._checkpoint.write(self._folder)
        except Exception as error:
            self.error = error
