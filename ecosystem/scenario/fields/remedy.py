"""What is done against bias."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from ecosystem.scenario.fields.common import Block, Count, Name, NonNegative


class RejectionSampling(Block):
    """Of several outputs to a group's prompt, the best one is kept for training; users are served as before."""

    method: Literal["rejection_sampling"]
    candidates: Annotated[
        Annotated[Count, Tag("(count)")] | Annotated[dict[Name, Count], Field(min_length=1), Tag("(map)")],
        Discriminator(lambda value: "(map)" if isinstance(value, dict) else "(count)"),
    ]
    """How many candidates: a count, or one for each group (a group that is not named: 1, no filter)."""
    quality: NonNegative = 1.0
    """Weight of the score `quality` in what is best."""
    similarity: NonNegative = 0.0
    """Weight of similarity to the model's real data, from 0 to 1."""
    accuracy: Annotated[float, Field(ge=0.5, le=1)] = 1.0
    """How often the judge is right: with probability 2·accuracy − 1 the best is kept, else one at random."""
