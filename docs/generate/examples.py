"""An example of every key of a scenario, taken from scenarios that are run or at least loaded by the tests.

The shipped ones come first; what none of them uses is in `docs/reference/examples/`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from ecosystem.plugins import Plugin
from ecosystem.scenario.load import load_scenario
from ecosystem.scenario.shipped import shipped

FURTHER = Path(__file__).parents[1] / "reference" / "examples"
_SHORT = 64


@dataclass(frozen=True)
class Example:
    """What one scenario writes under a key, or as a whole block.

    Attributes
    ----------
    value : Any
        As it is written, expressions included.
    scenario : str
        Which scenario it is from.
    """

    value: Any
    scenario: str

    @property
    def line(self) -> str:
        """The value in one line of YAML."""
        text = yaml.safe_dump(self.value, default_flow_style=True, sort_keys=False, width=10_000, allow_unicode=True)
        return text.removesuffix("\n").removesuffix("\n...").removesuffix("\n")

    @property
    def short(self) -> bool:
        """Whether the line fits a table."""
        return len(self.line) <= _SHORT


@dataclass(frozen=True)
class Examples:
    """What is found of every block: `keys` by block and key, `blocks` by block."""

    keys: Mapping[tuple[str, str], Example]
    blocks: Mapping[str, Example]


def examples() -> Examples:
    """Return an example for each key and block: a short one where there is one, of a block the fullest."""
    keys: dict[tuple[str, str], Example] = {}
    blocks: dict[str, Example] = {}
    for name, path in [*shipped().items(), *((path.stem, path) for path in sorted(FURTHER.glob("*.yaml")))]:
        scenario = load_scenario(path, allow_code=path.parent == FURTHER)
        for block, written in _blocks(scenario, scenario.document.data):
            whole = Example(written, name)
            known = blocks.get(block)
            if known is None or (len(written) > len(known.value) and len(whole.line) < 500):
                blocks[block] = whole
            for key, value in written.items():
                found = Example(value, name)
                if (block, key) not in keys or (found.short and not keys[block, key].short):
                    keys[block, key] = found
    return Examples(keys, blocks)


def _name(block: type[BaseModel]) -> str:
    """Return what a block is called in the schema, which knows of a plug-in the kind alone."""
    kinds = (base for base in block.__mro__ if issubclass(base, Plugin) and base.kind_of_plugin)
    return next((base.__name__ for base in kinds if not base.plugin_name), block.__name__)


def _blocks(value: Any, written: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield every block of a scenario by the name of its kind, with what is written there."""
    if isinstance(value, BaseModel):
        if not isinstance(written, Mapping):
            return
        yield _name(type(value)), written
        for name, info in type(value).model_fields.items():
            key = info.alias or name
            if key in written:
                yield from _blocks(getattr(value, name), written[key])
    elif isinstance(value, (list, tuple)) and isinstance(written, (list, tuple)):
        for each, text in zip(value, written, strict=False):
            yield from _blocks(each, text)
    elif isinstance(value, Mapping) and isinstance(written, Mapping):
        for key, each in value.items():
            if key in written:
                yield from _blocks(each, written[key])
