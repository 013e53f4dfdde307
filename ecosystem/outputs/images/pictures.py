"""Images as PNG: one, or a grid of many."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray


def shown(images: NDArray[Any]) -> NDArray[np.uint8]:
    """Return images as bytes of red, green and blue, ``[..., height, width, 3]``.

    One channel is grey, two are red and blue, three red, green and blue; of more the first three are shown.

    Parameters
    ----------
    images : ndarray
        ``[..., channels, height, width]``, from 0 to 1; what lies outside is clipped.
    """
    channels = images.shape[-3]
    order = {1: (0, 0, 0), 2: (0, None, 1)}.get(channels, (0, 1, 2))
    dark = np.zeros_like(images[..., 0, :, :])
    planes = [dark if number is None else images[..., number, :, :] for number in order]
    return np.asarray(np.clip(np.stack(planes, axis=-1), 0, 1) * 255).round().astype(np.uint8)


def png(image: NDArray[Any]) -> bytes:
    """Return an image ``[channels, height, width]`` as a PNG file.

    >>> png(np.zeros((2, 8, 8)))[1:4]
    b'PNG'
    """
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(shown(image)).save(buffer, format="PNG")
    return buffer.getvalue()


def grid(images: NDArray[Any], gap: int = 1) -> NDArray[Any]:
    """Return ``[rows, columns, channels, height, width]`` as one image, ``[channels, …, …]``, with gaps of 1 between.

    >>> grid(np.zeros((2, 3, 1, 8, 8))).shape
    (1, 17, 26)
    """
    padded = np.pad(images, [(0, 0)] * 3 + [(0, gap)] * 2, constant_values=1.0)
    rows, columns, channels, height, width = padded.shape
    whole = padded.transpose(2, 0, 3, 1, 4).reshape(channels, rows * height, columns * width)
    return whole[:, : rows * height - gap, : columns * width - gap]
