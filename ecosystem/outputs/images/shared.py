"""Real images and the classifier, read and trained once for all runs of a process that use the same."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

from ecosystem.outputs.images.classifier import Classifier
from ecosystem.outputs.images.data import RealImages, files_of, load
from ecosystem.scenario.fields.images import Digits, ImageOutputs

_Stamps: TypeAlias = tuple[tuple[str, int, int], ...]


def real_images(outputs: ImageOutputs, base: Path, seed: int) -> RealImages:
    """Return the real images of a run; see `ecosystem.outputs.images.data.load`."""
    settings = outputs.model_copy(update={"scores": {}})
    drawn = seed if isinstance(outputs.data, Digits) else 0
    return _real(settings.model_dump_json(), str(base), drawn, stamps(outputs, base))


def classifier(outputs: ImageOutputs, base: Path, device: str) -> Classifier:
    """Return the classifier of real images, the same for all seeds."""
    settings = outputs.model_copy(update={"scores": {}})
    return _classifier(settings.model_dump_json(), str(base), device, stamps(outputs, base))


def stamps(outputs: ImageOutputs, base: Path) -> _Stamps:
    """Return names, sizes and times of the files that images are read from: other ones are read anew."""
    found = []
    for file in files_of(outputs, base):
        there = file.stat() if file.is_file() else None
        found.append((str(file), *((there.st_size, there.st_mtime_ns) if there else (0, 0))))
    return tuple(found)


@lru_cache(maxsize=64)
def _real(settings: str, base: str, seed: int, stamps: _Stamps) -> RealImages:
    del stamps
    return load(ImageOutputs.model_validate_json(settings), Path(base), seed)


@lru_cache(maxsize=8)
def _classifier(settings: str, base: str, device: str, stamps: _Stamps) -> Classifier:
    return Classifier(_real(settings, base, 0, stamps), device)
