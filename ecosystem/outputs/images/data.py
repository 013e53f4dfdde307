"""Real images: digits that are coloured here, a folder, or an array."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecosystem.errors import EcosystemError, fail, shorten
from ecosystem.extras import install
from ecosystem.scenario.fields.images import Array, Digits, Folder, ImageOutputs
from ecosystem.world.streams import stream


@dataclass(frozen=True)
class RealImages:
    """Real images and what class each is of, ordered by class.

    Attributes
    ----------
    images : ndarray
        ``[images, channels, height, width]``, float32, from 0 to 1.
    labels : ndarray
        ``[images]``, 0 … contexts − 1.
    """

    images: NDArray[np.float32]
    labels: NDArray[np.int64]

    @property
    def item(self) -> tuple[int, int, int]:
        """Channels, height, width."""
        channels, height, width = self.images.shape[1:]
        return channels, height, width

    @property
    def counts(self) -> NDArray[np.int64]:
        """How many images there are of each class."""
        return np.bincount(self.labels)


def load(outputs: ImageOutputs, base: Path, seed: int) -> RealImages:
    """Return the real images of a run.

    Parameters
    ----------
    outputs : ImageOutputs
        What the scenario says.
    base : Path
        Where its paths start.
    seed : int
        The run's seed, from which hues are drawn.

    Raises
    ------
    InputError
        The data cannot be read, or a class has no image.
    """
    data = outputs.data
    if isinstance(data, Digits):
        images, labels = _digits(data, seed)
    elif isinstance(data, Folder):
        images, labels = _folder(data, base)
    else:
        images, labels = _array(data, base)
    kept = labels < outputs.contexts
    images, labels = images[kept], labels[kept]
    order = np.argsort(labels, kind="stable")
    found = RealImages(np.ascontiguousarray(images[order], dtype=np.float32), labels[order].astype(np.int64))
    counts = np.bincount(found.labels, minlength=outputs.contexts)
    if (counts == 0).any():
        missing = int(np.argmin(counts))
        there = int(labels.max()) + 1 if len(labels) else 0
        raise fail(
            f"the data have no image of class {missing} (got {outputs.contexts}, they have {there} classes)",
            ("outputs", "contexts"),
        )
    return found


def coloured(intensity: NDArray[np.floating[Any]], hue: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Return two channels, R = I(1 + h)/2 and B = I(1 − h)/2, ``[images, 2, height, width]``.

    >>> coloured(np.ones((1, 1, 1)), np.array([0.5])).ravel().tolist()
    [0.75, 0.25]
    """
    h = hue[:, None, None]
    return np.stack([intensity * (1 + h) / 2, intensity * (1 - h) / 2], axis=1).astype(np.float32)


def _digits(data: Digits, seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return every digit twice, with a hue and with its opposite."""
    try:
        datasets = importlib.import_module("sklearn.datasets")
    except ModuleNotFoundError as error:
        raise EcosystemError(
            f"outputs.data: the digits come with scikit-learn, which is not installed: {install('images')}"
        ) from error
    found = datasets.load_digits()
    intensity, labels = found.images / 16.0, found.target
    hue = np.clip(stream(seed, "images.hue").normal(0.0, data.hue, len(labels)), -1.0, 1.0)
    return np.concatenate([coloured(intensity, hue), coloured(intensity, -hue)]), np.concatenate([labels, labels])


def _folder(data: Folder, base: Path) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    from PIL import Image

    field = ("outputs", "data", "path")
    images, labels = [], []
    for label, files in enumerate(classes(base / data.path)):
        for file in files:
            try:
                with Image.open(file) as opened:
                    shown = opened.convert("L" if data.colours == "grey" else "RGB").resize(
                        (data.size[1], data.size[0]), Image.Resampling.BOX
                    )
            except (OSError, ValueError, Image.DecompressionBombError) as error:
                raise fail(f"cannot read {shorten(str(file))} as an image: {error}", field) from error
            pixels = np.asarray(shown, dtype=np.float32) / 255
            images.append(pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1))
            labels.append(label)
    if not images:
        raise fail(f"no images there (got {shorten(data.path)}, looked in {base})", field)
    return np.stack(images), np.array(labels)


def classes(folder: Path) -> list[list[Path]]:
    """Return the files of each class of a folder, by name: its subfolders', or its own as one class."""
    if not folder.is_dir():
        return []
    below = sorted(each for each in folder.iterdir() if each.is_dir() and not each.name.startswith("."))
    return [
        sorted(file for file in each.iterdir() if file.is_file() and not file.name.startswith("."))
        for each in (below or [folder])
    ]


def files_of(outputs: ImageOutputs, base: Path) -> list[Path]:
    """Return the files that real images are read from, which a run's identity depends on."""
    if isinstance(outputs.data, Folder):
        return [file for files in classes(base / outputs.data.path) for file in files]
    return [base / outputs.data.path] if isinstance(outputs.data, Array) else []


def _array(data: Array, base: Path) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    field, path = ("outputs", "data", "path"), base / data.path
    try:
        loaded = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise fail(f"cannot read {shorten(data.path)} as .npy or .npz: {error}", field) from error
    if isinstance(loaded, np.ndarray):
        images, labels = loaded, np.zeros(len(loaded) if loaded.ndim else 0, dtype=np.int64)
    else:
        with loaded:
            if "images" not in loaded:
                raise fail(f"an .npz file holds `images` and perhaps `labels` (got {list(loaded)})", field)
            images = loaded["images"]
            labels = loaded["labels"] if "labels" in loaded else np.zeros(len(images), dtype=np.int64)
    return _pixels(images, field), _labels(labels, len(images), field)


def _pixels(images: NDArray[Any], field: tuple[str, ...]) -> NDArray[np.float32]:
    if images.ndim == 3:
        images = images[:, None]
    if images.ndim != 4 or 0 in images.shape or images.dtype.kind not in "fui":
        raise fail(
            "images are numbers [images, channels, height, width] or [images, height, width] "
            f"(got {images.dtype}, {list(images.shape)})",
            field,
        )
    pixels = images.astype(np.float32) / (255 if images.dtype == np.uint8 else 1)
    if not (np.isfinite(pixels).all() and pixels.min() >= 0 and pixels.max() <= 1):
        low, high = float(pixels.min()), float(pixels.max())
        raise fail(f"pixels are bytes, or numbers from 0 to 1 (got {low:.4g} to {high:.4g})", field)
    return np.asarray(pixels)


def _labels(labels: NDArray[Any], images: int, field: tuple[str, ...]) -> NDArray[np.int64]:
    if labels.shape != (images,) or labels.dtype.kind not in "ui" or (labels < 0).any():
        raise fail(f"labels are whole numbers from 0 on, one for each of {images} images", field)
    return labels.astype(np.int64)
