"""Whatever stands in the place of a value, the scenario is read or what is wrong with it is told."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ecosystem.errors import InputError
from ecosystem.scenario import load_scenario
from ecosystem.scenario.shipped import find, shipped

ODD = ([], {})
"""Values that cannot be looked up in a table, which is where a check of what was not checked before would fail."""


@pytest.mark.parametrize("name", shipped())
def test_a_list_or_mapping_in_place_of_any_value_is_told_of(name: str, tmp_path: Path) -> None:
    written = yaml.safe_load(find(name).read_text(encoding="utf-8"))
    file = tmp_path / "odd.yaml"
    told = 0
    for place in _places(written):
        for odd in ODD:
            file.write_text(yaml.safe_dump(_with(written, place, odd)), encoding="utf-8")
            try:
                load_scenario(file)
            except InputError:
                told += 1
    assert told


def _places(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the places below `value`, of a list those of its first two entries; expectations are left out."""
    entries = value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
    for key, entry in entries:
        if (above, key) != ((), "expect"):
            yield (*above, key)
            yield from _places(entry, (*above, key))


def _with(value: Any, place: tuple[Any, ...], entry: Any) -> Any:
    changed = copy.deepcopy(value)
    inner = changed
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = entry
    return changed
