"""What is read out of the tables: summaries, plots, reports."""

from analysis.propagation import propagation

__all__ = ["propagation"]
