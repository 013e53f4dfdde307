"""The tables that results come in, and their columns."""

from __future__ import annotations

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
    "network": ("network", "source", "target", "weight", "since", "until"),
    "states": ("run", "round", "model", "context", "output", "probability"),
    "samples": ("run", "round", "model", "context", "sample", "text", "image"),
    "influence": ("run", "affected", "lever", "influence"),
}

MEANS = tuple(column for column in TABLES["models"][3:-1] if column != "alignment")
"""What `rounds` has beside where no rows of models are written: means of columns of `models`."""


def gaussian_states(dimension: int) -> tuple[str, ...]:
    """Return what `states` has beside, for Gaussian outputs: a row's mean, and its covariance with each."""
    return ("mean", *(f"covariance_{other}" for other in range(dimension)))
