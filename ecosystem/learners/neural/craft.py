"""The craft of images: networks that are trained on images, draw images, and are judged by what they draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from ecosystem.errors import fail
from ecosystem.learners.batch import Batch
from ecosystem.learners.craft import Craft, Lessons, Weights
from ecosystem.learners.neural.comparison import Comparison
from ecosystem.learners.neural.first import FirstWeights
from ecosystem.learners.neural.kinds import network_of
from ecosystem.learners.neural.training import Course, Pupil, trained
from ecosystem.outputs.images.classifier import Classifier
from ecosystem.outputs.images.judges import judge_of
from ecosystem.outputs.images.pictures import png
from ecosystem.outputs.images.shared import classifier, real_images, stamps
from ecosystem.scenario.fields.image_judges import HueJudge, ImageJudge
from ecosystem.scenario.fields.images import ImageOutputs
from ecosystem.scenario.fields.neural import Neural
from ecosystem.threads import each
from ecosystem.world.streams import stream

_ROWS = 1024
"""Images of a network that are drawn in one product, few enough for the cache."""

_FIRST = FirstWeights()


class ImageCraft(Craft):
    """Networks that draw images of the classes they are asked for.

    Parameters
    ----------
    batch : Batch
        Settings of the worlds.
    """

    dtype = torch.float32
    measures = ("distance_kernel", "diversity", "recognised")

    def __init__(self, batch: Batch) -> None:
        super().__init__(batch)
        scenario = batch.worlds[0].scenario
        assert isinstance(scenario.outputs, ImageOutputs)
        self._outputs, self._base = scenario.outputs, scenario.base
        self._settings = scenario.learning.neural or Neural()
        seeds = dict.fromkeys(world.seed for world in batch.worlds)
        self._real = {seed: real_images(self._outputs, self._base, seed) for seed in seeds}
        self.item = next(iter(self._real.values())).item
        self._pixels = int(np.prod(self.item))
        self._network = network_of(self._settings.network, self._pixels, batch.contexts)
        self._pupils = [Pupil(world.seed, model) for world in batch.worlds for model in range(batch.models)]
        written = (*scenario.rewards.values(), *self._outputs.scores.values())
        judges = [judge for judge in written if isinstance(judge, ImageJudge)]
        if self.item[0] == 1 and any(isinstance(judge, HueJudge) for judge in judges):
            raise fail("grey images have no hue; use another judge, or images with two or more channels", ("rewards",))
        self._judges = [judge_of(judge, lambda: self._classifier, self._base) for judge in judges]

    @cached_property
    def _classifier(self) -> Classifier:
        return classifier(self._outputs, self._base, str(self.batch.device))

    @cached_property
    def _comparison(self) -> Comparison:
        worlds = [self._real[world.seed] for world in self.batch.worlds]
        return Comparison(self._classifier, worlds, self.batch.contexts, str(self.batch.device))

    def begin(self) -> tuple[Weights, Tensor]:
        """Return networks that were trained on real images alone, and their loss; see `Craft.begin`."""
        settings = self._settings
        told = [block.model_dump_json() for block in (self._outputs.data, settings.network, settings.first)]
        key = (*told, self.batch.contexts, str(self._base), stamps(self._outputs, self._base), str(self.batch.device))
        weights, loss = _FIRST.of(key, self._pupils, self._taught_first)
        return self._unfolded(weights), loss.reshape(self.batch.size, self.batch.models)

    def _taught_first(self, pupils: Sequence[Pupil]) -> tuple[dict[str, Tensor], Tensor]:
        course = Course(self._network, self._settings.first, "images.first", 0)
        rows = [self._rows(*self._whole(pupil.seed)) for pupil in pupils]
        return trained(course, self._fresh(pupils, 0), torch.stack(rows), pupils)

    def _whole(self, seed: int) -> tuple[Tensor, Tensor]:
        real = self._real[seed]
        return torch.from_numpy(real.images).to(self.batch.device), torch.from_numpy(real.labels).to(self.batch.device)

    def real(self, round_: int, context: Tensor) -> Tensor:
        """Return a real image of each class that is asked for, drawn with replacement; see `Craft.real`."""
        n = context.shape[2]
        found = []
        for number, world in enumerate(self.batch.worlds):
            real = self._real[world.seed]
            counts = real.counts
            begins = np.cumsum(counts) - counts
            u = np.stack([stream(world.seed, "images.real", round_, m).random(n) for m in range(self.batch.models)])
            asked = context[number].cpu().numpy()
            found.append(real.images[begins[asked] + (u * counts[asked]).astype(np.int64)])
        return torch.from_numpy(np.stack(found)).to(self.batch.device)

    def write(self, weights: Weights, round_: int, lots: int, candidates: int) -> Tensor:
        """Return drawn images; see `Craft.write`.

        Worlds of one seed draw from the same random numbers.
        """
        batch = self.batch
        stack = self._folded(weights)
        out = torch.empty(batch.size * batch.models, batch.contexts, lots, candidates, *self.item, device=batch.device)
        flat = out.view(len(out), batch.contexts * lots, candidates, self._pixels)
        asked = torch.eye(batch.contexts, device=batch.device).repeat_interleave(lots, 0)

        def drawn(pupil: Pupil) -> None:
            alike = [number for number, other in enumerate(self._pupils) if other == pupil]
            groups = [alike] if self._network.stacked_drawing else [[number] for number in alike]
            chosen = [{name: value[some] for name, value in stack.items()} for some in groups]
            for candidate in range(candidates):
                noise = self._noise(pupil, round_, lots, candidate)
                for start in range(0, len(noise), _ROWS):
                    rows = slice(start, start + _ROWS)
                    for some, weights in zip(groups, chosen, strict=True):
                        wide, wanted = (each[rows].expand(len(some), -1, -1) for each in (noise, asked))
                        flat[some, rows, candidate] = self._network.draw(weights, wide, wanted)

        with torch.no_grad():
            each(drawn, dict.fromkeys(self._pupils))
        return out.unflatten(0, (batch.size, batch.models))

    def _noise(self, pupil: Pupil, round_: int, lots: int, candidate: int) -> Tensor:
        """Return normal numbers of a candidate's own stream, ``[contexts × lots, draws]``."""
        generator = stream(pupil.seed, f"images.write.{candidate}", round_, pupil.model)
        shape = (self.batch.contexts * lots, self._network.draws)
        return torch.from_numpy(generator.standard_normal(shape, dtype=np.float32)).to(self.batch.device)

    def judge(self, items: Tensor, context: Tensor) -> Tensor:
        """Return what images are worth by each judge; see `Craft.judge`."""
        images, labels = self._grouped(items), context.flatten(1)
        told = [judge(images, labels) for judge in self._judges]
        return torch.stack(told, dim=-1).reshape(*context.shape, len(told))

    def similarity(self, items: Tensor, context: Tensor) -> Tensor:
        """Return how near images are to the real ones of their class, from 0 to 1; see `Comparison.similarity`."""
        features = self._classifier.features(self._grouped(items).flatten(2))
        return self._comparison.similarity(features, context.flatten(1)).reshape(context.shape)

    def measure(self, written: Tensor, loss: Tensor, weights: Weights) -> Mapping[str, Tensor]:
        """Return how far images are from real ones, how diverse, and how many are recognised; see `Craft.measure`.

        `distance_real` is the Fréchet distance, `distance_kernel` the kernel distance, in the space of features;
        `diversity` the variance of pixels within classes, as a share of that of real images; `recognised` the share
        of images that the classifier takes for what they were asked for.
        """
        del loss, weights
        return self._comparison.measured(written.flatten(4))

    def train(self, weights: Weights, first: Weights, lessons: Lessons, round_: int) -> tuple[Weights, Tensor]:
        """Return networks that were trained on a round's lessons; see `Craft.train`."""
        course = Course(self._network, self._settings.later, "images.later", round_)
        start = self._settings.start or ("present" if self.batch.learning.regime == "incremental" else "first")
        known = {"present": weights, "first": first}.get(start)
        stack = self._fresh(self._pupils, round_ + 1) if known is None else self._folded(known)
        rows = self._rows(lessons.items.flatten(0, 1), lessons.context.flatten(0, 1))
        taught, loss = trained(course, stack, rows, self._pupils)
        return self._unfolded(taught), loss.reshape(self.batch.size, self.batch.models)

    def show(self, items: Tensor) -> list[str | bytes]:
        """Return images ``[n, channels, height, width]`` as PNG files."""
        return [png(image) for image in items.cpu().numpy()]

    def _rows(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return examples as networks read them, ``[..., examples, row]``: the image, its class as 0 and 1, zeros."""
        rows = images.new_zeros((*labels.shape, self._network.row))
        rows[..., : self._pixels] = images.flatten(-3)
        rows.scatter_(-1, self._pixels + labels[..., None], 1.0)
        return rows

    def _fresh(self, pupils: Sequence[Pupil], round_: int) -> dict[str, Tensor]:
        """Return new random weights, those of a pupil always the same in a round."""
        known = {
            who: self._network.fresh(stream(who.seed, "images.network", round_, who.model))
            for who in dict.fromkeys(pupils)
        }
        names = next(iter(known.values()))
        return {
            name: torch.from_numpy(np.stack([known[who][name] for who in pupils])).to(self.batch.device)
            for name in names
        }

    def _grouped(self, items: Tensor) -> Tensor:
        """Return the images of each world side by side, ``[worlds, n, channels, height, width]``."""
        return items.reshape(len(items), -1, *self.item)

    def _folded(self, weights: Weights) -> dict[str, Tensor]:
        return {name: value.flatten(0, 1) for name, value in weights.items()}

    def _unfolded(self, stack: Mapping[str, Tensor]) -> Weights:
        shape = (self.batch.size, self.batch.models)
        return {name: value.unflatten(0, shape) for name, value in stack.items()}
