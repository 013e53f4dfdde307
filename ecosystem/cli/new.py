"""``ecosystem new``: a first scenario, with a comment on every block."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from ecosystem.cli.draft import Kind, Links, Mode, Wish, draft
from ecosystem.errors import EcosystemError

SCHEMA = "ecosystem.schema.json"
"""The JSON Schema beside a scenario: editors find it there, without a network and wherever the folder is moved."""

T = TypeVar("T")


def new(
    path: Annotated[Path | None, typer.Argument(metavar="FILE", help="The file to write.", show_default=False)] = None,
    outputs: Annotated[Kind | None, typer.Option(help="What models write.", show_default=False)] = None,
    models: Annotated[int | None, typer.Option(help="How many models.", min=1, max=100_000, show_default=False)] = None,
    network: Annotated[Links | None, typer.Option(help="Who reads whom.", show_default=False)] = None,
    curated: Annotated[
        bool | None, typer.Option("--curated/--no-curated", help="Whether models are curated.", show_default=False)
    ] = None,
    users: Annotated[
        bool | None, typer.Option("--users/--no-users", help="Whether users answer back.", show_default=False)
    ] = None,
    mode: Annotated[Mode | None, typer.Option(help="Whether training sets are drawn.", show_default=False)] = None,
    sweep: Annotated[
        bool | None, typer.Option("--sweep/--no-sweep", help="Whether a parameter is varied.", show_default=False)
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Write a commented scenario that runs, and beside it the schema by which editors complete it.

    On a terminal it asks what it was not told; elsewhere there are defaults.
    """
    file = _asked("File", path, Path("scenario.yaml"), Path)
    if file.suffix not in (".yaml", ".yml"):
        raise EcosystemError(f"{file}: a scenario is a YAML file; call it {file.name or 'scenario'}.yaml")
    _may_write(file, force)
    count = _asked("How many models", models, Wish.models, int)
    wish = Wish(
        name=file.stem,
        outputs=_asked(f"What models write ({', '.join(Kind)})", outputs, Wish.outputs, Kind),
        models=count,
        network=_asked(f"Who reads whom ({', '.join(Links)})", network, Wish.network, Links)
        if count > 1
        else Links.NONE,
        curated=_asked("Are they curated", curated, Wish.curated, bool),
        users=_asked("Are there users who answer back", users, Wish.users, bool),
        mode=_asked(f"Training sets ({', '.join(Mode)})", mode, Wish.mode, Mode),
        sweep=_asked("Vary a parameter", sweep, Wish.sweep, bool),
    )
    _write(file, draft(wish, SCHEMA))
    print(f"written: {file}")
    _schema_beside(file)
    print(f"run it with: ecosystem run {file}")


def _asked(question: str, given: T | None, default: T, kind: Callable[[str], T]) -> T:
    """Return what was given, else what somebody at a terminal answers, else the default."""
    if given is not None or not _terminal():
        return default if given is None else given
    if isinstance(default, bool):
        return kind(typer.confirm(question, default=default))  # type: ignore[arg-type]
    while True:
        answer = typer.prompt(question, default=str(default))
        try:
            if kind is int and int(answer) < 1:
                raise ValueError
            return kind(answer)
        except ValueError:
            print(f"{answer!r} is no answer to this", file=sys.stderr)


def _terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()


def _may_write(file: Path, force: bool) -> None:
    """Raise where a file is there and nobody agrees that it is written over."""
    if not file.exists() or force:
        return
    if not _terminal() or not typer.confirm(f"{file} is there already; write over it?", default=False):
        raise EcosystemError(f"{file}: is there already; give another name, or --force to write over it")


def _schema_beside(file: Path) -> None:
    """Write the schema beside a scenario; another file of that name is left alone."""
    from ecosystem.cli.schema import text

    place = file.with_name(SCHEMA)
    if not place.exists():
        _write(place, text())
        print(f"written: {place} (what the first line of {file.name} refers to)")
    elif place.read_text(encoding="utf-8", errors="replace") != text():
        print(f"{place} is not what this version would write; `ecosystem schema --out {place} --force` renews it")


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise EcosystemError(f"cannot write {file}: {error.strerror or error}") from error
