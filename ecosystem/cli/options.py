"""Options and arguments that several commands share, and what their texts mean."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ecosystem.errors import EcosystemError, InputError, fail, shorten

if TYPE_CHECKING:
    from ecosystem.runner.execute import Execution

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

Workers = Annotated[
    int | None,
    typer.Option(
        help="Processes that execute runs, 0 for this one alone; by default one a core where the work is worth it.",
        min=0,
        show_default=False,
    ),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="Execute on the Dask cluster whose scheduler is there (tcp://HOST:8786); it must see --out.",
        show_default=False,
    ),
]
Timeout = Annotated[
    float | None, typer.Option(metavar="SECONDS", help="How long a run may take; then it fails.", show_default=False)
]
RetryFailed = Annotated[bool, typer.Option("--retry-failed", help="Run again what failed before.")]
MaxMemory = Annotated[
    str | None,
    typer.Option(
        metavar="SIZE", help="What all processes may hold, such as 16GB; the machine's by default.", show_default=False
    ),
]

Checkpoint = Annotated[
    float,
    typer.Option(
        metavar="SECONDS",
        help="After how much work a run under way is kept, to go on from there if it is killed; inf for never.",
    ),
]


AllowCode = Annotated[
    bool,
    typer.Option("--allow-code", help="Run the Python files that the scenario names under `plugins`; trust them."),
]


def execution(
    workers: int | None,
    scheduler: str | None,
    timeout: float | None,
    retry_failed: bool,
    max_memory: str | None,
    checkpoint: float = 30.0,
) -> Execution:
    """Return where and how runs are executed.

    Raises
    ------
    EcosystemError
        A value that makes no sense.
    """
    from ecosystem.runner.execute import Execution

    if scheduler is not None and workers is not None:
        raise EcosystemError("--workers and --scheduler exclude each other: a cluster has its own workers")
    memory = None if max_memory is None else _bytes(max_memory)
    return Execution(workers, scheduler, timeout, retry_failed, memory, checkpoint)


def _bytes(text: str) -> int:
    from pydantic import ByteSize, TypeAdapter, ValidationError

    try:
        return int(TypeAdapter(ByteSize).validate_python(text))
    except ValidationError:
        raise EcosystemError(f"--max-memory: a size such as 16GB (got {shorten(text)})") from None


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
    changes = assigned("--set", "PATH=VALUE, such as learning.rate=0.5", assignments or ())
    if device is not None and changes.setdefault("device", device) != device:
        raise EcosystemError(f"--device {shorten(device)}: --set device={changes['device']} says something else")
    return changes


def assigned(option: str, form: str, texts: Sequence[str]) -> dict[str, Any]:
    """Return what texts ``NAME=VALUE`` of an option say; a value is read as it would be in a scenario.

    Raises
    ------
    EcosystemError
        A text without ``=``, a name given twice, or a value that is not YAML.
    """
    from ecosystem.scenario.reader import parse_value

    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        name = name.strip()
        if not equals or not name:
            raise EcosystemError(f"{option} {shorten(text)}: write {form}")
        if name in found:
            raise EcosystemError(f"{option} {name}: is given twice")
        try:
            found[name] = parse_value(value)
        except InputError as error:
            raise EcosystemError(f"{option} {name}: {error.problems[0].message} (got {shorten(value)})") from error
    return found


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
