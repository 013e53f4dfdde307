"""Images: where the real ones come from."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Strict

from ecosystem.scenario.fields.common import Block, Count, NonNegative
from ecosystem.scenario.fields.drawn import DrawnOutputs


class Digits(Block):
    """Handwritten digits, 8 × 8 pixels, coloured: those that scikit-learn brings (UCI, CC BY 4.0).

    An image of intensity I gets a red channel I(1 + h)/2 and a blue one I(1 − h)/2. The hue h is normal, clipped to
    −1 … 1; every image is there with +h and with −h, so that the mean hue is 0.
    """

    source: Literal["digits"] = "digits"
    """Handwritten digits from scikit-learn (`pip install "ecosystem-sim[images]"`)."""
    hue: NonNegative = 0.3
    """Standard deviation of the hue before it is clipped."""


class Folder(Block):
    """Image files of any format that Pillow reads: one folder a class, or all in one."""

    source: Literal["folder"]
    """A folder of image files."""
    path: Annotated[str, Field(min_length=1, examples=["photos"])]
    """The folder, relative to the scenario. Its subfolders, by name, are the contexts; without any there is one."""
    size: Annotated[tuple[Count, ...], Strict(False), Field(min_length=2, max_length=2)] = (16, 16)
    """Height and width that images are brought to."""
    colours: Literal["grey", "rgb"] = "rgb"
    """`rgb` for red, green and blue, `grey` for one channel."""


class Array(Block):
    """An array: ``.npy`` with images alone, or ``.npz`` with `images` and perhaps `labels`."""

    source: Literal["array"]
    """A NumPy file."""
    path: Annotated[str, Field(min_length=1, examples=["images.npz"])]
    """The file, relative to the scenario. Images are ``[images, channels, height, width]`` or without channels;
    bytes count up to 255, other numbers lie from 0 to 1. Labels are 0 … contexts − 1."""


ImageData = Annotated[Digits | Folder | Array, Discriminator("source")]
"""Where real images come from, by `source`."""


class ImageOutputs(DrawnOutputs):
    """Images, drawn from networks that are trained for real."""

    kind: Literal["images"]
    """The kind of output: `images` are drawn from networks that are trained in the loop."""
    data: ImageData = Field(default_factory=Digits)
    """The real images; coloured digits by default."""
    contexts: Count = 10
    """How many classes there are; a prompt asks for an image of a class. Fewer than the data has: the first ones."""

    @property
    def item_bytes(self) -> int:
        """About how many bytes an image takes."""
        if isinstance(self.data, Folder):
            return 4 * (3 if self.data.colours == "rgb" else 1) * self.data.size[0] * self.data.size[1]
        return 512 if isinstance(self.data, Digits) else super().item_bytes
