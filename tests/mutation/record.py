"""The record of survivors: mutants that no test can or need notice, each with the reason."""

from __future__ import annotations

import json
import tomllib
from functools import cache
from pathlib import Path

from mutation.mutants import Mutant

RECORD = Path(__file__).parent / "survivors.toml"


Key = tuple[str, str, str, str, int]


@cache
def explained() -> dict[Key, str]:
    """Return the reasons of the record by the keys of the mutants.

    The file holds for each module what is survived for one reason: ``why``, and ``mutants``, a list of ``[function,
    was, now]`` with the number of the mutant behind it where several read alike.
    """
    found: dict[Key, str] = {}
    for module, entries in tomllib.loads(RECORD.read_text(encoding="utf-8")).items():
        for entry in entries:
            for function, was, now, *nth in entry["mutants"]:
                found[module, function, was, now, nth[0] if nth else 1] = entry["why"]
    return found


def in_record(mutant: Mutant) -> str:
    """Return the line of a mutant in the record."""
    nth = [mutant.nth] if mutant.nth > 1 else []
    return json.dumps([mutant.function, mutant.was, mutant.now, *nth], ensure_ascii=False) + ","
