"""Generative networks that are trained in the loop, all models of all worlds stacked."""
