"""Which parts a setting may have, read off the types of the fields."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from ecosystem.plugins.plugin import Plugin


@dataclass(frozen=True, eq=False)
class Shape:
    """What may stand below a setting.

    Attributes
    ----------
    keys : mapping of str to Shape
        The keys that are described.
    open : Shape, optional
        What any other key holds, where other keys are allowed.
    items : tuple of Shape
        What the entries of a list may be.
    numbered : bool
        Whether the keys are numbers.
    anything : bool
        Whether nothing is known of it, so that all is allowed.
    plugged : mapping of str to frozenset of str
        The key that names a member of a kind, and the members that come along; of others the keys are not known.
    """

    keys: Mapping[str, Shape] = field(default_factory=dict)
    open: Shape | None = None
    items: tuple[Shape, ...] = ()
    numbered: bool = False
    anything: bool = False
    plugged: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def part(self, key: str) -> Shape | None:
        """Return the shape below a key, None where there is no such key."""
        return self if self.anything else self.keys.get(key, self.open)

    def part_of(self, written: Mapping[Any, Any], key: str) -> Shape | None:
        """Return the shape below a key of what is written, which may name a plug-in."""
        found = self.part(key)
        if found is not None:
            return found
        named = [(written.get(by), known) for by, known in self.plugged.items()]
        return _ANYTHING if any(isinstance(name, str) and name not in known for name, known in named) else None

    def item(self) -> Shape:
        """Return the shape of a list's entry."""
        return self if self.anything else _merged(self.items)


_ANYTHING = Shape(anything=True)


@lru_cache(maxsize=256)
def shape_of_block(block: type[BaseModel]) -> Shape:
    """Return the shape of a block of the scenario."""
    keys = {info.alias or name: _shape(info.annotation) for name, info in block.model_fields.items()}
    plugged = {block.named_by: block.built_in} if issubclass(block, Plugin) else {}
    return Shape(keys, _ANYTHING if block.model_config.get("extra") == "allow" else None, plugged=plugged)


def _shape(annotation: Any) -> Shape:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation is Any:
        return _ANYTHING
    if origin is Annotated:
        return _shape(arguments[0])
    if origin in (Union, types.UnionType):
        return _merged(tuple(_shape(argument) for argument in arguments))
    if origin in (tuple, list):
        return Shape(items=(_shape(arguments[0]),))
    if origin is dict:
        return Shape(open=_shape(arguments[1]), numbered=arguments[0] is int)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return shape_of_block(annotation)
    return Shape()


def _merged(shapes: tuple[Shape, ...]) -> Shape:
    """Return the shape that admits what any of the shapes admits."""
    if len(shapes) == 1:
        return shapes[0]
    if any(shape.anything for shape in shapes):
        return _ANYTHING
    keys: dict[str, Shape] = {}
    for shape in shapes:
        for key, inner in shape.keys.items():
            keys[key] = _merged((keys[key], inner)) if key in keys else inner
    opens = tuple(shape.open for shape in shapes if shape.open is not None)
    return Shape(
        keys,
        _merged(opens) if opens else None,
        tuple(item for shape in shapes for item in shape.items),
        any(shape.numbered for shape in shapes),
        plugged={key: names for shape in shapes for key, names in shape.plugged.items()},
    )
