"""The server: on this computer alone unless told otherwise, and nothing it serves comes from elsewhere."""

from __future__ import annotations

import errno
import html as escaping
import logging
import socket
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Timer

import flask
from dash import Dash, html
from werkzeug.serving import BaseWSGIServer, make_server

from ecosystem.errors import EcosystemError

LOOPBACK = ("127.0.0.1", "localhost", "::1")

_OPENS_AFTER = 0.5


def application(title: str, layout: Callable[[], html.Div]) -> Dash:
    """Return a Dash application that serves all it needs itself.

    Parameters
    ----------
    title : str
        Of the browser's tab.
    layout : callable
        Makes the page, anew for each tab.
    """
    app = Dash(
        "ecosystem",
        title=escaping.escape(title),
        update_title="",
        assets_folder=str(Path(__file__).parent / "assets"),
        serve_locally=True,
        suppress_callback_exceptions=True,
        add_log_handler=False,
        meta_tags=[{"name": "viewport", "content": "width=device-width, initial-scale=1"}],
        enable_mcp=False,
    )
    app.index_string = app.index_string.replace("<html>", '<html lang="en">')
    app.layout = layout
    return app


def guard(app: Dash, host: str) -> None:
    """Let the page ask no other host, run no script but its own, and answer to no other name than this computer's.

    A page elsewhere may point a name of its own at this computer; it would send that name as Host.
    """
    app.csp_hashes()
    local = host in LOOPBACK

    @app.server.before_request
    def own_name() -> flask.Response | None:
        name = flask.request.host.rpartition(":")[0] if ":" in flask.request.host else flask.request.host
        if local and name.strip("[]") not in LOOPBACK:
            return flask.Response("this page is only served to this computer\n", status=403, mimetype="text/plain")
        return None

    @app.server.after_request
    def policy(response: flask.Response) -> flask.Response:
        scripts = " ".join(["'self'", *app.csp_hashes()])
        response.headers["Content-Security-Policy"] = (
            f"default-src 'self'; script-src {scripts}; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
            "font-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        return response


def free(host: str, port: int) -> None:
    """Raise if a port cannot be listened on.

    Raises
    ------
    EcosystemError
        The port is taken or not allowed, or this computer has no such address.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise EcosystemError(f"--port {port}: is taken by another program; choose another one") from error
            if error.errno == errno.EACCES:
                raise EcosystemError(f"--port {port}: may not be used; choose one from 1024 to 65535") from error
            raise EcosystemError(f"--host {host}: cannot be listened on ({error.strerror or error})") from error


def listen(app: Dash, host: str, port: int) -> BaseWSGIServer:
    """Return a server that listens, guarded, and answers once it is told to serve.

    Parameters
    ----------
    app : Dash
        The application.
    host : str
        The address to listen on.
    port : int
        The port; 0 for any that is free.

    Raises
    ------
    EcosystemError
        The address or port cannot be had.
    """
    free(host, port)
    guard(app, host)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    return make_server(host, port, app.server, threaded=True)


def serve(app: Dash, host: str, port: int, browser: bool) -> None:
    """Serve the page until interrupted.

    Parameters
    ----------
    app : Dash
        The application.
    host : str
        The address to listen on.
    port : int
        The port.
    browser : bool
        Whether to open the page in a browser.

    Raises
    ------
    EcosystemError
        The address or port cannot be had.
    """
    server = listen(app, host, port)
    shown = "127.0.0.1" if host in ("0.0.0.0", "::", "") else f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{port}/"
    print(f"explorer: {address} (Ctrl+C ends it)", flush=True)
    if browser:
        opener = Timer(_OPENS_AFTER, webbrowser.open, (address,))
        opener.daemon = True
        opener.start()
    with suppress(KeyboardInterrupt):
        server.serve_forever()
