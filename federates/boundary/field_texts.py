"""The text under each field of a configuration, as its description: for pages and JSON Schemas, which few programs make.

pydantic itself would read it from the source code of every class, at every start of every agent (``use_attribute_docstrings``).
"""

from __future__ import annotations

import ast
import inspect
import itertools
import textwrap
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel

__all__ = ["document_fields"]


def document_fields(model: type[BaseModel]) -> None:
    """Give every field of ``model``, and of the models in it, the text that stands under it in the source."""
    texts = _texts(model)
    for name, field in model.model_fields.items():
        for inner in _models(field.annotation):
            document_fields(inner)
        field.description = field.description or texts.get(name)
    model.model_rebuild(force=True)


def _texts(model: type[BaseModel]) -> dict[str, str]:
    """Return the text under each field by name, of the model itself or else of its nearest base that has one."""
    found: dict[str, str] = {}
    for cls in model.__mro__[: model.__mro__.index(BaseModel)]:
        # Of ``Model[int]`` the class statement is that of ``Model``.
        source = vars(cls).get("__pydantic_generic_metadata__", {}).get("origin") or cls
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(source))).body
        assert isinstance(tree, ast.ClassDef)
        for field, text in itertools.pairwise(tree.body):
            match field, text:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(words))):
                    found.setdefault(name, inspect.cleandoc(words))
    return found


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)
