"""The manifest: what a directory of results holds, how it was asked for and by what it was computed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from ecosystem.plan.identity import identity, plain, recording
from ecosystem.plan.runs import Plan
from ecosystem.scenario.document import Document
from ecosystem.scenario.scenario import Scenario
from ecosystem.store.errors import StoreError
from ecosystem.store.files import write_text

FORMAT = 2
"""Raised whenever an older program could not read what a newer one writes."""

FILE = "manifest.json"


@dataclass(frozen=True)
class Planned:
    """A run as the manifest lists it; `point` is its place in `Manifest.points`."""

    point: int
    seed: int
    id: str


@dataclass(frozen=True)
class Session:
    """One stretch of work on a store.

    Attributes
    ----------
    started : str
        When, in UTC.
    seconds : float or None
        Wall time; None for a session that goes on, or was killed.
    host : str
        Name of the machine.
    process : int
        Number of the process there.
    versions : mapping
        Program, libraries and machine.
    """

    started: str
    seconds: float | None
    host: str
    process: int
    versions: Mapping[str, str | None]


@dataclass(frozen=True)
class Manifest:
    """What a store says of itself.

    Attributes
    ----------
    name : str
        The scenario's name.
    written, resolved : mapping
        The scenario as the user wrote it, and its settings with every default and expression filled in.
    base : str
        The directory that relative file names in the scenario start from.
    identity : mapping
        What decides results besides the settings: files, precision, device, version of results.
    recording : str
        What is recorded, in canonical JSON.
    points : tuple of mapping
        What the sweep sets at each point.
    runs : tuple of Planned
        Every run that was asked for, in order.
    created : str
        When, in UTC.
    sessions : tuple of Session
        Who computed the results, oldest first.
    """

    name: str
    written: Mapping[str, Any]
    resolved: Mapping[str, Any]
    base: str
    identity: Mapping[str, Any]
    recording: str
    points: tuple[Mapping[str, Any], ...]
    runs: tuple[Planned, ...]
    created: str
    sessions: tuple[Session, ...] = ()


def describe(plan: Plan, created: str) -> Manifest:
    """Return the manifest of a plan of which nothing is done."""
    scenario = plan.scenario
    known = identity(scenario)
    points: dict[int, Mapping[str, Any]] = {run.point: run.values for run in plan.runs}
    return Manifest(
        name=scenario.name,
        written=plain(scenario.document.data),
        resolved=plain(scenario.settings()),
        base=str(scenario.base),
        identity={
            "files": dict(known.files),
            "precision": known.precision,
            "device": known.device,
            "version": known.version,
        },
        recording=recording(scenario),
        points=tuple(plain(points[number]) for number in sorted(points)),
        runs=tuple(Planned(run.point, run.seed, run.id) for run in plan.runs),
        created=created,
    )


def write(directory: Path, manifest: Manifest) -> None:
    """Write a manifest, whole or not at all."""
    content: dict[str, Any] = {"format": FORMAT}
    content.update((entry.name, getattr(manifest, entry.name)) for entry in fields(manifest))
    content["runs"] = [[run.point, run.seed, run.id] for run in manifest.runs]
    content["sessions"] = [asdict(session) for session in manifest.sessions]
    lines = ",\n".join(f"{json.dumps(key)}: {_json(value)}" for key, value in content.items())
    write_text(directory / FILE, "{\n" + lines + "\n}\n")


def read(directory: Path) -> Manifest:
    """Return the manifest of a directory.

    Raises
    ------
    StoreError
        There is none, it is damaged, or a newer program wrote it.
    """
    path = directory / FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StoreError(f"{directory}: holds no results (there is no {FILE})") from None
    except (OSError, ValueError, RecursionError) as error:
        raise StoreError(f"{path}: cannot be read ({error})") from error
    found = content.pop("format", None) if isinstance(content, dict) else None
    if not isinstance(found, int):
        raise StoreError(f"{path}: is not a manifest of results")
    if found > FORMAT:
        raise StoreError(
            f"{path}: was written by a newer version of ecosystem (format {found}, this one reads {FORMAT})"
        )
    if found < FORMAT:
        raise StoreError(
            f"{path}: was written by an older version of ecosystem (format {found}, this one reads {FORMAT}), before"
            " parts had checksums; run the scenario again with another --out"
        )
    try:
        content["points"] = tuple(content["points"])
        content["runs"] = tuple(Planned(*run) for run in content["runs"])
        content["sessions"] = tuple(Session(**session) for session in content["sessions"])
        return Manifest(**content)
    except (KeyError, TypeError, ValueError) as error:
        raise StoreError(f"{path}: is damaged ({error})") from error


def scenario(manifest: Manifest, allow_code: bool = False) -> Scenario:
    """Return the scenario of a manifest, expressions and all."""
    return Scenario.from_document(Document(manifest.written, base=Path(manifest.base), allow_code=allow_code))


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True, allow_nan=False)
