"""A run as it happens: the mesa model and its round, its agents, its network, its random streams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ecosystem.world.simulation import Outcome, simulate

__all__ = ["Outcome", "simulate"]


def __getattr__(name: str) -> Any:
    # Learners import parts of this package, and the simulation imports learners.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from ecosystem.world import simulation

    return getattr(simulation, name)
