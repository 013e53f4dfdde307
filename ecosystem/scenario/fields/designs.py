"""Designs: points that fill ranges evenly, or that sensitivity indices are computed from."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple, Self

from pydantic import AfterValidator, Discriminator, Field, Strict, Tag, model_validator

from ecosystem.scenario.fields.common import Block, Count, Number, Seed


class Interval(NamedTuple):
    """What a range means, however it is written."""

    low: float
    high: float
    log: bool
    whole: bool


class Range(Block):
    """Numbers between two bounds."""

    low: Number
    """The smallest value."""
    high: Number
    """The largest value."""
    scale: Literal["linear", "log"] = "linear"
    """Whether values are spread evenly, or their logarithms."""
    whole: bool = False
    """Whether values are whole numbers, both bounds among them."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        _increasing((self.low, self.high))
        if self.scale == "log" and self.low <= 0:
            raise ValueError(f"on a log scale low must be more than 0 (got {self.low:g})")
        if self.whole and not (self.low.is_integer() and self.high.is_integer()):
            raise ValueError(f"bounds of whole numbers are whole (got {self.low:g} and {self.high:g})")
        if self.whole and max(abs(self.low), abs(self.high)) > 2**53:
            raise ValueError("bounds of whole numbers are at most 2**53")
        return self


def _increasing(bounds: tuple[float, float]) -> tuple[float, float]:
    low, high = bounds
    if not low < high:
        raise ValueError(f"low must be less than high (got {low:g} and {high:g})")
    if high - low == float("inf"):
        raise ValueError(f"the range is too wide for a number (got {low:g} to {high:g})")
    return bounds


AnyRange = Annotated[
    Annotated[tuple[Number, Number], Strict(False), AfterValidator(_increasing), Tag("(pair)")]
    | Annotated[Range, Tag("(range)")],
    Discriminator(lambda value: "(pair)" if isinstance(value, (list, tuple)) else "(range)"),
]
"""`[low, high]`, or a mapping with scale and whole numbers."""


def _power_of_two(count: int) -> int:
    below = 1 << (count.bit_length() - 1)
    if count != below:
        raise ValueError(
            f"must be a power of two, as Sobol points are balanced only then; "
            f"the nearest are {below} and {2 * below} (got {count})"
        )
    return count


Balanced = Annotated[Count, AfterValidator(_power_of_two)]


class Design(Block):
    """Points in a box."""

    ranges: Annotated[dict[str, AnyRange], Field(min_length=1, max_length=1000)]
    """What varies, and between which bounds."""
    seed: Seed = 0
    """Seed of the design, which is no run's seed: the same seed gives the same points."""

    @property
    def intervals(self) -> dict[str, Interval]:
        """The ranges, by key."""
        return {
            key: Interval(*each, False, False)
            if isinstance(each, tuple)
            else Interval(each.low, each.high, each.scale == "log", each.whole)
            for key, each in self.ranges.items()
        }

    @property
    def size(self) -> int:
        """How many points there are."""
        raise NotImplementedError


class LatinHypercube(Design):
    """Latin hypercube: each range is cut into as many parts as there are points, and each part has one."""

    samples: Count
    """How many points."""

    @property
    def size(self) -> int:
        """How many points there are."""
        return self.samples


class Sobol(Design):
    """Scrambled Sobol points (Owen 1998), which fill the box more evenly than drawn ones."""

    samples: Balanced
    """How many points, a power of two."""

    @property
    def size(self) -> int:
        """How many points there are."""
        return self.samples


class Saltelli(Design):
    """The points of Sobol's indices (Saltelli et al. 2010): A, then B, then for each range A with B's values of it."""

    samples: Balanced
    """How many points A and B have each, a power of two; samples × (ranges + 2) in all."""

    @property
    def size(self) -> int:
        """How many points there are."""
        return self.samples * (len(self.ranges) + 2)


class Morris(Design):
    """Morris trajectories (Morris 1991): from a random start, one range after another is moved. Needs SALib."""

    trajectories: Count
    """How many trajectories, each of ranges + 1 points."""
    levels: Annotated[int, Field(ge=2, le=1000, multiple_of=2)] = 4
    """How many values each range has, an even number."""

    @property
    def size(self) -> int:
        """How many points there are."""
        return self.trajectories * (len(self.ranges) + 1)
