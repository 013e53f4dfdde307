"""The kinds of generative network that models can be, found by the kind of their outputs.

Nothing is imported until it is used: that there is a kind is known without it.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from ecosystem.errors import EcosystemError, did_you_mean, shorten

if TYPE_CHECKING:
    from ecosystem.learners.craft import Craft

GROUP = "ecosystem.crafts"
"""Entry points by which a package brings a kind of outputs; the name is the kind."""

CRAFTS: dict[str, str] = {
    "images": "ecosystem.learners.neural.craft:ImageCraft",
    "text": "ecosystem.learners.language.craft:TextCraft",
}
"""The kinds that come along: where the class of each is, ``module:name``."""


def kinds() -> frozenset[str]:
    """Return the kinds of outputs that are really drawn."""
    return frozenset(CRAFTS) | frozenset(_brought())


def craft_of(kind: str) -> type[Craft]:
    """Return what makes models whose outputs are of a kind.

    Raises
    ------
    EcosystemError
        There is no such kind, or the package that has it does not load.
    """
    where = {**_brought(), **CRAFTS}.get(kind)
    if where is None:
        raise EcosystemError(f"outputs.kind: there is no kind {shorten(kind)}{did_you_mean(kind, kinds())}")
    module, _, name = where.partition(":")
    try:
        found: type[Craft] = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise EcosystemError(f"outputs.kind: {kind} does not load ({where}): {error}") from error
    return found


@lru_cache(maxsize=1)
def _brought() -> dict[str, str]:
    return {found.name: found.value for found in entry_points(group=GROUP)}
