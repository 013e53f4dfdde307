"""Variants of a scenario, and what its results are expected to be."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, Strict, WithJsonSchema, model_validator

from ecosystem.scenario.fields.common import Block, NonNegative, Number, read_infinity
from ecosystem.scenario.fields.designs import Design, LatinHypercube, Morris, Saltelli, Sobol

MAX_POINTS = 100_000
"""The most points of a sweep: more take minutes to plan, and gigabytes."""

Value = Annotated[Any, BeforeValidator(read_infinity)]
Values = Annotated[tuple[Value, ...], Strict(False), Field(min_length=1)]

Table = Annotated[
    tuple[dict[str, Value], ...],
    Strict(False),
    Field(min_length=1),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "object"}, "minItems": 1}]}),
]
"""Rows; the name of a CSV file is replaced by its rows before anything is validated."""


class Sweep(Block):
    """Which settings vary; a key is a parameter's name or a path such as `learning.rate`.

    The points are every combination of what the forms give, in the order of the fields here, the last one fastest.
    """

    grid: dict[str, Values] = Field(default_factory=dict)
    """Every combination of these values."""
    zip: dict[str, Values] = Field(default_factory=dict)
    """These values side by side; all lists have one length."""
    latin_hypercube: LatinHypercube | None = None
    """A Latin hypercube: each range is cut into `samples` parts, each of which has one point."""
    sobol: Sobol | None = None
    """Scrambled Sobol points, spread more evenly than drawn ones."""
    saltelli: Saltelli | None = None
    """The points from which Sobol's sensitivity indices are computed."""
    morris: Morris | None = None
    """The trajectories from which Morris' elementary effects are computed."""
    table: Table | None = None
    """A CSV file (its first line names the keys, a cell is what YAML would read), or a list of points."""

    @property
    def rows(self) -> tuple[dict[str, Any], ...]:
        """The rows of the table, none without one."""
        return self.table or ()

    @property
    def designs(self) -> tuple[Design, ...]:
        """The designs that are asked for."""
        return tuple(each for each in (self.latin_hypercube, self.sobol, self.saltelli, self.morris) if each)

    @property
    def keys(self) -> tuple[str, ...]:
        """What is swept, in the order in which a point has its values."""
        return tuple(key for keys in self._by_form().values() for key in keys)

    @property
    def size(self) -> int:
        """How many points there are."""
        rows = [len(values) for values in self.grid.values()]
        rows += [len(values) for values in list(self.zip.values())[:1]]
        rows += [design.size for design in self.designs]
        return math.prod(rows) * (len(self.rows) or 1)

    def _by_form(self) -> dict[str, tuple[str, ...]]:
        """Return the keys of each form that has some."""
        found = {"grid": tuple(self.grid), "zip": tuple(self.zip)}
        for form in ("latin_hypercube", "sobol", "saltelli", "morris"):
            design = getattr(self, form)
            found[form] = tuple(design.ranges) if design else ()
        found["table"] = tuple(self.rows[0]) if self.rows else ()
        return {form: keys for form, keys in found.items() if keys}

    @model_validator(mode="after")
    def _usable(self) -> Self:
        by_form = self._by_form()
        if not by_form:
            raise ValueError("the sweep is empty; give `grid`, or another form, at least one key with values")
        lengths = {key: len(values) for key, values in self.zip.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"the lists under zip must have one length (got {lengths})")
        for key, values in self.grid.items():
            if len({repr(value) for value in values}) < len(values):
                raise ValueError(f"a value of {key!r} stands twice; its runs would be done once")
        for number, row in enumerate(self.rows):
            if row.keys() != self.rows[0].keys():
                raise ValueError(f"every row of the table has the keys of the first (row {number} has {list(row)})")
        under: dict[str, str] = {}
        for form, keys in by_form.items():
            for key in keys:
                if key in under:
                    raise ValueError(f"{key!r} stands under {under[key]} and under {form}")
                under[key] = form
        if self.size > MAX_POINTS:
            raise ValueError(
                f"the sweep has {_told(self.size)} points, and at most {MAX_POINTS:,} are planned at once; "
                "ask for fewer, or split it into several scenarios"
            )
        return self


def _told(count: int) -> str:
    return f"{count:,}" if count < 10**15 else "more than 10**15"


class Expect(Block):
    """One thing that the literature or a closed form says about the result."""

    table: str
    """The table that is looked at."""
    where: dict[str, Any] = Field(default_factory=dict)
    """Which rows: column (or swept key) and its value."""
    round: Annotated[int, Field(ge=0)] | Literal["last"] | None = None
    """Which round; `last` is each run's last. All by default."""
    minus: Annotated[dict[str, Any], Field(min_length=1)] | None = None
    """What is taken off, seed by seed: the same rows where these columns (or swept keys) have these values instead."""
    certain: bool = False
    """Whether what is expected must hold of the whole 95% interval of the mean over seeds."""
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
        if self.statistic != "mean" and (self.minus is not None or self.certain):
            raise ValueError("minus and certain go with statistic: mean, of which there is an interval over seeds")
        return self
