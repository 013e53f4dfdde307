"""Users: groups that exist, ask of contexts and models that exist, and can be satisfied where it matters."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from ecosystem.errors import Path, Problem, did_you_mean, shorten
from ecosystem.plugins import registry
from ecosystem.scenario.checks.facts import Facts, entries, mapping, number
from ecosystem.scenario.fields.judges import LARGEST
from ecosystem.scenario.fields.users import CHOICES, RULES, read_index

MAX_INDIVIDUALS = 100_000

_NEEDS_REWARD = {"retention": "risk", "replicator": "satisfaction", "softmax": "experience", "multiplicative": "risk"}


def check_groups(facts: Facts) -> Iterator[Problem]:
    """Check each group by itself: its name, contexts, models and reward."""
    seen: dict[str, int] = {}
    for index, group in groups_written(facts):
        path: Path = ("users", "groups", index)
        name = group.get("name")
        if isinstance(name, str) and name in seen:
            yield Problem((*path, "name"), f"groups[{seen[name]}] already has the name {shorten(name)}")
        elif isinstance(name, str):
            seen[name] = index
        yield from _contexts(facts, group.get("contexts"), (*path, "contexts"))
        yield from _models(facts, group.get("models"), (*path, "models"))
        reward = group.get("reward")
        if isinstance(reward, str) and reward not in facts.rewards:
            yield Problem(
                (*path, "reward"), f"there is no reward {shorten(reward)}{did_you_mean(reward, facts.rewards)}"
            )


def check_responses(facts: Facts) -> Iterator[Problem]:
    """Check that rules name groups that exist, and that groups have what the rules go by."""
    names = [group.get("name") for _, group in groups_written(facts)]
    wants: dict[int, Problem] = {}  # one for each group, whatever asks for its reward
    for path, rule in _rules(facts):
        group = rule.get("group")
        if isinstance(group, str) and group not in names:
            known = did_you_mean(group, [name for name in names if isinstance(name, str)])
            yield Problem((*path, "group"), f"there is no group {shorten(group)}{known}")
        if rule.get("method") == "drift" and facts.kind != "gaussian" and isinstance(facts.kind, str):
            message = f"drift moves means, which {facts.kind} outputs have not; use outputs: {{kind: gaussian}}"
            yield Problem(path, message)
        for index, problem in _wanting(facts, str(rule.get("method"))):
            wants.setdefault(index, problem)
    if mapping(facts.data.get("users")).get("curate") is True:
        for index, problem in _without_reward(facts, "the group's users curate, so they need a reward"):
            wants.setdefault(index, problem)
    yield from wants.values()
    if "users" not in facts.data or facts.data["users"] is None:
        for index, entry in facts.models:
            share = number(mapping(entry.get("diet")).get("users"))
            if share:
                yield Problem(("models", index, "diet", "users"), "the scenario has no users; add a `users` block")


def check_sizes(facts: Facts) -> Iterator[Problem]:
    """Check that there are whole users where they are counted one by one."""
    users = mapping(facts.data.get("users"))
    individuals = users.get("individuals") is True
    total = 0.0
    for index, group in groups_written(facts):
        size, path = number(group.get("size")), ("users", "groups", index, "size")
        if size is None:
            continue
        total += size
        if (individuals or users.get("mode") == "sampled") and size % 1:
            why = "individuals: true" if individuals else "mode: sampled"
            yield Problem(path, f"{why} counts users, so the size must be a whole number (got {shorten(size)})")
        if not individuals and any(mapping(group.get("traits")).values()):
            message = "traits make users of a group differ; write individuals: true under users"
            yield Problem((*path[:-1], "traits"), message)
    if individuals and total > MAX_INDIVIDUALS:
        message = f"individuals are at most {MAX_INDIVIDUALS} users in all (the groups have {total:.6g}); leave it out"
        yield Problem(("users", "individuals"), message)


def _wanting(facts: Facts, method: str) -> Iterator[tuple[int, Problem]]:
    goes_by = _NEEDS_REWARD.get(method) or _plugin_goes_by(method)
    if not goes_by:
        return
    yield from _without_reward(facts, f"{method} goes by {goes_by}, so every group needs a reward")
    if goes_by != "risk":
        return
    for index, group in groups_written(facts):
        reward = facts.reward(group.get("reward"))
        if group.get("best") is not None or not isinstance(reward, Mapping):
            continue
        judged = "judge" in reward
        if not _bounded(reward["judge"]) if judged else (number(reward.get("curvature", 0)) or 0) <= 0:
            what = "this judge" if judged else "a reward without curvature"
            message = f"{what} has no largest value, and {method} goes by risk; state `best`"
            yield index, Problem(("users", "groups", index), message)


def _bounded(judge: Any) -> bool:
    """Tell whether a judge has a largest value."""
    found = registry.find("judges", judge) if isinstance(judge, str) and judge not in LARGEST else None
    return judge in LARGEST or (found is not None and not math.isnan(found.top))


def _plugin_goes_by(method: str) -> str:
    if method in RULES | CHOICES:
        return ""
    found = registry.find("feedback", method) or registry.find("choices", method)
    return "" if found is None else str(found.goes_by)


def _without_reward(facts: Facts, why: str) -> Iterator[tuple[int, Problem]]:
    for index, group in groups_written(facts):
        if group.get("reward") is None:
            yield index, Problem(("users", "groups", index), f"has no reward; {why}")


def _contexts(facts: Facts, written: Any, path: Path) -> Iterator[Problem]:
    listed = list(written) if isinstance(written, (list, tuple, Mapping)) else []
    for context in map(read_index, listed):
        if facts.contexts is None or isinstance(context, bool) or not isinstance(context, int):
            continue
        if context >= facts.contexts:
            yield Problem(path, f"contexts go from 0 to {facts.contexts - 1}, outputs.contexts (got {context})")
    yield from _weighed(written, path)
    if len(set(map(str, listed))) < len(listed):
        yield Problem(path, "a context stands twice; give weights as a map instead")


def _models(facts: Facts, written: Any, path: Path) -> Iterator[Problem]:
    listed = list(written) if isinstance(written, (list, tuple, Mapping)) else []
    for name in listed:
        if facts.names is not None and isinstance(name, str) and name not in facts.names:
            yield Problem(path, f"there is no model {shorten(name)}{did_you_mean(name, facts.names)}")
    yield from _weighed(written, path)


def _weighed(written: Any, path: Path) -> Iterator[Problem]:
    if isinstance(written, Mapping) and written:
        weights = [number(weight) for weight in written.values()]
        if all(weight is not None for weight in weights) and sum(weight or 0 for weight in weights) <= 0:
            yield Problem(path, "the weights are all 0; at least one must be above 0")


def groups_written(facts: Facts) -> list[tuple[int, Mapping[Any, Any]]]:
    """Return the groups as written, each with its place."""
    return entries(mapping(facts.data.get("users")).get("groups"))


def _rules(facts: Facts) -> Iterator[tuple[Path, Mapping[Any, Any]]]:
    users = mapping(facts.data.get("users"))
    feedback = users.get("feedback")
    if isinstance(feedback, Mapping):
        yield ("users", "feedback"), feedback
    for index, rule in entries(feedback):
        yield ("users", "feedback", index), rule
    if isinstance(users.get("choice"), Mapping):
        yield ("users", "choice"), users["choice"]
