"""Networks that are trained for real: which kind, and how they are trained."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Discriminator, Field

from ecosystem.scenario.fields.common import Block, Count, Positive

Width = Annotated[int, Field(ge=1, le=65536)]


class VaeNetwork(Block):
    """A conditional variational autoencoder (Kingma & Welling 2014): cheap to train, and to draw from in one pass.

    The loss is ‖x − x̂‖²/(2·noise) + KL; what it writes are the means of its decoder.
    """

    kind: Literal["vae"] = "vae"
    """A variational autoencoder."""
    width: Width = 128
    """Units of a hidden layer."""
    depth: Annotated[int, Field(ge=1, le=16)] = 2
    """Hidden layers of the encoder, and of the decoder."""
    latent: Width = 16
    """Dimension of the latent variable."""
    noise: Positive = 0.1
    """Variance of a pixel about the decoder's mean: small values sharpen images."""


class FlowNetwork(Block):
    """Conditional flow matching (Lipman et al. 2023): a velocity that carries noise to images in a straight line."""

    kind: Literal["flow"]
    """Flow matching."""
    width: Width = 256
    """Units of a hidden layer."""
    depth: Annotated[int, Field(ge=1, le=16)] = 3
    """Hidden layers."""
    solver: Literal["euler", "heun"] = "heun"
    """How the flow is integrated where images are drawn."""
    steps: Count = 8
    """Steps of the solver."""


class DiffusionNetwork(Block):
    """Conditional diffusion (Ho et al. 2020), drawn without noise (Song et al. 2021)."""

    kind: Literal["diffusion"]
    """Diffusion."""
    width: Width = 256
    """Units of a hidden layer."""
    depth: Annotated[int, Field(ge=1, le=16)] = 3
    """Hidden layers."""
    steps: Count = 16
    """Steps from noise to an image."""


AnyNetwork = Annotated[VaeNetwork | FlowNetwork | DiffusionNetwork, Discriminator("kind")]
"""A kind of generative network, by `kind`."""


class Training(Block):
    """One training: Adam on minibatches."""

    steps: Count
    """Most steps of the optimiser."""
    rate: Positive
    """Its learning rate."""
    batch: Count = 64
    """Examples of a minibatch."""
    schedule: Literal["constant", "cosine"] = "constant"
    """Whether the learning rate stays, or falls to 0 along half a cosine."""
    warm_up: Annotated[int, Field(ge=0)] = 0
    """Steps over which the learning rate rises to its full height first."""
    patience: Annotated[Count | None, Field(examples=[5])] = None
    """Stop early: when the loss on examples held out has not improved this often in a row; what was best is kept.
    By default all steps are made, and nothing is held out."""
    every: Count = 50
    """With `patience`: steps from one look at the held-out examples to the next."""
    held_out: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """With `patience`: the part of the examples that is held out."""


class FirstTraining(Training):
    """Training before the first round, on real images alone."""

    steps: Count = 3000
    """Most steps of the optimiser."""
    rate: Positive = 2.0e-3
    """Its learning rate."""


class LaterTraining(Training):
    """Training in a round, on what the model's diet names."""

    steps: Count = 200
    """Most steps of the optimiser."""
    rate: Positive = 1.0e-3
    """Its learning rate."""


class Neural(Block):
    """How networks are built and trained."""

    network: AnyNetwork = Field(default_factory=VaeNetwork)
    """The kind of network; a variational autoencoder by default."""
    first: FirstTraining = Field(default_factory=FirstTraining)
    """How networks are trained before the first round."""
    later: LaterTraining = Field(default_factory=LaterTraining)
    """How networks are trained in every round."""
    start: Literal["present", "first", "nothing"] | None = None
    """What a round's training starts from: the present weights, those of round 0, or new random ones. By default as
    the regime says: `incremental` the present, `retrain` those of round 0."""
