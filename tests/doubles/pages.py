"""A page of a run, as somebody reads it, and its parts by themselves, which are quicker to make."""

from __future__ import annotations

from typing import Any

import ecosystem
from analysis.report.material import Maker, Material, Part
from ecosystem import Results, Scenario
from ecosystem.expectations import tables_of


def part(make: Maker, scenario: Scenario, **options: Any) -> Part:
    """Return what a part of the page says of a run of a scenario."""
    return part_of(make, ecosystem.run(scenario, **options))


def part_of(make: Maker, results: Results) -> Part:
    """Return what a part of the page says of a run."""
    return make(Material(results, tables_of(results)))


def captions(found: Part) -> list[str]:
    """Return what stands below the figures of a part."""
    return [picture.caption for section in found.sections for picture in section.pictures]


def titles(found: Part) -> list[str]:
    """Return the headings of a part."""
    return [section.title for section in found.sections]


def curated(name: str, candidates: int | str = 2, **more: Any) -> dict[str, Any]:
    """A model that is trained, by half, on what a curator keeps of its outputs."""
    half = {"name": name, "reward": "first", "diet": {"real": 0.5, "curated": 0.5}}
    return half | {"curation": {"candidates": candidates}} | more
