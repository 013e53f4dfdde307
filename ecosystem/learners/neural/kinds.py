"""The kinds of generative network, by what a scenario says of them."""

from __future__ import annotations

from ecosystem.learners.neural.diffusion import Diffusion
from ecosystem.learners.neural.flow import Flow
from ecosystem.learners.neural.network import Network
from ecosystem.learners.neural.vae import Vae
from ecosystem.scenario.fields.neural import AnyNetwork, DiffusionNetwork, FlowNetwork


def network_of(settings: AnyNetwork, pixels: int, classes: int) -> Network:
    """Return a kind of network by its settings."""
    if isinstance(settings, FlowNetwork):
        return Flow(settings, pixels, classes)
    if isinstance(settings, DiffusionNetwork):
        return Diffusion(settings, pixels, classes)
    return Vae(settings, pixels, classes)
