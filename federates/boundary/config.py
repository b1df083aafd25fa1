"""Configuration base: validated, frozen, and every error at once with the nearest allowed name."""

from __future__ import annotations

import difflib
import re
import reprlib
import types
import typing
from collections.abc import Iterator
from enum import EnumType
from pathlib import Path
from typing import Annotated, Any, TypeAlias, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, ValidatorFunctionWrapHandler, field_validator
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from federates.boundary.errors import ConfigError, Problem
from federates.boundary.ranges import is_plain_number, not_allowed
from federates.boundary.text_files import MOST_BYTES_OF_SETTINGS, read_text_file
from federates.boundary.yaml_text import parse_yaml

Share: TypeAlias = Annotated[float, Field(ge=0.0, le=1.0)]
Positive: TypeAlias = Annotated[float, Field(gt=0.0)]
NotNegative: TypeAlias = Annotated[float, Field(ge=0.0)]


class Config(BaseModel):
    """Base of every configuration: unknown keys, `true` for a number, NaN, infinity and sizes that no unit has are errors.

    Instances are frozen. A union of them needs a callable ``Discriminator``, for pydantic allows no other where a validator wraps
    every field. What a number may be at all is said by its unit, see `federates.boundary.ranges`.

    The text under each field is its documentation: `federates.boundary.field_texts`.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        validate_default=True,
        defer_build=True,  # most processes read few of all configurations that they import
    )

    @field_validator("*", mode="wrap")
    @classmethod
    def _numbers_are_sensible(cls, given: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
        made = handler(given)
        if info.field_name in cls.model_fields and _takes_anything(cls.model_fields[info.field_name].annotation):
            return made
        wrong = list(_number_errors(info.field_name or "", (), given, made))
        if wrong:
            raise ValidationError.from_exception_data(cls.__name__, wrong)
        return made


C = TypeVar("C", bound=Config)


def unfit(field: str, value: Any, allowed: str) -> ValidationError:
    """Return the error of a rule for a whole model, to be raised in its validator; it names the ``field`` that is to blame.

    A plain ``ValueError`` there could only name the whole file.
    """
    return ValidationError.from_exception_data("Config", [_error(tuple(field.split(".")), value, allowed)])


def _takes_anything(annotation: Any) -> bool:
    """Return whether values are kept as they are, for someone else to validate."""
    return annotation is Any or any(_takes_anything(argument) for argument in get_args(annotation))


def _error(location: tuple[int | str, ...], value: Any, allowed: str) -> InitErrorDetails:
    return InitErrorDetails(type=PydanticCustomError("unfit", "{allowed}", {"allowed": allowed}), loc=location, input=value)


def _number_errors(name: str, location: tuple[int | str, ...], given: Any, made: Any) -> Iterator[InitErrorDetails]:
    """Yield what is wrong with the numbers in ``made``; ``given`` shows where pydantic made one of something else."""
    if isinstance(made, dict) and isinstance(given, dict):
        for key, value in given.items():
            yield from _number_errors(name, (*location, str(key)), value, made.get(key))
    elif isinstance(made, (list, tuple)) and isinstance(given, (list, tuple)):
        for index, (before, after) in enumerate(zip(given, made, strict=False)):
            yield from _number_errors(name, (*location, index), before, after)
    elif isinstance(made, (int, float)) and not isinstance(made, bool):
        is_number = is_plain_number(given) if isinstance(given, str) else not isinstance(given, bool)
        allowed = not_allowed(name, made) if is_number else "must be a number"
        if allowed:
            yield _error(location, given, allowed)


def read_yaml(path: Path, shown_as: str | None = None) -> dict[str, Any]:
    """Return the mapping in a YAML file.

    Raises
    ------
    ConfigError : the file is missing, is not YAML, repeats a key, or is not a mapping of texts to values.
    """
    name = shown_as or str(path)
    text = read_text_file(path, name, MOST_BYTES_OF_SETTINGS)
    try:
        data = parse_yaml(text)
    except ValueError as error:
        raise ConfigError([Problem(name, "(file)", str(error), "must be valid YAML")]) from None
    if not isinstance(data, dict):
        allowed = "must be a mapping of keys to values"
        raise ConfigError([Problem(name, "(file)", type(data).__name__, allowed)])
    return data


def load_config(path: Path, model: type[C], shown_as: str | None = None) -> C:
    """Read and validate one YAML file; raise `ConfigError` with everything that is wrong."""
    return parse_config(read_yaml(path, shown_as), model, shown_as or str(path))


def choices(annotation: Any) -> tuple[Any, ...]:
    """Return the values that a field's type names one by one, as an enumeration or a literal does; of others its arguments."""
    return tuple(annotation) if isinstance(annotation, EnumType) else typing.get_args(annotation)


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
    whole = isinstance(detail["input"], (dict, Config)) and detail["type"] == "value_error"
    value = "keys that do not fit together" if whole else _short(detail["input"])
    if detail["type"] == "missing":
        return Problem(file, field, "missing", "this key is required")
    if detail["type"] == "extra_forbidden":
        return Problem(file, field, value, _unknown_key(str(location[-1]), location[:-1], model))
    # Of members of an enumeration pydantic shows what Python calls them.
    allowed = re.sub(r"<\w+\.\w+: ('[^']*')>", r"\1", detail["msg"])
    return Problem(file, field, value, allowed.removeprefix("Value error, "))


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
    text = reprlib.repr(value) if isinstance(value, (dict, list, tuple)) else repr(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."
