"""What a run writes is its owner's to read and nobody else's: folders 0700, files 0600, for results of one may not be another's.

It is the user's umask that decides, so it holds as well for what a library, a child or a program in another language writes.
"""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from collections.abc import Iterator

_NOBODY_ELSE = 0o077


def write_for_owner_only() -> None:
    """Let nobody but its owner read what this process and its children write from now on."""
    os.umask(_NOBODY_ELSE)


def keep_logs_to_owner() -> None:
    """Do so, and for the logs, if any, that stdout and stderr go to: `helics run` opens them with the user's own umask."""
    write_for_owner_only()
    for stream in (sys.stdout, sys.stderr):
        # A stream may be closed, no file at all, or another user's.
        with contextlib.suppress(OSError, ValueError, AttributeError):
            number = stream.fileno()
            if stat.S_ISREG(os.fstat(number).st_mode):
                os.chmod(number, stat.S_IRUSR | stat.S_IWUSR)


@contextlib.contextmanager
def owner_only() -> Iterator[None]:
    """Do so for a while, in a process that is not ours alone, such as a notebook's."""
    before = os.umask(_NOBODY_ELSE)
    try:
        yield
    finally:
        os.umask(before)
