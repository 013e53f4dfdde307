"""The phases of a scenario with events: from which round on which settings hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from ecosystem.errors import InputError, Path, Problem, path_text, shorten
from ecosystem.scenario.document import Document
from ecosystem.scenario.fields.events import Ends
from ecosystem.scenario.fields.learning import Until
from ecosystem.scenario.fields.network import Edge, EdgesNetwork
from ecosystem.scenario.fields.users import RetentionFeedback
from ecosystem.scenario.paths import parameter_names

if TYPE_CHECKING:
    from ecosystem.scenario.scenario import Scenario

_NOT_OF_A_PHASE = ("sweep", "expect", "events")
_ALL_RUN = (
    "version",
    "name",
    "description",
    "source",
    "rounds",
    "seeds",
    "mode",
    "precision",
    "device",
    "outputs",
    "record",
)
"""Fields that hold for a whole run."""

_NUMBERS = "parameters"
"""Named numbers, which act through the settings that use them."""

_OF_THE_START = ("name", "size", "models")
"""Settings of a group that say what it is at the start."""


@dataclass(frozen=True)
class Phase:
    """Rounds in which the same settings hold.

    Attributes
    ----------
    round : int
        The first one.
    scenario : Scenario
        The settings, without events, sweep and expectations.
    edits : tuple of Ends or Edge
        What was done to the network since its block was last set: an edge is added, ends are cut.
    """

    round: int
    scenario: Scenario
    edits: tuple[Ends | Edge, ...] = ()


def phases(scenario: Scenario) -> tuple[Phase, ...]:
    """Return the phases that the events of a scenario begin, in order.

    Raises
    ------
    InputError
        Events that cannot happen, each at its place.
    """
    last = scenario.rounds.max if isinstance(scenario.rounds, Until) else scenario.rounds
    problems = [
        Problem(("events", index, "round"), f"the run ends at round {last}, so this never happens (got {event.round})")
        for index, event in enumerate(scenario.events)
        if event.round >= last
    ]
    found: list[Phase] = []
    written = {key: value for key, value in scenario.document.data.items() if key not in _NOT_OF_A_PHASE}
    before = Phase(0, scenario)
    now = _Changing(scenario.document.with_data(written))
    order = sorted(range(len(scenario.events)), key=lambda index: scenario.events[index].round)
    for round_, group in groupby(order, key=lambda index: scenario.events[index].round):
        indices = list(group)
        for index in indices:
            problems += now.change(index, scenario.document.value(("events", index, "set")))
        try:
            after = type(scenario).of_phase(now.document)
        except InputError as error:
            problems += [now.placed(problem, indices[-1]) for problem in error.problems]
            break
        problems += [now.placed(problem, indices[-1]) for problem in _changed_for_good(scenario, after)]
        kept = before.edits if after.network == before.scenario.network else ()
        before = Phase(round_, after, (*kept, *(edit for index in indices for edit in scenario.events[index].edits)))
        problems += _edge_problems(scenario, indices, after, kept)
        found.append(before)
    problems += _deserted([scenario, *(phase.scenario for phase in found)])
    if problems:
        raise InputError(map(scenario.document.located, dict.fromkeys(problems)))
    return tuple(found)


class _Changing:
    """The scenario as written, changed by one event after another."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self._set: list[tuple[Path, Path]] = []
        """What was changed, and where the change is written."""

    def change(self, index: int, settings: Any) -> list[Problem]:
        """Make the changes of an event; return what is wrong with their keys."""
        from ecosystem.scenario.scenario import changed

        problems = []
        named = parameter_names(self.document.data)
        for key in sorted(settings or (), key=lambda key: key not in named):
            place: Path = ("events", index, "set", key)
            try:
                after = changed(self.document, {key: settings[key]})
            except InputError as error:
                problems.append(self.document.located(Problem(place, error.problems[0].message), of_key=True))
                continue
            path = after.changed[-1]
            if path[0] in _NOT_OF_A_PHASE:
                problem = Problem(place, f"{path[0]} holds for the whole run; no event changes it")
                problems.append(self.document.located(problem, of_key=True))
                continue
            self.document = after
            self._set.append((path, place))
        return problems

    def placed(self, problem: Problem, index: int) -> Problem:
        """Return a problem of what a scenario has become, at the event that made it so."""
        for path, place in reversed(self._set):
            if problem.path[: len(path)] == path:
                inner = path_text(problem.path[len(path) :])
                return Problem(place, f"{inner}: {problem.message}" if inner else problem.message)
        for path, place in reversed(self._set):
            if problem.path and path[: len(problem.path)] == problem.path:
                return Problem(place, problem.message)
        where = f"{path_text(problem.path)}: " if problem.path else ""
        return Problem(("events", index), f"after this event, {where}{problem.message}")


def _changed_for_good(first: Scenario, now: Scenario) -> Iterator[Problem]:
    """Find what an event changed though it holds for the whole run."""
    for field in _ALL_RUN:
        if getattr(first, field) != getattr(now, field):
            yield Problem((field,), f"{field} holds for the whole run; no event changes it")
    if first.model_names != now.model_names:
        yield Problem(("models",), "models neither come nor go; an event may cut all edges of one")
    elif any(a.initial != b.initial for a, b in zip(first.models, now.models, strict=True)):
        yield Problem(("models",), "`initial` is what a model is before the first round; no event changes it")
    if first.rewards.keys() != now.rewards.keys():
        message = "an event may change the numbers of a reward, not what rewards there are"
        yield Problem(("rewards",), message)
    if (first.users is None) != (now.users is None):
        yield Problem(("users",), "users neither come nor go as a whole; feedback with arrivals lets groups grow")
    elif first.users is not None and now.users is not None:
        for field in ("mode", "individuals"):
            if getattr(first.users, field) != getattr(now.users, field):
                yield Problem(("users", field), f"{field} holds for the whole run; no event changes it")
        groups = [
            [tuple(getattr(group, key) for key in _OF_THE_START) for group in each.users.groups]
            for each in (first, now)
            if each.users is not None
        ]
        if groups[0] != groups[1]:
            keys = ", ".join(_OF_THE_START)
            yield Problem(("users", "groups"), f"what a group is at the start ({keys}) is not changed by an event")


def _deserted(states: Sequence[Scenario]) -> Iterator[Problem]:
    """Find groups that nobody is in at the start, though nobody comes in any phase."""
    users = states[0].users
    rules = [rule for state in states if state.users is not None for rule in state.users.rules]
    if users is None or any(isinstance(rule, RetentionFeedback) and rule.arrivals > 0 for rule in rules):
        return
    for index, group in enumerate(users.groups):
        if group.size == 0:
            message = "nobody is in this group, and nobody ever comes; give it users, or retention with arrivals"
            yield Problem(("users", "groups", index, "size"), f"{message} (got 0)")


def _edge_problems(
    scenario: Scenario, indices: list[int], after: Scenario, kept: tuple[Ends | Edge, ...]
) -> Iterator[Problem]:
    """Find edges that are cut where none is, or added where one is, as far as the scenario alone tells.

    Edges of a generated network or a file are known only when it is built.
    """
    names = set(scenario.model_names)
    listed = after.network.edges if isinstance(after.network, EdgesNetwork) else None
    there = {(edge.source, edge.target) for edge in listed or ()}
    gone: set[tuple[str, str]] = set()
    for edit in kept:
        _edit(edit, there, gone)
    for index in indices:
        event = scenario.events[index]
        for position, edit in enumerate(event.edits):
            path = _path_of_edit(event.cut, event.add, index, position)
            unknown = [name for name in (edit.source, edit.target) if name not in names]
            if unknown:
                yield Problem(path, f"there is no model {shorten(unknown[0])}")
                continue
            pair, ends = (edit.source, edit.target), f"from {shorten(edit.source)} to {shorten(edit.target)}"
            if isinstance(edit, Edge) and pair in there:
                yield Problem(path, f"there is an edge {ends} already; cut it first")
            elif isinstance(edit, Ends) and pair not in there and (listed is not None or pair in gone):
                yield Problem(path, f"there is no edge {ends} to cut")
            _edit(edit, there, gone)


def _edit(edit: Ends | Edge, there: set[tuple[str, str]], gone: set[tuple[str, str]]) -> None:
    pair = (edit.source, edit.target)
    (gone if isinstance(edit, Edge) else there).discard(pair)
    (there if isinstance(edit, Edge) else gone).add(pair)


def _path_of_edit(cut: object, add: object, index: int, position: int) -> Path:
    cuts = 1 if isinstance(cut, Ends) else len(cut)  # type: ignore[arg-type]
    key, among, number = ("cut", cut, position) if position < cuts else ("add", add, position - cuts)
    return ("events", index, key, number) if isinstance(among, tuple) else ("events", index, key)


def in_settings(first: Mapping[str, Any], found: tuple[Phase, ...]) -> list[dict[str, Any]]:
    """Return events as settings without expressions: whole blocks in place of the values that differ.

    Parameters
    ----------
    first : mapping
        The settings before the first event.
    found : tuple of Phase
        What the events lead to.
    """
    events: list[dict[str, Any]] = []
    before, edits = first, tuple[Ends | Edge, ...]()
    for phase in found:
        now = phase.scenario.settings()
        different = [key for key in now if now[key] != before[key] and key not in (_NUMBERS, *_NOT_OF_A_PHASE)]
        new = phase.edits if "network" in different else phase.edits[len(edits) :]
        steps = list(_steps(new))
        set_ = {key: now[key] for key in different}
        events += [{"round": phase.round, "set": set_, **_edges(step)} for step in (steps[:1] or [()]) if set_ or step]
        events += [{"round": phase.round, "set": {}, **_edges(step)} for step in steps[1:]]
        before, edits = now, phase.edits
    return events


def _steps(edits: tuple[Ends | Edge, ...]) -> Iterator[tuple[Ends | Edge, ...]]:
    """Yield edits in runs that one event can make: first cuts, then additions."""
    step: list[Ends | Edge] = []
    for edit in edits:
        if step and isinstance(edit, Ends) and isinstance(step[-1], Edge):
            yield tuple(step)
            step = []
        step.append(edit)
    if step:
        yield tuple(step)


def _edges(step: tuple[Ends | Edge, ...]) -> dict[str, Any]:
    written = [(isinstance(edit, Edge), edit.model_dump(mode="json", by_alias=True)) for edit in step]
    return {"cut": [edge for added, edge in written if not added], "add": [edge for added, edge in written if added]}
