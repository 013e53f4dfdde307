"""Figures from tables: each function takes a table, returns a figure, and never shows it."""

from analysis.plots.bias import bias
from analysis.plots.comparison import comparison
from analysis.plots.distribution import distribution
from analysis.plots.influence import influence, influence_arrows
from analysis.plots.network import LARGEST, network
from analysis.plots.phase import phase_map, phase_maps
from analysis.plots.prediction import prediction
from analysis.plots.propagation import propagation
from analysis.plots.response import response
from analysis.plots.samples import samples
from analysis.plots.sensitivity import sensitivity
from analysis.plots.style import LINES
from analysis.plots.trajectories import trajectories
from analysis.plots.wording import on_axis

__all__ = [
    "LARGEST",
    "LINES",
    "bias",
    "comparison",
    "distribution",
    "influence",
    "influence_arrows",
    "network",
    "on_axis",
    "phase_map",
    "phase_maps",
    "prediction",
    "propagation",
    "response",
    "samples",
    "sensitivity",
    "trajectories",
]
