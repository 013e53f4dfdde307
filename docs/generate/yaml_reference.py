"""The page about everything a scenario may say, made from its JSON Schema, with an example of every key."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from docs.generate.examples import Example, Examples, examples
from ecosystem.plugins.registry import GROUPS
from ecosystem.scenario.arithmetic import CONSTANTS, FUNCTIONS
from ecosystem.scenario.schema import schema

_ROOT = "Scenario"
_BROUGHT = "Other"
"""How blocks begin whose keys come with another package: there is no telling which."""
_BOUNDS = {"minimum": "≥", "ge": "≥", "exclusiveMinimum": ">", "gt": ">"}
_UPPER = {"maximum": "≤", "le": "≤", "exclusiveMaximum": "<", "lt": "<"}
_LARGE = 2**53
_SHORT = 48

_HEAD = """\
# Scenario (YAML)

A scenario is one YAML file. This page is made from the JSON Schema that `ecosystem schema` prints, and every example
from a scenario that is tested: the [shipped ones](../scenarios.md), and a few in `docs/reference/examples/`.

**Numbers.** Wherever a number is due, `= …` is arithmetic over the named `parameters`: {functions}; constants
{constants}. Inside `{{}}` and `[]` an expression with a comma must be quoted. `inf` is infinity. YAML is of version
1.2: `no` and `on` are text, `1e-3` is a number. Keys that are not described here are refused, and so is a key that
stands twice.

**Editors.** With `# yaml-language-server: $schema=ecosystem.schema.json` as the first line, and the file that
`ecosystem schema --out ecosystem.schema.json` writes beside the scenario, an editor with a YAML language server
completes keys and marks mistakes as you type. `ecosystem new` writes both.

**Plug-ins.** Where a member of a kind is chosen by name, the name may be that of a plug-in: of a class in a file that
`plugins` lists, which is run only with `--allow-code` (in Python: `allow_code=True`), or of an entry point of a package
that is installed. The settings of its own stand beside the name, are fields of its class, and are checked, swept and
hashed like any other. [How to write one](../how-to/plug-ins.md).

| named at | kind | derives from `ecosystem.plugins.` | entry points |
|---|---|---|---|
{plugins}
"""

PLACES: Mapping[str, tuple[str, str]] = {
    "curators": ("curator", "models[…].curation.method` `curated.curation.method"),
    "learners": ("learner of rows", "learning.learner` `learning.learner.method"),
    "feedback": ("rule of feedback", "users.feedback.method"),
    "choices": ("way to choose a model", "users.choice.method"),
    "networks": ("generator of networks", "network.generator"),
    "remedies": ("remedy", "remedy.method"),
    "judges": ("judge of drawn outputs", "rewards.NAME.judge` `outputs.scores.NAME.judge"),
    "crafts": ("kind of drawn outputs", "outputs.kind"),
}
"""What a plug-in of a kind is, and where in a scenario its name stands."""


def page() -> str:
    """Return the page."""
    found = schema()
    blocks = {_ROOT: found, **found["$defs"]}
    known = examples()
    order = [_ROOT, *_reached(found, found["$defs"])]
    functions = ", ".join(f"`{name}`" for name in FUNCTIONS)
    constants = ", ".join(f"`{name}`" for name in CONSTANTS)
    head = _HEAD.format(functions=f"`+ - * / // % **`, {functions}", constants=constants, plugins=_plugins())
    return head + "".join(_section(name, blocks[name], known) for name in order)


def _plugins() -> str:
    """Return the rows that say where a name may be that of a plug-in."""
    rows = [(*PLACES[group], base, f"ecosystem.{group}") for group, base in GROUPS.items()]
    return "\n".join(f"| `{place}` | {what} | `{base}` | `{entries}` |" for what, place, base, entries in rows)


def without_example() -> list[tuple[str, str]]:
    """Return every block and key of which there is no example."""
    found, known = schema(), examples()
    return [
        (name, key)
        for name, block in {_ROOT: found, **found["$defs"]}.items()
        for key, field in block.get("properties", {}).items()
        if not name.startswith(_BROUGHT) and _found(name, key, field, known) is None
    ]


def _reached(value: Any, definitions: Mapping[str, Any], seen: tuple[str, ...] = ()) -> list[str]:
    """Return the blocks that a part of the schema leads to, in the order of a reader who goes to the ground of each."""
    order = list(seen)
    for name in _references({key: part for key, part in value.items() if key != "$defs"}):
        if name not in order:
            order = _reached(definitions[name], definitions, (*order, name))
    return order


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if "$ref" in value:
            yield value["$ref"].rpartition("/")[2]
        for key, part in value.items():
            if key != "discriminator":
                yield from _references(part)
    elif isinstance(value, list):
        for part in value:
            yield from _references(part)


def _section(name: str, block: Mapping[str, Any], known: Examples) -> str:
    """Return what is said of one block: its keys, and how a scenario writes it."""
    title = "The whole" if name == _ROOT else words(name)
    group = next((group for group, base in GROUPS.items() if base == name), None)
    title += "" if group is None else " (plug-in)"
    about = str(block.get("description", "")).split("\n\nRaises")[0].split("\n\nThe fields hold")[0]
    lines = [f"\n## {title} {{ #{name} }}\n", re.sub(r"\s+", " ", about), ""]
    lines += ["| key | holds | default | meaning | example |", "|---|---|---|---|---|"]
    for key, field in block.get("properties", {}).items():
        needed = key in block.get("required", ())
        example = _example(name, key, field, known)
        default = "*needed*" if needed else _default(field)
        text = re.sub(r"\s+", " ", field.get("description", ""))
        lines.append(f"| `{key}` | {_cell(kind(field))} | {default} | {_cell(text)} | {example} |")
    if block.get("additionalProperties") is True:
        lines += ["", f"Other keys are {_others(name, group)}."]
    whole = known.blocks.get(name)
    if whole is not None and name != _ROOT and len(whole.value) > 1:
        lines += ["", f"In `{whole.scenario}`:", "", f"``` {{.yaml .part}}\n{_written(whole)}```"]
    return "\n".join([*lines, ""])


def _others(name: str, group: str | None) -> str:
    """Say what keys are that a block admits beside those that are described."""
    if name == "GeneratedNetwork":
        return "arguments of the generator"
    if group is None:
        return "settings of its own"
    return (
        f"settings of its own: the fields of a class that derives from `ecosystem.plugins.{name}`, in a file under "
        f"`plugins` or at an entry point of the group `ecosystem.{group}`; see [plug-ins](../how-to/plug-ins.md)"
    )


def words(name: str) -> str:
    """Return the name of a block in words.

    >>> words("GeneratedNetwork")
    'Generated network'
    """
    return re.sub(r"(?<=[a-z])([A-Z])", lambda found: f" {found[1].lower()}", name)


def kind(field: Mapping[str, Any]) -> str:
    """Say in words what a field of the schema holds."""
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        return f"[{words(name).lower()}](#{name})"
    if "anyOf" in field:
        options = [option for option in field["anyOf"] if option.get("type") != "null" and not _is_expression(option)]
        told = list(dict.fromkeys(kind({**_bounds_of(field), **option}) for option in options))
        return " or ".join(told)
    if "const" in field:
        return f"`{field['const']}`"
    if "enum" in field:
        return " or ".join(f"`{value}`" for value in field["enum"])
    return _plain(field)


def _plain(field: Mapping[str, Any]) -> str:
    match field.get("type"):
        case "array" if "prefixItems" in field:
            return "a pair of numbers"
        case "array":
            inner = kind(field.get("items", {}))
            return {"number": "numbers", "numbers": "rows of numbers"}.get(inner, f"list of: {inner}")
        case "object" if isinstance(field.get("additionalProperties"), Mapping):
            return f"mapping of names to: {kind(field['additionalProperties'])}"
        case "object":
            return "mapping"
        case "integer":
            return f"whole number{_bounds(field)}"
        case "number":
            return f"number{_bounds(field)}"
        case "boolean":
            return "`true` or `false`"
        case "string":
            return "text"
    return "anything"


def _is_expression(option: Mapping[str, Any]) -> bool:
    return str(option.get("pattern", "")).startswith("^=")


def _bounds_of(field: Mapping[str, Any]) -> dict[str, Any]:
    return {key: field[key] for key in (*_BOUNDS, *_UPPER) if key in field}


def _bounds(field: Mapping[str, Any]) -> str:
    told = [f"{sign} {field[key]:g}" for key, sign in _BOUNDS.items() if key in field]
    told += [f"{sign} {field[key]:g}" for key, sign in _UPPER.items() if key in field and field[key] < _LARGE]
    return f" {', '.join(told)}" if told else ""


def _default(field: Mapping[str, Any]) -> str:
    default = field.get("default")
    line = Example(default, "").line
    # What a whole block is by default is told key by key where the block is.
    return "" if default in (None, "", [], {}) or len(line) > _SHORT else f"`{_cell(line)}`"


def _example(block: str, key: str, field: Mapping[str, Any], known: Examples) -> str:
    """Return the example in one short line of YAML; a long one stands with the whole block, or with the block below."""
    example = _found(block, key, field, known)
    if example is None:
        return ""
    if example.short:
        return f"`{_cell(example.line)}`"
    inner = next(iter(_references(field)), None)
    return f"see [{words(inner).lower()}](#{inner})" if inner else f"`{_cell(example.line[:60])}…`"


def _found(block: str, key: str, field: Mapping[str, Any], known: Examples) -> Example | None:
    """Return the example of a key: its own, else that of a scenario, else the one value or the default that it has."""
    own = field.get("examples")
    if own:
        return Example(own[0], "")
    if (block, key) in known.keys:
        return known.keys[block, key]
    value = field.get("const", field.get("default"))
    return None if value in (None, {}, [], "") else Example(value, "")


def _written(example: Example) -> str:
    # Without flow or block asked for, PyYAML writes what has no lists or mappings in it in one line.
    return yaml.safe_dump(example.value, sort_keys=False, default_flow_style=None, width=100, allow_unicode=True)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
