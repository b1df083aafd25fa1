"""What one agent keeps to itself in a run, as texts that must not stand in another one's report."""

import html
import json
import re
from pathlib import Path

import pandas as pd

from federates.reporting.formatting import number

_LEAST_DIGITS = 5
"""A number with fewer digits may stand anywhere by chance."""


def settings_of(folder: Path, agent: str) -> set[str]:
    """Return names of settings, as JSON shows them, and their longer values."""
    config = folder / agent / "config.json"
    return set(_settings(json.loads(config.read_text()).get("settings", {}))) if config.is_file() else set()


def _settings(data):
    if isinstance(data, dict):
        for key, value in data.items():
            yield f'"{key}":'
            yield from _settings(value)
    elif isinstance(data, list):
        for value in data:
            yield from _settings(value)
    elif isinstance(data, str) and len(data) > _LEAST_DIGITS:
        yield data
    elif isinstance(data, float) and _digits(repr(data)) >= _LEAST_DIGITS:
        yield repr(data)


def numbers_of(folder: Path, agent: str) -> set[str]:
    """Return least, mean, most and sum of every column of the agent's tables, written as reports write numbers."""
    found = set()
    for path in (folder / agent).glob("*.parquet"):
        for _, column in pd.read_parquet(path).select_dtypes("number").items():
            values = column.dropna()
            if len(values):
                shown = (values.min(), values.mean(), values.max(), values.sum(), *values.head(3))
                found |= {number(value, digits) for value in shown for digits in (0, 1, 2)}
    return {text for text in found if _digits(text) >= _LEAST_DIGITS}


def _digits(text: str) -> int:
    """Count the digits of a number without leading and trailing zeros: 568.00 has three."""
    digits = "".join(c for c in text if c.isdigit() or c == ".")
    digits = digits.rstrip("0").rstrip(".") if "." in digits else digits.rstrip("0")
    return len(digits.replace(".", "").lstrip("0"))


def leaks(page: Path, folder: Path, agent: str, others: list[str]) -> dict[str, list[str]]:
    """Return by other agent what of its own stands in the report of ``agent``; what is public or ``agent``'s too is none."""
    text = re.sub(r'src="data:[^"]*"', "", html.unescape(page.read_text(encoding="utf-8")))
    own = settings_of(folder, agent) | numbers_of(folder, agent)
    public = (folder / "session.json").read_text()
    found = {}
    for other in others:
        private = {value for value in settings_of(folder, other) | numbers_of(folder, other) if value not in public} - own
        assert len(private) > 0, other
        found[other] = sorted(value for value in private if value in text)
    return {other: values for other, values in found.items() if values}
