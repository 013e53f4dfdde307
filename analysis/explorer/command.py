"""The command ``ecosystem explore``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ecosystem.cli import options
from ecosystem.errors import EcosystemError, did_you_mean
from ecosystem.extras import need

if TYPE_CHECKING:
    from dash import Dash

PORT = 8050


def explore(
    target: Annotated[
        str,
        typer.Argument(
            metavar="RUN|SCENARIO", help="A directory that `ecosystem run` wrote; or a scenario's file or name."
        ),
    ],
    port: Annotated[int, typer.Option(help="Where to serve the page.", min=1, max=65535)] = PORT,
    host: Annotated[
        str, typer.Option(help="The address to serve it on; another than this makes it reachable for others.")
    ] = "127.0.0.1",
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Whether to open a browser.")] = True,
    set_: options.Set = None,
    allow_code: options.AllowCode = False,
) -> None:
    """Look into a finished run, or try a scenario live, on a page in the browser.

    Of a run: go through its rounds, pick a model, see its neighbours, its settings and what curating it does.
    Of a scenario: move parameters, run on, and compare with a pinned baseline.
    """
    need("ecosystem explore", "explore", "dash", "dash_cytoscape", "igraph")
    from analysis.explorer.server import LOOPBACK, free, serve

    free(host, port)
    if host not in LOOPBACK:
        print(
            f"warning: with --host {host} whoever reaches this computer's port {port} can see and use the page; "
            "there is no password",
            file=sys.stderr,
        )
    serve(_application(target, options.overrides(set_), allow_code), host, port, browser)


def _application(target: str, overrides: dict[str, object], allow_code: bool) -> Dash:
    from analysis.explorer import applications

    path = Path(target)
    if path.is_dir():
        from ecosystem import open_results

        if overrides:
            raise EcosystemError(f"--set: {target} is a finished run, whose settings stay; name its scenario instead")
        return applications.of_results(open_results(path, allow_code=allow_code))
    from ecosystem.scenario.load import load_scenario
    from ecosystem.scenario.shipped import shipped

    if not path.exists() and target.replace("-", "_") not in shipped():
        raise EcosystemError(
            f"{target}: is neither a directory of a run, nor a scenario's file, nor a shipped scenario"
            f"{did_you_mean(path.stem, shipped())}"
        )
    scenario = load_scenario(target, overrides, allow_code=allow_code)
    return applications.of_scenario(scenario)
