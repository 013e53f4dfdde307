"""Names of models: each once, and none that is not there."""

from __future__ import annotations

import os
from collections.abc import Iterator

from ecosystem.errors import Problem, did_you_mean, path_text, shorten
from ecosystem.scenario.checks.facts import MAX_MODELS, Facts, count, mapping, names_of


def check_models(facts: Facts) -> Iterator[Problem]:
    """Check that no two models have one name, and that there are not too many."""
    if facts.model_count is not None and facts.model_count > MAX_MODELS:
        message = f"a scenario has at most {MAX_MODELS:,} models (got {facts.model_count:,})"
        yield Problem(("models",), message)
        return
    if len(facts.models) < 2 or sum(count(entry.get("count")) or 1 for _, entry in facts.models) > MAX_MODELS:
        return
    first: dict[str, int] = {}
    for index, entry in facts.models:
        for name in names_of(entry):
            if name in first:
                where = path_text(("models", first[name]))
                yield Problem(("models", index, "name"), f"{where} already names a model {shorten(name)}")
                break
            first[name] = index


def check_earlier(facts: Facts) -> Iterator[Problem]:
    """Check that there are results where a model begins as it was in an earlier run."""
    for index, entry in facts.models:
        written = mapping(entry.get("initial")).get("from")
        if not isinstance(written, str) or not written:
            continue
        if not os.path.isfile(facts.base / written / "manifest.json"):
            message = f"there are no results (got {shorten(written)}, looked for in {facts.base})"
            yield Problem(("models", index, "initial", "from"), message)


def check_curated(facts: Facts) -> Iterator[Problem]:
    """Check that the block `curated` names models that exist, each once, and no more than there are."""
    listed = facts.curated.get("models")
    if isinstance(listed, (list, tuple)) and facts.names is not None:
        seen: set[str] = set()
        for index, name in enumerate(listed):
            path = ("curated", "models", index)
            if isinstance(name, str) and name not in facts.names:
                yield Problem(path, unknown_model(facts, name))
            elif isinstance(name, str) and name in seen:
                yield Problem(path, f"the model {shorten(name)} stands twice")
            seen.add(str(name))
    number_of = count(facts.curated.get("count"))
    if number_of is not None and facts.model_count is not None and number_of > facts.model_count:
        yield Problem(("curated", "count"), f"there are only {facts.model_count} models (got {number_of})")
    if facts.curated.get("by") == "attribute" and not {"generator", "file"} & set(facts.network):
        message = "the models have attributes only where `network` is a file or a generator"
        yield Problem(("curated", "by"), message)


def unknown_model(facts: Facts, name: str) -> str:
    """Say that there is no such model, with the name that may have been meant."""
    names = facts.names or {}
    counted = [entry for _, entry in facts.models if entry.get("name") == name and entry.get("count") is not None]
    if counted:
        last = names_of(counted[0])[-1:]
        return f"{shorten(name)} stands for the models {name}0 to {''.join(last)}; name one of them"
    # Comparing with every name of a large population takes seconds and helps nobody.
    known = names if len(names) <= 1000 else {}
    return f"there is no model {shorten(name)}{did_you_mean(name, known)}"
