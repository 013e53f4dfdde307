"""Generated images beside real ones: distance, diversity, recognition, similarity."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ecosystem.outputs.images.classifier import Classifier
from ecosystem.outputs.images.data import RealImages
from ecosystem.outputs.images.distances import frechet, kernel_distance, moments

_COMPARED = 512
"""Images of each side that the kernel distance compares, pair by pair."""


class Comparison:
    """What real images of each world are like, and how drawn ones compare.

    Every class counts alike, however many images of it there are.

    Parameters
    ----------
    classifier : Classifier
        Gives features and classes.
    worlds : sequence of RealImages
        Real images of each world; worlds of one seed share them.
    classes : int
        How many classes there are.
    device : str
        Where it computes.
    """

    def __init__(self, classifier: Classifier, worlds: Sequence[RealImages], classes: int, device: str) -> None:
        self._classifier = classifier
        known = {id(real): _Real(classifier, real, classes, device) for real in worlds}
        each = [known[id(real)] for real in worlds]
        self._mean = torch.stack([real.mean for real in each])[:, None]
        self._covariance = torch.stack([real.covariance for real in each])[:, None]
        self._some = torch.stack([real.some for real in each])
        self._centre = torch.stack([real.centre for real in each])
        self._spread = torch.stack([real.spread for real in each])
        self._variance = torch.stack([real.variance for real in each])[:, None]

    def measured(self, written: Tensor) -> dict[str, Tensor]:
        """Return measures of drawn images ``[worlds, models, contexts, lots, pixels]``, ``[worlds, models]`` each."""
        worlds, models, contexts, lots, _ = written.shape
        flat = written.flatten(0, 1).flatten(1, 2)
        features = self._classifier.features(flat).to(torch.float64)
        told = self._classifier.probabilities(flat).argmax(-1).reshape(worlds, models, contexts, lots)
        asked = torch.arange(contexts, device=written.device)[:, None]
        mean, covariance = moments(features.unflatten(0, (worlds, models)))
        some = features[:, _spaced(contexts * lots, _COMPARED)]
        kernel = kernel_distance(some, self._some.repeat_interleave(models, 0)).reshape(worlds, models)
        return {
            "distance_real": frechet(mean, covariance, self._mean, self._covariance),
            "distance_kernel": kernel,
            "diversity": _within(written.to(torch.float64)) / self._variance,
            "recognised": (told == asked).to(torch.float64).mean((-2, -1)),
        }

    def similarity(self, features: Tensor, label: Tensor) -> Tensor:
        """Return exp(−δ²/2δ̄²) of features ``[worlds, n, features]``, ``[worlds, n]``.

        δ is how far an image's features are from their mean over the real images of its class, δ̄² the mean of δ²
        over real images.
        """
        wide = label[..., None].expand(*label.shape, features.shape[-1])
        off = (features.to(torch.float64) - self._centre.gather(1, wide)).square().sum(-1)
        return (-off / (2 * self._spread.gather(1, label))).exp()


class _Real:
    """What there is to know of real images."""

    def __init__(self, classifier: Classifier, real: RealImages, classes: int, device: str) -> None:
        pixels = torch.from_numpy(real.images).flatten(1).to(device)
        labels = torch.from_numpy(real.labels).to(device)
        features = classifier.features(pixels[None])[0].to(torch.float64)
        parts = [features[labels == number] for number in range(classes)]
        weight = 1.0 / (classes * torch.bincount(labels, minlength=classes).to(torch.float64))[labels]
        self.mean = (weight[:, None] * features).sum(0)
        off = features - self.mean
        self.covariance = (weight[:, None] * off).T @ off
        self.centre = torch.stack([part.mean(0) for part in parts])
        spread = [(part - part.mean(0)).square().sum(-1).mean() for part in parts]
        self.spread = torch.stack(spread).clamp_min(1e-12)
        wanted = max(2, _COMPARED // classes)
        self.some = torch.cat([part[_spaced(len(part), wanted).to(device)] for part in parts])
        own = [pixels[labels == number].to(torch.float64) for number in range(classes)]
        self.variance = torch.stack([part.var(0, correction=0).sum() for part in own]).mean().clamp_min(1e-12)


def _within(written: Tensor) -> Tensor:
    """Return the variance within classes of ``[worlds, models, contexts, lots, pixels]``, all pixels together."""
    return written.var(3, correction=0).sum(-1).mean(-1)


def _spaced(n: int, wanted: int) -> Tensor:
    """Return so many places of 0 … n − 1, evenly spaced; all of them if there are fewer."""
    kept = min(n, wanted)
    return torch.arange(kept) * n // kept
