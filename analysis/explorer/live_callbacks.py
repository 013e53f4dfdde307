"""What happens when a live ecosystem's sliders and buttons are touched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dash
from dash import ALL, Dash, Input, Output, State, ctx

from analysis.explorer.knobs import Knob
from analysis.explorer.sessions import Baseline, Session, Sessions
from analysis.explorer.views import told
from analysis.explorer.words import counted
from ecosystem.errors import EcosystemError

PATIENCE = 0.15
"""Seconds that a touch may compute before the page hears of it; the rest follows in the next ones."""


@dataclass(frozen=True)
class Touch:
    """What was touched, and how everything stands.

    Attributes
    ----------
    what : str
        `knob`, `run-on`, `reset`, `pin`, `unpin`, `seed`, or `tick` for nothing but time.
    settings : mapping of str to float
        Where the sliders stand.
    change : bool
        Whether a slider acts from now on, not from the start.
    more : int
        How many rounds to run on.
    seed : int
        The seed.
    """

    what: str
    settings: Mapping[str, float]
    change: bool = False
    more: int = 1
    seed: int = 0


def act(session: Session, touch: Touch, first: int, born: bool = False, patience: float = PATIENCE) -> tuple[bool, str]:
    """Do what was asked for; return whether the ecosystem is at its target, and what went wrong.

    Parameters
    ----------
    session : Session
        Whose ecosystem it is.
    touch : Touch
        What was asked for.
    first : int
        How many rounds are run at first.
    born : bool
        Whether the session has just been begun, so that its settings may not be those of the page.
    patience : float
        Seconds to compute at most, one round at least.
    """
    live, problem = session.live, ""
    session.touches += 1
    mine = session.touches
    with session.lock:
        if touch.what == "knob" and mine != session.touches:
            return False, ""
        try:
            if born or touch.what in ("reset", "seed"):
                live.restart(touch.settings, touch.seed)
                live.target = live.target if touch.what == "seed" and not born else first
            elif touch.what == "knob" and touch.settings != live.settings:
                (live.change if touch.change else live.restart)(touch.settings)
            elif touch.what == "run-on":
                live.target = live.round + touch.more
            elif touch.what == "pin":
                session.baseline = Baseline(live.record, dict(touch.settings), live.seed)
            elif touch.what == "unpin":
                session.baseline = None
            if live.target > live.most:
                problem = f"Only {counted(live.most, 'round')} are kept here; run more with “ecosystem run”."
            return live.advance(patience), problem
        except EcosystemError as error:
            return True, str(error)


def register(app: Dash, sessions: Sessions, knobs: Sequence[Knob], first: int, name: str) -> None:
    """Connect sliders and buttons.

    Parameters
    ----------
    app : Dash
        The application.
    sessions : Sessions
        The tabs' ecosystems.
    knobs : sequence of Knob
        The sliders.
    first : int
        How many rounds are run at first.
    name : str
        What a saved scenario's file is called.
    """
    names = {knob.key: knob.name for knob in knobs}
    at_first = {knob.key: knob.value for knob in knobs}

    @app.callback(
        Output("view", "data"),
        Output("tick", "disabled"),
        Output("problem", "children"),
        Output("baseline", "children"),
        Output("unpin", "disabled"),
        Input({"type": "knob", "number": ALL}, "value"),
        Input("run-on", "n_clicks"),
        Input("reset", "n_clicks"),
        Input("pin", "n_clicks"),
        Input("unpin", "n_clicks"),
        Input("seed", "value"),
        Input("tick", "n_intervals"),
        State("mode", "value"),
        State("more", "value"),
        State("view", "data"),
        prevent_initial_call=True,
    )
    def touched(
        values: Any, run: Any, reset: Any, pin: Any, unpin: Any, seed: Any, tick: Any, mode: Any, more: Any,
        address: Any,
    ) -> Any:  # fmt: skip
        by = ctx.triggered_id
        what = "knob" if isinstance(by, dict) else str(by)
        moved = {knob.key: knob.read(value) for knob, value in zip(knobs, values, strict=True)}
        settings = at_first if what == "reset" else moved
        touch = Touch(what, settings, mode == "change", _whole(more, 1), _whole(seed, 0))
        session, born = sessions.open(address["token"])
        there, problem = act(session, touch, first, born)
        # Always a view, though it may show nothing new: a page that is told of none forgets to draw the one before.
        return (
            {"token": address["token"], "version": address.get("version", 0) + 1},
            there,
            problem,
            _pinned(session.baseline, names),
            session.baseline is None,
        )

    @app.callback(
        Output({"type": "knob", "number": ALL}, "value"), Input("reset", "n_clicks"), prevent_initial_call=True
    )
    def back(clicks: Any) -> Any:
        return list(at_first.values())

    @app.callback(Output("run-on", "children"), Input("more", "value"))
    def name_run(more: Any) -> str:
        return f"Run on {counted(_whole(more, 1), 'round')}"

    @app.callback(Output("saved", "data"), Input("save", "n_clicks"), State("view", "data"), prevent_initial_call=True)
    def save(clicks: Any, address: Any) -> Any:
        session = sessions.find(address["token"])
        if session is None:
            raise dash.exceptions.PreventUpdate
        with session.lock:
            return {"content": session.live.written(), "filename": f"{name}.yaml", "type": "text/yaml"}


def _pinned(baseline: Baseline | None, names: Mapping[str, str]) -> str:
    if baseline is None:
        return ""
    rounds = counted(int(baseline.record.rounds[-1]), "round")
    return f"Pinned: {rounds}, {told(baseline.settings, names, baseline.seed)}."


def _whole(value: Any, least: int) -> int:
    return max(int(value), least) if isinstance(value, (int, float)) else least
