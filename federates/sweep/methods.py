"""What can be done at a point of a sweep: a function of a scenario's folder and options that returns named numbers.

``centralised`` solves the whole problem in one process, ``run`` runs the federation, ``module:function`` is any function; its
module is a file beside ``runner.json``, which goes along to every worker, or installed there.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import math
from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from federates.boundary.errors import PortageError
from federates.runtime.plugins import load_module

__all__ = ["METHODS", "as_row", "find_method", "method_problem"]

Method = Callable[..., Any]


def _centralised(
    scenario: Path, *, formulation: str = "flow", gap: float = 0.001, time_limit_s: float = 600.0, threads: int = 1
) -> Any:
    # The solver's libraries load slowly, and no other method needs them.
    from federates.centralised.solve import solve_centralised

    return solve_centralised(scenario, formulation=formulation, gap=gap, time_limit_s=time_limit_s, threads=threads)


def _run(scenario: Path) -> dict[str, Any]:
    from federates.runs.check import check_scenario
    from federates.runs.launch import launch
    from federates.runs.reports import write_run_report

    finished = launch(check_scenario(scenario))
    if not finished.ok:
        raise PortageError(f"the run failed: {finished.record.get('failure') or finished.culprit}")
    if not finished.identity.broker.report:
        write_run_report(finished.folder)
    summary = json.loads((finished.folder / "summary.json").read_text(encoding="utf-8"))
    kept = {name: value for name, value in summary.items() if name not in ("run_id", "headline")}
    return kept | {"wall_s": finished.record["wall_s"]}


METHODS: dict[str, Method] = {"centralised": _centralised, "run": _run}
"""Methods with a short name."""


def find_method(name: str, folder: Path) -> Method:
    """Return a method; a module is looked for in the scenario's folder first.

    Raises
    ------
    PortageError : there is none of that name.
    """
    if ":" not in name:
        if name not in METHODS:
            raise PortageError(f"must be {', '.join(METHODS)}, or module:function")
        return METHODS[name]
    module_name, _, function_name = name.partition(":")
    try:
        module = load_module(module_name, folder)
    except Exception as error:
        raise PortageError(
            f"cannot be imported ({type(error).__name__}: {error}); put {module_name}.py beside runner.json or install it"
        ) from error
    found = getattr(module, function_name, None)
    if not callable(found):
        raise PortageError(f"{module_name} has no function {function_name!r}")
    method: Method = found
    return method


def method_problem(name: str, folder: Path, options: Mapping[str, Any]) -> tuple[str, str, str] | None:
    """Return what is wrong with a method or its options, as field, value and what is allowed; None if nothing is."""
    try:
        method = find_method(name, folder)
    except PortageError as error:
        return "method", repr(name), str(error)
    try:
        signature = inspect.signature(method)
        signature.bind(folder, **options)
    except (TypeError, ValueError) as error:
        known = list(signature.parameters)[1:]
        return "options", json.dumps(dict(options), default=str), f"{error}; {name} takes {', '.join(known) or 'no options'}"
    return None


def as_row(result: Any) -> dict[str, Any]:
    """Return a method's answer as plain numbers and texts by name, or lists and mappings of them; NaN and infinity become None.

    Raises
    ------
    PortageError : the answer is neither a mapping nor a dataclass, or has a value that JSON does not know.
    """
    if dataclasses.is_dataclass(result) and not isinstance(result, type):
        result = {field.name: getattr(result, field.name) for field in dataclasses.fields(result)}
    if not isinstance(result, Mapping):
        raise PortageError(f"the method must return a mapping or a dataclass, but returned {type(result).__name__}")
    return {str(name): _plain(str(name), value) for name, value in result.items()}


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, Enum):
        value = value.value
    if hasattr(value, "tolist"):
        value = value.tolist()  # a number or an array of NumPy
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(f"{name}.{key}", item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(name, item) for item in value]
    raise PortageError(
        f"the method's {name} must be a number, a text, or a list or mapping of them, but is {type(value).__name__}"
    )
