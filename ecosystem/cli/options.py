"""Options and arguments that several commands share, and what their texts mean."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from ecosystem.errors import EcosystemError, InputError, fail, shorten

Paths = Annotated[list[str], typer.Argument(metavar="PATH", help="Scenario files, or names of shipped scenarios.")]
Out = Annotated[
    Path | None,
    typer.Option(help="Directory for the results (for several scenarios, of their directories).", show_default=False),
]
Seeds = Annotated[
    str | None,
    typer.Option(help="How many seeds, or a list such as 3,4,5, in place of the scenario's.", show_default=False),
]
Device = Annotated[
    str | None,
    typer.Option(help="Where to compute, in place of what the scenario says: auto, cpu or cuda.", show_default=False),
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="PATH=VALUE",
        help="Change a setting or a parameter, as in --set learning.rate=0.5; may be repeated.",
        show_default=False,
    ),
]


def overrides(assignments: Sequence[str] | None, device: str | None = None) -> dict[str, Any]:
    """Return what ``--set`` options change, and ``--device``; a value is read as it would be in a scenario.

    Raises
    ------
    EcosystemError
        An option without ``=``, a setting given twice, or a value that is not YAML.

    Examples
    --------
    >>> overrides(["learning.rate=0.5", "models.p.diet={raw: 1}"])
    {'learning.rate': 0.5, 'models.p.diet': {'raw': 1}}
    """
    from ecosystem.scenario.reader import parse_value

    changes: dict[str, Any] = {}
    for assignment in assignments or ():
        path, equals, text = assignment.partition("=")
        path = path.strip()
        if not equals or not path:
            raise EcosystemError(f"--set {shorten(assignment)}: write PATH=VALUE, such as learning.rate=0.5")
        if path in changes:
            raise EcosystemError(f"--set {path}: is given twice")
        try:
            changes[path] = parse_value(text)
        except InputError as error:
            raise EcosystemError(f"--set {path}: {error.problems[0].message} (got {shorten(text)})") from error
    if device is not None and changes.setdefault("device", device) != device:
        raise EcosystemError(f"--device {shorten(device)}: --set device={changes['device']} says something else")
    return changes


def seeds(text: str | None) -> int | tuple[int, ...] | None:
    """Return the seeds that ``--seeds`` means: a count or a list.

    Raises
    ------
    InputError
        Neither of them.

    Examples
    --------
    >>> seeds("3"), seeds("3,")
    (3, (3,))
    """
    if text is None:
        return None
    try:
        numbers = tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise fail(f"--seeds wants a count or a list such as 3,4,5 (got {shorten(text)})") from None
    return numbers[0] if len(numbers) == 1 and "," not in text else numbers
