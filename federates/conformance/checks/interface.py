"""Checks of the class itself: that it is one of its role, and gets ready."""

from __future__ import annotations

import inspect
from typing import Any

from federates.conformance.call_recorder import Kind
from federates.conformance.check import EVERYONE, Check, rules
from federates.conformance.errors import Breach
from federates.conformance.fixtures import Fixtures
from federates.runtime.plugins import base_class

__all__ = ["INTERFACE_CHECKS"]

_OPTIONAL = {"relax": 2}


INTERFACE_CHECKS: list[Check] = []
_rule = rules(INTERFACE_CHECKS)


@_rule("interface.role", of=EVERYONE, classes_only=True)
def _role(fixtures: Fixtures) -> str:
    """The class is derived from its role and has every method of it, with the role's arguments."""
    cls: Any = getattr(fixtures.target, "cls", None)
    base = base_class(fixtures.role)
    if not (isinstance(cls, type) and issubclass(cls, base)):
        raise Breach(f"{getattr(cls, '__name__', cls)} is not derived from {base.__name__}", "the class")
    missing = sorted(cls.__abstractmethods__)
    if missing:
        raise Breach(f"it does not define {', '.join(missing)}", "the class")
    methods = [name for name, value in inspect.getmembers(base) if getattr(value, "__isabstractmethod__", False)]
    methods += [name for name in _OPTIONAL if hasattr(base, name)]
    for name in methods:
        wanted = len(inspect.signature(getattr(base, name)).parameters) - 1
        try:
            inspect.signature(getattr(cls, name)).bind(*range(wanted + 1))
        except TypeError as error:
            raise Breach(f"{name} cannot be called with {wanted} arguments: {error}", "the class") from None
    return f"{cls.__name__} is a {base.__name__} and has {len(methods)} methods"


@_rule("interface.begin", "interface.role", of=EVERYONE)
def _begins(fixtures: Fixtures) -> str:
    """It can be created, and takes in the public agreement."""
    failure = fixtures.main_failure()
    if failure is not None and failure.kind in (Kind.CREATE, Kind.BEGIN):
        raise Breach(failure.error, failure.words)
    wall_s = sum(call.wall_s for call in fixtures.main_caller().calls if call.kind in (Kind.CREATE, Kind.BEGIN))
    return f"ready after {wall_s:.2f} s"
