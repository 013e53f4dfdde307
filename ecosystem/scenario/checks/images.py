"""Images: judges that know images, data that are there, and settings of networks where there are networks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path as File
from typing import Any

from ecosystem.errors import Path, Problem, did_you_mean, shorten
from ecosystem.plugins import registry
from ecosystem.scenario.checks.facts import Facts, mapping
from ecosystem.scenario.fields.image_judges import IMAGE_JUDGES

DIGITS = 10
"""Classes of the digits that scikit-learn brings."""


def check_images(facts: Facts) -> Iterator[Problem]:
    """Check that what is written of images fits together."""
    if facts.kind != "images":
        if facts.learning.get("neural") is not None:
            message = (
                "is for networks that draw images, and there are none; leave it out, or write outputs: {kind: images}"
            )
            yield Problem(("learning", "neural"), message)
        return
    outputs = mapping(facts.data.get("outputs"))
    yield from _data(facts)
    places: list[tuple[Path, Any]] = [(("rewards", name), value) for name, value in facts.rewards.items()]
    places += [(("outputs", "scores", name), value) for name, value in mapping(outputs.get("scores")).items()]
    grey = mapping(outputs.get("data")).get("colours") == "grey"
    for path, written in places:
        judge = mapping(written)
        name, label = judge.get("judge"), judge.get("label")
        judges = (*IMAGE_JUDGES, *registry.names("judges"))
        if isinstance(name, str) and name not in judges:
            known = did_you_mean(name, judges)
            yield Problem((*path, "judge"), f"no judge of images has this name (got {shorten(name)}){known}")
        if name == "hue" and grey:
            yield Problem((*path, "judge"), "grey images have no hue; write colours: rgb, or another judge")
        contexts = _contexts(facts)
        if name == "classifier" and contexts is not None and isinstance(label, int) and label >= contexts:
            yield Problem((*path, "label"), f"labels are 0 to {contexts - 1} (got {label})")


def _contexts(facts: Facts) -> int | None:
    """Return how many classes there are, None where that is malformed."""
    return facts.contexts if "contexts" in mapping(facts.data.get("outputs")) else DIGITS


def _data(facts: Facts) -> Iterator[Problem]:
    data = mapping(mapping(facts.data.get("outputs")).get("data"))
    source, path = data.get("source", "digits"), data.get("path")
    contexts = _contexts(facts)
    if source == "digits" and contexts is not None and contexts > DIGITS:
        yield Problem(("outputs", "contexts"), f"there are {DIGITS} digits (got {contexts})")
    if source in ("folder", "array") and isinstance(path, str):
        there = _is(facts.base / path, folder=source == "folder")
        if not there:
            what = "folder" if source == "folder" else "file"
            message = f"no such {what} (got {shorten(path)}, looked for in {facts.base})"
            yield Problem(("outputs", "data", "path"), message)


def _is(path: File, folder: bool) -> bool:
    try:
        return path.is_dir() if folder else path.is_file()
    except (OSError, ValueError):  # what can be no name
        return False
