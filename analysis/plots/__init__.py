"""Figures from tables: each function takes a table, returns a figure, and never shows it."""

from analysis.plots.influence import influence, influence_arrows, phase_map
from analysis.plots.propagation import propagation
from analysis.plots.trajectories import trajectories

__all__ = ["influence", "influence_arrows", "phase_map", "propagation", "trajectories"]
