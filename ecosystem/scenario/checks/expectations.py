"""What is expected of the results: of tables and columns that there will be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ecosystem.errors import Path, Problem, did_you_mean, shorten
from ecosystem.scenario.checks.facts import Facts, entries, mapping
from ecosystem.scenario.checks.names import unknown_model
from ecosystem.scenario.columns import MEANS, TABLES, gaussian_states

_RECORDED = ("states", "alignments", "samples")
_NAMING_MODELS = ("model", "affected", "source", "target")


def check_expectations(facts: Facts) -> Iterator[Problem]:
    """Check that every expectation is of a table that is written, and of columns that it has.

    A setting that is swept no more leaves many expectations without meaning: it is told of once.
    """
    unknown: dict[tuple[str, Any], list[Path]] = {}
    for index, expect in entries(facts.data.get("expect")):
        path: Path = ("expect", index)
        table = expect.get("table")
        if not isinstance(table, str):
            continue
        if table not in TABLES:
            yield Problem((*path, "table"), f"there is no table {shorten(table)}{did_you_mean(table, TABLES)}")
            continue
        if table == "models" and mapping(facts.data.get("record")).get("models") == "aggregate":
            yield Problem((*path, "table"), "record: {models: aggregate} writes no row of it; means stand in rounds")
        if table in _RECORDED and not mapping(facts.data.get("record")).get(table, False):
            how = "10" if table == "samples" else "true"
            yield Problem((*path, "table"), f"the table {table} is not recorded; write record: {{{table}: {how}}}")
        yield from _columns(facts, expect, table, path, unknown)
    for (table, key), places in unknown.items():
        known = [*_of_table(facts, table), *sorted(facts.swept)]
        more = f" (here and in {len(places) - 1} more)" if len(places) > 1 else ""
        idle = len(places) > 1 and not facts.swept
        without = "; nothing is swept: --set expect=[] leaves all expectations out" if idle else ""
        message = f"is neither a column of the table {table} nor swept{more}"
        yield Problem(places[0], f"{message}{did_you_mean(key, known)}{without}")


def _of_table(facts: Facts, table: str) -> tuple[str, ...]:
    """Return the columns that a table will have."""
    columns = TABLES[table]
    if table == "states" and facts.dimension is not None:
        columns = (*columns, *gaussian_states(facts.dimension))
    if table == "groups":
        columns = (*columns, *mapping(mapping(facts.data.get("outputs")).get("scores")))
    if table == "rounds" and mapping(facts.data.get("record")).get("models") == "aggregate":
        columns = (*columns, *MEANS)
    return columns


def _columns(
    facts: Facts, expect: Mapping[Any, Any], table: str, path: Path, unknown: dict[tuple[str, Any], list[Path]]
) -> Iterator[Problem]:
    """Check the columns of one expectation; where there is none of a name, its place is noted in `unknown`."""
    columns = _of_table(facts, table)
    column = expect.get("column")
    measured = facts.drawn and table == "models"  # a kind of outputs may have measures of its own
    if isinstance(column, str) and column not in columns and not measured:
        message = f"the table {table} has no column {shorten(column)}{did_you_mean(column, columns)}"
        yield Problem((*path, "column"), message)
    if expect.get("round") is not None and "round" not in columns:
        yield Problem((*path, "round"), f"the table {table} has no rounds")
    named = [("where", *each) for each in mapping(expect.get("where")).items()]
    for under, key, value in [*named, *(("minus", *each) for each in mapping(expect.get("minus")).items())]:
        if key not in columns and key not in facts.swept:
            unknown.setdefault((table, key), []).append((*path, under, key))
        elif key in _NAMING_MODELS and facts.names is not None and isinstance(value, str):
            if value not in facts.names:
                yield Problem((*path, under, key), unknown_model(facts, value))
        elif key == "reward" and isinstance(value, str) and value not in facts.rewards:
            message = f"there is no reward {shorten(value)}{did_you_mean(value, facts.rewards)}"
            yield Problem((*path, under, key), message)
