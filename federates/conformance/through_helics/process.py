"""The executable as a process, started by the wrapper that runs use too."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from federates.runtime.identity import IDENTITY_VARIABLE

__all__ = ["AgentProcess"]

_GRACE_S = 2.0
_POLL_S = 0.01
_OURS = "portage: "
_LONGEST = 300


class AgentProcess:
    """``python -m federates.executable ROLE -- COMMAND``, in a session of its own so that its children end with it.

    Parameters
    ----------
    agent : which agent of the role it is.
    folder : the agent's own; the process works there.
    identity_file : where it learns of its run.
    log : file that takes what it prints.
    session_file : the public agreement, which only a coordinator reads from a file.
    """

    def __init__(
        self,
        agent: str,
        role: str,
        command: Sequence[str],
        folder: Path,
        identity_file: Path,
        log: Path,
        session_file: Path | None = None,
    ) -> None:
        self._log = log
        option = [] if session_file is None else ["--session", str(session_file)]
        words = [sys.executable, "-u", "-m", "federates.conformance.through_helics.wrapper", agent, role, *option, "--", *command]
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                words,
                cwd=folder,
                env=os.environ | {IDENTITY_VARIABLE: str(identity_file)},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    @property
    def code(self) -> int | None:
        """Return the exit code, None while it runs."""
        return self._process.poll()

    def wait(self, limit_s: float) -> int | None:
        """Wait for its end, at most ``limit_s``; return the exit code, None if it still runs."""
        deadline = time.monotonic() + limit_s
        while self.code is None and time.monotonic() < deadline:
            time.sleep(_POLL_S)
        return self.code

    def how_it_ended(self) -> str:
        """Say in words how it ended, with its last words."""
        words = self._last_words()
        return f"it ended with exit code {self.code}" + (f" ({words})" if words else "")

    def end(self) -> None:
        """End it and all that it has started: politely, then for certain."""
        for signal_ in (signal.SIGTERM, signal.SIGKILL):
            if self.code is None:
                self._signal(signal_)
                self.wait(_GRACE_S)
        self._signal(signal.SIGKILL)

    def _signal(self, signal_: signal.Signals) -> None:
        try:
            os.killpg(self._process.pid, signal_)
        except (ProcessLookupError, PermissionError):
            return

    def _last_words(self) -> str:
        lines = [line.strip() for line in self._log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
        ours = [line.removeprefix(_OURS) for line in lines if line.startswith(_OURS)]
        return (ours or lines or [""])[-1][:_LONGEST]
