"""Learners of rows: one that learns the scenario's kind of outputs."""

from __future__ import annotations

from collections.abc import Iterator

from ecosystem.errors import Path, Problem, shorten
from ecosystem.plugins import registry
from ecosystem.scenario.checks.facts import ROWS, Facts, mapping
from ecosystem.scenario.fields.learning import LEARNERS


def check_learner(facts: Facts) -> Iterator[Problem]:
    """Check that a learner learns outputs of the kind that there is."""
    written = facts.learning.get("learner")
    name = written if isinstance(written, str) else mapping(written).get("method")
    path: Path = ("learning", "learner") if isinstance(written, str) else ("learning", "learner", "method")
    if not isinstance(name, str):
        return
    if facts.drawn:
        yield Problem(path[:2], "does not apply to models that are really trained, which learn as outputs.kind says")
        return
    plugin = None if name in LEARNERS else registry.find("learners", name)
    learns = {name} if name in LEARNERS else set(getattr(plugin, "learns", ROWS))
    if facts.kind in ROWS and facts.kind not in learns:
        known = " and ".join(sorted(learns))
        message = f"{shorten(name)} learns {known} outputs, not {facts.kind} ones; leave it out, or name another"
        yield Problem(path, message)
