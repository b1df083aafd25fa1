"""What is installed under a name: entry points of packages, in which worlds and classes of agents are found."""

from __future__ import annotations

import os
import sys
from functools import cache
from importlib import metadata
from importlib.metadata import EntryPoint


def entry_points(*, group: str) -> tuple[EntryPoint, ...]:
    """Return the entry points of a group, such as ``portage.world``.

    To find them means to read a file of every package that there is, 0.1 s of a process that looks up a few names. They are read
    once for each search path, so a package that is installed into a Python that is running is found by the next one.
    """
    return _by_group(tuple(map(os.path.abspath, sys.path))).get(group, ())  # an empty one is the working folder


@cache
def _by_group(_path: tuple[str, ...]) -> dict[str, tuple[EntryPoint, ...]]:
    found = metadata.entry_points()
    return {group: tuple(found.select(group=group)) for group in found.groups}
