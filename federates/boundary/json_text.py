"""JSON that people write: every key once, no NaN, and no text that ends the program that reads it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from federates.boundary.errors import ConfigError, Problem
from federates.boundary.text_files import MOST_BYTES_OF_SETTINGS, read_text_file


def read_json(path: Path, shown_as: str) -> dict[str, Any]:
    """Return the object in a JSON file.

    Raises
    ------
    ConfigError : the file cannot be read, is not JSON, repeats a key, or is no object.
    """
    text = read_text_file(path, shown_as, MOST_BYTES_OF_SETTINGS)
    try:
        data = json.loads(text, object_pairs_hook=_every_key_once, parse_constant=_refuse)
    except RecursionError:
        raise ConfigError([Problem(shown_as, "(file)", "too many levels", "must be valid JSON")]) from None
    except ValueError as error:
        raise ConfigError([Problem(shown_as, "(file)", str(error)[:200], "must be valid JSON")]) from None
    if not isinstance(data, dict):
        raise ConfigError([Problem(shown_as, "(file)", type(data).__name__, "must be an object")])
    return data


def _every_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        raise ValueError(f"key {twice[0]!r} is given twice")
    return dict(pairs)


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no value of JSON")
