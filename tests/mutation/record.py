"""The record of survivors: mutants that no test can or need notice, each with the reason."""

from __future__ import annotations

import json
import tomllib
from functools import cache
from pathlib import Path

from mutation.mutants import Mutant

RECORD = Path(__file__).parent / "survivors.toml"


@cache
def explained() -> dict[tuple[str, str, str, str, int], str]:
    """Return the reasons of the record by the keys of the mutants.

    The file holds, for each module, a list of ``[function, was, now, reason]``, with the number of the mutant behind
    it where several read alike.
    """
    if not RECORD.exists():
        return {}
    found = {}
    for module, entries in tomllib.loads(RECORD.read_text(encoding="utf-8")).items():
        for entry in entries:
            key = module, entry["in"], entry["was"], entry["now"], entry.get("nth", 1)
            found[key] = entry["why"]
    return found


def in_record(mutant: Mutant) -> str:
    """Return a mutant as the record would hold it, with the reason still to be given."""
    lines = {"in": mutant.function, "was": mutant.was, "now": mutant.now, "why": ""}
    body = "".join(f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in lines.items())
    nth = f"nth = {mutant.nth}\n" if mutant.nth > 1 else ""
    return f'[["{mutant.module}"]]\n{nth}{body}'
