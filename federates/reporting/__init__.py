"""Reporting: metrics, figures and pages from the tables that a run leaves behind.

Reads files only, never HELICS, and knows no agent: what it needs is the boundary's list of tables, the session, and what the
scenario says about itself (`published`). The package itself imports none of it: the check of a scenario needs no figures.
"""

import importlib.util
import os

_MODULE = "module://"


def _forget_backend_of_another_place() -> None:
    """Let matplotlib be imported where ``MPLBACKEND`` names a module that is not installed here; it would refuse that.

    Notebooks hand ``module://matplotlib_inline.backend_inline`` to every process that they start, in whatever environment. No
    figure of ours is shown, so Agg does; a backend that is there is left to whoever else uses this process.
    """
    named = os.environ.get("MPLBACKEND", "")
    # The first part alone: to look for a module inside a package imports the package.
    if named.startswith(_MODULE) and importlib.util.find_spec(named.removeprefix(_MODULE).split(".")[0]) is None:
        os.environ["MPLBACKEND"] = "Agg"


_forget_backend_of_another_place()
