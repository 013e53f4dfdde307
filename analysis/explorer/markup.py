"""Attributes of the page that Dash has no names of its own for."""

from __future__ import annotations

from typing import Any


def aria(**attributes: str) -> dict[str, Any]:
    """Return what assistive technology is told of an element.

    >>> aria(label="Zoom in")
    {'aria-label': 'Zoom in'}
    """
    return {f"aria-{name}": value for name, value in attributes.items()}


def data(**attributes: str) -> dict[str, Any]:
    """Return what the page's own script reads of an element.

    >>> data(zoom="fit")
    {'data-zoom': 'fit'}
    """
    return {f"data-{name}": value for name, value in attributes.items()}
