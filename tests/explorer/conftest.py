"""Ecosystems to look at, and a page of the explorer in a browser that reaches no other host."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from ecosystem import Scenario

SMALL: dict[str, Any] = {
    "name": "small",
    "description": "Three models in a row; the first one is curated.",
    "rounds": 6,
    "parameters": {"lam": 0.5},
    "outputs": {"kind": "categorical", "size": 2, "contexts": 2},
    "rewards": {"first": [1, 0]},
    "models": [
        {
            "name": "a",
            "reward": "first",
            "diet": {"real": "= 1 - lam", "curated": "= lam"},
            "curation": {"method": "luce", "candidates": 2},
        },
        {"name": "b", "reward": "first", "diet": {"real": 0.4, "neighbours_raw": 0.6}},
        {"name": "c", "reward": "first", "diet": {"real": 0.4, "neighbours_raw": 0.6}},
    ],
    "network": {"edges": [{"from": "a", "to": "b"}, {"from": "b", "to": "c"}, {"from": "a", "to": "c", "weight": 3}]},
}

USERS: dict[str, Any] = {
    "name": "asked",
    "rounds": 4,
    "outputs": {
        "kind": "categorical",
        "size": 4,
        "contexts": 2,
        "scores": {"lean": [1, 1, 0, 0], "quality": [1, 0, 1, 0]},
    },
    "rewards": {"good": [1, 0, 1, 0]},
    "models": [
        {
            "name": "m",
            "reward": "good",
            "initial": [[0.64, 0.16, 0.16, 0.04], [0.21, 0.14, 0.39, 0.26]],
            "diet": {"raw": 1},
        }
    ],
    "learning": {"regime": "incremental", "rate": 0.5, "sharing": 0.3},
    "users": {
        "groups": [
            {"name": "A", "size": 600000, "contexts": [0], "reward": "good"},
            {"name": "B", "size": 400000, "contexts": [1], "reward": "good"},
        ],
        "feedback": {"method": "linear", "group": "A", "step": 0.07, "cap": 0.95},
    },
}


@pytest.fixture
def small() -> Scenario:
    return Scenario(**SMALL)


@pytest.fixture
def users() -> Scenario:
    return Scenario(**USERS)


@dataclass
class Seen:
    """A page, and what went wrong on it."""

    page: Any
    failed: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)

    def listen(self, address: str) -> None:
        """Note what goes wrong from now on, and which hosts are asked but the one of this address."""

        def asked(request: Any) -> None:
            if not request.url.startswith((address, "data:", "blob:")):
                self.elsewhere.append(request.url)

        def answered(response: Any) -> None:
            if response.status >= 400:
                self.failed.append(f"{response.status} {response.url}")

        def said(message: Any) -> None:
            if message.type == "error":
                self.errors.append(message.text)

        self.page.on("request", asked)
        self.page.on("response", answered)
        self.page.on("requestfailed", lambda request: self.failed.append(request.url))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", said)

    def painted(self, round_: int) -> None:
        """Wait until the network shows a round."""
        self.page.wait_for_selector(f'#network-panel[data-painted="{round_}"]', timeout=60_000)

    def fill(self, node: int) -> str:
        """Return the colour of a node, as it is drawn."""
        script = f"document.getElementById('network')._cyreg.cy.getElementById('n{node}').style('background-color')"
        return str(self.page.evaluate(script))

    def clean(self) -> None:
        """Check that nothing failed, nothing was complained of, and no other host was asked."""
        assert (self.failed, self.errors, self.elsewhere) == ([], [], [])


@pytest.fixture
def show(browser: Any) -> Iterator[Callable[[Any], Seen]]:
    """Serve an application to a page of its own; another page may be opened beside it with `beside`."""
    from analysis.explorer.server import listen

    servers, contexts = [], []
    addresses: dict[int, str] = {}

    def show(app: Any) -> Seen:
        if id(app) not in addresses:
            server = listen(app, "127.0.0.1", 0)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            servers.append(server)
            addresses[id(app)] = f"http://127.0.0.1:{server.port}/"
        address = addresses[id(app)]
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        contexts.append(context)
        seen = Seen(context.new_page())
        seen.listen(address)
        seen.page.goto(address)
        return seen

    yield show
    for context in contexts:
        context.close()
    for server in servers:
        server.shutdown()
        server.server_close()
