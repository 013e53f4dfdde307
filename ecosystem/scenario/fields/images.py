"""Images: where the real ones come from, and what judges them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Strict

from ecosystem.scenario.fields.common import Block, Count, Name, NonNegative, Number


class Digits(Block):
    """Handwritten digits, 8 × 8 pixels, coloured: those that scikit-learn brings (UCI, CC BY 4.0).

    An image of intensity I gets a red channel I(1 + h)/2 and a blue one I(1 − h)/2. The hue h is normal, clipped to
    −1 … 1; every image is there with +h and with −h, so that the mean hue is 0.
    """

    source: Literal["digits"] = "digits"
    """Handwritten digits from scikit-learn (`pip install 'ecosystem-sim[images]'`)."""
    hue: NonNegative = 0.3
    """Standard deviation of the hue before it is clipped."""


class Folder(Block):
    """Image files of any format that Pillow reads: one folder a class, or all in one."""

    source: Literal["folder"]
    """A folder of image files."""
    path: Annotated[str, Field(min_length=1)]
    """The folder, relative to the scenario. Its subfolders, by name, are the contexts; without any there is one."""
    size: Annotated[tuple[Count, ...], Strict(False), Field(min_length=2, max_length=2)] = (16, 16)
    """Height and width that images are brought to."""
    channels: Literal[1, 3] = 3
    """1 for grey, 3 for red, green and blue."""


class Array(Block):
    """An array: ``.npy`` with images alone, or ``.npz`` with `images` and perhaps `labels`."""

    source: Literal["array"]
    """A NumPy file."""
    path: Annotated[str, Field(min_length=1)]
    """The file, relative to the scenario. Images are ``[images, channels, height, width]`` or without channels;
    bytes count up to 255, other numbers lie from 0 to 1. Labels are 0 … contexts − 1."""


ImageData = Annotated[Digits | Folder | Array, Discriminator("source")]
"""Where real images come from, by `source`."""


def _module_and_name(value: str) -> str:
    module, colon, name = value.partition(":")
    if not (colon and name.isidentifier() and all(part.isidentifier() for part in module.split("."))):
        raise ValueError("a function is written module:name, such as taste:redness")
    return value


FunctionName = Annotated[str, AfterValidator(_module_and_name)]
"""A Python function, ``module:name``."""


class HueJudge(Block):
    """How near the hue is to a target: 1 − |h − target|, h = Σ(R − B)I / ΣI² with I = R + B."""

    judge: Literal["hue"]
    """`hue`: red (first channel) against blue (last channel)."""
    target: Annotated[Number, Field(ge=-1, le=1)] = 1.0
    """The hue that is liked best, from −1 (blue) to 1 (red)."""


class BrightnessJudge(Block):
    """How near the brightness is to a target: 1 − |mean of all pixels − target|."""

    judge: Literal["brightness"]
    """`brightness`: the mean of all pixels and channels."""
    target: Annotated[Number, Field(ge=0, le=1)] = 1.0
    """The brightness that is liked best, from 0 to 1."""


class ClassifierJudge(Block):
    """The probability of a label, by a classifier that was trained on real images only."""

    judge: Literal["classifier"]
    """`classifier`: a small network, trained on real images."""
    label: Annotated[int, Field(ge=0)] | None = None
    """The label; by default the one that the image was asked for."""


class FunctionJudge(Block):
    """A function of yours."""

    judge: Literal["python"]
    """`python`: a function of images and labels."""
    function: FunctionName
    """``module:name``. It gets images, a tensor ``[n, channels, height, width]``, and labels, ``[n]``, and returns a
    number for each image."""


ImageJudge = Annotated[
    HueJudge | BrightnessJudge | ClassifierJudge | FunctionJudge,
    Discriminator("judge"),
]
"""What an image is worth, by `judge`."""


class ImageOutputs(Block):
    """Images, drawn from networks that are trained for real."""

    kind: Literal["images"]
    """The kind of output: `images` are drawn from networks that are trained in the loop."""
    data: ImageData = Field(default_factory=Digits)
    """The real images; coloured digits by default."""
    contexts: Count = 10
    """How many classes there are; a prompt asks for an image of a class. Fewer than the data has: the first ones."""
    scores: dict[Name, ImageJudge] = Field(default_factory=dict)
    """Named judges; preference bias reads `lean`, disparate bias `quality`."""


def source_of(value: Any) -> str:
    """Return the word that tells what kind of data is described."""
    found = value.get("source", "digits") if isinstance(value, dict) else getattr(value, "source", "digits")
    return str(found)
