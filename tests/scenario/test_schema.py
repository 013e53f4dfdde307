"""Behaviour: the JSON Schema describes every field and admits expressions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ecosystem.scenario import Scenario
from ecosystem.scenario.schema import schema


def test_it_is_json_with_its_dialect() -> None:
    found = schema()
    assert found["$schema"].endswith("2020-12/schema")
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["required"] == ["name", "rounds", "outputs", "models"]
    assert found["additionalProperties"] is False


def test_every_field_is_described() -> None:
    found = schema()
    assert set(found["properties"]) == set(Scenario.model_fields)
    for block in (found, *found["$defs"].values()):
        for name, field in block.get("properties", {}).items():
            assert field.get("description") or "const" in field, (block["title"], name)


def test_every_number_may_be_an_expression() -> None:
    numbers = 0
    for parent in _objects(schema()):
        for choice in parent.get("anyOf", []):
            if choice.get("type") in ("number", "integer"):
                numbers += 1
                assert any(other.get("pattern", "").startswith("^=") for other in parent["anyOf"])
        for key, child in parent.items():
            inner = isinstance(child, dict) and key not in ("properties", "$defs")
            assert not (inner and child.get("type") in ("number", "integer"))
    assert numbers > 20


def test_keys_are_those_of_yaml() -> None:
    assert set(schema()["$defs"]["Edge"]["properties"]) == {"from", "to", "weight", "channel"}


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for child in value.values():
            yield from _objects(child)
    elif isinstance(value, list):
        for child in value:
            yield from _objects(child)
