"""Rewards and scores: what an output is worth, written as the kind of output wants it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Discriminator, Field, SerializeAsAny, Strict, Tag

from ecosystem.plugins import kinds, registry
from ecosystem.plugins.plugin import TAG, plugged
from ecosystem.scenario.fields.common import Block, Matrix, Number, Vector, form_of
from ecosystem.scenario.fields.image_judges import BrightnessJudge, ClassifierJudge, FunctionJudge, HueJudge
from ecosystem.scenario.fields.judges import OtherJudge
from ecosystem.scenario.fields.text_judges import (
    TEXT_JUDGES,
    EmbeddingJudge,
    ExactJudge,
    LexiconJudge,
    PatternJudge,
    RewardModelJudge,
    RougeJudge,
    TopicJudge,
    TypicalJudge,
)


def _who(value: Any) -> str:
    name = value.get("judge") if isinstance(value, dict) else getattr(value, "judge", None)
    if not isinstance(name, str):
        return "(other)"
    brought = isinstance(value, kinds.Judge) or name in registry.names("judges") - _JUDGES
    return name if name in _JUDGES else TAG if brought else "(other)"


Judge = Annotated[
    Annotated[HueJudge, Tag("hue")]
    | Annotated[BrightnessJudge, Tag("brightness")]
    | Annotated[ClassifierJudge, Tag("classifier")]
    | Annotated[FunctionJudge, Tag("python")]
    | Annotated[EmbeddingJudge, Tag("embedding")]
    | Annotated[ExactJudge, Tag("exact")]
    | Annotated[LexiconJudge, Tag("lexicon")]
    | Annotated[PatternJudge, Tag("pattern")]
    | Annotated[RewardModelJudge, Tag("reward_model")]
    | Annotated[RougeJudge, Tag("rouge")]
    | Annotated[TopicJudge, Tag("topic")]
    | Annotated[TypicalJudge, Tag("typical")]
    | Annotated[OtherJudge, Tag("(other)")]
    | Annotated[SerializeAsAny[kinds.Judge], plugged(kinds.Judge, "judge", frozenset()), Tag(TAG)],
    Discriminator(_who),
]
"""What an output that is really drawn is worth, by `judge`."""

_JUDGES = frozenset({"hue", "brightness", "classifier", *TEXT_JUDGES})


class QuadraticReward(Block):
    """r(x) = linear·x − (curvature/2)‖x − centre‖², for Gaussian outputs."""

    linear: Vector | None = None
    """A number per dimension; zeros by default."""
    curvature: Number = 0.0
    """How much is lost away from the centre; 0 by default."""
    centre: Vector | None = None
    """Where the quadratic part is 0; the origin by default."""


def _form(value: Any) -> str:
    keys = value if isinstance(value, dict) else type(value).model_fields if isinstance(value, BaseModel) else ()
    if "judge" in keys:
        return "(judge)"
    form = form_of(value)
    return {"(draw)": "(law)", "(name)": "(vector)"}.get(form, form)


Reward = Annotated[
    Annotated[Vector, Tag("(vector)")]
    | Annotated[Matrix, Tag("(matrix)")]
    | Annotated[QuadraticReward, Tag("(law)")]
    | Annotated[tuple[QuadraticReward, ...], Strict(False), Field(min_length=1), Tag("(laws)")]
    | Annotated[Judge, Tag("(judge)")],
    Discriminator(_form),
]
"""A number per output (Gaussian outputs: linear, curvature, centre), or one such row per context; of outputs that are
really drawn, a judge."""
