"""The plug-ins that the reference of scenarios shows keep to the laws of their kinds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ecosystem.plugins import load
from ecosystem.plugins.registry import GROUPS
from ecosystem.testing import (
    check_choice,
    check_curator,
    check_feedback,
    check_judge,
    check_learner,
    check_network,
    check_remedy,
)

MEMBERS = load(Path(__file__).parents[2] / "docs" / "reference" / "examples" / "members.py")
CHECKS: dict[str, tuple[Callable[..., None], dict[str, Any]]] = {
    "satisficing": (check_curator, {"aspiration": 0.2}),
    "mirror": (check_learner, {"sharpness": 0.9}),
    "word_of_mouth": (check_feedback, {"capacity": 3000}),
    "imitation": (check_choice, {"pull": 0.5}),
    "softened": (check_remedy, {"most": 0.4}),
    "two_camps": (check_network, {"bridges": 2}),
    "contrast": (check_judge, {"outputs": {"kind": "images"}, "limit": 0.5}),
}


@pytest.mark.parametrize("name", CHECKS)
def test_it_keeps_to_the_laws(name: str) -> None:
    check, settings = CHECKS[name]
    check(MEMBERS[name], **settings)


def test_there_is_one_of_each_kind() -> None:
    assert set(CHECKS) == set(MEMBERS)
    assert {member.kind_of_plugin for member in MEMBERS.values()} == set(GROUPS) - {"crafts"}
