"""Portage: power and transport operators that agree on moving energy, as a HELICS co-simulation.

``import federates as portage`` is the front door: see `federates.api`. Its names are loaded when they are used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from federates.api import *  # noqa: F403


def __getattr__(name: str) -> Any:
    from importlib import import_module

    api = import_module("federates.api")
    if name in api.__all__:
        return getattr(api, name)
    raise AttributeError(f"module 'federates' has no attribute {name!r}; it has {', '.join(api.__all__)}")


def __dir__() -> list[str]:
    from importlib import import_module

    return [*import_module("federates.api").__all__, "__version__"]
