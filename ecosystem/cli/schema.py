"""``ecosystem schema``: the JSON Schema of scenarios."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ecosystem.errors import EcosystemError


def schema(
    out: Annotated[
        Path | None,
        typer.Option(
            help="The file to write it to, which a scenario's first line then names: "
            "# yaml-language-server: $schema=FILE",
            show_default=False,
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Print the JSON Schema of scenarios, for editors that complete and check YAML."""
    if out is None:
        print(text(), end="")
        return
    if out.exists() and not force:
        raise EcosystemError(f"{out}: is there already; give another name, or --force to write over it")
    try:
        out.write_text(text(), encoding="utf-8")
    except OSError as error:
        raise EcosystemError(f"cannot write {out}: {error.strerror or error}") from error
    print(f"written: {out}")


def text() -> str:
    """Return the schema as it is printed."""
    import json

    from ecosystem.scenario.schema import schema as schema_of_scenarios

    return json.dumps(schema_of_scenarios(), indent=2, ensure_ascii=False) + "\n"
