"""``portage view`` and ``portage run --web``: a run in the browser."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from federates.boundary.errors import PortageError
from federates.boundary.names import Role
from federates.cli.common import console

if TYPE_CHECKING:
    from federates.runs.launch import Launch
    from federates.view.site import LiveView

AsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--as",
        metavar="AGENT",
        help="Show what this agent may see and nothing else; may be given again, each has a link of its own. Left out: "
        "everybody, who sees all agents.",
    ),
]
HostOption = Annotated[
    str,
    typer.Option(
        "--host",
        metavar="ADDRESS",
        help="Listen on this address, such as 0.0.0.0 for all of the network; by default on this computer alone.",
    ),
]
PortOption = Annotated[int, typer.Option("--port", min=0, max=65_535, help="Port of the page; by default one that is free.")]


def need_web() -> None:
    """Raise `PortageError` where the extra with the web server is not installed."""
    try:
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise PortageError(f"a page in the browser needs the extra web: pip install 'portage-cosim[web]' ({error})") from error


def view(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run, such as scenarios/la_gcs/results/<run id>.")],
    viewers: AsOption = None,
    target: Annotated[
        Path | None, typer.Option("--export", metavar="FILE", help="Write the view of a run that is over into one HTML file.")
    ] = None,
    host: HostOption = "127.0.0.1",
    port: PortOption = 0,
) -> None:
    """Show a run in the browser, step by step: one that is over, or one that still goes on."""
    need_web()
    from federates.runs.reports import is_run
    from federates.runs.stop import Stopped, hear_signals
    from federates.runtime.journal import JOURNAL
    from federates.runtime.run_record import is_ended, read_run_record
    from federates.view.export import export, no_journal
    from federates.view.site import LiveView

    if not is_run(folder):
        raise PortageError(f"{folder}: this is no run's folder: it has neither run.json nor session.json")
    record = read_run_record(folder)
    if is_ended(record) and not any(folder.glob(f"*/{JOURNAL}")):
        raise PortageError(f"{folder}: there is nothing to show: {no_journal(folder)}")
    names = _viewers(viewers, (record or {}).get("agents") or {path.name: None for path in folder.iterdir() if path.is_dir()})
    if target is not None:
        if len(names) > 1:
            raise typer.BadParameter("one file is for one viewer", param_hint="--as")
        console.print(f"Written: {export(folder, target, names[0])}", markup=False, highlight=False)
        return
    site = LiveView(folder, _world(folder), names, host, port)
    with contextlib.suppress(Stopped), hear_signals(), site:
        say_links(site, host)
        console.print("It is there until you press Ctrl-C.")
        while True:
            time.sleep(3600)


class WebView:
    """Shows a run in the browser while it goes on, beside what ``update`` shows of it; it can be held by who sees all of it.

    Raises
    ------
    PortageError : an agent is not one of ``agents``, or the address cannot be had; before anything is started.
    """

    def __init__(
        self, update: Callable[[Launch], None], agents: Mapping[str, str], viewers: Sequence[str] | None, host: str, port: int
    ) -> None:
        need_web()
        from federates.web.server import listen

        self._update, self._host = update, host
        self._viewers = _viewers(viewers, agents)
        self._listening = listen(host, port)
        self._site: LiveView | None = None

    def update(self, run: Launch) -> None:
        """Begin to show the run when it is seen for the first time."""
        if self._site is None:
            from federates.runtime.hold import Hold
            from federates.view.site import LiveView

            hold = Hold(run.folder, run.identity.agents, Role.COORDINATOR.value)
            site = LiveView(run.folder, run.identity.world, self._viewers, listening=self._listening, hold=hold)
            self._site = site.start()
            say_links(site, self._host)
        self._update(run)

    def __enter__(self) -> WebView:
        return self

    def __exit__(self, *_: object) -> None:
        if self._site is not None:
            self._site.stop()
        self._listening.close()


def say_links(site: LiveView, host: str) -> None:
    """Say where the pages are."""
    from federates.view.scene import EVERYBODY
    from federates.web.server import is_loopback

    for name, link in site.links.items():
        console.print(f"{'Live view' if name == EVERYBODY else f'As {name}'}: {link}", markup=False, highlight=False)
    if not is_loopback(host):
        console.print("Whoever has a link can look, from anywhere in the network; what is sent is not encrypted.")


def _viewers(wanted: Sequence[str] | None, agents: Mapping[str, object]) -> tuple[str, ...]:
    from federates.view.scene import EVERYBODY

    for name in wanted or ():
        # A name is part of a path, and nothing else than a name may be one.
        if name != EVERYBODY and (name not in agents or not re.fullmatch(r"[A-Za-z0-9_\-]+", name)):
            raise PortageError(f"--as {name}: the run has no such agent; it has {', '.join(agents)} (and {EVERYBODY})")
    return tuple(dict.fromkeys(wanted or (EVERYBODY,)))


def _world(folder: Path) -> str:
    """Return the world of a run, as soon as its agents have been told; a run that begins may not have got so far."""
    from federates.runtime.results import read_record

    for _ in range(100):
        for path in (folder / Role.COORDINATOR.value / "session.json", folder / "session.json"):
            if (session := read_record(path)) is not None:
                return str(session.get("world"))
        time.sleep(0.1)
    raise PortageError(f"{folder}: the run has not begun: nobody has been told the public agreement")
