"""The network: edges between models that exist, files that are there, graphs that can be drawn."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterator, Mapping

from ecosystem.errors import Problem, shorten
from ecosystem.scenario import generators
from ecosystem.scenario.checks.facts import Facts, entries
from ecosystem.scenario.checks.names import unknown_model

FORMATS = {".csv": "csv", ".graphml": "graphml", ".xml": "graphml"}
_NOT_ARGUMENTS = ("generator", "seed", "channel")


def check_edges(facts: Facts) -> Iterator[Problem]:
    """Check that edges join models that exist, and no two join the same."""
    seen: dict[tuple[str, str], int] = {}
    for index, edge in entries(facts.network.get("edges")):
        ends = [edge.get("from"), edge.get("to")]
        for key, name in zip(("from", "to"), ends, strict=True):
            if isinstance(name, str) and facts.names is not None and name not in facts.names:
                yield Problem(("network", "edges", index, key), unknown_model(facts, name))
        if not all(isinstance(name, str) for name in ends):
            continue
        pair = (str(ends[0]), str(ends[1]))
        if pair in seen:
            message = (
                f"network.edges[{seen[pair]}] already goes from {shorten(pair[0])} to {shorten(pair[1])}; "
                "give one edge the sum of the weights"
            )
            yield Problem(("network", "edges", index), message)
        seen.setdefault(pair, index)


def check_file(facts: Facts) -> Iterator[Problem]:
    """Check that the network's file is there, and its format can be told."""
    written = facts.network.get("file")
    if not isinstance(written, str) or not written:
        return
    path = ("network", "file")
    if not os.path.isfile(facts.base / written):  # which is false, too, of what can be no name
        yield Problem(path, f"no such file (got {shorten(written)}, looked for in {facts.base})")
    elif facts.network.get("format") is None and pathlib.Path(written).suffix.lower() not in FORMATS:
        yield Problem(path, f"{shorten(written)} does not tell its format; add format: csv or format: graphml")


def check_generator(facts: Facts) -> Iterator[Problem]:
    """Check that the network's generator exists, takes its arguments, and has a node for every model."""
    name = facts.network.get("generator")
    if not isinstance(name, str) or not isinstance(facts.network, Mapping):
        return
    arguments = {str(key): value for key, value in facts.network.items() if key not in _NOT_ARGUMENTS}
    wrong = list(generators.problems(name, arguments))
    for key, message in wrong:
        yield Problem(("network", key), message)
    nodes = None if wrong else generators.node_count(name, arguments)
    if nodes is not None and facts.model_count is not None and nodes != facts.model_count:
        message = f"{name} makes {nodes} nodes here, but there are {facts.model_count} models"
        yield Problem(("network", "generator"), message)
