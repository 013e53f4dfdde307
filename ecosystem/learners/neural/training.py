"""Training of many networks at once: one step of Adam is a step of all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ecosystem.learners.neural.network import Network
from ecosystem.learners.neural.stack import Stack
from ecosystem.scenario.fields.neural import Training
from ecosystem.threads import each
from ecosystem.world.streams import stream

BLOCK = 8
"""Networks that are trained together on a processor; more gain little, and blocks are shared among cores."""

_AHEAD = 50
"""Steps whose random numbers are drawn at once, and over which the last loss is a mean."""


@dataclass(frozen=True)
class Pupil:
    """Whose random numbers a training uses: worlds of one seed share them.

    Attributes
    ----------
    seed : int
        The run's seed.
    model : int
        The model's number.
    """

    seed: int
    model: int


@dataclass(frozen=True)
class Course:
    """A training: of what, by which settings, with whose random numbers.

    Attributes
    ----------
    network : Network
        The kind of network.
    settings : Training
        Steps, learning rate, minibatches.
    purpose : str
        Names the streams of random numbers.
    round : int
        The round that it belongs to.
    """

    network: Network
    settings: Training
    purpose: str
    round: int


def trained(course: Course, stack: Stack, rows: Tensor, pupils: Sequence[Pupil]) -> tuple[dict[str, Tensor], Tensor]:
    """Return weights after training, and the loss it ended with.

    Parameters
    ----------
    course : Course
        How.
    stack : mapping of str to Tensor
        Weights before, ``[models, ...]`` each.
    rows : Tensor
        Examples of each, ``[models, examples, row]``.
    pupils : sequence of Pupil
        One a model.

    Returns
    -------
    weights : dict of str to Tensor
        ``[models, ...]`` each.
    loss : Tensor
        ``[models]``: the mean over the last steps; with `patience` the best on examples held out.
    """
    size = BLOCK if rows.device.type == "cpu" else len(pupils)

    def part(start: int) -> tuple[dict[str, Tensor], Tensor]:
        some = slice(start, start + size)
        return _block(course, {name: value[some] for name, value in stack.items()}, rows[some], pupils[some])

    blocks = each(part, range(0, len(pupils), size))
    return {name: torch.cat([block[0][name] for block in blocks]) for name in stack}, torch.cat([b[1] for b in blocks])


def learning_rate(settings: Training, step: int) -> float:
    """Return the learning rate of a step, the first of which is 0.

    >>> rising = Training(steps=100, rate=1.0, schedule="cosine", warm_up=10)
    >>> [round(learning_rate(rising, step), 3) for step in (0, 9, 10, 55, 99)]
    [0.1, 1.0, 1.0, 0.5, 0.0]
    """
    if step < settings.warm_up:
        return settings.rate * (step + 1) / settings.warm_up
    if settings.schedule == "constant":
        return settings.rate
    gone = (step - settings.warm_up) / max(settings.steps - settings.warm_up, 1)
    return settings.rate * (1 + math.cos(math.pi * gone)) / 2


def _block(course: Course, stack: Stack, rows: Tensor, pupils: Sequence[Pupil]) -> tuple[dict[str, Tensor], Tensor]:
    settings = course.settings
    held = _held_out(settings, rows.shape[1])
    draws = _Draws(course, pupils, rows.shape[1], held, rows.device)
    weights = {name: value.detach().clone().requires_grad_() for name, value in stack.items()}
    optimiser = torch.optim.Adam(list(weights.values()), lr=settings.rate, fused=True)
    watch = _Watch(settings, draws.look(rows), weights) if held else None
    total, counted = rows.new_zeros(len(pupils)), 0
    with torch.enable_grad():
        for step in range(settings.steps):
            examples, noise = draws.step(step, rows)
            for group in optimiser.param_groups:
                group["lr"] = learning_rate(settings, step)
            optimiser.zero_grad()
            loss = course.network.loss(weights, examples, noise)
            loss.sum().backward()
            optimiser.step()
            if step >= settings.steps - _AHEAD:
                total, counted = total + loss.detach(), counted + 1
            looks = (step + 1) % settings.every == 0 or step + 1 == settings.steps
            if watch is not None and looks and watch.enough(course.network, weights):
                break
    if watch is not None:
        return watch.best, watch.least
    return {name: value.detach() for name, value in weights.items()}, total / counted


def _held_out(settings: Training, examples: int) -> int:
    """Return how many examples are held out: none without patience, never all."""
    if settings.patience is None:
        return 0
    return min(max(1, round(settings.held_out * examples)), examples - 1)


class _Draws:
    """Minibatches and noise of each model, from streams of its own; models of one pupil share them."""

    def __init__(self, course: Course, pupils: Sequence[Pupil], examples: int, held: int, device: torch.device) -> None:
        self._network, self._settings, self._device = course.network, course.settings, device
        known = list(dict.fromkeys(pupils))
        self._row = torch.tensor([known.index(pupil) for pupil in pupils])

        def streams(what: str) -> list[np.random.Generator]:
            return [stream(who.seed, f"{course.purpose}.{what}", course.round, who.model) for who in known]

        self._noise, self._look = streams("noise"), streams("held_out")
        orders = streams("order")
        shuffled = [order.permutation(examples) for order in orders]
        self._held = np.stack([order[:held] for order in shuffled])
        wanted = course.settings.steps * course.settings.batch
        self._order = np.stack([_epochs(one[held:], wanted, by) for one, by in zip(shuffled, orders, strict=True)])
        self._ahead: tuple[Tensor, Tensor] | None = None

    def step(self, step: int, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return the examples and the noise of a step, ``[models, batch, ...]``."""
        batch = self._settings.batch
        place = step % _AHEAD
        if place == 0:
            steps = min(_AHEAD, self._settings.steps - step)
            drawn = [self._network.noise(generator, steps, batch) for generator in self._noise]
            read = self._order[:, step * batch : (step + steps) * batch]
            self._ahead = self._moved(read), self._moved(np.stack(drawn))
        assert self._ahead is not None
        order, noise = self._ahead
        return _taken(rows, order[:, place * batch : (place + 1) * batch]), noise[:, place]

    def look(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return the held-out examples and their noise, the same at every look."""
        noise = [self._network.noise(generator, self._held.shape[1]) for generator in self._look]
        return _taken(rows, self._moved(self._held)), self._moved(np.stack(noise))

    def _moved(self, known: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(known)[self._row].to(self._device)


def _epochs(examples: NDArray[np.int64], wanted: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Return examples in the order they are read: all of them, shuffled, again and again."""
    times = -(-wanted // len(examples))
    return np.concatenate([generator.permutation(examples) for _ in range(times)])[:wanted]


def _taken(rows: Tensor, order: Tensor) -> Tensor:
    return rows.gather(1, order[..., None].expand(*order.shape, rows.shape[-1]))


class _Watch:
    """Early stopping: what was best on held-out examples, model by model."""

    def __init__(self, settings: Training, look: tuple[Tensor, Tensor], weights: Stack) -> None:
        self._patience, self._look = settings.patience or 0, look
        self.best = {name: value.detach().clone() for name, value in weights.items()}
        self.least = torch.full_like(look[0][:, 0, 0], torch.inf)
        self._bad = torch.zeros_like(self.least)

    def enough(self, network: Network, weights: Stack) -> bool:
        """Look, keep what is better, and tell whether every model has stopped; who has stopped learns no more."""
        with torch.no_grad():
            loss = network.loss(weights, *self._look)
            going = self._bad < self._patience
            better = going & (loss < self.least)
            self.least = torch.where(better, loss, self.least)
            self._bad = torch.where(better, 0.0, self._bad + 1)
            for name, value in weights.items():
                shape = (-1, *[1] * (value.dim() - 1))
                self.best[name] = torch.where(better.reshape(shape), value.detach(), self.best[name])
            # `_bad` of who has stopped only grows, so it stays stopped.
            return not bool((self._bad < self._patience).any())
