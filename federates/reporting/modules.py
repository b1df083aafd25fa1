"""Modules of JavaScript, and how they become one text for a page that is a single file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

STATIC: Mapping[str, Path] = {"report": Path(__file__).parent / "static"}
"""Where ``/static/<name>/`` leads, in an import as in a page that a server gives."""
_IMPORT = re.compile(r'^import \{([^}]*)\} from "/static/(\w+)/([\w.]+)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|const|class) (\w+))", re.MULTILINE)


def bundle(entries: Mapping[str, Path], folders: Mapping[str, Path] = STATIC) -> str:
    """Return a script (no module) in which each entry and what it imports is an object of what it exports.

    A module here imports by ``import { a, b } from "/static/<folder>/<file>";`` and exports functions, constants and classes
    where they are declared; nothing else of the language's modules is used.

    Parameters
    ----------
    entries : modules by the name that their object gets.
    folders : what ``/static/<name>/`` means.
    """
    made: dict[Path, str] = {}
    parts: list[str] = []
    for name, path in entries.items():
        _add(path, name, folders, made, parts)
    return "\n".join(parts)


def _add(path: Path, name: str, folders: Mapping[str, Path], made: dict[Path, str], parts: list[str]) -> str:
    """Add the module in ``path`` behind all that it imports, once; return the name of its object."""
    if path in made:
        return made[path]
    made[path] = name
    text = path.read_text(encoding="utf-8")

    def inside(found: re.Match[str]) -> str:
        names, folder, file = found.groups()
        other = folders[folder] / file
        return f"const {{{names}}} = {_add(other, f'module_{other.stem}', folders, made, parts)};\n"

    text = _IMPORT.sub(inside, text)
    exported = ", ".join(_EXPORT.findall(text))
    parts.append(f"const {name} = (() => {{\n{_EXPORT.sub('', text)}\nreturn {{ {exported} }};\n}})();")
    return name
