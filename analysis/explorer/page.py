"""The page: its parts in order, every control with a label and within reach of the keyboard."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import dash_cytoscape
from dash import dcc, html

from analysis.explorer import elements, markup
from analysis.explorer.knobs import Knob
from analysis.explorer.looking import CHARTS, NOTHING, Look, caption, figures, frame
from analysis.explorer.panels import texts
from analysis.explorer.quantities import offered
from analysis.explorer.views import Choice
from analysis.explorer.words import counted, number

MOST_NAMES = 2000
"""Up to so many models stand in a list to choose from; of more, a name is typed."""


@dataclass(frozen=True)
class Heading:
    """What the page is about.

    Attributes
    ----------
    name, description, source : str
        Of the scenario.
    kind : str
        Whether it is a finished run or a live one, in words.
    """

    name: str
    description: str
    source: str
    kind: str


def page(
    heading: Heading,
    address: dict[str, Any],
    seen: Look,
    charts: Sequence[str],
    controls: Sequence[Any],
    side: Sequence[Any] = (),
) -> html.Div:
    """Return the whole page.

    Parameters
    ----------
    heading : Heading
        What it is about.
    address : dict
        What is shown first.
    seen : Look
        What is looked at first.
    charts : sequence of str
        Names of the charts there is something to draw in.
    controls : sequence of component
        What chooses a run, or nothing.
    side : sequence of component
        What moves settings, or nothing.
    """
    told, legend, label, about = texts(seen)
    return html.Div(
        [
            _skips(bool(side)),
            _header(heading),
            html.Main(
                [
                    html.Section(
                        [*controls, _quantity(seen), _picker(seen.view.record.names)],
                        className="controls",
                        **markup.aria(label="What is shown"),
                    ),
                    html.P(told, id="told", className="told", role="status", **markup.aria(live="polite")),
                    html.Div(
                        [*side, _network(seen, legend, label), _portrait(about)],
                        className="grid live" if side else "grid",
                    ),
                    _charts(charts, seen),
                ]
            ),
            html.Footer(
                "Keys: Tab moves between controls; on a slider ← → move by a step, Page Up and Page Down by more, "
                "Home and End to its ends. Everything on this page comes from this computer."
            ),
            dcc.Store(id="view", data=address),
            dcc.Store(id="picked"),
            dcc.Store(id="chosen"),
            dcc.Store(id="drawn", data=seen.view.drawn),
            dcc.Store(id="frame", data=frame(seen)),
            dcc.Store(id="painted"),
        ],
        className="page",
    )


def _skips(live: bool) -> html.Nav:
    targets = {
        "told": "what is seen",
        **({"knobs": "the settings"} if live else {}),
        "network-panel": "the network",
        "portrait": "the picked model",
        "charts": "the charts",
    }
    links = [html.A(f"Skip to {told}", href=f"#{target}", className="skip") for target, told in targets.items()]
    return html.Nav(links, **markup.aria(label="Skip links"))


def _header(heading: Heading) -> html.Header:
    source = [html.P(f"After {heading.source}", className="source")] if heading.source else []
    return html.Header(
        [
            html.Div([html.H1(heading.name), html.Span(heading.kind, className="badge")], className="title"),
            html.P(heading.description, className="description") if heading.description else None,
            *source,
        ]
    )


def select(store: str, label: str, choices: Sequence[Choice], value: int | None, none: str | None = None) -> html.Div:
    """Return a list to choose from; its choice goes to the store of this name."""
    texts = {"": none} if none is not None else {}
    texts |= {str(choice.value): choice.told for choice in choices}
    chosen = "" if value is None else str(value)
    options = [html.Option(text, value=key, selected=key == chosen or None) for key, text in texts.items()]
    box = html.Select(options, id=f"{store}-select", **markup.data(store=store))
    return html.Div(
        [html.Label(label, htmlFor=f"{store}-select"), box, dcc.Store(id=store, data=value)], className="control"
    )


def _quantity(seen: Look) -> html.Fieldset:
    known = [{"label": each.name, "value": each.key} for each in offered(seen.view.record)]
    options = dcc.RadioItems(id="quantity", options=known, value=seen.quantity.key, className="segments")
    return html.Fieldset([html.Legend("Colour shows"), options], className="control wide")


def _picker(names: Sequence[str]) -> html.Div:
    listed = len(names) <= MOST_NAMES
    example = names[0] if len(names) < 3 else f"{names[0]}, {names[1]}, …"
    box = dcc.Input(
        id="name",
        type="text",
        list="names" if listed else None,
        placeholder=f"a name: {example}",
        debounce=0.2,
        autoComplete="off",
        value="",
    )
    options = html.Datalist([html.Option(value=name) for name in names] if listed else [], id="names")
    hint = html.Span(id="name-hint", className="hint", role="status")
    return html.Div([html.Label("Pick a model", htmlFor="name"), box, options, hint], className="control")


def _network(seen: Look, legend: Sequence[Any], label: str) -> html.Section:
    buttons = [
        html.Button("+", id="zoom-in", title="Zoom in", **markup.aria(label="Zoom in"), **markup.data(zoom="1.3")),
        html.Button("−", id="zoom-out", title="Zoom out", **markup.aria(label="Zoom out"), **markup.data(zoom="0.77")),
        html.Button("Fit", id="zoom-fit", title="Show the whole network", **markup.data(zoom="fit")),
    ]
    drawing = dash_cytoscape.Cytoscape(
        id="network",
        elements=elements.elements(seen.view.record, seen.view.picture, seen.row, seen.fills),
        stylesheet=elements.stylesheet(seen.view.picture),
        layout={"name": "preset", "fit": False},  # the page fits it, once
        style={"width": "100%", "height": "100%"},
        minZoom=0.1,
        maxZoom=6,
        userZoomingEnabled=False,
        autoungrabify=True,
        boxSelectionEnabled=False,
        responsive=True,
    )
    rounds = html.Div(
        [
            html.Button("▶ Play", id="play", className="plain-button", **markup.aria(label="Play the rounds")),
            html.Label(label, id="round-label", htmlFor="round"),
            dcc.Input(id="round", type="range", min=0, max=len(seen.view.record.rounds) - 1, step=1, value=seen.row),
        ],
        className="rounds",
    )
    return html.Section(
        [
            html.H2("Who learns from whom", id="network-title"),
            html.Div(legend, id="legend", className="legend"),
            html.Div(
                [
                    html.Div(drawing, role="img", id="network-image", **markup.aria(labelledby="network-title told")),
                    html.Div(buttons, className="zoom", role="group", **markup.aria(label="Zoom")),
                    html.Div(id="tip", className="tip"),
                ],
                className="canvas",
            ),
            rounds,
        ],
        id="network-panel",
        className="panel network",
        tabIndex="-1",
        **markup.aria(labelledby="network-title"),
    )


def _portrait(about: Sequence[Any]) -> html.Section:
    ask = html.Button("Work out its influence", id="ask", className="plain-button")
    return html.Section(
        [
            html.Div(about, id="about"),
            html.Div(
                [html.H3("Influence of curation"), ask, html.Div(id="influence", role="status")],
                id="influence-box",
                style={"display": "none"},
            ),
        ],
        id="portrait",
        className="panel portrait",
        tabIndex="-1",
        **markup.aria(labelledby="portrait-title"),
    )


def _charts(charts: Sequence[str], seen: Look) -> html.Section:
    drawn = figures(seen)
    cards = [
        html.Figure(
            [
                html.Figcaption(caption(name, seen), id=f"caption-{name}"),
                html.Div(
                    dcc.Graph(
                        id=f"chart-{name}",
                        figure=drawn[name] or NOTHING,
                        config={"displayModeBar": False, "responsive": True},
                        style={"height": "270px"},
                    ),
                    role="img",
                    **markup.aria(labelledby=f"caption-{name}"),
                ),
            ],
            className="panel card",
        )
        for name in CHARTS
        if name in charts
    ]
    return html.Section(
        [html.H2("Over the rounds", id="charts-title"), html.Div(cards, className="cards")],
        id="charts",
        tabIndex="-1",
        **markup.aria(labelledby="charts-title"),
    )


def knob_panel(knobs: Sequence[Knob], seed: int, first: int) -> html.Section:
    """Return the panel of a live ecosystem: sliders, what they do when moved, and what to run."""
    sliders: list[Any] = [_slider(number, knob) for number, knob in enumerate(knobs)] or [
        html.P("This scenario has no parameters, and no setting that has a slider here.", className="quiet")
    ]
    return html.Section(
        [
            html.H2("Settings", id="knobs-title"),
            *sliders,
            html.Fieldset(
                [
                    html.Legend("When a slider moves"),
                    dcc.RadioItems(
                        id="mode",
                        options=[
                            {"label": "begin again at round 0 with it", "value": "restart"},
                            {"label": "go on from here with it", "value": "change"},
                        ],
                        value="restart",
                        className="choices",
                    ),
                ]
            ),
            html.Div(
                [
                    html.Button(f"Run on {counted(first, 'round')}", id="run-on", className="main-button"),
                    html.Div(
                        [
                            html.Label("Rounds", htmlFor="more"),
                            dcc.Input(id="more", type="number", min=1, max=1000, step=1, value=first),
                        ],
                        className="small-field",
                    ),
                    html.Div(
                        [
                            html.Label("Seed", htmlFor="seed"),
                            dcc.Input(id="seed", type="number", min=0, max=2**31, step=1, value=seed, debounce=0.4),
                        ],
                        className="small-field",
                    ),
                ],
                className="row",
            ),
            html.Div(
                [
                    html.Button("Pin as baseline", id="pin", className="plain-button"),
                    html.Button("Unpin", id="unpin", className="plain-button", disabled=True),
                    html.Button("Reset", id="reset", className="plain-button", title="All sliders back, from round 0"),
                ],
                className="row",
            ),
            html.P(id="baseline", className="baseline", role="status"),
            html.P(id="problem", className="problem", role="alert"),
            html.Button("Save as a scenario (YAML)", id="save", className="link-button"),
            dcc.Download(id="saved"),
            dcc.Interval(id="tick", interval=120, disabled=False),
        ],
        id="knobs",
        className="panel knobs",
        tabIndex="-1",
        **markup.aria(labelledby="knobs-title"),
    )


def _slider(place: int, knob: Knob) -> html.Div:
    acts = list(knob.acts_on[:2]) + ([f"{len(knob.acts_on) - 2} more"] if len(knob.acts_on) > 2 else [])
    # The id as it stands in the page: Dash writes its parts as JSON, sorted.
    named = json.dumps({"number": place, "type": "knob"}, separators=(",", ":"))
    value = html.Span(number(knob.value), className="value", **markup.data(of=named))
    return html.Div(
        [
            html.Label([html.Span(knob.name), value], htmlFor=named),
            dcc.Input(
                id={"type": "knob", "number": place},
                type="range",
                min=knob.low,
                max=knob.high,
                step=knob.step,
                value=knob.value,
                className="range",
            ),
            html.Div([html.Span(number(knob.low)), html.Span(number(knob.high))], className="ends"),
            html.P(f"acts on {', '.join(acts)}", className="hint") if acts else None,
        ],
        className="knob",
    )
