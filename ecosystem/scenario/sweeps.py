"""The variants of a scenario: one for each point of its sweep."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from ecosystem.errors import EcosystemError, InputError, Problem, shorten
from ecosystem.scenario.arithmetic import names_in
from ecosystem.scenario.document import Document
from ecosystem.scenario.expressions import is_expression
from ecosystem.scenario.paths import change, parameter_names

if TYPE_CHECKING:
    from ecosystem.scenario.scenario import Scenario

Point = dict[str, Any]

_FORMS = ("grid", "zip")
_NOT_OF_A_VARIANT = ("sweep", "expect")


def points(scenario: Scenario) -> tuple[Point, ...]:
    """Return the points of a scenario's sweep.

    Returns
    -------
    tuple of dict
        From swept key to value: every combination of the grid, the last key fastest, and within
        each the rows of the zip. One empty point without a sweep.
    """
    sweep = scenario.sweep
    if sweep is None:
        return ({},)
    combinations = itertools.product(*sweep.grid.values())
    rows = list(zip(*sweep.zip.values(), strict=True)) or [()]
    keys = (*sweep.grid, *sweep.zip)
    return tuple(dict(zip(keys, (*combination, *row), strict=True)) for combination in combinations for row in rows)


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


def key_problems(root: type[BaseModel], document: Document) -> Iterator[Problem]:
    """Find the keys of a sweep that can change nothing, and values that depend on what is swept."""
    sweep = document.data.get("sweep")
    if not isinstance(sweep, Mapping):
        return
    names = parameter_names(document.data)
    swept = {key for form in _FORMS for key in _lists(sweep, form)}
    for form in _FORMS:
        for key, values in _lists(sweep, form).items():
            path = ("sweep", form, key)
            try:
                change(root, document.data, str(key), None)
            except InputError as error:
                yield document.located(Problem(path, error.problems[0].message), of_key=True)
            for index, value in enumerate(values if isinstance(values, (list, tuple)) else ()):
                dependent = _names(value) & swept & names
                if dependent:
                    message = f"refers to {min(dependent)!r}, which is swept itself; sweep a parameter in its place"
                    yield document.located(Problem((*path, index), message))


def try_first(scenario: Scenario) -> None:
    """Validate the first variant, so that a sweep that cannot work is refused with the scenario.

    Raises
    ------
    InputError
        If that variant is not valid.
    """
    first = points(scenario)[0]
    try:
        variant(scenario, first)
    except InputError as error:
        place = scenario.document.place(("sweep",))
        raise InputError(replace(each, place=each.place or place) for each in error.problems) from None


def _lists(sweep: Mapping[Any, Any], form: str) -> Mapping[Any, Any]:
    lists = sweep.get(form)
    return lists if isinstance(lists, Mapping) else {}


def _names(value: Any) -> frozenset[str]:
    try:
        return names_in(value) if is_expression(value) else frozenset()
    except EcosystemError:
        return frozenset()
