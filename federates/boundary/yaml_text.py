"""YAML as settings need it: plain values, every key once, and no text that grows beyond its size when it is read.

Numbers are decimal as in YAML 1.2 (``1e-3`` is one, ``1:30`` and ``0b1`` are texts), and a date is a text.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

_MOST_DEPTH = 50
_MOST_VALUES = 200_000
"""Counted with every alias written out: nine aliases of aliases can stand for a billion values."""


def parse_yaml(text: str) -> Any:
    """Return what ``text`` says.

    Raises
    ------
    ValueError : the text is not YAML, repeats a key, or uses what settings have no need of; one line says what.
    """
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 (a SafeLoader)
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        said = " ".join(str(error).replace('in "<unicode string>", ', "in ").split())
        raise ValueError(said if len(said) <= 300 else said[:297] + "...") from None


class _Loader(yaml.SafeLoader):
    """A SafeLoader that counts what it makes, and refuses keys given twice; plain YAML would keep the last one."""

    def __init__(self, stream: Any) -> None:
        super().__init__(stream)
        self._depth = self._values = 0
        self._size: dict[int, int] = {}

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        is_alias, before = isinstance(event, yaml.AliasEvent), self._values
        if getattr(event, "tag", None) not in (None, "!"):
            raise _refused(f"the tag {event.tag} has no meaning here", event)
        self._depth += 1
        if self._depth > _MOST_DEPTH:
            raise _refused(f"more than {_MOST_DEPTH} levels", event)
        node = super().compose_node(parent, index)
        self._depth -= 1
        if is_alias and id(node) not in self._size:
            raise _refused("an alias that contains itself", event)
        self._values += self._size[id(node)] if is_alias else 1
        if self._values > _MOST_VALUES:
            raise _refused(f"more than {_MOST_VALUES} values, aliases written out", event)
        self._size[id(node)] = self._values - before
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag == "tag:yaml.org,2002:merge":
                raise _refused("a key must be a plain text", key_node)
            key = self.construct_object(key_node, deep=deep)
            if key in seen:
                raise _refused(f"key {key!r} is given twice", key_node)
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


def _refused(said: str, place: Any) -> yaml.constructor.ConstructorError:
    return yaml.constructor.ConstructorError(None, None, said, place.start_mark)


_KEPT = ("tag:yaml.org,2002:bool", "tag:yaml.org,2002:null", "tag:yaml.org,2002:merge")
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag in _KEPT]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"[+-]?(0|[1-9][0-9]*)$"), list("+-0123456789"))
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[+-]?(\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))([eE][+-]?[0-9]+)?$|[+-]?\.(inf|Inf|INF)$|\.(nan|NaN|NAN)$"),
    list("+-0123456789."),
)
