"""Training of 48 small networks stacked, against plain torch modules one after another.

Both sides have the same variational autoencoders of coloured digits, minibatches of one size and the same optimiser.
The stacked side spreads blocks of networks over all cores; the plain side has one thread, for products this small are
not quicker with more, and much slower where others use the machine.
"""

from __future__ import annotations

import argparse
from itertools import pairwise

import numpy as np
import torch
from _timing import compare, header, keep, row
from torch import nn

from ecosystem.learners.neural.training import Course, Pupil, trained
from ecosystem.learners.neural.vae import Vae
from ecosystem.scenario.fields.neural import Training, VaeNetwork
from ecosystem.threads import one_thread

PIXELS, CLASSES, LATENT, NOISE, EXAMPLES = 128, 10, 16, 0.1, 2000


def perceptron(widths: list[int]) -> nn.Sequential:
    """Return linear layers with SiLU between them."""
    layers = [layer for inputs, outputs in pairwise(widths) for layer in (nn.Linear(inputs, outputs), nn.SiLU())]
    return nn.Sequential(*layers[:-1])


class Plain(nn.Module):
    """The same network as a module."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.encoder = perceptron([PIXELS + CLASSES, width, width, 2 * LATENT])
        self.decoder = perceptron([LATENT + CLASSES, width, width, PIXELS])

    def forward(self, rows: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """Return the loss."""
        mean, log_variance = self.encoder(rows).chunk(2, -1)
        z = mean + (log_variance / 2).exp() * noise
        image, asked = rows[:, :PIXELS], rows[:, PIXELS:]
        off = image - self.decoder(torch.cat([z, asked], 1))
        divergence = (mean.square() + log_variance.exp() - 1 - log_variance).sum() / 2
        return (off.square().sum() / (2 * NOISE) + divergence) / len(rows)


def one_after_another(rows: torch.Tensor, width: int, settings: Training) -> None:
    """Train each network by a loop of its own."""
    for examples in rows[..., : PIXELS + CLASSES]:
        network = Plain(width)
        optimiser = torch.optim.Adam(network.parameters(), lr=settings.rate)
        for _ in range(settings.steps):
            some = examples[torch.randint(EXAMPLES, (settings.batch,))]
            optimiser.zero_grad()
            network(some, torch.randn(settings.batch, LATENT)).backward()
            optimiser.step()


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--networks", type=int, default=48)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--widths", type=int, nargs="+", default=[32, 64, 128])
    arguments = parser.parse_args()
    settings = Training(steps=arguments.steps, rate=1e-3)
    pupils = [Pupil(seed, 0) for seed in range(arguments.networks)]
    found = []
    print(header("alone", "stacked"))
    for width in arguments.widths:
        network = Vae(VaeNetwork(width=width, latent=LATENT, noise=NOISE), PIXELS, CLASSES)
        rows = torch.rand(len(pupils), EXAMPLES, network.row)
        rows[..., PIXELS + CLASSES :] = 0
        fresh = [network.fresh(np.random.default_rng(who.seed)) for who in pupils]
        stack = {name: torch.from_numpy(np.stack([each[name] for each in fresh])) for name in fresh[0]}
        course = Course(network, settings, "benchmark", 0)

        def stacked(course: Course = course, stack: dict[str, torch.Tensor] = stack, rows: torch.Tensor = rows) -> None:
            with one_thread():
                trained(course, stack, rows, pupils)

        def plain(width: int = width, rows: torch.Tensor = rows) -> None:
            with one_thread():
                one_after_another(rows, width, settings)

        name = f"{len(pupils)} networks of width {width}, {arguments.steps} steps"
        found.append(compare(name, plain, stacked, arguments.repeats, at_least=2))
        print(row(found[-1]))
    print(f"figures: {keep('images', found)}")


if __name__ == "__main__":
    main()
