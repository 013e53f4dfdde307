"""The variants of a scenario: one for each point of its sweep."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from ecosystem.errors import EcosystemError, InputError, Path, Place, Problem, shorten
from ecosystem.scenario import designs
from ecosystem.scenario.arithmetic import names_in
from ecosystem.scenario.document import Document
from ecosystem.scenario.expressions import is_expression
from ecosystem.scenario.paths import change, parameter_names

if TYPE_CHECKING:
    from ecosystem.scenario.scenario import Scenario

Point = dict[str, Any]

_LISTS = ("grid", "zip")
_DESIGNS = ("latin_hypercube", "sobol", "saltelli", "morris")
_NOT_OF_A_VARIANT = ("sweep", "expect")


@dataclass(frozen=True)
class Swept:
    """A key of a sweep as it is written.

    Attributes
    ----------
    key : str
        A parameter's name or a path.
    path : tuple
        Where it stands in the scenario.
    values : sequence of (path, value)
        What is written of it, each at its place.
    """

    key: str
    path: Path
    values: Sequence[tuple[Path, Any]]


def points(scenario: Scenario) -> tuple[Point, ...]:
    """Return the points of a scenario's sweep.

    Returns
    -------
    tuple of dict
        From swept key to value: every combination of what the forms of the sweep give, the rows of the last
        form fastest, and in the grid its last key. One empty point without a sweep.

    Raises
    ------
    InputError
        A design needs a library that is not installed.
    """
    sweep = scenario.sweep
    if sweep is None:
        return ({},)
    forms: list[Sequence[tuple[Any, ...]]] = [list(itertools.product(*sweep.grid.values()))]
    if sweep.zip:
        forms.append(list(zip(*sweep.zip.values(), strict=True)))
    forms += [designs.rows(design) for design in sweep.designs]
    if sweep.rows:
        forms.append([tuple(row[key] for key in sweep.rows[0]) for row in sweep.rows])
    keys = sweep.keys
    return tuple(dict(zip(keys, itertools.chain(*rows), strict=True)) for rows in itertools.product(*forms))


def variant(scenario: Scenario, point: Mapping[str, Any]) -> Scenario:
    """Return the scenario at a point of its sweep, which has neither a sweep nor expectations.

    Raises
    ------
    InputError
        If the scenario is not valid there; each message names the point.
    """
    try:
        return scenario._changed(point, without=_NOT_OF_A_VARIANT)
    except InputError as error:
        told = "; ".join(f"{key} = {shorten(value)}" for key, value in point.items())
        raise InputError(
            Problem(each.path, f"{each.message} (at {told})" if told else each.message, each.place)
            for each in error.problems
        ) from None


def refuse_idle(scenario: Scenario, changes: Iterable[str]) -> None:
    """Refuse changes of what the scenario sweeps: every point has a value of its own.

    Raises
    ------
    InputError
        If there are any.
    """
    keys = () if scenario.sweep is None else scenario.sweep.keys
    dropped = "sweep=null and expect=[]" if scenario.expect else "sweep=null"
    told = f"is swept, so a value of its own has no effect; change the sweep, or drop it ({dropped})"
    idle = [Problem((), f"{key!r} {told}") for key in changes if key in keys]
    if idle:
        raise InputError(idle)


def swept(sweep: Any) -> Iterator[Swept]:
    """Yield the keys of a sweep as it is written, passing over what is malformed."""
    if not isinstance(sweep, Mapping):
        return
    for form in _LISTS:
        for key, values in _mapping(sweep.get(form)).items():
            path: Path = ("sweep", form, key)
            yield Swept(str(key), path, _entries(values, path))
    for form in _DESIGNS:
        for key, range_ in _mapping(_mapping(sweep.get(form)).get("ranges")).items():
            path = ("sweep", form, "ranges", key)
            bounds = [((*path, part), bound) for part, bound in _mapping(range_).items()]
            yield Swept(str(key), path, bounds or _entries(range_, path))
    table = sweep.get("table")
    rows = table if isinstance(table, (list, tuple)) and all(isinstance(row, Mapping) for row in table) else ()
    for key in rows[0] if rows else ():
        values = [(("sweep", "table", number, key), row.get(key)) for number, row in enumerate(rows)]
        yield Swept(str(key), ("sweep", "table", 0, key), values)


def key_problems(root: type[BaseModel], document: Document) -> Iterator[Problem]:
    """Find the keys of a sweep that can change nothing, and values that depend on what is swept."""
    found = list(swept(document.data.get("sweep")))
    dependent = {each.key for each in found} & parameter_names(document.data)
    for each in found:
        try:
            change(root, document.data, each.key, None)
        except InputError as error:
            yield document.located(Problem(each.path, error.problems[0].message), of_key=True)
        for path, value in each.values:
            named = _names(value) & dependent
            if named:
                message = f"refers to {min(named)!r}, which is swept itself; sweep a parameter in its place"
                yield document.located(Problem(path, message))


def try_first(scenario: Scenario) -> None:
    """Validate the first variant, so that a sweep that cannot work is refused with the scenario.

    Raises
    ------
    InputError
        If that variant is not valid.
    """
    try:
        variant(scenario, points(scenario)[0])
    except InputError as error:
        there = place(scenario, 0)
        raise InputError(replace(each, place=each.place or there) for each in error.problems) from None


def place(scenario: Scenario, number: int) -> Place | None:
    """Return where a point is written: its row of the table, else the sweep."""
    rows = len(scenario.sweep.rows) if scenario.sweep else 0
    return scenario.document.place(("sweep", "table", number % rows) if rows else ("sweep",))


def _mapping(value: Any) -> Mapping[Any, Any]:
    return value if isinstance(value, Mapping) else {}


def _entries(values: Any, path: Path) -> list[tuple[Path, Any]]:
    listed = values if isinstance(values, (list, tuple)) else ()
    return [((*path, index), value) for index, value in enumerate(listed)]


def _names(value: Any) -> frozenset[str]:
    try:
        return names_in(value) if is_expression(value) else frozenset()
    except EcosystemError:
        return frozenset()
