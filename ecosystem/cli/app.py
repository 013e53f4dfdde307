"""The command ``ecosystem``: its own commands, and those that other packages add."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint, entry_points
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from ecosystem import __version__
from ecosystem.cli.check import check
from ecosystem.cli.doctor import doctor
from ecosystem.cli.export import export
from ecosystem.cli.influence import influence
from ecosystem.cli.list import list_scenarios
from ecosystem.cli.new import new
from ecosystem.cli.plan import plan
from ecosystem.cli.run import INTERRUPTED, run
from ecosystem.cli.schema import schema
from ecosystem.cli.validate import validate
from ecosystem.errors import EcosystemError

ENTRY_POINTS = "ecosystem.commands"
"""The group under which a package names functions that become commands."""

BAD_INPUT = 2


class Commands(TyperGroup):
    """A group whose further commands come from entry points, each imported when it is needed."""

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]
        """Run a command; an interruption has a status of its own, at a question, too."""
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, typer.Abort):
            print("interrupted", file=sys.stderr)
            raise typer.Exit(INTERRUPTED) from None

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        """Return the names of all commands: the program's own, then the others by name."""
        own = super().list_commands(ctx)
        return [*own, *sorted(set(_added()) - set(own))]

    def get_command(self, ctx: typer.Context, cmd_name: str) -> Any:  # type: ignore[override]
        """Return a command by name, None if there is none."""
        own = super().get_command(ctx, cmd_name)
        added = _added()
        if own is not None or cmd_name not in added:
            return own
        try:
            function = added[cmd_name].load()
        except Exception as error:  # whatever a stranger's module raises on import
            function = _broken(cmd_name, f"{added[cmd_name].value}: {type(error).__name__}: {error}")
        self.commands[cmd_name] = _command(cmd_name, function)
        return self.commands[cmd_name]


app = typer.Typer(
    name="ecosystem",
    cls=Commands,
    help="Simulate ecosystems of generative models that learn from each other.",
    epilog="A first run: ecosystem run two_model_backfire",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("new")(new)
app.command("run")(run)
app.command("validate")(validate)
app.command("check")(check)
app.command("export")(export)
app.command("list")(list_scenarios)
app.command("schema")(schema)
app.command("influence")(influence)
app.command("plan")(plan)
app.command("doctor")(doctor)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ecosystem {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line; what is wrong with an input is told in plain lines, with exit status 2."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except EcosystemError as error:
        print(error, file=sys.stderr)
        sys.exit(BAD_INPUT)


def _added() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=ENTRY_POINTS)}


def _command(name: str, function: Any) -> Any:
    """Make a command of a function, as `typer.Typer.command` would."""
    single = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    single.command(name)(function)
    return typer.main.get_command(single)


def _broken(name: str, reason: str) -> Any:
    def command() -> None:
        raise EcosystemError(f"the command {name} cannot be loaded: {reason}")

    command.__doc__ = f"(cannot be loaded: {reason})"
    return command
