"""Texts keep to the laws of crafts and of judges, as a plug-in would have to."""

from __future__ import annotations

from typing import Any

import pytest
from learners.language.small import sums

from ecosystem.testing import check_craft, check_judge

OUTPUTS = {key: value for key, value in sums().settings()["outputs"].items() if key != "scores"}
LANGUAGE = {
    "architecture": {"layers": 1, "width": 16, "heads": 2, "context": 16},
    "base": {"answers": {"steps": 20}, "seed": 7},
    "training": {"steps": 2, "batch": 8},
}
REWARDS = {"right": {"judge": "exact"}, "twos": {"judge": "lexicon", "words": ["2", "12"]}}


@pytest.mark.parametrize("further", [{}, {"adapters": {"rank": 2}}, {"objective": "dpo", "writing": {"top_p": 0.9}}])
def test_language_models_keep_the_laws_of_crafts(further: dict[str, Any]) -> None:
    check_craft(OUTPUTS, REWARDS, learning={"language": LANGUAGE | further})


@pytest.mark.parametrize("judge", [*REWARDS.values(), {"judge": "rouge"}, {"judge": "typical"}])
def test_judges_of_texts_keep_the_laws_of_judges(judge: dict[str, Any]) -> None:
    check_judge(judge, OUTPUTS, learning={"language": LANGUAGE})
