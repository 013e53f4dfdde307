"""One look: a round of a view in one quantity, with a model picked or none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.explorer import charts, colours
from analysis.explorer.quantities import Quantity, bounds, called, values
from analysis.explorer.views import View
from analysis.explorer.words import number, sentences

_ROUNDS_OF_MEANS = 12


@dataclass(frozen=True)
class Look:
    """What is looked at.

    Attributes
    ----------
    view : View
        The run.
    quantity : Quantity
        What colours show.
    row : int
        The recorded round.
    picked : int or None
        The picked node of the picture: a model, or a community.
    model : int or None
        The picked model.
    """

    view: View
    quantity: Quantity
    row: int
    picked: int | None = None
    model: int | None = None

    @property
    def round(self) -> int:
        """The round."""
        return int(self.view.record.rounds[self.row])

    @property
    def bounds(self) -> tuple[float, float]:
        """Ends of the colour scale."""
        every = values(self.view.record, self.quantity.key)
        if not self.view.picture.grouped:
            return bounds(self.quantity, every)
        # What is drawn are means, which lie closer together than what they are of.
        rows = np.unique(np.linspace(0, len(every) - 1, _ROUNDS_OF_MEANS).astype(int))
        return bounds(self.quantity, np.stack([self.view.picture.means(every[row]) for row in rows]))

    @property
    def fills(self) -> list[str]:
        """A colour for each node."""
        now = values(self.view.record, self.quantity.key)[self.row]
        return colours.fills(self.view.picture.means(now), self.bounds, self.quantity.signed)


def look(view: View, row: Any = None, quantity: str | None = None, model: Any = None, node: Any = None) -> Look:
    """Return a look at a view; what a page asks for and is not there is left out.

    Parameters
    ----------
    view : View
        The run.
    row : int, optional
        Which recorded round; the last by default.
    quantity : str, optional
        Which quantity; what tells most by default.
    model, node : int, optional
        The picked model, or the picked node of the picture.
    """
    last = len(view.record.rounds) - 1
    at = last if row is None else min(max(int(float(row)), 0), last)
    which = model if isinstance(model, int) and 0 <= model < len(view.record.names) else None
    if which is None:
        place = node if isinstance(node, int) and 0 <= node < view.picture.nodes else None
        if place is not None and len(view.picture.members(place)) == 1:
            which = int(view.picture.members(place)[0])
    else:
        place = int(view.picture.node[which])
    return Look(view, called(quantity, view.record), at, place, which)


def frame(seen: Look) -> dict[str, Any]:
    """Return what the page needs to paint a round: a colour and a value for each node, and what is picked."""
    now = seen.view.picture.means(values(seen.view.record, seen.quantity.key)[seen.row])
    network, picture = seen.view.record.network, seen.view.picture
    gone = ~network.at(seen.round)
    pairs = np.stack([picture.node[network.source], picture.node[network.target]]) if gone.any() else None
    return {
        "drawn": seen.view.drawn,
        "fills": seen.fills,
        "values": [number(value, seen.quantity.signed) for value in now.tolist()],
        "quantity": seen.quantity.name,
        "rings": np.round(picture.means(seen.view.record.curated(seen.row).astype(float)), 3).tolist(),
        "picked": seen.picked,
        "absent": [] if pairs is None else _absent(pairs, gone),
        "round": seen.round,
        "last": int(seen.view.record.rounds[-1]),
    }


def _absent(pairs: np.ndarray[Any, Any], gone: np.ndarray[Any, Any]) -> list[str]:
    """Return the lines, as the ends' numbers low-high, none of whose edges are there."""
    low, high = pairs.min(axis=0), pairs.max(axis=0)
    there = set(zip(low[~gone].tolist(), high[~gone].tolist(), strict=True))
    ends = set(zip(low[gone].tolist(), high[gone].tolist(), strict=True))
    return sorted(f"{a}-{b}" for a, b in ends - there)


def told(seen: Look) -> str:
    """Return what is seen, in a few sentences."""
    record = seen.view.record
    text = " ".join(sentences(record, seen.quantity, seen.row))
    return f"{text}{_compared(seen)}"


def _compared(seen: Look) -> str:
    baseline, record = seen.view.baseline, seen.view.record
    if baseline is None:
        return ""
    key = seen.quantity.key if seen.quantity.key in baseline.models else "alignment"
    row = baseline.row(seen.round)
    # A run that came to rest earlier would be there still.
    ended = "" if int(baseline.rounds[row]) == seen.round else f" at its round {int(baseline.rounds[row]):,}"
    now, then = (
        np.nanmean(each) if np.isfinite(each).any() else np.nan
        for each in (values(record, key)[seen.row], values(baseline, key)[row])
    )
    if not np.isfinite(now - then):
        return ""
    name = called(key, baseline).noun
    if abs(now - then) < 1e-6:
        return f" Mean {name} is the same as in the baseline ({seen.view.told}){ended}."
    way = "higher" if now > then else "lower"
    by = number(abs(float(now - then)))
    return (
        f" Mean {name} is {by} {way} than in the baseline ({seen.view.told}){ended}, which is at {number(float(then))}."
    )


CHARTS = {
    "models": "{quantity}: all models and the picked one",
    "share": "Who still asks: the groups' shares of all users",
    "satisfaction": "How well each group is served",
    "preference": "Preference bias: the groups' mean lean less one half",
    "disparate": "Disparate bias: the best served group less the worst served",
}
"""The charts in order, and their titles."""


NOTHING: dict[str, Any] = {"data": [], "layout": {}}
"""A figure of nothing."""


def caption(name: str, seen: Look) -> str:
    """Return the title of a chart."""
    return CHARTS[name].format(quantity=seen.quantity.name)


def figures(seen: Look) -> dict[str, dict[str, Any] | None]:
    """Return the charts by name; None where there is nothing to draw."""
    record, baseline, at = seen.view.record, seen.view.baseline, seen.round
    quality = "quality" if "quality" in record.of_groups else "satisfaction"
    return {
        "models": charts.over_rounds(record, seen.quantity, seen.model, at, baseline),
        "share": charts.of_groups(record, "share", "share of all users", at, baseline),
        "satisfaction": charts.of_groups(record, "satisfaction", "satisfaction (expected reward)", at, baseline),
        "preference": charts.bias(record, "preference_bias", "lean", "lean served, and bias", at, baseline),
        "disparate": charts.bias(record, "disparate_bias", quality, f"{quality} served, and bias", at, baseline),
    }
