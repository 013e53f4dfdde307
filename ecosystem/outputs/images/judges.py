"""What an image is worth: by hue, by brightness, by a classifier, or by a function of yours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import torch
from torch import Tensor

from ecosystem.errors import EcosystemError
from ecosystem.outputs.functions import function_of
from ecosystem.outputs.images.classifier import Classifier
from ecosystem.scenario.fields.image_judges import BrightnessJudge, ClassifierJudge, FunctionJudge, HueJudge, ImageJudge

Judge: TypeAlias = Callable[[Tensor, Tensor], Tensor]
"""From images ``[groups, n, channels, height, width]`` and their labels ``[groups, n]`` to ``[groups, n]``."""


def judge_of(settings: ImageJudge, classifier: Callable[[], Classifier], base: Path) -> Judge:
    """Return what judges images.

    Parameters
    ----------
    settings : ImageJudge
        What the scenario says.
    classifier : callable
        Gives the classifier, which is trained where it is first needed.
    base : Path
        Where modules of the user's are looked for, before all other places.

    Raises
    ------
    EcosystemError
        A function is not to be found, or does not give a finite number for each image.
    """
    if isinstance(settings, HueJudge):
        return lambda images, labels: 1 - (hue(images) - settings.target).abs()
    if isinstance(settings, BrightnessJudge):
        return lambda images, labels: 1 - (images.mean((-3, -2, -1)) - settings.target).abs()
    if isinstance(settings, ClassifierJudge):
        return _by_classifier(settings, classifier)
    return _by_function(settings, base)


def hue(images: Tensor) -> Tensor:
    """Return Σ(R − B)I / ΣI² of images ``[..., channels, height, width]``, I = R + B: 1 is red, −1 is blue.

    R is the first channel and B the last; a black image has hue 0.

    >>> hue(torch.tensor([0.75, 0.25]).reshape(1, 2, 1, 1)).tolist()
    [0.5]
    """
    red, blue = images[..., 0, :, :], images[..., -1, :, :]
    whole = red + blue
    weight = whole.square().sum((-2, -1))
    return ((red - blue) * whole).sum((-2, -1)) / torch.where(weight > 0, weight, 1.0)


def _by_classifier(settings: ClassifierJudge, classifier: Callable[[], Classifier]) -> Judge:
    def judged(images: Tensor, labels: Tensor) -> Tensor:
        told = classifier().probabilities(images.flatten(2))
        if settings.label is not None:
            return told[..., settings.label]
        return told.gather(-1, labels[..., None])[..., 0]

    return judged


def _by_function(settings: FunctionJudge, base: Path) -> Judge:
    function = function_of(settings.function, base)

    def judged(images: Tensor, labels: Tensor) -> Tensor:
        flat = images.flatten(0, 1)
        told = torch.as_tensor(function(flat, labels.flatten()))
        if told.shape != flat.shape[:1] or not bool(torch.isfinite(told.to(torch.float64)).all()):
            raise EcosystemError(
                f"{settings.function} must return a finite number for each image (got {list(told.shape)} "
                f"for {len(flat)} images)"
            )
        return told.to(images).reshape(labels.shape)

    return judged
