"""The time series beside the network, as plain figures for plotly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from analysis.explorer import colours
from analysis.explorer.quantities import Quantity, values
from analysis.explorer.record import Array, Ints, Record

Figure = dict[str, Any]

_FONT = {"family": "system-ui, -apple-system, 'Segoe UI', sans-serif", "size": 12, "color": colours.INK}
_BANDS = ((5, 95, 0.13, "middle 90% of models"), (25, 75, 0.22, "middle half"))
_SINGLE = 8
"""Up to so many models each have a line of their own."""

_MOST_POINTS = 600


def over_rounds(
    record: Record, quantity: Quantity, picked: int | None, round_: float, baseline: Record | None = None
) -> Figure:
    """Return all models' mean of a quantity with the picked model's, and the baseline's where one is pinned.

    Parameters
    ----------
    record : Record
        The run.
    quantity : Quantity
        What is drawn.
    picked : int, optional
        The number of the picked model.
    round_ : float
        Where the cursor stands.
    baseline : Record, optional
        What to compare with.
    """
    kept = _thinned(len(record.rounds))
    rounds, numbers = record.rounds[kept], values(record, quantity.key)[kept]
    traces: list[dict[str, Any]] = []
    models = numbers.shape[1]
    if models > _SINGLE:
        for low, high, shade, told in _BANDS:
            traces += _band(rounds, _percentiles(numbers, [low, high]), shade, told)
    elif models > 1:
        for index in range(models):
            if index != picked:
                colour, dash = colours.line(index)
                traces.append(_line(rounds, numbers[:, index], record.names[index], colour, dash, 1.6))
    if baseline is not None:
        traces += _pinned(baseline, quantity, picked, models)
    if models > 1:
        which = "all" if record.all_models == models else f"these {models:,}"
        traces.append(_line(rounds, _means(numbers), f"mean of {which} models", colours.MEAN, "solid", 2.8))
    if picked is not None:
        traces.append(_line(rounds, numbers[:, picked], record.names[picked], colours.ACCENT, "solid", 2.8))
    elif models == 1:
        traces.append(_line(rounds, numbers[:, 0], record.names[0], colours.MEAN, "solid", 2.8))
    return _figure(traces, quantity.axis, round_, _last(record, baseline))


def of_groups(record: Record, column: str, axis: str, round_: float, baseline: Record | None = None) -> Figure | None:
    """Return a column of the groups of users, a line a group; None where there is nothing to draw."""
    if column not in record.of_groups or not np.isfinite(record.of_groups[column]).any():
        return None
    traces = _groups(record, column, "solid", "")
    if baseline is not None and baseline.groups == record.groups and column in baseline.of_groups:
        traces = _groups(baseline, column, "dot", " (baseline)") + traces
    return _figure(traces, axis, round_, _last(record, baseline), percent=column == "share")


def bias(
    record: Record, column: str, score: str, axis: str, round_: float, baseline: Record | None = None
) -> Figure | None:
    """Return a bias over rounds with the group values that it sums up; None where there is nothing to draw."""
    if not np.isfinite(record.overall.get(column, np.full(1, np.nan))).any():
        return None
    told = column.replace("_", " ")
    traces = _groups(record, score, "solid", f": {score}") if score in record.of_groups else []
    for trace in traces:
        trace["line"]["width"] = 1.6
    if baseline is not None and column in baseline.overall:
        traces.append(
            _line(baseline.rounds, baseline.overall[column], f"{told} (baseline)", colours.BASELINE, "dot", 2.4)
        )
    traces.append(_line(record.rounds, record.overall[column], told, colours.MEAN, "solid", 2.8))
    return _figure(traces, axis, round_, _last(record, baseline))


def _groups(record: Record, column: str, dash: str, suffix: str) -> list[dict[str, Any]]:
    kept = _thinned(len(record.rounds))
    found = []
    for index, name in enumerate(record.groups):
        colour, own = colours.line(index)
        style = own if dash == "solid" else dash
        width = 2.4 if dash == "solid" else 1.6
        found.append(
            _line(record.rounds[kept], record.of_groups[column][kept, index], name + suffix, colour, style, width)
        )
    return found


def _pinned(baseline: Record, quantity: Quantity, picked: int | None, models: int) -> list[dict[str, Any]]:
    kept = _thinned(len(baseline.rounds))
    rounds, numbers = baseline.rounds[kept], values(baseline, quantity.key)[kept]
    if not np.isfinite(numbers).any():
        return []
    found = [_line(rounds, _means(numbers), "baseline: mean", colours.BASELINE, "dash", 2.4)]
    if picked is not None and numbers.shape[1] == models > 1:
        found.append(
            _line(rounds, numbers[:, picked], f"baseline: {baseline.names[picked]}", colours.ACCENT, "dot", 1.8)
        )
    return found


def _line(x: Array | Ints, y: Array, name: str, colour: str, dash: str, width: float) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines" if len(x) > 1 else "markers",
        "x": x.tolist(),
        "y": _plain(y),
        "name": as_text(name),
        "line": {"color": colour, "dash": dash, "width": width},
        "marker": {"color": colour, "size": 8},
        "hovertemplate": "%{y:.4g}",
    }


def _band(x: Array | Ints, edges: Array, shade: float, name: str) -> list[dict[str, Any]]:
    common = {"type": "scatter", "mode": "lines", "x": x.tolist(), "line": {"width": 0}, "hoverinfo": "skip"}
    fill = f"rgba(0, 114, 178, {shade})"
    return [
        {**common, "y": _plain(edges[0]), "showlegend": False},
        {**common, "y": _plain(edges[1]), "name": name, "fill": "tonexty", "fillcolor": fill},
    ]


def _figure(traces: Sequence[dict[str, Any]], axis: str, round_: float, last: float, percent: bool = False) -> Figure:
    quiet = {
        "zeroline": False,
        "gridcolor": "#e6e9ed",
        "linecolor": "#aab3bd",
        "ticks": "outside",
        "tickcolor": "#aab3bd",
    }
    title = {"font": {"size": 12}, "standoff": 8}
    return {
        "data": list(traces),
        "layout": {
            "font": _FONT,
            "margin": {"l": 58, "r": 10, "t": 6, "b": 40},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "hovermode": "x unified",
            "hoverlabel": {"bgcolor": "#ffffff", "font": {"size": 12}},
            "showlegend": True,
            "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"size": 11.5},
                       "itemclick": "toggle", "bgcolor": "rgba(0,0,0,0)"},
            "xaxis": {**quiet, "title": {"text": "round", **title}, "range": [0, max(last, 1)], "tickformat": ",d",
                      "nticks": 8},
            "yaxis": {**quiet, "title": {"text": as_text(axis), **title}, "automargin": True, "nticks": 6,
                      **({"tickformat": ".0%", "rangemode": "tozero"} if percent else {})},
            "shapes": [cursor(round_)],
            "uirevision": "kept",
        },
    }  # fmt: skip


def cursor(round_: float) -> dict[str, Any]:
    """Return the line that marks the round that is looked at."""
    line = {"color": colours.INK, "width": 1.2, "dash": "dot"}
    return {"type": "line", "xref": "x", "yref": "paper", "x0": round_, "x1": round_, "y0": 0, "y1": 1, "line": line}


def as_text(text: str) -> str:
    """Return a text as plotly shows it letter by letter: it reads a few tags otherwise.

    >>> as_text("a <b>c</b>")
    'a &lt;b&gt;c&lt;/b&gt;'
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _thinned(rounds: int) -> Any:
    """Return which rounds are drawn: all, or of many as many as a screen has room for, the last among them."""
    if rounds <= _MOST_POINTS:
        return np.arange(rounds)
    return np.unique(np.linspace(0, rounds - 1, _MOST_POINTS).round().astype(int))


def _last(record: Record, baseline: Record | None) -> float:
    return float(max(record.rounds[-1], 0 if baseline is None else baseline.rounds[-1]))


def _means(numbers: Array) -> Array:
    known = np.isfinite(numbers)
    count = known.sum(axis=1)
    return np.where(count > 0, np.where(known, numbers, 0.0).sum(axis=1) / np.maximum(count, 1), np.nan)


def _percentiles(numbers: Array, wanted: Sequence[float]) -> Array:
    """Return percentiles of each row, ``[wanted, rows]``; NaN where a row has no number."""
    known = np.isfinite(numbers).any(axis=1)
    found = np.full((len(wanted), len(numbers)), np.nan)
    found[:, known] = np.nanpercentile(numbers[known], wanted, axis=1)
    return found


def _plain(numbers: Array) -> list[float | None]:
    return [value if np.isfinite(value) else None for value in np.asarray(numbers, dtype=float).tolist()]
