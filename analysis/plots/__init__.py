"""Figures from tables: each function takes a table, returns a figure, and never shows it."""

from analysis.plots.propagation import propagation
from analysis.plots.trajectories import trajectories

__all__ = ["propagation", "trajectories"]
