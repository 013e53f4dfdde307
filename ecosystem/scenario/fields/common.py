"""Types that several blocks share."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Strict, Tag

_INFINITIES = {"inf": float("inf"), "+inf": float("inf"), "-inf": float("-inf")}


SUM_TOLERANCE = 1e-9
"""How far shares and probabilities may be from a sum of 1; the rest is divided out."""


class Block(BaseModel):
    """A mapping of the scenario: strict, frozen, no key that is not described."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)


def read_infinity(value: Any) -> Any:
    """Read the text ``inf`` as infinity where a number is due (YAML itself wants ``.inf``)."""
    return _INFINITIES.get(value, value) if isinstance(value, str) else value


def _not_nan(value: float) -> float:
    if math.isnan(value):
        raise ValueError("must be a number (got NaN)")
    return value


Number = Annotated[float, BeforeValidator(read_infinity), Field(allow_inf_nan=False)]
"""A finite number."""

Positive = Annotated[float, BeforeValidator(read_infinity), Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, BeforeValidator(read_infinity), Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, BeforeValidator(read_infinity), Field(ge=0, le=1, allow_inf_nan=False)]
"""A number from 0 to 1."""

Parameter = Annotated[float, BeforeValidator(read_infinity), AfterValidator(_not_nan)]
"""A number or an infinity."""

Count = Annotated[int, Field(ge=1, le=2**53)]
"""A whole number of at least 1."""

Seed = Annotated[int, Field(ge=0, lt=2**63)]
"""A whole number that fits a column of a table."""

Name = Annotated[str, Field(min_length=1, max_length=200)]

Vector = Annotated[tuple[Number, ...], Strict(False), Field(min_length=1)]
"""One number per output."""

Matrix = Annotated[tuple[Vector, ...], Strict(False), Field(min_length=1)]
"""One row per context (or, for a channel, per output)."""


Covariance = Annotated[
    Annotated[NonNegative, Tag("(scalar)")] | Annotated[Vector, Tag("(vector)")] | Annotated[Matrix, Tag("(matrix)")],
    Discriminator(lambda value: form_of(value) if isinstance(value, (list, tuple)) else "(scalar)"),
]
"""A variance for every dimension, one per dimension, or a whole matrix."""


def form_of(value: Any) -> str:
    """Tell what a value is written as: a draw or other mapping, a matrix, a name, or a vector.

    The answers are tags of unions. They stand in parentheses, as no key does, so that they can be
    told from keys where an error is located.
    """
    if isinstance(value, (dict, BaseModel)):
        return "(draw)" if "draw" in (value if isinstance(value, dict) else type(value).model_fields) else "(law)"
    if isinstance(value, str):
        return "(name)"
    if isinstance(value, (list, tuple)) and value:
        if isinstance(value[0], (list, tuple)):
            return "(matrix)"
        if isinstance(value[0], (dict, BaseModel)):
            return "(laws)"
    return "(vector)"


class Gaussian(Block):
    """A normal law."""

    mean: Vector
    """Its mean, a number per dimension."""
    covariance: Covariance = 1.0
    """Its covariance: a scalar, a diagonal, or a matrix; 0 is a single point."""


class DirichletDraw(Block):
    """Each distribution is drawn from a symmetric Dirichlet law, with the run's seed."""

    draw: Literal["dirichlet"]
    concentration: Positive = 1.0
    """Concentration of the symmetric Dirichlet law: small is peaked, large is even."""


class NormalDraw(Block):
    """Each output's reward is drawn from a normal law; one vector a model."""

    draw: Literal["normal"]
    scale: Positive = 1.0
    """Standard deviation of the drawn rewards."""
    mean: Number = 0.0
    """Mean of the drawn rewards."""


class UniformDraw(Block):
    """Each output's reward is drawn evenly between two bounds; one vector a model."""

    draw: Literal["uniform"]
    low: Number = 0.0
    """Lower bound."""
    high: Number = 1.0
    """Upper bound."""


RewardDraw = Annotated[NormalDraw | UniformDraw, Discriminator("draw")]


RewardOf = Annotated[
    Annotated[Name, Tag("(name)")] | Annotated[RewardDraw, Tag("(draw)")],
    Discriminator(lambda value: "(draw)" if form_of(value) in ("(draw)", "(law)") else "(name)"),
]
"""The name of an entry of `rewards`, or a draw (one vector a model)."""


def _whole_or_infinite(value: float) -> float:
    if value != float("inf") and value != int(value):
        raise ValueError(f"must be a whole number or inf (got {value})")
    return value


Candidates = Annotated[float, BeforeValidator(read_infinity), Field(ge=1), AfterValidator(_whole_or_infinite)]
"""A count of at least 1, or `inf`."""


class GaussianDraw(Block):
    """Each law's mean is drawn coordinate by coordinate, with the run's seed."""

    draw: Literal["normal"]
    scale: Positive = 1.0
    """Standard deviation of the drawn means."""
    mean: Number = 0.0
    """Mean of the drawn means."""
    covariance: Covariance = 1.0
    """Covariance of each law."""


DistributionDraw = Annotated[DirichletDraw | GaussianDraw, Discriminator("draw")]

Distribution = Annotated[
    Annotated[Vector, Tag("(vector)")]
    | Annotated[Matrix, Tag("(matrix)")]
    | Annotated[DistributionDraw, Tag("(draw)")]
    | Annotated[Gaussian, Tag("(law)")]
    | Annotated[tuple[Gaussian, ...], Strict(False), Tag("(laws)")],
    Discriminator(lambda value: "(vector)" if form_of(value) == "(name)" else form_of(value)),
]
"""A distribution over outputs (a Gaussian: mean and covariance): one for all contexts, one per context, or a draw."""
