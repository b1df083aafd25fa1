"""Make `federates/runtime/helics_declarations.py` from the header of the installed HELICS.

    python studies/make_helics_declarations.py

The text of the header is what pyhelics itself reads (helics/_build.py, version 3.6).
"""

import importlib.util
import tempfile
from importlib.metadata import version
from pathlib import Path

import cffi

VERSION = version("helics")
PLACE = Path(__file__).parents[1] / "federates/runtime/helics_declarations.py"
_HEAD = '''# ruff: noqa
"""HELICS's C declarations as cffi reads them fastest; made by `python studies/make_helics_declarations.py`, do not edit."""
VERSION = "{version}"
'''


def declared() -> str:
    """Return what pyhelics declares, as C."""
    spec = importlib.util.find_spec("helics")
    assert spec is not None
    assert spec.origin is not None
    lines, hidden = [], False
    for line in (Path(spec.origin).parent / "install/include/helics/helics_api.h").read_text().splitlines():
        if line.startswith("#ifdef __cplusplus"):
            hidden = True
        elif hidden and line.startswith("#endif"):
            hidden = False
        elif not hidden and not line.startswith("#"):
            lines.append(line)
    text = "\n".join(lines)
    for word in ("HELICS_EXPORT", "HELICS_DEPRECATED_EXPORT", "HELICS_DEPRECATED"):
        text = text.replace(word, "")
    return text


def made() -> str:
    """Return the text of the module."""
    ffi = cffi.FFI()
    ffi.cdef(declared())
    ffi.set_source("federates.runtime.helics_declarations", None)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "made.py"
        ffi.emit_python_code(str(file))
        return _HEAD.format(version=VERSION) + file.read_text().replace("# auto-generated file\n", "")


if __name__ == "__main__":
    PLACE.write_text(made(), encoding="utf-8")
