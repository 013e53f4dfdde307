"""What an image is worth: judges of images."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field

from ecosystem.scenario.fields.common import Number
from ecosystem.scenario.fields.judges import JudgeBlock


def _module_and_name(value: str) -> str:
    module, colon, name = value.partition(":")
    if not (colon and name.isidentifier() and all(part.isidentifier() for part in module.split("."))):
        raise ValueError("a function is written module:name, such as taste:redness")
    return value


FunctionName = Annotated[str, AfterValidator(_module_and_name)]
"""A Python function, ``module:name``."""


class HueJudge(JudgeBlock):
    """How near the hue is to a target: 1 − |h − target|, h = Σ(R − B)I / ΣI² with I = R + B."""

    judge: Literal["hue"]
    """`hue`: red (first channel) against blue (last channel)."""
    target: Annotated[Number, Field(ge=-1, le=1)] = 1.0
    """The hue that is liked best, from −1 (blue) to 1 (red)."""


class BrightnessJudge(JudgeBlock):
    """How near the brightness is to a target: 1 − |mean of all pixels − target|."""

    judge: Literal["brightness"]
    """`brightness`: the mean of all pixels and channels."""
    target: Annotated[Number, Field(ge=0, le=1)] = 1.0
    """The brightness that is liked best, from 0 to 1."""


class ClassifierJudge(JudgeBlock):
    """The probability of a label, by a classifier that was trained on real images only."""

    judge: Literal["classifier"]
    """`classifier`: a small network, trained on real images."""
    label: Annotated[int, Field(ge=0)] | None = None
    """The label; by default the one that the image was asked for."""


class FunctionJudge(JudgeBlock):
    """A function of yours."""

    judge: Literal["python"]
    """`python`: a function of what was drawn."""
    function: Annotated[FunctionName, Field(examples=["taste:redness"])]
    """``module:name``. It gets images, a tensor ``[n, channels, height, width]``, and labels, ``[n]``, and returns a
    number for each; of texts it gets lists of prompts, answers and real answers."""


ImageJudge: TypeAlias = HueJudge | BrightnessJudge | ClassifierJudge | FunctionJudge
"""What an image is worth."""

IMAGE_JUDGES = ("brightness", "classifier", "hue", "python")
"""Their names."""
