"""What happens at a round: settings that change, edges that come and go."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Discriminator, Field, Strict, Tag, model_validator

from ecosystem.scenario.fields.common import Block, Name
from ecosystem.scenario.fields.network import Edge


class Ends(Block):
    """An edge of the network, by its ends."""

    source: Name = Field(alias="from")
    """The model whose outputs are read."""
    target: Name = Field(alias="to")
    """The model that learns from them."""


def _form(value: Any) -> str:
    return "(list)" if isinstance(value, (list, tuple)) else "(one)"


class Event(Block):
    """A change at a round: after the round's row is written, before the round is run.

    The state is kept, and expressions are evaluated again. Of one event, settings change first, then edges
    are cut, then edges are added.
    """

    round: Annotated[int, Field(ge=0)]
    """When."""
    set: dict[Name, Any] = Field(default_factory=dict)
    """Settings by parameter or path, such as `users.feedback.arrivals`, and their new values. A remedy or
    curation is stopped by `null` and started by its block."""
    cut: Annotated[
        Annotated[Ends, Tag("(one)")] | Annotated[tuple[Ends, ...], Strict(False), Tag("(list)")],
        Discriminator(_form),
    ] = ()
    """An edge, or edges, to take away: `{from: m3, to: m7}`."""
    add: Annotated[
        Annotated[Edge, Tag("(one)")] | Annotated[tuple[Edge, ...], Strict(False), Tag("(list)")],
        Discriminator(_form),
    ] = ()
    """An edge, or edges, to put in, as under `network.edges`."""

    @property
    def edits(self) -> tuple[Ends | Edge, ...]:
        """Ends of the edges that are cut, then the edges that are added."""
        cut = (self.cut,) if isinstance(self.cut, Ends) else self.cut
        return (*cut, *((self.add,) if isinstance(self.add, Edge) else self.add))

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if not self.set and not self.edits:
            raise ValueError("nothing happens here; give the event `set`, `cut` or `add`")
        return self
