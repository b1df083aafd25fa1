"""Settings of several classes side by side in one ``config.yaml``: what another class of the role knows is set aside.

So the line that names the class is all that changes where one class takes another's place. A key that none of them knows stays
where it is, and is refused as ever.
"""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

_Model = type[BaseModel]


@dataclass
class Aside:
    """Dotted keys that a class does not know: ``of_others`` with the names of those who do, ``unknown`` to all."""

    of_others: dict[str, tuple[str, ...]] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)


def set_aside(settings: Mapping[str, Any], own: _Model, others: Mapping[str, _Model]) -> tuple[dict[str, Any], Aside]:
    """Return ``settings`` without the keys that ``own`` does not know and one of ``others`` does, and what was left out."""
    aside = Aside()
    return _kept(settings, own, others, "", aside), aside


def _kept(settings: Mapping[str, Any], own: _Model, others: Mapping[str, _Model], where: str, aside: Aside) -> dict[str, Any]:
    kept = {}
    for key, value in settings.items():
        knowing = {name: model.model_fields[key].annotation for name, model in others.items() if key in model.model_fields}
        if key in own.model_fields:
            kept[key] = _inside(value, own.model_fields[key].annotation, knowing, f"{where}{key}.", aside)
        elif knowing:
            aside.of_others[f"{where}{key}"] = tuple(sorted(knowing))
        else:
            aside.unknown.append(f"{where}{key}")
            kept[key] = value
    return kept


def _inside(value: Any, own: Any, others: Mapping[str, Any], where: str, aside: Aside) -> Any:
    """Return a value of a key that both know, which may be a mapping, or a list or mapping of them."""
    model, many = _model_in(own)
    if model is None:
        return value
    found = {name: _model_in(annotation) for name, annotation in others.items()}
    same = {name: other for name, (other, as_many) in found.items() if other is not None and as_many == many}
    if isinstance(value, list):
        items = enumerate(value)
        return [_kept(v, model, same, f"{where}{i}.", aside) if isinstance(v, dict) else v for i, v in items]
    if not isinstance(value, dict):
        return value
    if not many:
        return _kept(value, model, same, where, aside)
    return {k: _kept(v, model, same, f"{where}{k}.", aside) if isinstance(v, dict) else v for k, v in value.items()}


def _model_in(annotation: Any) -> tuple[_Model | None, bool]:
    """Return the model that an annotation holds, and whether it holds many of them, by name or in a row."""
    for part, many in _parts(annotation, False):
        if isinstance(part, type) and issubclass(part, BaseModel):
            return part, many
    return None, False


def _parts(annotation: Any, many: bool) -> Iterator[tuple[Any, bool]]:
    arguments = typing.get_args(annotation)
    if not arguments:
        yield annotation, many
    for argument in arguments:
        yield from _parts(argument, many or typing.get_origin(annotation) in (dict, list, tuple))
