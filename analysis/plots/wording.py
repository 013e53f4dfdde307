"""What quantities are called on axes and in sentences, with what they are measured in."""

from __future__ import annotations

AXES = {
    "alignment": "alignment (expected own reward)",
    "alignment_served": "alignment as served (expected own reward)",
    "reward_variance": "variance of the own reward",
    "entropy": "entropy (nats)",
    "divergence_real": "divergence from real data (nats)",
    "divergence_initial": "divergence from the start (nats)",
    "distance_real": "distance from real data",
    "displacement": "squared displacement from the start",
    "volume": "volume (prompts a round)",
    "distance": "hops from the nearest curated model",
    "active": "active users",
    "share": "share of all active users",
    "satisfaction": "satisfaction (expected reward)",
    "lean": "lean of what is served (0 to 1)",
    "quality": "quality of what is served",
    "preference_bias": "preference bias (mean lean − ½)",
    "disparate_bias": "disparate bias (best − worst group)",
    "representation_gap": "representation gap (0 to 1)",
    "systemic_failure": "systemic failure (log ratio)",
    "influence": "influence dJ/dλ",
    "loss": "loss in training",
    "distance_kernel": "kernel distance from real images",
    "diversity": "diversity (as a share of real images’)",
    "recognised": "images recognised (share)",
    "perplexity": "perplexity of held-out real text",
    "distinct_2": "distinct pairs of tokens (share)",
}
"""Names of columns on an axis."""


def on_axis(column: str) -> str:
    """Return what a column is called on an axis.

    >>> on_axis("entropy"), on_axis("my_score")
    ('entropy (nats)', 'my score')
    """
    return AXES.get(column, in_text(column))


def in_text(column: str) -> str:
    """Return what a column is called in a sentence."""
    return column.replace("_", " ")
