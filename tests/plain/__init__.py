"""A plain per-agent simulation of categorical ecosystems, which the vectorised engine is checked against."""
