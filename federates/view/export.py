"""A run's live view as one file, which needs no server and nothing from elsewhere."""

from __future__ import annotations

import base64
import gzip
import time
from pathlib import Path

from markupsafe import Markup

from federates.boundary.errors import PortageError
from federates.reporting.modules import STATIC, bundle
from federates.runtime.run_record import is_ended, read_run_record
from federates.view.feed import Feed
from federates.view.scene import EVERYBODY
from federates.view.stage import world_stage
from federates.web.app import STATIC as WEB
from federates.web.pages import Pages

_HERE = Path(__file__).parent / "static"


def export(folder: Path, target: Path, viewer: str = EVERYBODY) -> Path:
    """Write what ``viewer`` may see of a run that is over into one page, and return it.

    Raises
    ------
    PortageError : the run goes on, has left no journal, or ``target`` cannot be written.
    """
    if not is_ended(read_run_record(folder)):
        raise PortageError(f"{folder}: the run still goes on; export it when it is over")
    feed = Feed(folder, viewer, run_ended=lambda: True)
    while not feed.over:
        feed.look()
        time.sleep(0.06)  # a look that comes sooner does nothing
    if feed.session is None:
        raise PortageError(f"{folder}: there is nothing to show: {no_journal(folder)}")
    stage = world_stage(feed.session.world)
    entries = {"view": _HERE / "main.js"} | ({} if stage is None else {"stage": stage.script})
    # Level and time are fixed, so that the same run gives the same file.
    data = gzip.compress(("[" + ",\n".join(feed.events) + "]").encode(), 6, mtime=0)
    text = Pages("federates.view").text(
        "export.html.j2",
        run=folder.resolve().name,
        viewer=viewer,
        everybody=viewer == EVERYBODY,
        can_hold=False,
        css=Markup((WEB / "base.css").read_text("utf-8") + (_HERE / "view.css").read_text("utf-8")),  # noqa: S704
        script=Markup(bundle(entries, {**STATIC, "view": _HERE})),  # noqa: S704
        stage="null" if stage is None else "stage",
        data=base64.b64encode(data).decode("ascii"),
    )
    try:
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise PortageError(f"{target}: cannot be written: {error.strerror or error}") from error
    return target


def no_journal(folder: Path) -> str:
    """Return in words why a run cannot be shown."""
    return f"no agent has left a journal in {folder}: the run was made by an older version, or ended before it began"
