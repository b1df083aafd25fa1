"""Configuration base: validated, frozen, and every error at once with the nearest allowed name."""

from __future__ import annotations

import difflib
import types
import typing
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from federates.boundary.errors import ConfigError, Problem

__all__ = ["Config", "load_config", "parse_config", "read_yaml"]


class Config(BaseModel):
    """Base of every configuration: unknown keys, NaN and infinity are errors; instances are frozen.

    The text under each field is its documentation and reaches the JSON Schema.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        allow_inf_nan=False,
        validate_default=True,
    )


C = TypeVar("C", bound=Config)


def read_yaml(path: Path, shown_as: str | None = None) -> dict[str, Any]:
    """Return the mapping in a YAML file.

    Raises
    ------
    ConfigError : the file is missing, is not YAML, repeats a key, or is not a mapping.
    """
    name = shown_as or str(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError([Problem(name, "(file)", "missing", "this file must exist")]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([Problem(name, "(file)", str(error), "must be readable text")]) from None
    try:
        data = yaml.load(text, Loader=_UniqueKeyLoader)  # noqa: S506 (a SafeLoader)
    except yaml.YAMLError as error:
        where = " ".join(str(error).split())
        raise ConfigError([Problem(name, "(file)", where, "must be valid YAML")]) from None
    if not isinstance(data, dict):
        allowed = "must be a mapping of keys to values"
        raise ConfigError([Problem(name, "(file)", type(data).__name__, allowed)])
    return data


def load_config(path: Path, model: type[C], shown_as: str | None = None) -> C:
    """Read and validate one YAML file; raise `ConfigError` with everything that is wrong."""
    return parse_config(read_yaml(path, shown_as), model, shown_as or str(path))


def parse_config(data: dict[str, Any], model: type[C], file: str) -> C:
    """Validate ``data`` against ``model``; ``file`` is the name that errors show."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        problems = [_problem(detail, model, file) for detail in error.errors()]
        raise ConfigError(problems) from None


def _problem(detail: ErrorDetails, model: type[Config], file: str) -> Problem:
    """Turn one pydantic error into file, field, value and what is allowed."""
    location = detail["loc"]
    field = ".".join(str(part) for part in location) or "(file)"
    value = _short(detail["input"])
    if detail["type"] == "missing":
        return Problem(file, field, "missing", "this key is required")
    if detail["type"] == "extra_forbidden":
        return Problem(file, field, value, _unknown_key(str(location[-1]), location[:-1], model))
    return Problem(file, field, value, detail["msg"].removeprefix("Value error, "))


def _unknown_key(key: str, parents: tuple[int | str, ...], model: type[Config]) -> str:
    owner = _descend(model, parents)
    known = sorted(owner.model_fields) if owner else []
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.6)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"unknown key; {hint}allowed keys: {', '.join(known)}"


def _descend(model: type[BaseModel], parents: tuple[int | str, ...]) -> type[BaseModel] | None:
    """Return the model whose key was unknown, following ``parents`` through the annotations."""
    current: type[BaseModel] | None = model
    for part in parents:
        if current is None or isinstance(part, int) or part not in current.model_fields:
            continue
        current = _model_in(current.model_fields[part].annotation)
    return current


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (list, tuple, dict, Union, types.UnionType, typing.Annotated):
        for argument in get_args(annotation):
            found = _model_in(argument)
            if found is not None:
                return found
    return None


def _short(value: Any, limit: int = 80) -> str:
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."


class _UniqueKeyLoader(yaml.SafeLoader):
    """A SafeLoader that refuses a key that is given twice; plain YAML would keep the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=deep)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key {key!r} is given twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep=deep)
