"""Causal language models of `transformers`, trained for real in the loop."""
