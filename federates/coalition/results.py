"""Tables and a record of a study, in the run's folder."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from federates.coalition.study import Study
from federates.games.game import Coalition
from federates.runtime.results import write_json

FOLDER, DAYS = "coalition", "days"
_DIGITS = 6
VALUES = ("fleets", "cost_usd", "saved_usd", "worth_usd", "gap_usd", "empty_usd", "negotiations", "agreed")
SHARES = (
    "fleet",
    "alone_usd",
    "shapley_usd",
    "half_width_usd",
    "nucleolus_usd",
    "own_cost_usd",
    "shapley_payment_usd",
    "nucleolus_payment_usd",
    "paid_usd",
)


def value_rows(study: Study) -> list[dict[str, Any]]:
    """Return a row per coalition, `VALUES`: nobody first, all last.

    ``cost_usd`` is what the day costs all, ``saved_usd`` what that is below the day in which nothing is moved (None: there is no
    such day), ``worth_usd`` is v(S); ``gap_usd`` (None: not known) and ``empty_usd`` are how much dearer the plans may be than
    the best.
    """
    everybody = frozenset(study.game.players)
    order: list[Coalition] = [frozenset(), *study.game.proper, everybody]
    rows = []
    for coalition in order:
        day = study.days[coalition]
        saved = None if study.idle is None else _rounded(study.idle.total_usd - day.total_usd)
        names = "+".join(name for name in study.game.players if name in coalition)
        numbers = _rounded(day.total_usd), saved, _rounded(study.game.worth(coalition))
        rows.append(dict(zip(VALUES, (names, *numbers, day.gap_usd, day.empty_usd, day.negotiations, day.agreed), strict=True)))
    return rows


def share_rows(study: Study) -> list[dict[str, Any]]:
    """Return a row per fleet, `SHARES`; None: not known."""
    return [{"fleet": name, **{key: _rounded(getattr(share, key)) for key in SHARES[1:]}} for name, share in study.shares.items()]


def write_study(study: Study, folder: Path) -> Path:
    """Write ``values.csv``, ``shares.csv`` and ``coalition.json`` into ``folder``; return it."""
    folder.mkdir(parents=True, exist_ok=True)
    values, shares = value_rows(study), share_rows(study)
    _write_csv(folder / "values.csv", VALUES, values)
    _write_csv(folder / "shares.csv", SHARES, shares)
    sample = study.sample
    write_json(
        folder / "coalition.json",
        {
            "fleets": list(study.game.players),
            "stable": study.is_stable,
            "superadditive": study.game.is_superadditive,
            # One fleet has no proper coalition: its epsilon is minus infinity, which JSON does not know.
            "least_core_epsilon_usd": _rounded(study.least.epsilon_usd) if len(study.game.players) > 1 else None,
            "least_core_share_usd": [_rounded(float(usd)) for usd in study.least.share_usd],
            "prenucleolus": study.is_prenucleolus,
            "sample": None if sample is None else {"pairs": sample.pairs, "level": sample.level},
            "slack_usd": _rounded(study.slack_usd),
            "sentences": study.sentences,
            "values": values,
            "shares": shares,
        },
    )
    return folder


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), _DIGITS) + 0.0


def _write_csv(path: Path, columns: Iterable[str], rows: list[dict[str, Any]]) -> None:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(columns), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8")
