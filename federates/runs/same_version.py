"""Records that only the version of Portage goes on with that wrote them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from federates.boundary.errors import ConfigError, Problem
from federates.runtime.results import read_record


def read_same_version(path: Path, versions: Mapping[str, Any], what: str, where: str) -> dict[str, Any]:
    """Return the record of ``what`` in ``path``; ``where`` says in words where there is one.

    Raises
    ------
    ConfigError : there is none, it is damaged, or one of its ``versions`` is another than this.
    """
    found = read_record(path)
    if found is None:
        raise ConfigError([Problem(str(path), "(file)", "missing or unreadable", f"must be there and readable: {where}")])
    problems = [
        Problem(str(path), name, repr(found.get(name)), f"must be {version!r}: only the same version goes on with a {what}")
        for name, version in versions.items()
        if found.get(name) != version
    ]
    if problems:
        raise ConfigError(problems)
    return found


def damaged(path: Path, said: Exception) -> ConfigError:
    """Return the error for a record that its own version cannot have written."""
    return ConfigError([Problem(str(path), "(file)", repr(said), "must be as it was written")])
