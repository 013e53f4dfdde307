"""The tables that results come in, and their columns."""

from __future__ import annotations

COVARIANCES = tuple(f"covariance_{dimension}" for dimension in range(64))
"""Columns of `states` for Gaussian outputs: covariance of a row's dimension with each."""

TABLES: dict[str, tuple[str, ...]] = {
    "runs": ("run", "point", "seed", "network", "status", "seconds", "error"),
    "models": (
        "run",
        "round",
        "model",
        "alignment",
        "alignment_served",
        "reward_variance",
        "entropy",
        "divergence_real",
        "divergence_initial",
        "distance_real",
        "displacement",
        "volume",
        "distance",
    ),
    "alignments": ("run", "round", "model", "reward", "value"),
    "groups": ("run", "round", "group", "active", "share", "satisfaction"),
    "rounds": (
        "run",
        "round",
        "alignment",
        "preference_bias",
        "disparate_bias",
        "representation_gap",
        "systemic_failure",
    ),
    "network": ("network", "source", "target", "weight"),
    "states": ("run", "round", "model", "context", "output", "probability", "mean", *COVARIANCES),
    "influence": ("run", "affected", "lever", "influence"),
}
