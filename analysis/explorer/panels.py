"""Parts of the page that change with what is looked at: legend, sentences, the picked model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from dash import html

from analysis.explorer import colours, markup
from analysis.explorer.effects import Effects
from analysis.explorer.looking import Look, told
from analysis.explorer.placing import Picture
from analysis.explorer.portrait import SHOWN, Neighbour, Portrait, portrait
from analysis.explorer.quantities import Quantity, values
from analysis.explorer.record import Record
from analysis.explorer.settings import ModelSettings
from analysis.explorer.words import counted, number, percent

Parts = list[Any]

ENDS = 5
"""So many of the highest and the lowest models are named."""

_SWATCHES = ("#0072b2", "#009e73", "#e69f00", "#56b4e9", "#cc79a7", "#7a8594")


def texts(seen: Look, settings: ModelSettings | None = None) -> tuple[str, Parts, str, Parts]:
    """Return what is told of a look: in a sentence, in the legend, of the round, and of what is picked.

    Parameters
    ----------
    seen : Look
        The look.
    settings : ModelSettings, optional
        The picked model's settings.
    """
    record, picture = seen.view.record, seen.view.picture
    if seen.model is not None:
        shown = portrait(record, seen.quantity, seen.model, seen.row)
        about = about_model(record, seen.quantity, shown, settings)
    elif seen.picked is not None:
        about = about_community(record, picture, seen.quantity, seen.picked, seen.row)
    else:
        about = overview(record, seen.quantity, seen.row)
    explained = legend(record, picture, seen.quantity, seen.bounds, seen.row)
    return told(seen), explained, f"Round {seen.round:,} of {int(record.rounds[-1]):,}", about


def legend(record: Record, picture: Picture, quantity: Quantity, bounds: tuple[float, float], row: int) -> Parts:
    """Return what colour, size and ring of a node mean."""
    low, high = bounds
    middle = [html.Span("0")] if quantity.signed else []
    dots = "A dot is a community, with its number of models" if picture.grouped else "A dot is a model"
    size = "larger: more models in it" if picture.grouped else "larger: more models learn from it"
    ring = "dark ring: curated models in it" if picture.grouped else "dark ring: it has a curator"
    marks = [html.Span([html.Span(className="dot ring"), ring], className="mark")] if record.curated(row).any() else []
    unknown = [html.Span([html.Span(className="dot unknown"), "grey: not known"], className="mark")]
    missing = not np.isfinite(values(record, quantity.key)[row]).all()
    return [
        html.Div(
            [
                html.Div(quantity.axis, className="scale-title"),
                html.Div(className="scale", style={"background": colours.gradient(quantity.signed)}),
                html.Div(
                    [html.Span(number(low, quantity.signed)), *middle, html.Span(number(high, quantity.signed))],
                    className="scale-ends",
                ),
            ],
            className="scale-box",
        ),
        html.Div(
            [html.Span(f"{dots}; {size}.", className="mark"), *marks, *(unknown if missing else [])], className="marks"
        ),
    ]


def about_model(record: Record, quantity: Quantity, shown: Portrait, settings: ModelSettings | None) -> Parts:
    """Return what there is to say of the picked model."""
    name = record.names[shown.model]
    return [
        html.H2(name, id="portrait-title", tabIndex="-1"),
        html.P(shown.standing, className="standing"),
        *([] if settings is None else _settings(settings)),
        *_neighbours("Learns from", record, quantity, shown.sources, "of what it takes from neighbours"),
        *_neighbours("Is read by", record, quantity, shown.readers, "of what the reader takes from neighbours"),
    ]


def about_community(record: Record, picture: Picture, quantity: Quantity, node: int, row: int) -> Parts:
    """Return what there is to say of a picked community."""
    members = picture.members(node)
    now = values(record, quantity.key)[row]
    known = now[members][np.isfinite(now[members])]
    curated = int(record.curated(row)[members].sum())
    mean = f"Mean {quantity.axis}: {number(float(known.mean()), quantity.signed)}. " if known.size else ""
    most = members[np.argsort(-record.readers[members], kind="stable")][:SHOWN]
    best = tuple(Neighbour(int(model), float("nan"), float(now[model])) for model in most)
    return [
        html.H2(f"Community of {counted(len(members), 'model')}", id="portrait-title", tabIndex="-1"),
        html.P(
            f"{mean}{counted(curated, 'model')} of it {'has' if curated == 1 else 'have'} a curator.",
            className="standing",
        ),
        *_neighbours("Its most read models", record, quantity, best, ""),
    ]


def overview(record: Record, quantity: Quantity, row: int) -> Parts:
    """Return what stands where no model is picked: the users, and the models at both ends."""
    now = values(record, quantity.key)[row]
    order = np.argsort(-now, kind="stable")
    known = [Neighbour(int(model), float("nan"), float(now[model])) for model in order if np.isfinite(now[model])]
    ends: Parts = []
    if len(known) > 2 * ENDS:
        ends = [
            *_neighbours("Highest", record, quantity, known[:ENDS], "", counted_too=False),
            *_neighbours("Lowest", record, quantity, known[: -ENDS - 1 : -1], "", counted_too=False),
        ]
    elif known:
        ends = _neighbours("Models", record, quantity, known, "", counted_too=False)
    return [
        html.H2("No model picked", id="portrait-title", tabIndex="-1"),
        html.P(
            "Click a dot, or name a model above, to see what it learns from, who curates it and who reads it.",
            className="quiet",
        ),
        *groups(record, row),
        *ends,
        html.P(quantity.about, className="quiet about"),
    ]


def groups(record: Record, row: int) -> Parts:
    """Return the groups of users in a round as a table; nothing without users."""
    if not record.groups:
        return []
    columns = {
        "share": ("share", percent),
        "active": ("users", lambda value: number(round(value))),
        "satisfaction": ("satisfaction", number),
    }
    shown = {key: told for key, told in columns.items() if np.isfinite(record.of_groups[key][row]).any()}
    rows = [
        html.Tr(
            [
                html.Th(name, scope="row"),
                *(html.Td(form(float(record.of_groups[key][row, index]))) for key, (_, form) in shown.items()),
            ]
        )
        for index, name in enumerate(record.groups)
    ]
    head = html.Tr([html.Th("group", scope="col"), *(html.Th(told, scope="col") for told, _ in shown.values())])
    return [html.H3("Users"), html.Table([html.Thead(head), html.Tbody(rows)], className="groups")]


def _settings(settings: ModelSettings) -> Parts:
    bars = [
        html.Span(style={"width": f"{100 * share:.2f}%", "background": _SWATCHES[index % len(_SWATCHES)]})
        for index, (_, share) in enumerate(settings.diet)
    ]
    parts = [
        html.Li([html.Span(className="swatch", style={"background": _SWATCHES[index % len(_SWATCHES)]}), source,
                 html.Span(percent(share), className="figure")])
        for index, (source, share) in enumerate(settings.diet)
    ]  # fmt: skip
    return [
        html.H3("Is trained on"),
        html.Div(bars, className="diet", **markup.aria(hidden="true")),
        html.Ul(parts, className="plain"),
        html.Dl(
            [
                html.Dt("Curated by"),
                html.Dd(settings.curator),
                html.Dt("Judged by"),
                html.Dd(settings.reward),
            ]
        ),
    ]


def _neighbours(
    title: str,
    record: Record,
    quantity: Quantity,
    neighbours: Sequence[Neighbour],
    share: str,
    counted_too: bool = True,
) -> Parts:
    if not neighbours:
        return [html.H3(title), html.P("No other model.", className="quiet")]
    rows = []
    for neighbour in neighbours[:SHOWN]:
        name = record.names[neighbour.model]
        part = percent(neighbour.share) if np.isfinite(neighbour.share) else ""
        rows.append(
            html.Li(
                html.Button(
                    [
                        html.Span(name, className="name"),
                        html.Span(part, className="figure faint"),
                        html.Span(number(neighbour.value, quantity.signed), className="figure"),
                    ],
                    className="pick",
                    title=f"{name}: {part} {share}" if part else name,
                    **markup.data(model=str(neighbour.model)),
                )
            )
        )
    left = len(neighbours) - SHOWN
    more = [html.P(f"and {counted(left, 'more', 'more')}", className="quiet")] if left > 0 else []
    count = [html.Span(f"{len(neighbours):,}", className="count")] if counted_too else []
    head = html.H3([f"{title} ", *count])
    heads = html.Div(
        [
            html.Span("model"),
            html.Span("share" if share else "", className="figure"),
            html.Span(quantity.name.lower(), className="figure"),
        ],
        className="heads",
        **markup.aria(hidden="true"),
    )
    return [head, heads, html.Ul(rows, className="picks"), *more]


def influence(name: str, found: Effects) -> Parts:
    """Return what curation does to the picked model and what curating it does to others."""
    if found.own is None:
        own = f"{name} has no curator whose part could grow."
    elif abs(found.own) < 1e-9:
        own = f"Curating {name} more leaves its own alignment as it is."
    else:
        told = "raises" if found.own > 0 else "lowers"
        backfire = "" if found.own > 0 else " Curation backfires."
        own = f"Curating {name} more {told} its own alignment ({number(found.own, signed=True)}).{backfire}"
    return [
        html.P(own, className="standing"),
        *_effects(f"Curating {name} more moves", found.on_others),
        *_effects(f"{name} is moved by curating", found.by_others),
        html.P(
            "Change of alignment for each unit of curated share in training sets, where the ecosystem comes to rest.",
            className="quiet",
        ),
    ]


def _effects(title: str, effects: Sequence[tuple[str, float]]) -> Parts:
    if not effects:
        return []
    rows = [
        html.Li(
            [html.Span(name, className="name"), html.Span(number(value, signed=True), className="figure")],
            className="helps" if value > 0 else "harms",
        )
        for name, value in effects
    ]
    return [html.H4(title), html.Ul(rows, className="plain effects")]
