"""Who learns from whom."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Discriminator, Field, Strict, Tag

from ecosystem.scenario.fields.common import Block, Matrix, Name, Positive, Seed, Vector


class Channel(Block):
    """What an edge does to the outputs that cross it, after curation."""

    matrix: Matrix
    """Row-stochastic matrix T, one row per output: a distribution p arrives as pT. For Gaussian outputs
    any matrix A: x arrives as Ax + b."""
    offset: Vector | None = None
    """b, for Gaussian outputs; 0 by default."""


class Edge(Block):
    """`to` learns from what `from` wrote."""

    source: Name = Field(alias="from")
    """The model whose outputs are read."""
    target: Name = Field(alias="to")
    """The model that learns from them."""
    weight: Positive = 1.0
    """Weight of this edge among those into `to` (they are normalised)."""
    channel: Channel | None = None
    """What the edge does to what passes; nothing by default."""


class EdgesNetwork(Block):
    """Edges written out one by one."""

    edges: Annotated[tuple[Edge, ...], Strict(False)] = ()
    """The edges; none by default."""


class FileNetwork(Block):
    """Edges read from a file."""

    file: Annotated[str, Field(min_length=1)]
    """Path of the file, relative to the scenario: CSV (from, to, weight) or GraphML."""
    format: Literal["csv", "graphml"] | None = None
    """Format of the file; told by its ending by default."""
    channel: Channel | None = None
    """A channel on every edge."""


class GeneratedNetwork(Block):
    """A NetworkX generator by name; its other arguments stand beside it."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True, use_attribute_docstrings=True)
    __pydantic_extra__: dict[str, Any] = Field(init=False)

    generator: Name
    """Name of the generator, such as `barabasi_albert` or `watts_strogatz`."""
    seed: Seed | None = None
    """Seed of the graph; drawn from the run's seed by default."""
    channel: Channel | None = None
    """A channel on every edge."""

    @property
    def arguments(self) -> dict[str, Any]:
        """The generator's own arguments."""
        return dict(self.__pydantic_extra__ or {})


def _form(value: Any) -> str:
    keys = value if isinstance(value, dict) else getattr(value, "__dict__", {})
    return next((f"({key})" for key in ("generator", "file") if key in keys), "(edges)")


Network = Annotated[
    Annotated[EdgesNetwork, Tag("(edges)")]
    | Annotated[FileNetwork, Tag("(file)")]
    | Annotated[GeneratedNetwork, Tag("(generator)")],
    Discriminator(_form),
]
"""Explicit edges, a file, or a generator."""
