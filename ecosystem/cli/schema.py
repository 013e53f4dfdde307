"""``ecosystem schema``: the JSON Schema of scenarios."""

from __future__ import annotations


def schema() -> None:
    """Print the JSON Schema of scenarios, for editors that complete and check YAML."""
    import json

    from ecosystem.scenario.schema import schema as schema_of_scenarios

    print(json.dumps(schema_of_scenarios(), indent=2))
