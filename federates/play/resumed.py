"""A game whose server has ended goes on: same students, same links, every run behind the last period that it carried out."""

from __future__ import annotations

from pathlib import Path

from federates.boundary.errors import ConfigError, Problem
from federates.play.game import Game, Rules
from federates.play.kept import KEPT_RECORD, Kept
from federates.runs.check import check_scenario


def resumed_game(folder: Path) -> tuple[Game, Kept]:
    """Return the game in ``folder`` as it stood, and what was kept of it; `Game.go_on` lets its runs go on.

    Raises
    ------
    ConfigError : there is none, or its scenario cannot be played any more.
    """
    kept = Kept.read(folder)
    file = str(folder / KEPT_RECORD)
    if not Path(kept.scenario).exists():
        raise ConfigError([Problem(file, "scenario", kept.scenario, "must be where it was")])
    scenario = check_scenario(Path(kept.scenario), kept.overrides, kept.use)
    try:
        rules = Rules(**kept.rules | {"seats": tuple(kept.rules["seats"])})
    except (KeyError, TypeError) as error:
        raise ConfigError([Problem(file, "rules", repr(kept.rules), "must be as they were written")]) from error
    game = Game(scenario, kept.overrides, rules, folder)
    game.take_up(kept)
    return game, kept
