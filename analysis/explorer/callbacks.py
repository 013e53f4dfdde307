"""What happens when something on the page is touched: thin, over functions that know nothing of a browser."""

from __future__ import annotations

from typing import Any

import dash
from dash import ClientsideFunction, Dash, Input, Output, State, ctx, no_update

from analysis.explorer import elements, panels
from analysis.explorer.effects import Influences, effects
from analysis.explorer.looking import NOTHING, Look, caption, figures, frame, look
from analysis.explorer.panels import texts
from analysis.explorer.quantities import offered
from analysis.explorer.settings import of_model, phase
from analysis.explorer.views import Source, View
from analysis.explorer.words import counted
from ecosystem.errors import EcosystemError


def register(app: Dash, source: Source, charts: list[str]) -> None:
    """Connect what both kinds of page have.

    Parameters
    ----------
    app : Dash
        The application.
    source : Source
        Where views come from.
    charts : list of str
        The charts that the page has.
    """
    _drawing(app, source)
    _looking(app, source)
    _charting(app, source, charts)
    _picking(app, source)
    _influence(app, source, Influences())
    app.clientside_callback(
        ClientsideFunction("explorer", "paint"),
        Output("painted", "data"),
        Input("frame", "data"),
        Input("drawn", "data"),
    )


def _drawing(app: Dash, source: Source) -> None:
    @app.callback(
        Output("network", "elements"),
        Output("network", "stylesheet"),
        Output("drawn", "data"),
        Output("quantity", "options"),
        Output("quantity", "value"),
        Output("round", "max"),
        Output("round", "value"),
        Input("view", "data"),
        State("drawn", "data"),
        State("quantity", "value"),
        State("quantity", "options"),
        State("round", "value"),
        State("round", "max"),
        prevent_initial_call=True,
    )
    def draw(address: Any, drawn: Any, quantity: Any, options: Any, row: Any, most: Any) -> Any:
        view = source.view(address)
        if view is None:
            raise dash.exceptions.PreventUpdate
        last = len(view.record.rounds) - 1
        follow = drawn is None or most != last or row is None
        seen = look(view, None if follow else row, quantity)
        now = [{"label": each.name, "value": each.key} for each in offered(view.record)]
        picture: Any = no_update
        sheet: Any = no_update
        if view.drawn != drawn:
            picture = elements.elements(view.record, view.picture, seen.row, seen.fills)
            sheet = elements.stylesheet(view.picture)
        chosen = seen.quantity.key
        return (
            picture,
            sheet,
            no_update if view.drawn == drawn else view.drawn,
            no_update if now == options else now,
            no_update if chosen == quantity else chosen,
            no_update if most == last else last,
            last if follow else no_update,
        )


def _looking(app: Dash, source: Source) -> None:
    @app.callback(
        Output("frame", "data"),
        Output("told", "children"),
        Output("legend", "children"),
        Output("round-label", "children"),
        Output("about", "children"),
        Output("influence-box", "style"),
        Input("view", "data"),
        Input("round", "value"),
        Input("quantity", "value"),
        Input("picked", "data"),
        prevent_initial_call=True,
    )
    def see(address: Any, row: Any, quantity: Any, picked: Any) -> Any:
        view, seen = _seen(source, address, row, quantity, picked)
        settings = None
        if seen.model is not None and (plan := source.plan(address)) is not None:
            settings = of_model(phase(plan, seen.round), view.record.names[seen.model])
        return frame(seen), *texts(seen, settings), {"display": "none"} if seen.model is None else {}


def _seen(source: Source, address: Any, row: Any, quantity: Any, picked: Any) -> tuple[View, Look]:
    """Return the view at an address, and what a page sees of it; where there is none, nothing changes."""
    view = source.view(address)
    if view is None:
        raise dash.exceptions.PreventUpdate
    chosen = picked or {}
    return view, look(view, row, quantity, chosen.get("model"), chosen.get("node"))


def _charting(app: Dash, source: Source, charts: list[str]) -> None:
    @app.callback(
        *[Output(f"chart-{name}", "figure") for name in charts],
        *[Output(f"caption-{name}", "children") for name in charts],
        Input("view", "data"),
        Input("quantity", "value"),
        Input("picked", "data"),
        State("round", "value"),
        prevent_initial_call=True,
    )
    def chart(address: Any, quantity: Any, picked: Any, row: Any) -> Any:
        _, seen = _seen(source, address, row, quantity, picked)
        drawn = figures(seen)
        return [*(drawn[name] or NOTHING for name in charts), *(caption(name, seen) for name in charts)]


def _picking(app: Dash, source: Source) -> None:
    @app.callback(
        Output("picked", "data"),
        Output("name", "value"),
        Output("name-hint", "children"),
        Input("network", "tapNodeData"),
        Input("name", "value"),
        Input("chosen", "data"),
        State("view", "data"),
        State("picked", "data"),
        prevent_initial_call=True,
    )
    def pick(tapped: Any, name: Any, chosen: Any, address: Any, picked: Any) -> Any:
        view = source.view(address)
        if view is None or not ctx.triggered or ctx.triggered[0]["value"] is None:
            raise dash.exceptions.PreventUpdate
        record, by = view.record, ctx.triggered_id
        if by == "name":
            if not name:
                return None, no_update, ""
            model = record.number.get(str(name).strip())
            if model is None:
                return no_update, no_update, "No model has this name."
            same = isinstance(picked, dict) and picked.get("model") == model
            return no_update if same else {"model": model}, no_update, ""
        if by == "network":
            node = int(str(tapped["id"])[1:])
            seen = look(view, node=node)
            if seen.model is None:
                return {"node": node}, "", ""
            return {"model": seen.model}, record.names[seen.model], ""
        seen = look(view, model=chosen.get("model"))
        if seen.model is None:
            raise dash.exceptions.PreventUpdate
        return {"model": seen.model}, record.names[seen.model], ""


def _influence(app: Dash, source: Source, influences: Influences) -> None:
    @app.callback(
        Output("influence", "children"),
        Input("ask", "n_clicks"),
        Input("picked", "data"),
        Input("view", "data"),
        prevent_initial_call=True,
    )
    def work_out(clicks: Any, picked: Any, address: Any) -> Any:
        view, asked = source.view(address), source.scenario(address)
        if view is None or asked is None:
            return ""
        # A point of a sweep may have fewer models than the one at which a model was picked.
        model = look(view, model=(picked or {}).get("model")).model
        if model is None:
            return ""
        scenario, seed = asked
        if ctx.triggered_id != "ask" and not influences.known(scenario, seed):
            return f"Takes a moment for {counted(len(view.record.names), 'model')}; worked out when you ask for it."
        try:
            matrix = influences.matrix(scenario, seed)
        except EcosystemError as error:
            return f"No influence to show. {str(error)[:1].upper()}{str(error)[1:]}"
        name = view.record.names[model]
        return panels.influence(name, effects(matrix, name))
