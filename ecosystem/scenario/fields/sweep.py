"""Variants of a scenario, and what its results are expected to be."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, Strict, model_validator

from ecosystem.scenario.fields.common import Block, NonNegative, Number, read_infinity

Values = Annotated[tuple[Annotated[Any, BeforeValidator(read_infinity)], ...], Strict(False), Field(min_length=1)]


class Sweep(Block):
    """Which settings vary; a key is a parameter's name or a path such as `learning.rate`."""

    grid: dict[str, Values] = Field(default_factory=dict)
    """Every combination of these values."""
    zip: dict[str, Values] = Field(default_factory=dict)
    """These values side by side; all lists have one length."""

    @model_validator(mode="after")
    def _usable(self) -> Self:
        if not self.grid and not self.zip:
            raise ValueError("the sweep is empty; give `grid` or `zip` at least one key with values")
        lengths = {key: len(values) for key, values in self.zip.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"the lists under zip must have one length (got {lengths})")
        twice = sorted(set(self.grid) & set(self.zip))
        for key, values in self.grid.items():
            if len({repr(value) for value in values}) < len(values):
                raise ValueError(f"a value of {key!r} stands twice; its runs would be done once")
        if twice:
            raise ValueError(f"{twice[0]!r} stands under grid and under zip")
        return self


class Expect(Block):
    """One thing that the literature or a closed form says about the result."""

    table: str
    """The table that is looked at."""
    where: dict[str, Any] = Field(default_factory=dict)
    """Which rows: column (or swept key) and its value."""
    round: Annotated[int, Field(ge=0)] | Literal["last"] | None = None
    """Which round; `last` is each run's last. All by default."""
    column: str
    """The column that is looked at."""
    statistic: Literal["mean", "var", "std", "min", "max"] = "mean"
    """What is taken over the rows that match; `var` and `std` are of a sample (n - 1)."""
    value: Number | None = None
    """The expected value, met to within `tolerance`."""
    tolerance: NonNegative | None = None
    """How far the found value may be from `value`."""
    sign: Literal["positive", "negative"] | None = None
    """The expected sign."""
    at_least: Number | None = None
    """A lower bound."""
    at_most: Number | None = None
    """An upper bound."""
    source: str
    """Who says so: a paper, or `closed form`."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if all(getattr(self, key) is None for key in ("value", "sign", "at_least", "at_most")):
            raise ValueError("say what is expected: value (with tolerance), sign, at_least or at_most")
        if (self.value is None) != (self.tolerance is None):
            raise ValueError("value and tolerance go together")
        return self
