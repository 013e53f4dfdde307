"""How to do a run again: commands, seeds, versions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from analysis.plots.style import number
from ecosystem.store import manifest

if TYPE_CHECKING:
    from ecosystem.store.results import Results

_FEW = 12
_PYTHON = """\
import ecosystem

results = ecosystem.open_results("runs/{name}")
results.table("models", parameters=True)"""


@dataclass(frozen=True)
class Again:
    """What somebody needs who wants the same numbers.

    Attributes
    ----------
    scenario : str
        The scenario as YAML.
    command, python : str
        How to run it, and how to read its tables.
    beside : tuple of str
        The files of plug-ins that the scenario names, which have to be beside it.
    facts : tuple of (str, str)
        Versions, seeds, when and on what; what is not known is left out.
    """

    scenario: str
    command: str
    python: str
    beside: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]


def again(results: Results) -> Again:
    """Return how to do a run again."""
    held = manifest.read(results.path)
    scenario, name = results.scenario, _file_name(results.scenario.name)
    code = " --allow-code" if scenario.plugins else ""
    commands = [f"run {name}.yaml", *([f"check {name}.yaml"] if scenario.expect else []), f"report runs/{name}"]
    return Again(
        scenario=yaml.dump(scenario.document.data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110),
        command="\n".join(f"ecosystem {command}{code}" for command in commands),
        python=_PYTHON.format(name=name),
        beside=tuple(scenario.plugins),
        facts=tuple(_facts(results, held)),
    )


def _facts(results: Results, held: manifest.Manifest) -> list[tuple[str, str]]:
    runs = results.runs
    became = ", ".join(f"{count:,} {name}" for name, count in runs["status"].value_counts().items())
    found = [
        ("Runs", f"{len(runs):,} ({became})"),
        ("Seeds", _seeds(sorted(set(runs["seed"].tolist())))),
        (
            "Computed",
            f"{held.created.replace('T', ' ')[:16]} UTC, in {number(float(runs['seconds'].sum()), 3)} s of computing",
        ),
    ]
    if held.sessions:
        versions = dict(held.sessions[-1].versions)
        revision, platform = versions.pop("revision", None), versions.pop("platform", None)
        program, python = versions.pop("program", None), versions.pop("python", None)
        found.append(("Program", f"ecosystem {program}" + (f", git revision {revision}" if revision else "")))
        if revision and revision.endswith("+"):
            found.append(("", "The + says that files differed from that revision."))
        libraries = ", ".join(f"{name} {version}" for name, version in versions.items() if version)
        found += [("Libraries", f"Python {python}, {libraries}"), ("Machine", str(platform))]
    what = held.identity
    found.append(
        ("Numbers", f"{what.get('precision')} on {what.get('device')}, version {what.get('version')} of results")
    )
    return found


def _seeds(seeds: list[int]) -> str:
    if seeds == list(range(len(seeds))) and len(seeds) > 3:
        return f"0 to {len(seeds) - 1}"
    shown = ", ".join(map(str, seeds[:_FEW]))
    return shown if len(seeds) <= _FEW else f"{shown}, … ({len(seeds):,})"


def _file_name(name: str) -> str:
    """Return a name that a shell takes as it stands."""
    kept = "".join(letter if (letter.isalnum() and letter.isascii()) or letter in "-_" else "-" for letter in name)
    return kept.strip("-") or "scenario"


class _Dumper(yaml.SafeDumper):
    """Writes short lists and mappings on one line, as scenarios are written."""

    def represent_sequence(self, tag: str, sequence: Any, flow_style: bool | None = None) -> yaml.SequenceNode:
        return super().represent_sequence(
            tag, sequence, flow_style=_flat(sequence) if flow_style is None else flow_style
        )

    def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = None) -> yaml.MappingNode:
        return super().represent_mapping(tag, mapping, flow_style=_flat(mapping) if flow_style is None else flow_style)


def _flat(value: Any) -> bool:
    """Whether a value is short enough for one line."""
    return len(repr(value)) <= 100 and _depth(value) <= 2


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    return 1 + max(map(_depth, value), default=0) if isinstance(value, (list, tuple)) else 0
