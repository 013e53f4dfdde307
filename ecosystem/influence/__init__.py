"""Stable points, and what a lever does there: whose curation helps, whose backfires."""

from ecosystem.influence.influence import gradient, influence, table
from ecosystem.influence.stable import StablePoint, stable_point

__all__ = ["StablePoint", "gradient", "influence", "stable_point", "table"]
