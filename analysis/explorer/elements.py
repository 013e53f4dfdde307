"""The picture of the network for cytoscape: nodes, lines, and how they look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from analysis.explorer import colours
from analysis.explorer.placing import Picture
from analysis.explorer.record import Array, Record

WIDTH, HEIGHT = 1400, 760
"""The sheet that nodes are placed on, in pixels before zooming."""

FEW = 60
"""Up to so many nodes have names beside them, and lines have arrows."""

_LARGEST = 46.0


_NAMES: dict[str, Any] = {
    "selector": "node",
    "style": {
        "label": "data(label)",
        "font-size": 15,
        "font-family": "system-ui, sans-serif",
        "color": colours.INK,
        "text-valign": "bottom",
        "text-margin-y": 5,
        "text-max-width": "160px",
        "text-wrap": "ellipsis",
        "text-outline-color": "#ffffff",
        "text-outline-width": 2,
    },
}


def elements(record: Record, picture: Picture, row: int, fills: Sequence[str]) -> list[dict[str, Any]]:
    """Return the nodes and lines of a picture.

    Parameters
    ----------
    record : Record
        The run.
    picture : Picture
        Where its nodes are.
    row : int
        The recorded round whose curated models are marked.
    fills : sequence of str
        A colour for each node.

    Returns
    -------
    list of dict
        Nodes are called `n0`, `n1`, …, whatever the models' names are; names are only ever labels.
    """
    sizes = _sizes(record, picture)
    rings = np.round(picture.means(record.curated(row).astype(float)), 3)
    places = np.round(picture.place * (WIDTH, HEIGHT) * _closeness(picture), 1)
    titles = [title(record, picture, node) for node in range(picture.nodes)]
    named = has_names(picture)
    nodes = [
        {
            "data": {
                "id": f"n{node}",
                **({"label": _label(picture, node, titles[node])} if named else {}),
                "title": titles[node],
                "fill": fills[node],
                "size": float(sizes[node]),
                "ring": float(rings[node]),
            },
            "position": {"x": float(places[node, 0]), "y": float(places[node, 1])},
        }
        for node in range(picture.nodes)
    ]
    thickness = _thickness(picture)
    lines = [
        {
            "data": {"source": f"n{source}", "target": f"n{target}", "thick": float(thick)},
            **({"classes": "both"} if both and named and not picture.grouped else {}),
        }
        for source, target, both, thick in zip(picture.source, picture.target, picture.both, thickness, strict=True)
    ]
    return [*nodes, *lines]


def _label(picture: Picture, node: int, called: str) -> str:
    return f"{len(picture.members(node)):,}" if picture.grouped else called


def title(record: Record, picture: Picture, node: int) -> str:
    """Return what a node is called: a model's name, or how many models are in a community."""
    if not picture.grouped:
        return record.names[node]
    count = len(picture.members(node))
    return f"{count:,} models" if count > 1 else record.names[picture.members(node)[0]]


def has_names(picture: Picture) -> bool:
    """Tell whether nodes have names beside them: there are few, or they are communities."""
    return picture.nodes <= FEW or picture.grouped


def stylesheet(picture: Picture) -> list[dict[str, Any]]:
    """Return how nodes and lines look: of few there is more about each, communities hold their number of models."""
    few = picture.nodes <= FEW and not picture.grouped
    arrows = {"target-arrow-shape": "triangle", "target-arrow-color": "#8793a1", "arrow-scale": 1.1}
    both = {"source-arrow-shape": "triangle", "source-arrow-color": "#8793a1"}
    line = {"curve-style": "straight", **arrows} if few else {"curve-style": "haystack"}
    # Few nodes stand far apart, many close: what is drawn thick among few would hide the rest among many.
    ring, gap = (4.5, 2.5) if few or picture.grouped else (2.2, 1.2)
    sheet = [
        {
            "selector": "node",
            "style": {
                "background-color": "data(fill)",
                "width": "data(size)",
                "height": "data(size)",
                "border-width": 1.2 if few else 0.6,
                "border-color": "#8793a1",
                "underlay-shape": "ellipse",
            },
        },
        {
            # A white gap, so that the ring shows around the darkest colour too.
            "selector": "node[ring > 0]",
            "style": {
                "border-width": gap,
                "border-color": "#ffffff",
                "underlay-color": colours.INK,
                "underlay-opacity": 1,
                "underlay-padding": f"mapData(ring, 0, 1, {ring / 3}, {ring})",
                "z-index": 5,
            },
        },
        {
            "selector": "edge",
            "style": {"line-color": "#b4bcc6", "width": "data(thick)", "opacity": 0.85 if few else 0.35, **line},
        },
    ]
    if has_names(picture):
        sheet.append(_NAMES)
    if picture.grouped:
        sheet.append(
            {
                "selector": "node",
                "style": {"text-valign": "center", "text-margin-y": 0, "font-size": 21, "text-outline-width": 4},
            }
        )
    if few:
        sheet.append({"selector": "edge.both", "style": both})
    away = {"opacity": 0.18 if not few else 0.45}
    return [
        *sheet,
        {"selector": "node.away", "style": away},
        {"selector": "node.away[ring > 0]", "style": {"underlay-opacity": 0.15}},
        {"selector": "edge.away", "style": {"opacity": 0.05 if not few else 0.25}},
        {"selector": "edge.near", "style": {"opacity": 0.9, "line-color": "#4d5967", "z-index": 8}},
        {
            "selector": "node.picked",
            "style": {
                "border-color": "#ffffff",
                "border-width": gap,
                "z-index": 10,
                "underlay-color": colours.ACCENT,
                "underlay-opacity": 1,
                "underlay-padding": ring + 3,
            },
        },
    ]


def _closeness(picture: Picture) -> float:
    """Return how much of the sheet is used: few nodes stand closer, and so are drawn larger."""
    return min(1.0, 0.38 + 0.62 * picture.nodes / FEW)


def _sizes(record: Record, picture: Picture) -> Array:
    """Return diameters: the more models learn from one (are in a community), the larger its area."""
    count = np.bincount(picture.node, weights=None if picture.grouped else record.readers, minlength=picture.nodes)
    if picture.grouped:
        return np.round(40.0 + 32.0 * np.sqrt(count / float(count.max())), 1)
    smallest = 26.0 if picture.nodes <= FEW else 10.0 if picture.nodes <= 400 else 7.0
    part = np.sqrt(count / max(float(count.max()), 1.0)) if picture.nodes > 1 else np.ones(1)
    return np.round(smallest + (_LARGEST - smallest) * part, 1)


def _thickness(picture: Picture) -> Array:
    if not len(picture.weight):
        return np.zeros(0)
    few = picture.nodes <= FEW
    least, most = (2.0, 5.0) if few else (0.8, 8.0) if picture.grouped else (0.8, 2.0)
    return np.round(least + (most - least) * (picture.weight / picture.weight.max()), 2)
