"""What the server remembers of each tab: one ecosystem under a random token, and only so many of them."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import RLock

from analysis.explorer.live import Live
from analysis.explorer.placing import Picture
from analysis.explorer.record import Network, Record

MOST = 12
"""So many tabs are remembered; the one that was longest unused is forgotten first."""


@dataclass
class Baseline:
    """What a tab compares with: a record, and the settings and seed that gave it."""

    record: Record
    settings: Mapping[str, float]
    seed: int


@dataclass
class Session:
    """What belongs to one tab; whoever touches it holds its lock."""

    live: Live
    lock: RLock = field(default_factory=RLock, repr=False)
    baseline: Baseline | None = None
    picture: Picture | None = None
    network: Network | None = None
    """The network that the picture is of."""
    drawn: int = 0
    """Counts the networks that were drawn."""
    touches: int = 0
    """Counts what was asked for: of several moves of a slider that wait, only the last is made."""


class Sessions:
    """Sessions by token.

    Parameters
    ----------
    begin : callable
        Makes the ecosystem of a new tab.
    most : int
        How many are kept.
    """

    def __init__(self, begin: Callable[[], Live], most: int = MOST) -> None:
        self._begin = begin
        self._most = most
        self._kept: OrderedDict[str, Session] = OrderedDict()
        self._lock = RLock()

    def __len__(self) -> int:
        return len(self._kept)

    @staticmethod
    def token() -> str:
        """Return a token that nobody guesses."""
        return secrets.token_urlsafe(24)

    def find(self, token: str) -> Session | None:
        """Return the session of a token, None where there is none (any more)."""
        with self._lock:
            if token in self._kept:
                self._kept.move_to_end(token)
            return self._kept.get(token)

    def open(self, token: str) -> tuple[Session, bool]:
        """Return the session of a token, and whether it had to be begun."""
        with self._lock:
            found = self.find(token)
            if found is not None:
                return found, False
            self._kept[token] = Session(self._begin())
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
            return self._kept[token], True
