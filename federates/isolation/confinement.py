"""What is done to a process before it loads code that is not ours: it is watched, and kept in its own folders."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterable
from pathlib import Path

from federates.isolation.access import access_policy, also_readable
from federates.isolation.opened_files import OpenedFiles, write_files_record
from federates.isolation.sandbox import confine, plan_sandbox, use_private_temporary_folder
from federates.isolation.side_channels import refuse_side_channels
from federates.runtime.identity import RunIdentity


class Confinement:
    """The confinement of this process, from the moment it is made to the process's end.

    Parameters
    ----------
    folder : the agent's own folder of the scenario.
    session : the public agreement, for the coordinator alone.
    extra : folders with programs and libraries that an executable needs.
    recorded : whether Python's own events are recorded; an executable in another language has none.

    Raises
    ------
    ConfigError : ``broker.yaml`` requires a sandbox, and this system has none; or it lets the agent read what it must not.
    """

    def __init__(
        self,
        agent: str,
        role: str,
        identity: RunIdentity,
        folder: Path,
        session: Path | None,
        *,
        extra: Iterable[Path] = (),
        recorded: bool = True,
    ) -> None:
        scenario, run_folder = Path(identity.scenario), Path(identity.run_folder)
        besides = also_readable(identity.broker.audit, agent, (scenario, run_folder))
        agreement = None if session is None else session.resolve()
        self._policy = access_policy(folder, scenario, run_folder / agent, agreement, [*extra, *besides])
        self._policy.results.mkdir(parents=True, exist_ok=True)
        planned = plan_sandbox(role, identity, self._policy)
        use_private_temporary_folder(self._policy)
        self._sandbox = confine(identity, self._policy, planned)
        self._files: OpenedFiles | None = None
        if recorded and identity.broker.audit.files:
            self._files = OpenedFiles(self._policy, identity.ports, self._sandbox).start()
        if recorded:
            refuse_side_channels(lambda name: None if self._files is None else self._files.note_call(name))
        self.write()

    def write(self) -> None:
        """Write ``files.json`` as it is now."""
        with contextlib.suppress(OSError):  # a full disk is said by whoever writes results
            if self._files is not None:
                self._files.write()
            else:
                write_files_record(self._policy.results, self._sandbox, "none")

    def close(self) -> None:
        """Write ``files.json`` for the last time and remove the temporary folder."""
        self.write()
        shutil.rmtree(self._policy.temporary, ignore_errors=True)
