"""The JSON Schema of a scenario, for editors."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from ecosystem.scenario.scenario import Scenario

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_EXPRESSION = {"type": "string", "pattern": "^="}
_EXPRESSION_OR_INFINITY = {"type": "string", "pattern": "^=|^[-+]?inf$"}


class _Generate(GenerateJsonSchema):
    """Admits an expression wherever a number is due."""

    def int_schema(self, schema: core_schema.IntSchema) -> JsonSchemaValue:
        return {"anyOf": [super().int_schema(schema), dict(_EXPRESSION)]}

    def float_schema(self, schema: core_schema.FloatSchema) -> JsonSchemaValue:
        return {"anyOf": [super().float_schema(schema), dict(_EXPRESSION_OR_INFINITY)]}

    def tagged_union_schema(self, schema: core_schema.TaggedUnionSchema) -> JsonSchemaValue:
        # With expressions the members of a union are no longer exclusive.
        result = super().tagged_union_schema(schema)
        return {("anyOf" if key == "oneOf" else key): value for key, value in result.items()}


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a scenario file.

    >>> schema()["title"]
    'Scenario'
    """
    return {"$schema": _DIALECT, **Scenario.model_json_schema(schema_generator=_Generate)}
