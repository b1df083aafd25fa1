"""The command ``portage play``."""

from __future__ import annotations

import shlex
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from federates.boundary.errors import ConfigError, PortageError, Problem
from federates.cli.common import ResultsOption, SetOption, UseOption, console, errors, pairs, refuse_beside_resume

if TYPE_CHECKING:
    from federates.play.app import Play
    from federates.play.game import Game

_LOOK_S = 0.2
_MOST_GROUPS = 40


def play(
    context: typer.Context,
    scenario: Annotated[
        str,
        typer.Argument(
            help="Folder of the scenario, or the name of one that comes with Portage, such as la_small; with --resume of a game."
        ),
    ],
    groups: Annotated[int, typer.Option(min=1, max=_MOST_GROUPS, help="Groups that play the same scenario side by side.")] = 1,
    seats: Annotated[str, typer.Option(help="Agents or roles that students may play, joined by commas; without it all.")] = "",
    answer_s: Annotated[float, typer.Option("--answer-s", min=5, max=3600, help="Longest time for an answer, s.")] = 120.0,
    hints: Annotated[bool, typer.Option("--hints", help="Let students look at the best answer of their agent.")] = False,
    free: Annotated[
        bool, typer.Option("--free", help="Let groups go from hour to hour without waiting for the lecturer.")
    ] = False,
    host: Annotated[str, typer.Option(help="Address to listen on: 0.0.0.0 lets others in your network join.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port to listen on; 0: one that is free.")] = 0,
    changes: SetOption = None,
    use: UseOption = None,
    results: ResultsOption = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Let a game go on whose server has ended, with the same links and students.")
    ] = False,
) -> None:
    """Play a scenario with students: each is an agent, in a browser."""
    try:
        from federates.play.session import served
    except ModuleNotFoundError as error:
        raise PortageError(
            f"the game needs the extra `web`: pip install 'portage-cosim[web]' ({error.name} is missing)"
        ) from None
    from federates.play.game import Rules
    from federates.play.resumed import resumed_game
    from federates.runs.stop import hear_signals

    if resume:
        _refuse_options(context)
        game, kept = resumed_game(Path(scenario).resolve())
        serving = served(game, kept.host, kept.port, kept.tokens)
    else:
        wanted = tuple(name for name in seats.split(",") if name)
        game = _game(scenario, Rules(groups, answer_s, hints, wanted, not free), pairs(changes), pairs(use, "--use"), results)
        serving = served(game, host, port)
    with hear_signals(), serving as playing:
        _say_links(playing)
        game.go_on()
        _attend(playing)


def _refuse_options(context: typer.Context) -> None:
    """Refuse options that would change a game which goes on."""
    changing = [param for param in context.command.params if param.name not in ("scenario", "resume")]
    sources = {param.opts[0]: context.get_parameter_source(str(param.name)) for param in changing}
    given = (option for option, source in sources.items() if source is not None and source.name == "COMMANDLINE")
    refuse_beside_resume(given, "game")


def _game(scenario: str, rules: object, changes: dict[str, str], use: dict[str, str], results: Path | None) -> Game:
    from federates.isolation.owner_only import owner_only
    from federates.play.game import Game
    from federates.runs.check import check_scenario
    from federates.runs.start import results_folder
    from federates.runtime.results import disk_error

    found = check_scenario(_folder(scenario), changes, use)
    if found.broker.port != "auto":
        allowed = "groups need ports of their own: choose auto"
        raise ConfigError([Problem(str(found.broker_file), "port", str(found.broker.port), allowed)])
    place = results_folder(results, found.folder) / f"play-{datetime.now():%Y%m%d-%H%M%S}"
    game = Game(found, changes, rules, place)  # type: ignore[arg-type]
    try:
        with owner_only():
            place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_error(place, error) from error
    return game


def _folder(scenario: str) -> Path:
    """Return the folder of a scenario, which may be named by a shipped one's name."""
    from federates.scaffold.shipped import SHIPPED, shipped_scenario

    if not Path(scenario).exists() and scenario in SHIPPED:
        return shipped_scenario(scenario)
    return Path(scenario)


def _say_links(playing: Play) -> None:
    from federates.play.app import JOIN, LECTURER, PROJECTOR

    rows = (
        ("You lead the game at", LECTURER, "keep this link to yourself"),
        ("Students join at", JOIN, "one link for all"),
        ("For the wall", PROJECTOR, "shows the link to join, then how far each group is"),
    )
    for words, viewer, note in rows:
        console.print(f"{words}: {playing.link(viewer)}  ({note})", markup=False, highlight=False)
    console.print(
        f"Ctrl-C ends the game and all its runs; portage play {shlex.quote(str(playing.game.folder))} --resume lets it go on.",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


def _attend(playing: Play) -> None:
    """Say in the terminal who comes and how it goes, until the command is ended."""
    game, said = playing.game, set[str]()

    def once(words: str) -> None:
        if words not in said:
            said.add(words)
            console.print(words, markup=False, highlight=False)

    while True:
        for student in list(game.students.values()):
            once(f"{student.name} is {student.agent} in group {student.group}.")
        for group in game.groups.values():
            if group.failure and group.failure not in said:
                said.add(group.failure)
                errors.print(f"The run of group {group.number} has ended: {group.failure}", markup=False, highlight=False)
        if game.revealed:
            once(f"Debrief: {game.folder / 'debrief.html'}. The pages stay open until Ctrl-C.")
        time.sleep(_LOOK_S)
