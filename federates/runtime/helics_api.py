"""HELICS's Python interface, loaded fast, and so that SUMO's library can be loaded behind it; the project takes HELICS from here.

**Fast**: pyhelics parses HELICS's C header whenever it is imported, which took a quarter of an agent's start. The declarations
of one version are kept parsed, in `helics_declarations`; with another version pyhelics parses as always.

**SUMO**: where HELICS's library comes first, libsumo aborts the process when it is imported ("Duplicate string 'HDV__'"), for
HELICS's library brings C++ symbols of its own. Where the system's C++ library is loaded for all before, it does not.
"""

from __future__ import annotations

import contextlib
import ctypes
import sys
from importlib.metadata import version
from types import ModuleType
from typing import Any

import cffi

from federates.runtime import helics_declarations

__all__ = ["HELICS_CAME_FIRST", "capi", "h"]

HELICS_CAME_FIRST = "helics" in sys.modules
"""Whether somebody had loaded HELICS before this module could load the system's C++ library for all."""


class _Declared:
    """A `cffi.FFI` that knows all declarations already."""

    def cdef(self, text: str) -> None:
        """Nothing is left to parse."""

    def __getattr__(self, name: str) -> Any:
        return getattr(helics_declarations.ffi, name)


def _load() -> tuple[ModuleType, ModuleType]:
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            ctypes.CDLL("libstdc++.so.6", ctypes.RTLD_GLOBAL)
    known = version("helics") == helics_declarations.VERSION and "helics" not in sys.modules
    usual = cffi.FFI
    cffi.FFI = _Declared if known else usual
    try:
        import helics
        from helics import _build, capi
    finally:
        cffi.FFI = usual
    if known:
        _build.ffi = capi.ffi = helics_declarations.ffi
    return helics, capi


h: Any
capi: Any
h, capi = _load()
