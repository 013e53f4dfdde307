"""Judges: what a drawn output (an image, a text) is worth, as a reward or as a score."""

from __future__ import annotations

from pydantic import ConfigDict

from ecosystem.scenario.fields.common import Block, Name

LARGEST: dict[str, float] = {
    name: 1.0 for name in ("brightness", "classifier", "exact", "hue", "lexicon", "pattern", "rouge", "typical")
}
"""The largest value that judges give which have one."""


class JudgeBlock(Block):
    """A judge of outputs that are really drawn."""

    judge: Name
    """What judges."""

    @property
    def largest(self) -> float:
        """The largest value that it gives, NaN where it has none."""
        return LARGEST.get(self.judge, float("nan"))


class OtherJudge(JudgeBlock):
    """A judge that a kind of outputs brings along, with settings of its own."""

    model_config = ConfigDict(extra="allow")
