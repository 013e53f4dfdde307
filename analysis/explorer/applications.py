"""The two kinds of page: a finished run, and a scenario that runs while it is looked at."""

from __future__ import annotations

from threading import Timer
from typing import TYPE_CHECKING, Any

from dash import Dash, Input, Output, State, no_update

from analysis.explorer import callbacks, live_callbacks, page
from analysis.explorer.knobs import knobs as knobs_of
from analysis.explorer.live import Live
from analysis.explorer.looking import figures, look
from analysis.explorer.server import application
from analysis.explorer.sessions import Sessions
from analysis.explorer.views import Source, Stored, Tabs, View
from analysis.explorer.words import counted
from ecosystem.scenario.fields.learning import Until
from ecosystem.scenario.sweeps import points, variant

if TYPE_CHECKING:
    from ecosystem.scenario.scenario import Scenario
    from ecosystem.store.results import Results

WARMS_AFTER = 3.0
"""Seconds after the page was first asked for: it is drawn by then."""

FIRST_ROUNDS = 30
"""So many rounds a live ecosystem runs at first, if its scenario does not run fewer."""


def of_results(results: Results) -> Dash:
    """Return the page about a finished run.

    Parameters
    ----------
    results : Results
        A run directory.

    Raises
    ------
    EcosystemError
        If none of its runs is done.
    """
    stored = Stored(results)
    first = stored.address(stored.points[0].value, stored.seeds[0].value)
    view = stored.view(first)
    assert view is not None
    controls: list[Any] = []
    several = len(stored.points) > 1
    if several:
        controls.append(page.select("point", "Point of the sweep", stored.points, stored.points[0].value))
        controls.append(page.select("compared", "Compare with", stored.points, None, none="nothing"))
    if len(stored.seeds) > 1:
        controls.append(page.select("run-seed", "Seed", stored.seeds, stored.seeds[0].value))
    heading = _heading(results.scenario, f"finished · {counted(len(results.runs), 'run')}")
    charts = _charts(view)
    warming = Timer(WARMS_AFTER, stored.warm)
    warming.daemon = True

    def layout() -> Any:
        if warming.ident is None:
            warming.start()
        return page.page(heading, dict(first), look(view), charts, controls)

    app = application(heading.name, layout)
    callbacks.register(app, stored, charts)
    _choosing(app, stored, several, len(stored.seeds) > 1)
    return app


def of_scenario(scenario: Scenario) -> Dash:
    """Return the page on which a scenario runs; of one with a sweep, the first point.

    Parameters
    ----------
    scenario : Scenario
        The scenario.

    Raises
    ------
    EcosystemError
        If it cannot be built.
    """
    base = variant(scenario, points(scenario)[0])
    swept = {key: [point[key] for point in points(scenario)] for key in points(scenario)[0]}
    numbers = {key: [each for each in values if isinstance(each, (int, float))] for key, values in swept.items()}
    knobs = knobs_of(base, numbers)
    seed = base.seed_list[0]
    first = min(base.rounds.max if isinstance(base.rounds, Until) else base.rounds, FIRST_ROUNDS) or 1

    def begin() -> Live:
        live = Live(base, seed)
        live.target = first
        return live

    sessions = Sessions(begin)
    tabs: Source = Tabs(sessions, {knob.key: knob.name for knob in knobs})
    opening = begin()
    view = _view(opening)
    heading = _heading(scenario, "live")
    charts = _charts(view)

    def layout() -> Any:
        token = sessions.token()
        sessions.open(token)
        address = {"token": token, "version": 0}
        begun = tabs.view(address)
        assert begun is not None
        return page.page(heading, address, look(begun), charts, [], [page.knob_panel(knobs, seed, first)])

    app = application(heading.name, layout)
    callbacks.register(app, tabs, charts)
    live_callbacks.register(app, sessions, knobs, first, "explored")
    return app


def _view(live: Live) -> View:
    from analysis.explorer.placing import picture

    record = live.record
    return View(record, picture(len(record.names), record.network), "")


def _heading(scenario: Scenario, kind: str) -> page.Heading:
    return page.Heading(scenario.name, scenario.description, scenario.source, kind)


def _charts(view: View) -> list[str]:
    return [name for name, figure in figures(look(view)).items() if figure is not None]


def _choosing(app: Dash, stored: Stored, points_differ: bool, seeds_differ: bool) -> None:
    """Connect what chooses a run; what there is but one of has no control."""
    inputs = [*(["point", "compared"] if points_differ else []), *(["run-seed"] if seeds_differ else [])]
    if not inputs:
        return

    @app.callback(
        Output("view", "data"),
        [Input(name, "data") for name in inputs],
        [State("view", "data")],
        prevent_initial_call=True,
    )
    def choose(*chosen: Any) -> Any:
        *wanted, address = chosen
        numbers = {name: _number(value) for name, value in zip(inputs, wanted, strict=True)}
        point, seed = numbers.get("point"), numbers.get("run-seed")
        found = stored.address(
            stored.points[0].value if point is None else point,
            stored.seeds[0].value if seed is None else seed,
            numbers.get("compared"),
        )
        return no_update if found == address else found


def _number(value: Any) -> int | None:
    return None if value in (None, "") else int(value)
