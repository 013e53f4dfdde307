"""The page of commands, made from the program's own help."""

from __future__ import annotations

import html
from typing import Any

import typer

from ecosystem.cli.app import app

_HEAD = """\
# Command line

Made from what `ecosystem --help` and `ecosystem COMMAND --help` say. Exit status: 0 done, 1 something failed (a run, an
expectation, a check of `doctor`), 2 an input that cannot be used, 130 interrupted.
"""


def page() -> str:
    """Return the page."""
    group: Any = typer.main.get_command(app)
    context = group.make_context("ecosystem", [], resilient_parsing=True)
    sections = [_section(group.get_command(context, name), name, context) for name in group.list_commands(context)]
    return "\n".join([_HEAD, _index(group, context), *sections])


def _index(group: Any, context: Any) -> str:
    rows = []
    for name in group.list_commands(context):
        short = group.get_command(context, name).get_short_help_str(limit=200)
        rows.append(f"| [`ecosystem {name}`](#ecosystem-{name}) | {short} |")
    return "\n".join(["| command | what it does |", "|---|---|", *rows, ""])


def _section(command: Any, name: str, parent: Any) -> str:
    context = type(parent)(command, info_name=name, parent=parent)
    text = "\n\n".join(part.replace("\n", " ").strip() for part in (command.help or "").split("\n\n"))
    usage = command.get_usage(context).removeprefix("Usage: ")
    lines = [f"## ecosystem {name} {{ #ecosystem-{name} }}", "", text, "", f"``` {{.text .usage}}\n{usage}\n```", ""]
    records = [parameter.get_help_record(context) for parameter in command.get_params(context)]
    rows = [f"| {_code(name)} | {_cell(text)} |" for name, text in records if not name.startswith("--help")]
    if rows:
        lines += ["| | |", "|---|---|", *rows, ""]
    return "\n".join(lines)


def _code(text: str) -> str:
    """Return code in a cell; where it has a bar, of which a backslash before it would be shown, as HTML."""
    if "|" not in text:
        return f"`{text}`"
    return f"<code>{html.escape(text).replace('|', '&#124;')}</code>"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("  [", " [")
