"""What a command line asks for: each scenario, its plan, and where its results go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecosystem.cli.naming import directory_name
from ecosystem.errors import EcosystemError
from ecosystem.plan.runs import Plan, plan
from ecosystem.scenario.load import load_scenario

RUNS = Path("runs")
"""Where results go by default, each scenario's in a directory of its own."""


@dataclass(frozen=True)
class Target:
    """One scenario to run.

    Attributes
    ----------
    plan : Plan
        Its runs.
    path : pathlib.Path
        Where its results go.
    """

    plan: Plan
    path: Path


class BadInputsError(EcosystemError):
    """What is wrong with several inputs, told together."""


def plans(
    paths: Sequence[str],
    seeds: int | Sequence[int] | None = None,
    overrides: Mapping[str, Any] | None = None,
    allow_code: bool = False,
) -> list[Plan]:
    """Load scenarios and plan their runs.

    Raises
    ------
    BadInputsError
        With what is wrong with each of them.
    """
    found, wrong = [], []
    for path in paths:
        try:
            found.append(plan(load_scenario(path, overrides, allow_code=allow_code), seeds))
        except EcosystemError as error:
            wrong.append(_about(path, error))
    if wrong:
        raise BadInputsError("\n".join(wrong))
    return found


def targets(asked: Sequence[Plan], out: Path | None) -> list[Target]:
    """Say where the results of each plan go.

    A single plan's go to `out` itself; those of several go to directories in it.

    Raises
    ------
    BadInputsError
        Two of them would go to one place.
    """
    folder = RUNS if out is None else out
    places = [
        out if out is not None and len(asked) == 1 else folder / directory_name(each.scenario.name) for each in asked
    ]
    twice = sorted({str(place) for place in places if places.count(place) > 1})
    if twice:
        raise BadInputsError(
            "\n".join(f"two scenarios would write to {place}; give them other names" for place in twice)
        )
    return [Target(each, place) for each, place in zip(asked, places, strict=True)]


def _about(path: str, error: EcosystemError) -> str:
    """Return the lines of an error, each with the file it is about."""
    return "\n".join(line if path in line else f"{path}: {line}" for line in str(error).splitlines())
