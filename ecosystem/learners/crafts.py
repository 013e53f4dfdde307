"""The kinds of generative network that models can be, found by the kind of their outputs.

Nothing is imported until it is used: that there is a kind is known without it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from ecosystem.errors import EcosystemError, did_you_mean, shorten
from ecosystem.plugins import registry

if TYPE_CHECKING:
    from ecosystem.learners.craft import Craft

CRAFTS: dict[str, str] = {
    "images": "ecosystem.learners.neural.craft:ImageCraft",
    "text": "ecosystem.learners.language.craft:TextCraft",
}
"""The kinds that come along: where the class of each is, ``module:name``."""


def kinds() -> frozenset[str]:
    """Return the kinds of outputs that are really drawn."""
    return frozenset(CRAFTS) | registry.names("crafts")


def craft_of(kind: str) -> type[Craft]:
    """Return what makes models whose outputs are of a kind.

    Raises
    ------
    EcosystemError
        There is no such kind, or the package that has it does not load.
    """
    where = CRAFTS.get(kind)
    if where is None:
        brought = registry.find("crafts", kind)
        if brought is not None:
            return brought
        raise EcosystemError(f"outputs.kind: there is no kind {shorten(kind)}{did_you_mean(kind, kinds())}")
    module, _, name = where.partition(":")
    try:
        found: type[Craft] = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise EcosystemError(f"outputs.kind: {kind} does not load ({where}): {error}") from error
    return found
