"""Text files that people write, read without harm: regular files only, of a size that can be meant, in UTF-8."""

from __future__ import annotations

import stat
from pathlib import Path

from federates.boundary.errors import ConfigError, Problem

MOST_BYTES = 64_000_000
"""Of a file with data."""
MOST_BYTES_OF_SETTINGS = 4_000_000
"""Of a YAML or JSON file."""


def read_text_file(path: Path, shown_as: str, most_bytes: int = MOST_BYTES) -> str:
    """Return the text of a file, without the byte order mark that Excel puts before it.

    A pipe or device is not even opened, because reading it might never end.

    Raises
    ------
    ConfigError : the file is missing, no regular file, too large, not readable, or not UTF-8.
    """
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise _refused(shown_as, _kind(found.st_mode), "must be a regular file")
        if found.st_size > most_bytes:
            raise _refused(shown_as, f"{found.st_size} bytes", f"must have at most {most_bytes} bytes")
        return path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except FileNotFoundError:
        value = "a link to nothing" if path.is_symlink() else "missing"
        raise _refused(shown_as, value, "this file must exist") from None
    except UnicodeDecodeError as error:
        value = f"byte {error.object[error.start]:#04x} at position {error.start}"
        raise _refused(shown_as, value, "must be text in UTF-8; save it as such") from None
    except (OSError, ValueError, RuntimeError) as error:
        words = getattr(error, "strerror", None) or str(error)
        raise _refused(shown_as, words, "must be readable text") from None


def _kind(mode: int) -> str:
    kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
    return kinds.get(stat.S_IFMT(mode), "a device")


def _refused(file: str, value: str, allowed: str) -> ConfigError:
    return ConfigError([Problem(file, "(file)", value, allowed)])
