"""A command in a process of its own, which has to say how it came out: a process that just ends has said nothing."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import typer

from federates.boundary.errors import PortageError
from federates.cli.common import errors

NO_VERDICT = 3
"""Exit code of a command that has come to no verdict."""
_VARIABLE = "PORTAGE_VERDICT_PIPE"


def in_a_guarded_process() -> int | None:
    """Run this command again in a child and return its exit code, `NO_VERDICT` if it said none; None if this is the child."""
    if _VARIABLE in os.environ:
        return None
    read, write = os.pipe()
    with os.fdopen(read, "rb", 0) as verdict:
        command = [sys.executable, "-m", "federates.cli", *sys.argv[1:]]
        child = subprocess.Popen(command, pass_fds=[write], env=os.environ | {_VARIABLE: str(write)})
        os.close(write)
        try:
            code = child.wait()
        except KeyboardInterrupt:  # The child has been told, too.
            child.wait()
            raise
        os.set_blocking(read, False)  # What the child has left running may hold the other end.
        said = verdict.read(16)
    if said:
        return int(said)
    how = f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
    errors.print(f"No verdict: the process of the checks has ended without one ({how}).", highlight=False)
    return NO_VERDICT


@contextlib.contextmanager
def says_its_verdict() -> Iterator[Callable[[int], None]]:
    """Yield what takes the exit code; it is passed on at the end. An error in words is a verdict too: 2."""
    pipe = int(os.environ.pop(_VARIABLE))
    os.set_inheritable(pipe, False)
    codes: list[int] = []
    try:
        yield codes.append
    except PortageError:
        codes.append(2)
        raise
    finally:
        if codes:
            os.write(pipe, str(codes[-1]).encode())
        os.close(pipe)
    raise typer.Exit(codes[-1])
